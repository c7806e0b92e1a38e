"""The grammar reader, sentence by sentence: each line of the data states what a reader finds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from transforms.analyse import Analyser
from transforms.catalog import Catalog
from transforms.records import Analysis, Document
from transforms.resources import config_dir
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.lexicon import Lexicon

DATA = Path(__file__).parent.parent / "data" / "stance_sentences.jsonl"
ROWS = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
PUBLISHED = datetime(2024, 4, 28, tzinfo=UTC)


@pytest.fixture(scope="module")
def analyses() -> dict[str, Analysis]:
    analyser = Analyser(
        Catalog.load([config_dir() / "actors"]),
        Lexicon.load(config_dir() / "stances.toml"),
        ActorSettings(),
        StanceSettings(engine="grammar"),
    )
    documents = [
        Document(row["id"], row["text"], "", PUBLISHED)
        if row.get("title")
        else Document(row["id"], "", row["text"], PUBLISHED)
        for row in ROWS
    ]
    return {analysis.id: analysis for analysis in analyser.analyse(documents)}


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(
            row,
            id=row["id"],
            marks=[pytest.mark.xfail(strict=True, reason=row["open"])] if "open" in row else [],
        )
        for row in ROWS
    ],
)
def test_reads_what_is_stated(row: dict, analyses: dict[str, Analysis]) -> None:
    counted = [e for e in analyses[row["id"]].evidence if e.counted and e.stance != "neutral"]
    direct = {
        (e.source_rollup, e.stance, e.target_rollup) for e in counted if e.voice != "third_party"
    }
    told = {
        (e.source_rollup, e.stance, e.target_rollup) for e in counted if e.voice == "third_party"
    }
    wanted = [(e, (e["source"], e["stance"], e["target"])) for e in row["expected"]]
    assert {edge for e, edge in wanted if "voice" not in e} == direct
    # What a speaker merely reports may also be read where a line doesn't ask for it.
    assert {edge for e, edge in wanted if "voice" in e} <= told
