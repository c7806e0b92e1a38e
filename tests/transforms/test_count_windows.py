"""Windows counted in SQL, afresh or from what a batch changes, are those of the rule in Python."""

from __future__ import annotations

import shutil
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.aggregate import aggregate_row, comention_keys, contributions, coverage_keys
from transforms.aggregate_windows import plan_weeks, staged_paths
from transforms.count_windows import AGGREGATES, BatchFiles, count_dates
from transforms.parquet_io import partition_path, read_rows, sort_rows, write_rows
from transforms.partitions import Clear, Place, Rows, Staged, stage
from transforms.parts import WINDOW_PARTS, file_parts, number_of, stated_parts
from transforms.schemas import ARTICLES, REJECTS, STANCES
from transforms.settings import AggregateSettings

START = datetime(2026, 11, 6, tzinfo=UTC)  # a Friday, so that a few days reach into two weeks
ACTORS = ("USA", "CHN", "RUS", "vladimir-putin")
ROLLUPS = {"vladimir-putin": "RUS"}
EVIDENCE = st.tuples(
    st.sampled_from(ACTORS),
    st.sampled_from(ACTORS),
    st.sampled_from([("supportive", 0.5), ("opposed", -0.5), ("opposed", -0.9), ("neutral", 0.0)]),
    st.sampled_from([0.35, 0.8]),
    st.sampled_from(["outlet", "third_party"]),
    st.booleans(),
)
# A story, in which hour it was published, its actors, its evidence, articles, and its coding.
STORY = st.tuples(
    st.sampled_from("stuvw"),
    st.integers(0, 5 * 24),
    st.lists(st.sampled_from(ACTORS), max_size=4),
    st.lists(EVIDENCE, max_size=3),
    st.integers(1, 3),
    st.sampled_from(["v1", "v1", "v1", "v2"]),
)
BATCHES = st.lists(st.lists(STORY, max_size=3, unique_by=lambda s: s[0]), min_size=1, max_size=4)


def rolled(actor: str) -> str:
    return ROLLUPS.get(actor, actor)


def story_rows(story: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of `articles` and `stances` of one story."""
    name, hours, actors, evidence, count, version = story
    published = START + timedelta(hours=hours, minutes=3)
    outlets = [f"o{number}" for number in range(count)]
    shared = {"story_id": name, "story_articles": count, "coding_version": version}
    articles = [
        {**dict.fromkeys(ARTICLES.schema.names), **shared,
         "article_id": f"{name}-{number}", "is_canonical": number == 0, "outlet": outlet,
         "published_at": published + timedelta(hours=number), "language": "en",
         "analysed": number == 0, "story_outlets": outlets, "story_actors": actors,
         "story_rollups": [rolled(actor) for actor in actors]}
        for number, outlet in enumerate(outlets)
    ]  # fmt: skip
    stances = [
        {**dict.fromkeys(STANCES.schema.names), **shared,
         "stance_id": f"{name}-{number}", "article_id": f"{name}-0", "published_at": published,
         "source_actor": source, "target_actor": target, "source_rollup": rolled(source),
         "target_rollup": rolled(target), "stance": stance, "voice": voice, "score": score,
         "confidence": confidence, "counted": counted, "story_outlets": outlets}
        for number, (source, target, (stance, score), confidence, voice, counted)
        in enumerate(evidence)
    ]  # fmt: skip
    return articles, stances


def by_place(dataset: Any, rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row[dataset.partition_by].date().isoformat()].append(row)
    return found


class Store:
    """A store that batches of stories are put into, and what it should hold."""

    def __init__(self, folder: Path, parts: int, settings: AggregateSettings) -> None:
        self.root, self.staging = folder / "store", folder / "staging"
        self.parts = parts
        self.settings = settings
        self.rows: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}

    def put(self, stories: list[Any], refused: list[dict[str, Any]] = []) -> list[Staged]:  # noqa: B006
        staged: list[Staged] = []
        fresh = {story[0]: story_rows(story) for story in stories}
        for number, dataset in enumerate((ARTICLES, STANCES)):
            changes: dict[str, list[Any]] = defaultdict(list)
            for name in fresh:
                for day in by_place(dataset, self.rows.get(name, ([], []))[number]):
                    changes[day].append(Clear("story_id", name))
            new = [row for rows in fresh.values() for row in rows[number]]
            for day, rows in by_place(dataset, new).items():
                changes[day].append(Rows(rows))
            for day, some in sorted(changes.items()):
                place = Place(dataset.name, day)
                staged += stage(self.root, self.staging, place, some, self.parts)
        for day, rows in by_place(REJECTS, refused).items():
            staged += stage(self.root, self.staging, Place(REJECTS.name, day), [Rows(rows)])
        self.rows.update(fresh)
        since = "2026-11-01" if self.parts > 1 else ""
        files = BatchFiles(self.root, self.staging, staged_paths(staged), parts_since=since)
        counted = [
            one
            for task in plan_weeks({s.place.day for s in staged}, files.size)
            for one in count_dates(task.own, task.read, files, self.settings)
        ]
        for one in (*staged, *counted):
            target = self.root / one.path
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.staging / one.path).replace(target)
            if not one.rows:
                target.unlink()
        return counted

    def expected(self, refused: list[dict[str, Any]] = []) -> dict[str, list[dict[str, Any]]]:  # noqa: B006
        """What the rule in Python makes of all rows."""
        articles = [row for rows, _ in self.rows.values() for row in rows]
        stances = [row for _, rows in self.rows.values() for row in rows]
        names, groups = self.settings.granularities, defaultdict(list)
        for key, value in chain[Any](
            contributions(stances, names, self.settings.mixed_dead_band),
            # A date's at a time, as each lies in a partition of its own.
            *(comention_keys(rows, names) for rows in by_place(ARTICLES, articles).values()),
            coverage_keys(articles, refused, names),
        ):
            groups[key].append(value)
        found: dict[str, list[dict[str, Any]]] = {data.name: [] for data in AGGREGATES}
        for key, values in groups.items():
            name, row = aggregate_row(key, values)
            found[name].append(row)
        return {d.name: sort_rows(d, found[d.name]) for d in AGGREGATES}

    def held(self) -> dict[str, list[dict[str, Any]]]:
        found = {}
        for dataset in AGGREGATES:
            rows = []
            for path in sorted((self.root / dataset.name).rglob("*.parquet")):
                here = read_rows(dataset, path)
                if self.parts > 1:
                    assert stated_parts(pq.read_schema(path)) == WINDOW_PARTS
                    assert file_parts(dataset, path, WINDOW_PARTS) == {number_of(path)}
                day = path.parent.name.removeprefix("date=")
                assert here == sort_rows(dataset, here)
                assert {row["window_start"].date().isoformat() for row in here} == {day}
                rows += here
            found[dataset.name] = sort_rows(dataset, rows)
        return found


@settings(max_examples=25, deadline=None)
@given(BATCHES, st.sampled_from([1, 24]))
def test_each_batch_leaves_what_the_rule_makes_of_everything(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Any]], parts: int
) -> None:
    store = Store(tmp_path_factory.mktemp("count"), parts, AggregateSettings())
    for stories in batches:
        store.put(stories)
        assert store.held() == store.expected()


def story(name: str, hours: int = 1, **over: Any) -> tuple[Any, ...]:
    values = {
        "actors": ["USA", "CHN"],
        "evidence": [("USA", "CHN", ("opposed", -0.5), 0.8, "outlet", True)],
        "articles": 1,
        "version": "v1",
    } | over
    return (name, hours, *values.values())


def test_windows_that_nothing_changes_in_are_not_written(tmp_path: Path) -> None:
    store = Store(tmp_path, 24, AggregateSettings())
    store.put([story("a", 1), story("b", 24 * 4)])
    again = store.put([story("c", 2, evidence=[], actors=["USA"])])
    assert {one.place.dataset for one in again} == {"coverage"}
    assert store.put([]) == []


def test_a_batch_writes_the_hours_that_it_brings_and_not_the_others(tmp_path: Path) -> None:
    store = Store(tmp_path, 24, AggregateSettings())
    store.put([story("a", 1), story("b", 3), story("c", 23)])
    again = store.put([story("d", 3)])
    written: dict[str, set[str]] = defaultdict(set)
    for one in again:
        written[one.place.day].add(Path(one.path).name)
    day, hour_3, week = "part-00000.parquet", "part-00004.parquet", "part-00025.parquet"
    # A Friday, whose week is in the partition of its Monday.
    assert written == {"2026-11-06": {day, hour_3}, "2026-11-02": {week}}
    assert {one.place.dataset for one in again} == {"alignments", "comentions", "coverage"}
    assert store.held() == store.expected()


def test_a_partition_of_counts_stays_as_it_was_made(tmp_path: Path) -> None:
    store = Store(tmp_path, 1, AggregateSettings())
    store.put([story("a", 1)])
    store.parts = 24
    store.put([story("b", 2), story("c", 24)])
    names = defaultdict(set)
    for path in (store.root / "alignments").rglob("*.parquet"):
        names[path.parent.name].add(path.name)
    assert names["date=2026-11-06"] == {"part-00000.parquet"}
    assert names["date=2026-11-07"] == {"part-00000.parquet", "part-00001.parquet"}
    store.parts = 1
    assert store.held() == store.expected()


def test_rejects_are_covered(tmp_path: Path) -> None:
    store = Store(tmp_path, 1, AggregateSettings())
    refused = [
        {**dict.fromkeys(REJECTS.schema.names), "reject_id": "r", "at": START, "outlet": "o1"}
    ]
    store.put([story("a")])
    store.put([], refused)
    assert store.held() == store.expected(refused)


def test_another_rule_counts_the_touched_dates_afresh(tmp_path: Path) -> None:
    """A changed dead band or choice of windows holds for all of a date, not for new rows alone."""
    both = [
        ("USA", "CHN", ("opposed", -0.5), 0.8, "outlet", True),
        ("USA", "CHN", ("supportive", 0.5), 0.35, "outlet", True),
    ]
    store = Store(tmp_path, 1, AggregateSettings(mixed_dead_band=0.1))
    store.put([story("a", 1, evidence=both)])
    assert store.held()["alignments"][0]["opposed"] == 1
    store.settings = AggregateSettings(mixed_dead_band=0.9)
    store.put([story("b", 2, evidence=[("RUS", "USA", ("opposed", -0.95), 0.8, "outlet", True)])])
    assert store.held() == store.expected()
    store.settings = AggregateSettings(granularities=("day",))
    store.put([story("c", 3)])
    assert {row["granularity"] for row in store.held()["coverage"]} == {"day"}
    assert store.held() == store.expected()


def test_counts_that_another_program_wrote_are_made_afresh(tmp_path: Path) -> None:
    store = Store(tmp_path, 1, AggregateSettings())
    store.put([story("a", 1), story("b", 30)])
    for dataset in AGGREGATES:
        for path in sorted((store.root / dataset.name).rglob("*.parquet")):
            if dataset.name == "coverage":
                write_rows(dataset, read_rows(dataset, path), path)
            else:
                shutil.rmtree(path.parent)
    store.put([story("c", 3), story("d", 31)])
    assert store.held() == store.expected()
    gone = partition_path(store.root, AGGREGATES[2], START.date())
    gone.unlink()
    store.put([story("e", 4), story("f", 32)])
    assert store.held() == store.expected()
