"""Making the index anew from the Parquet: what it holds is all there, or follows from it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pipeline.store.index import IndexChanges, apply_changes, encode_article, open_index
from pipeline.store.layout import Layout
from transforms.identity import PARTIAL_TEXTS
from transforms.parquet_io import PART, Row, partition_path, read_rows
from transforms.schemas import ARTICLES, REJECTS, STORY_ALIASES
from transforms.sentences import split_document
from transforms.settings import DeduplicateSettings
from transforms.signatures import SketchInput, sketch_many
from transforms.store_view import StoredArticle

BATCH = 512
SETTINGS_KEY = "deduplicate"


def ensure_index(
    layout: Layout,
    settings: DeduplicateSettings,
    on_rebuild: Callable[[], None] | None = None,
) -> bool:
    """Rebuild the index if it is missing, damaged or made with other settings; say whether it was.

    Band hashes of two settings have nothing in common, so a changed `[deduplicate]` section makes
    the index anew too.
    """
    wanted = settings.model_dump_json()
    if not any(layout.root.glob(f"{ARTICLES.name}/date=*/{PART}")):
        layout.index.unlink(missing_ok=True)
        with contextlib.closing(open_index(layout.index)) as db, db:
            _note(db, wanted)
        return False
    if _noted(layout.index) == wanted:
        return False
    if on_rebuild is not None:
        on_rebuild()
    rebuild_index(layout, settings)
    return True


def rebuild_index(layout: Layout, settings: DeduplicateSettings) -> None:
    """Write the index of everything stored and put it in place at once."""
    temporary = layout.index.with_suffix(".rebuilding")
    temporary.unlink(missing_ok=True)
    with contextlib.closing(open_index(temporary)) as db, db:
        _note(db, settings.model_dump_json())
    for number, rows in enumerate(_batches(layout)):
        apply_changes(temporary, f"articles-{number}", _of_articles(rows, settings))
    for day in _days(layout.root, REJECTS.name):
        rows = read_rows(REJECTS, partition_path(layout.root, REJECTS, day), ("reject_id",))
        rejects = {row["reject_id"]: day for row in rows}
        apply_changes(temporary, f"rejects-{day}", _changes(rejects=rejects))
    aliases = read_rows(STORY_ALIASES, partition_path(layout.root, STORY_ALIASES, None))
    found = {row["alias"]: row["story_id"] for row in aliases}
    apply_changes(temporary, "aliases", _changes(aliases=found))
    temporary.replace(layout.index)


def stored_article(row: Row) -> StoredArticle:
    """Return what the index keeps of an article, from its row."""
    sentences = split_document(row["title"] or "", row["text"] or "")
    return StoredArticle(
        article_id=row["article_id"],
        identity_keys=tuple(row["identity_keys"] or ()),
        content_hash=row["content_hash"],
        content_hashes=tuple(row["content_hashes"] or ()),
        published_at=_utc(row["published_at"]),
        published_at_source=row["published_at_source"] or "",
        first_seen_at=_utc(row["first_seen_at"]),
        version_at=_utc(row["modified_at"] or row["published_at"]),
        is_full=row["text_source"] not in PARTIAL_TEXTS,
        story_id=row["story_id"],
        outlet=row["outlet"],
        analysed=bool(row["analysed"]),
        sentences=tuple(sentence.hash for sentence in sentences),
        own=tuple(row["own_sentences"] or ()),
        actors=tuple(row["actors"] or ()),
        rollups=tuple(row["rollups"] or ()),
        coding_version=row["coding_version"] or "",
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _of_articles(rows: Sequence[Row], settings: DeduplicateSettings) -> IndexChanges:
    sketches = sketch_many(
        [
            SketchInput(r["article_id"], r["title"] or "", r["text"] or "", _utc(r["published_at"]))
            for r in rows
        ],
        settings,
    )
    edges = [
        (*sorted((row["article_id"], join["article_id"])), join["similarity"], join["method"])
        for row in rows
        for join in row["joins"] or ()
    ]
    return _changes(
        articles=[encode_article(stored_article(row)) for row in rows],
        bands={sketch.item_id: list(sketch.bands) for sketch in sketches},
        edges=edges,
    )


def _changes(**values: object) -> IndexChanges:
    empty: dict[str, object] = {
        "articles": [],
        "bands": {},
        "edges": [],
        "dropped_edges": [],
        "aliases": {},
        "dropped_aliases": [],
        "rejects": {},
    }
    return IndexChanges(**{**empty, **values})  # type: ignore[arg-type]


def _batches(layout: Layout) -> Iterator[list[Row]]:
    for day in _days(layout.root, ARTICLES.name):
        rows = read_rows(ARTICLES, partition_path(layout.root, ARTICLES, day))
        for start in range(0, len(rows), BATCH):
            yield rows[start : start + BATCH]


def _days(root: Path, dataset: str) -> list[str]:
    folders = sorted((root / dataset).glob("date=*"))
    return [folder.name.removeprefix("date=") for folder in folders]


def _note(db: sqlite3.Connection, settings: str) -> None:
    db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (SETTINGS_KEY, settings))


def _noted(path: Path) -> str | None:
    """Return the settings that an index was made with; None where it can't be used."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            sql = "SELECT value FROM about WHERE name = ?"
            row = db.execute(sql, (SETTINGS_KEY,)).fetchone()
    except sqlite3.DatabaseError:
        return None
    return str(row[0]) if row else None
