"""Counting publication windows with DuckDB: whole dates anew, or what a batch changed in them.

What changed follows from the files: those that the batch staged against those that they replace.
Either way gives the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.count_sql import (
    alignments_sql,
    changed_dyads_sql,
    comentions_sql,
    coverage_sql,
)
from transforms.parquet_io import plain_schema, read_table, write_table
from transforms.partitions import Place, Staged, in_order
from transforms.parts import (
    WINDOW_PARTS,
    number_of,
    overlaid,
    part_files,
    part_path,
    read_columns,
    stated_parts,
    stored_files,
    window_parts,
    with_parts,
)
from transforms.schemas import (
    ALIGNMENTS,
    ARTICLES,
    COMENTIONS,
    COVERAGE,
    DATASETS,
    REJECTS,
    STANCES,
    Dataset,
)
from transforms.settings import AggregateSettings

AGGREGATES = (ALIGNMENTS, COMENTIONS, COVERAGE)
COUNTED_BY = b"counted_by"
COVERED = (
    "story_id",
    "is_canonical",
    "published_at",
    "outlet",
    "feed_url",
    "language",
    "analysed",
)
NAMED = (
    "is_canonical",
    "published_at",
    "story_articles",
    "story_actors",
    "story_rollups",
    "coding_version",
)
EVIDENCE = (
    "stance_id",
    "story_id",
    "published_at",
    "source_actor",
    "source_rollup",
    "target_actor",
    "target_rollup",
    "stance",
    "voice",
    "score",
    "confidence",
    "counted",
    "story_articles",
    "story_outlets",
    "coding_version",
)
REFUSED = ("at", "outlet", "feed_url")
PAIR_FIGURES = ("stories", "articles")
FIGURES = ("fetched", "analysed", "copies", "stories", "rejects")
COUNTED_FROM = (ARTICLES, STANCES, REJECTS)


@dataclass(frozen=True, slots=True)
class BatchFiles:
    """A store's files and those that a batch has staged: (dataset, date) -> paths in `staging`.

    `removed` are stored files that go. What is counted on dates from `parts_since` on is made in
    parts where there is nothing yet; empty: on none.
    """

    root: Path
    staging: Path
    staged: Mapping[tuple[str, str], Sequence[str]]
    removed: frozenset[Path] = frozenset()
    parts_since: str = ""

    def now(self, dataset: Dataset, day: str) -> list[Path]:
        """Return where a partition's rows will be: what is staged, and what stays as stored."""
        stored = stored_files(self.root, dataset, day)
        left = (path for path in stored if path not in self.removed)
        return overlaid(left, self.after(dataset, day))

    def after(self, dataset: Dataset, day: str) -> list[Path]:
        """Return the files that the batch has staged of a partition."""
        return [self.staging / path for path in self.staged.get((dataset.name, day), ())]

    def before(self, dataset: Dataset, day: str) -> list[Path]:
        """Return the stored files that those replace."""
        paths = [self.root / path for path in self.staged.get((dataset.name, day), ())]
        return [path for path in paths if path.exists()]

    def size(self, day: str) -> int:
        """Return the bytes of what one date is counted from."""
        return sum(path.stat().st_size for data in COUNTED_FROM for path in self.now(data, day))

    def is_counted(self, day: str, rule: str) -> bool:
        """Return whether what is stored of a date was counted by this rule."""
        counted = stored_files(self.root, COVERAGE, day)
        if not counted:
            return not any(stored_files(self.root, dataset, day) for dataset in COUNTED_FROM)
        found = {(pq.read_schema(path).metadata or {}).get(COUNTED_BY, b"") for path in counted}
        return found == {rule.encode()}

    def counted(self, place: Place) -> tuple[int, list[Path]]:
        """Return of how many parts an aggregate's partition is, and its stored files that stay."""
        dataset = DATASETS[place.dataset]
        files = [
            path for path in part_files(self.root, dataset, place.day) if path not in self.removed
        ]
        if files:
            parts = stated_parts(pq.read_schema(files[0]))
            return parts, files if parts > 1 else files[:1]
        is_new_in_parts = self.parts_since and place.day >= self.parts_since
        return WINDOW_PARTS if is_new_in_parts else 1, []


def counting_rule(settings: AggregateSettings) -> str:
    """Return what stands for how windows are counted, 16 hex digits."""
    granularities = settings.granularities
    parts = (
        settings.model_dump_json(),
        alignments_sql(granularities),
        comentions_sql(granularities),
        coverage_sql(granularities),
    )
    return hashlib.blake2b("\x00".join(parts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows of an aggregate, each with its date in `day`, sorted by it.

    `replaced` are the keys of the stored rows that go; where it is None, all of them go.
    """

    rows: pa.Table
    replaced: pa.Table | None = None


def count_dates(
    own: Sequence[str],
    read: Sequence[str],
    files: BatchFiles,
    settings: AggregateSettings,
    afresh: bool = False,
) -> Iterator[Staged]:
    """Stage the aggregates of the dates `own` from all that is on the dates `read`.

    `read` holds `own`, and the seven dates of each week that is counted. Where what is stored was
    counted by the same rule, only what the staged files change is counted, unless `afresh`.
    """
    rule = counting_rule(settings)
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'").fetchall()
        connection.register("own_days", pa.table({"day": [date.fromisoformat(d) for d in own]}))
        afresh = afresh or not all(files.is_counted(day, rule) for day in own)
        count = _Count(connection, own, read, files, settings, rule)
        for dataset, counted in (
            (ALIGNMENTS, count.alignments(afresh)),
            (COMENTIONS, count.comentions(afresh)),
            (COVERAGE, count.coverage(afresh)),
        ):
            by_day = dict(_by_day(counted.rows))
            for day in own:
                fresh = by_day.get(day, counted.rows.slice(0, 0)).select(dataset.schema.names)
                yield from count.stage(Place(dataset.name, day), fresh, counted.replaced, afresh)


def _by_day(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows of each day of a table that is sorted by its column `day`."""
    start = 0
    for run in table["day"].combine_chunks().value_counts().to_pylist():
        yield run["values"], table.slice(start, run["counts"])
        start += run["counts"]


def _by_part(windows: pa.Table, parts: int) -> dict[int, pa.Table]:
    """Return the rows of windows by the part that they belong to."""
    if parts == 1:
        return {0: windows} if len(windows) else {}
    numbers = window_parts(windows["granularity"], windows["window_start"])
    return {
        number: windows.filter(pc.equal(numbers, number))
        for number in sorted(pc.unique(numbers).to_pylist())
    }


def _of_day(windows: pa.Table, day: str) -> pa.Table:
    """Return the rows of windows that begin on a date."""
    return windows.filter(
        pc.equal(windows["window_start"].cast(pa.date32()), date.fromisoformat(day))
    )


class _Count:
    """The counts of some dates, by one connection."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        own: Sequence[str],
        read: Sequence[str],
        files: BatchFiles,
        settings: AggregateSettings,
        rule: str,
    ) -> None:
        self._connection = connection
        self._rule = rule
        self._own = own
        self._read = read
        self._files = files
        self._granularities = settings.granularities
        self._dead_band = settings.mixed_dead_band
        self._read_once: dict[Path, pa.Table] = {}

    def alignments(self, afresh: bool) -> Counted:
        """Return `alignments`, all counted afresh or those of dyads in windows that changed."""
        self._register("stances", STANCES, EVIDENCE, self._read)
        dead_band = [self._dead_band]
        if afresh:
            counted = alignments_sql(self._granularities, own=True)
            return Counted(self._rows(ALIGNMENTS, counted, dead_band))
        self._register_changes(STANCES, EVIDENCE)
        changes = "(SELECT * FROM gone UNION ALL SELECT * FROM come)"
        self._make_table("changed_dyads", changed_dyads_sql(changes, self._granularities))
        counted = alignments_sql(self._granularities, own=True, changed=True)
        return Counted(
            self._rows(ALIGNMENTS, counted, dead_band),
            self._connection.table("changed_dyads").to_arrow_table(),
        )

    def comentions(self, afresh: bool) -> Counted:
        """Return `comentions`, all counted afresh or with the changes added up."""
        if not afresh:
            self._register_changes(ARTICLES, NAMED)
            keys = self._change_comentions()
            self._connection.register("stored", self._stored_of(COMENTIONS, keys))
            afresh = self._versions() > 1
        if afresh:
            self._register("articles", ARTICLES, NAMED, self._read)
            return Counted(self._rows(COMENTIONS, comentions_sql(self._granularities, own=True)))
        sql = self._added_up(COMENTIONS, PAIR_FIGURES, ", c.coding_version")
        return Counted(self._rows(COMENTIONS, f"{sql} WHERE stories > 0"), keys)

    def _change_comentions(self) -> pa.Table:
        """Make `changes`, what a batch adds to co-mentions and takes away; returns its keys."""
        come, gone = (
            comentions_sql(self._granularities, articles=rows) for rows in ("come", "gone")
        )
        greatest = ", max(coding_version) AS coding_version"
        return self._make_changes(COMENTIONS, PAIR_FIGURES, come, gone, greatest)

    def coverage(self, afresh: bool) -> Counted:
        """Return `coverage`, all counted afresh or with what changed in stories added up."""
        self._register("articles", ARTICLES, COVERED, self._read)
        if afresh:
            self._register("rejects", REJECTS, REFUSED, self._read)
            return Counted(self._rows(COVERAGE, coverage_sql(self._granularities, own=True)))
        keys = self._change_coverage()
        self._connection.register("stored", self._stored_of(COVERAGE, keys))
        sql = self._added_up(COVERAGE, FIGURES)
        return Counted(self._rows(COVERAGE, f"{sql} WHERE fetched + rejects > 0"), keys)

    def _change_coverage(self) -> pa.Table:
        """Make `changes` of coverage, from the articles of stories with an article that changed
        and from rejects; returns its keys.
        """
        self._register_changes(REJECTS, REFUSED)
        self._make_table("rejects_gone", "SELECT * FROM gone")
        self._make_table("rejects_come", "SELECT * FROM come")
        self._register_changes(ARTICLES, COVERED)
        stories = "SELECT story_id FROM gone UNION SELECT story_id FROM come"
        self._make_table("articles_now", f"SELECT * FROM articles WHERE story_id IN ({stories})")
        self._make_table(
            "articles_once",
            "(SELECT * FROM articles_now EXCEPT ALL SELECT * FROM come)"
            " UNION ALL SELECT * FROM gone",
        )
        now, once = (
            coverage_sql(self._granularities, own=True, articles=articles, rejects=rejects)
            for articles, rejects in (
                ("articles_now", "rejects_come"),
                ("articles_once", "rejects_gone"),
            )
        )
        return self._make_changes(COVERAGE, FIGURES, now, once)

    def _make_changes(
        self, dataset: Dataset, figures: Sequence[str], now: str, once: str, more: str = ""
    ) -> pa.Table:
        """Make `changes`, by how much what `now` counts differs from what `once` counts; returns
        the keys. `more` are further columns of the sums.
        """
        key = ", ".join(dataset.key)
        less = ", ".join(f"-{name} AS {name}" for name in figures)
        sums = ", ".join(f"sum({name}) AS {name}" for name in figures)
        changed = " OR ".join(f"sum({name}) <> 0" for name in figures)
        self._make_table(
            "changes",
            f"""SELECT {key}, window_end, {sums}{more}
                FROM (SELECT * FROM ({now}) UNION ALL BY NAME
                      SELECT * REPLACE ({less}) FROM ({once}))
                GROUP BY {key}, window_end HAVING {changed}""",
        )
        return self._connection.sql(f"SELECT {key} FROM changes").to_arrow_table()

    def _added_up(self, dataset: Dataset, figures: Sequence[str], more: str = "") -> str:
        """Return SQL for the stored rows that `changes` names, with the changes added."""
        key = ", ".join(dataset.key)
        sums = ", ".join(
            f"CAST(c.{name} + coalesce(s.{name}, 0) AS INTEGER) AS {name}" for name in figures
        )
        return f"""SELECT * FROM (
                SELECT {key}, c.window_end, {sums}{more}
                FROM changes AS c LEFT JOIN stored AS s USING ({key}))"""

    def stage(
        self, place: Place, fresh: pa.Table, replaced: pa.Table | None, whole: bool
    ) -> Iterator[Staged]:
        """Stage the files of a partition that its fresh rows change, all of them if `whole`.

        `replaced` is as in `Counted`.
        """
        dataset = DATASETS[place.dataset]
        parts, stored = self._files.counted(place)
        numbers = {number_of(path) for path in stored}
        come = _by_part(fresh, parts)
        go = dict.fromkeys(numbers, replaced)
        if replaced is not None and "window_start" in replaced.schema.names:
            # What is replaced says where it is, and is another row than it was.
            go = dict(_by_part(_of_day(replaced, place.day), parts))
            numbers = {*go}
        for number in sorted({*come, *numbers}):
            path = part_path(self._files.root, dataset, place.day, number)
            rows = come.get(number, fresh.slice(0, 0))
            if replaced is not None:
                rows = self._with_kept(path, dataset, rows, go.get(number))
            ordered = in_order(dataset, rows)
            if whole or not ordered.cast(plain_schema(dataset)).equals(self._stored(path, dataset)):
                yield self._write(place, ordered, number, parts)

    def _write(self, place: Place, rows: pa.Table, number: int, parts: int) -> Staged:
        """Write a file of a partition; without rows it goes away."""
        metadata = {**(rows.schema.metadata or {}), COUNTED_BY: self._rule.encode()}
        path = part_path(self._files.staging, DATASETS[place.dataset], place.day, number)
        write_table(with_parts(rows.replace_schema_metadata(metadata), parts), path)
        return Staged(place, path.relative_to(self._files.staging).as_posix(), len(rows))

    def _with_kept(
        self, path: Path, dataset: Dataset, fresh: pa.Table, replaced: pa.Table | None
    ) -> pa.Table:
        """Return a file's fresh rows with the stored ones that stay."""
        stored = self._stored(path, dataset)
        if replaced is None:
            return pa.concat_tables([stored, fresh.cast(stored.schema)])
        self._connection.register("held", stored).register("replaced", replaced)
        key = ", ".join(replaced.schema.names)
        sql = f"SELECT held.* FROM held ANTI JOIN replaced USING ({key})"
        kept = self._connection.sql(sql).to_arrow_table().cast(stored.schema)
        return pa.concat_tables([kept, fresh.cast(kept.schema)])

    def _stored(self, path: Path, dataset: Dataset) -> pa.Table:
        """Return the rows of a stored file, none where there is none; enums as text."""
        if path not in self._read_once:
            self._read_once[path] = read_table(dataset, path).cast(plain_schema(dataset))
        return self._read_once[path]

    def _stored_of(self, dataset: Dataset, keys: pa.Table) -> pa.Table:
        """Return the stored rows of the files that some rows' windows are in."""
        tables = [plain_schema(dataset).empty_table()]
        for day in self._own:
            parts, stored = self._files.counted(Place(dataset.name, day))
            numbers = _by_part(_of_day(keys, day), parts)
            tables += [self._stored(p, dataset) for p in stored if number_of(p) in numbers]
        return pa.concat_tables(tables)

    def _versions(self) -> int:
        """Return how many coding versions there are: the greatest one can't be subtracted."""
        sql = """SELECT count(DISTINCT coding_version) FROM (
                     SELECT coding_version FROM gone UNION ALL SELECT coding_version FROM come
                     UNION ALL SELECT coding_version FROM stored)"""
        return int(self._connection.execute(sql).fetchall()[0][0])

    def _register(
        self, name: str, dataset: Dataset, columns: Sequence[str], days: Iterable[str]
    ) -> None:
        files = [path for day in days for path in self._files.now(dataset, day)]
        self._connection.register(name, read_columns(dataset, files, columns))

    def _register_changes(self, dataset: Dataset, columns: Sequence[str]) -> None:
        """Register what the batch takes away from a dataset and what it brings."""
        for name, files in (("before", self._files.before), ("after", self._files.after)):
            paths = [path for day in self._own for path in files(dataset, day)]
            self._connection.register(name, read_columns(dataset, paths, columns))
        for name, first, second in (("gone", "before", "after"), ("come", "after", "before")):
            sql = f"SELECT * FROM {first} EXCEPT ALL SELECT * FROM {second}"
            self._make_table(name, sql)

    def _make_table(self, name: str, sql: str) -> None:
        # A statement counts as unfinished until its result has been fetched.
        self._connection.execute(f"CREATE OR REPLACE TABLE {name} AS {sql}").fetchall()

    def _rows(self, dataset: Dataset, sql: str, params: Sequence[float] = ()) -> pa.Table:
        names = ", ".join(dataset.schema.names)
        day = "strftime(window_start, '%Y-%m-%d')"
        whole = f"SELECT {names}, {day} AS day FROM ({sql}) ORDER BY day"
        return self._connection.sql(whole, params=list(params)).to_arrow_table()
