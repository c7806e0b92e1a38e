"""Faults that others reported, each a small file set with the right values: those about stances."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from pipeline.evaluation.phenomena import Judged, judged, scored
from pipeline.evaluation.reference import BadReferenceError, find_file, read_lines
from transforms.analyse import Analyser
from transforms.catalog import Catalog, CatalogError

KINDS: Final = ("stance", "actor")
_STANCES: Final = {"support": "supportive", "oppose": "opposed"}


def evaluate_cases(path: Path, analyser: Analyser) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score the sentences of all stance and actor cases; a phenomenon is a case.

    `path` is the cases' file or a folder with `cases.jsonl`. A case's `input` holds
    `sentences.json`, read one by one with the actors of its `actors.csv`, else with the analyser's;
    `expected` has `edges` (in any voice) and `must_not` for each sentence. Cases of other kinds are
    left out.
    """
    file = find_file(path, "cases.jsonl")
    sentences: list[Judged] = []
    for case in read_lines(file):
        if case["kind"] in KINDS:
            try:
                sentences += _judged_case(case, analyser)
            except (CatalogError, ValueError) as error:
                raise BadReferenceError(f"{file}: {case['id']}: {error}") from error
    if not sentences:
        raise BadReferenceError(f"{file}: no case of the kinds {', '.join(KINDS)}")
    return scored(sentences)


def _judged_case(case: dict[str, Any], analyser: Analyser) -> list[Judged]:
    files = {file["name"]: file["content"] for file in case["input"] if "content" in file}
    sentences = json.loads(files["sentences.json"])
    if len(sentences) != len(case["expected"]):
        raise BadReferenceError(f"{len(sentences)} sentences, {len(case['expected'])} expected")
    rows = [
        {
            "id": f"{case['id']}-{number:02}",
            "phenomenon": case["id"],
            "text": text,
            "expected": _edges(expected["edges"]),
            "must_not": _edges(expected["must_not"]),
        }
        for number, (text, expected) in enumerate(zip(sentences, case["expected"], strict=True), 1)
    ]
    if "actors.csv" in files:
        analyser = Analyser(
            _catalog(files["actors.csv"]),
            analyser.engine.lexicon,
            analyser.actor_settings,
            analyser.stance_settings,
        )
    return judged(rows, analyser)


def _catalog(text: str) -> Catalog:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "actors.csv"
        file.write_text(text, encoding="utf-8")
        return Catalog.load([file])


def _edges(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{**row, "stance": _STANCES[row["stance"]]} for row in rows]
