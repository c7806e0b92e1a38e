"""Making the index anew from the Parquet: what it holds is all there, or follows from it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pipeline.store.checksums import all_files, known_files, note_files, sum_file
from pipeline.store.index import (
    FORMAT,
    IndexChanges,
    apply_changes,
    drop_index,
    encode_article,
    open_index,
)
from pipeline.store.layout import Layout
from transforms.parquet_io import Row, iter_rows, partition_path, read_rows
from transforms.parts import PART_FILES, stored_files
from transforms.schemas import ARTICLES, REJECTS, STORY_ALIASES
from transforms.settings import DeduplicateSettings
from transforms.signatures import SKETCH_VERSION, SketchInput, sketch_many
from transforms.stored_rows import stored_article, utc

BATCH = 512
SETTINGS_KEY = "deduplicate"


def ensure_index(
    layout: Layout,
    settings: DeduplicateSettings,
    on_rebuild: Callable[[], None] | None = None,
) -> bool:
    """Rebuild the index if it is missing, damaged or made otherwise; say whether it was.

    Band hashes of two settings have nothing in common, so a changed `[deduplicate]` section makes
    the index anew too, as another format does.
    """
    empty = not _has_articles(layout.root)
    if not empty and noted(layout.index) == about_index(settings):
        return False
    if not empty and on_rebuild is not None:
        on_rebuild()
    rebuild_index(layout, settings)
    return not empty


def rebuild_index(layout: Layout, settings: DeduplicateSettings) -> None:
    """Write the index of everything stored and put it in place at once.

    What the old one notes of files stays: what has been damaged since is still to be found.
    """
    temporary = layout.index.with_suffix(".rebuilding")
    temporary.unlink(missing_ok=True)
    with contextlib.closing(open_index(temporary)) as db, db:
        db.execute(
            "INSERT OR REPLACE INTO about VALUES (?, ?)", (SETTINGS_KEY, about_index(settings))
        )
    for number, rows in enumerate(_batches(layout)):
        apply_changes(temporary, f"articles-{number}", _of_articles(rows, settings))
    for day in partition_days(layout.root, REJECTS.name):
        rows = read_rows(REJECTS, partition_path(layout.root, REJECTS, day), ("reject_id",))
        rejects = {row["reject_id"]: day for row in rows}
        apply_changes(temporary, f"rejects-{day}", IndexChanges(rejects=rejects))
    aliases = read_rows(STORY_ALIASES, partition_path(layout.root, STORY_ALIASES, None))
    found = {row["alias"]: row["story_id"] for row in aliases}
    apply_changes(temporary, "aliases", IndexChanges(aliases=found))
    known = known_files(layout.index)
    paths = {path.relative_to(layout.root).as_posix(): path for path in all_files(layout.root)}
    fresh = (sum_file(layout.root, path) for name, path in paths.items() if name not in known)
    note_files(temporary, (*known.values(), *fresh))
    drop_index(layout.index)
    temporary.replace(layout.index)


def _of_articles(rows: Sequence[Row], settings: DeduplicateSettings) -> IndexChanges:
    sketches = sketch_many(
        [
            SketchInput(r["article_id"], r["title"] or "", r["text"] or "", utc(r["published_at"]))
            for r in rows
        ],
        settings,
    )
    edges = [
        (*sorted((row["article_id"], join["article_id"])), join["similarity"], join["method"])
        for row in rows
        for join in row["joins"] or ()
    ]
    return IndexChanges(
        articles=[encode_article(stored_article(row)) for row in rows],
        bands={sketch.item_id: list(sketch.bands) for sketch in sketches},
        edges=edges,
    )


def _batches(layout: Layout) -> Iterator[list[Row]]:
    for day in partition_days(layout.root, ARTICLES.name):
        for path in stored_files(layout.root, ARTICLES, day):
            yield from iter_rows(ARTICLES, path, BATCH)


def partition_days(root: Path, dataset: str) -> list[str]:
    """Return the dates that a dataset has partitions of, in order."""
    folders = sorted((root / dataset).glob("date=*"))
    return [folder.name.removeprefix("date=") for folder in folders]


def _has_articles(root: Path) -> bool:
    # The first partition will do: listing all of a long history takes as long as it is.
    try:
        with os.scandir(root / ARTICLES.name) as entries:
            return any(any(Path(entry.path).glob(PART_FILES)) for entry in entries)
    except FileNotFoundError:
        return False


def outdate_index(path: Path) -> None:
    """Have the next `ensure_index` make the index anew; what it notes of files stays."""
    try:
        with contextlib.closing(open_index(path)) as db, db:
            db.execute("DELETE FROM about WHERE name = ?", (SETTINGS_KEY,))
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        drop_index(path)


def about_index(settings: DeduplicateSettings) -> str:
    """Return what an index made with these settings says of itself."""
    return f"{FORMAT}.{SKETCH_VERSION} {settings.model_dump_json()}"


def noted(path: Path) -> str | None:
    """Return format and settings that an index was made with; None where it can't be used."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            sql = "SELECT value FROM about WHERE name = ?"
            row = db.execute(sql, (SETTINGS_KEY,)).fetchone()
    except sqlite3.DatabaseError:
        return None
    return str(row[0]) if row else None
