"""The stance and actor cases of public bug reports, where they lie beside the checkout."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from transforms.analyse import Analyser
from transforms.catalog import Catalog
from transforms.records import Document
from transforms.resources import config_dir
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.lexicon import Lexicon

CASES = Path(__file__).resolve().parents[2] / ".." / "shared" / "cases" / "cases.jsonl"
STANCES = {"oppose": "opposed", "support": "supportive"}


def test_nine_in_ten_are_right(tmp_path: Path) -> None:
    if not CASES.is_file():
        pytest.skip("../shared/cases is absent: its stance and actor cases are not checked")
    rows = [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]
    lexicon = Lexicon.load(config_dir() / "stances.toml")
    wrong = []
    total = 0
    for row in rows:
        if row["kind"] not in ("stance", "actor"):
            continue
        files = {file["name"]: file["content"] for file in row["input"]}
        catalog = Catalog.load(_catalog(files, tmp_path))
        analyser = Analyser(catalog, lexicon, ActorSettings(), StanceSettings())
        sentences = json.loads(files["sentences.json"])
        published = datetime(2026, 11, 2, tzinfo=UTC)
        documents = [Document(str(i), "", text, published) for i, text in enumerate(sentences)]
        results = zip(sentences, row["expected"], analyser.analyse(documents), strict=True)
        for sentence, expected, analysis in results:
            found = {
                (e.source_rollup, e.stance, e.target_rollup) for e in analysis.evidence if e.counted
            }
            total += 1
            if not _edges(expected["edges"]) <= found or _edges(expected["must_not"]) & found:
                wrong.append(sentence)
    assert total
    assert len(wrong) <= 0.1 * total, wrong


def _catalog(files: dict[str, str], folder: Path) -> list[Path]:
    if "actors.csv" not in files:
        return [config_dir() / "actors"]
    rows = [
        {"id": row["code"], "names": [row["name"], *row["aliases"].split("|")]}
        for row in csv.DictReader(io.StringIO(files["actors.csv"]))
    ]
    path = folder / "actors.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return [path]


def _edges(rows: list[dict[str, str]]) -> set[tuple[str, str, str]]:
    return {(row["source"], STANCES[row["stance"]], row["target"]) for row in rows}
