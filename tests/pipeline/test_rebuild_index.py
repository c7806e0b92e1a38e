"""The index can be thrown away: it comes back from the Parquet as it was."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from seed_server import SEEDS
from test_run import files, newsalign_run

from pipeline.store.layout import Layout
from pipeline.store.rebuild import ensure_index
from transforms.schemas import DATASETS
from transforms.settings import DeduplicateSettings

pytestmark = pytest.mark.job


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table that matters, edges rounded as the Parquet keeps them."""
    queries = {
        "articles": "SELECT article_id, story_id, published_at, facts, bands FROM articles"
        " ORDER BY 1",
        "keys": "SELECT * FROM keys ORDER BY 1",
        "bands": "SELECT span, band, article_id FROM bands JOIN articles ON number = article"
        " ORDER BY 1, 2, 3",
        "edges": "SELECT a, b, round(similarity, 4), method FROM edges ORDER BY 1, 2",
        "aliases": "SELECT * FROM aliases ORDER BY 1",
        "rejects": "SELECT * FROM rejects ORDER BY 1",
        "about": "SELECT * FROM about ORDER BY 1",
        "files": "SELECT * FROM files ORDER BY 1",
    }
    with sqlite3.connect(path) as db:
        return {name: db.execute(sql).fetchall() for name, sql in queries.items()}


def test_the_index_comes_back_from_the_parquet(tmp_path: Path) -> None:
    output = tmp_path / "out"
    newsalign_run([str(SEEDS / "feeds")], output, "--workers", "1")
    layout = Layout(output)
    before = tables(layout.index)
    assert before["articles"] and before["edges"] and before["bands"]
    settings = DeduplicateSettings()
    assert not ensure_index(layout, settings)

    layout.index.unlink()
    assert ensure_index(layout, settings)
    assert tables(layout.index) == before

    layout.index.write_bytes(b"not a database" * 100)
    assert ensure_index(layout, settings)
    assert tables(layout.index) == before

    assert ensure_index(layout, settings.model_copy(update={"anchors": 3}))
    assert tables(layout.index)["bands"] != before["bands"]

    layout.index.unlink()
    everything = tuple(name for name in DATASETS if name != "runs")
    kept = files(output, everything)
    report = newsalign_run([str(SEEDS / "feeds")], output, "--workers", "1")
    assert report["counts"]["new"] == 0
    assert files(output, everything) == kept


def test_an_empty_store_gets_an_empty_index(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    assert not ensure_index(layout, DeduplicateSettings())
    assert tables(layout.index)["articles"] == []
    assert not ensure_index(layout, DeduplicateSettings())
