"""Sentences by phenomenon, each with the stances it states and readings that would be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.evaluation.reference import read_lines
from pipeline.evaluation.scores import Tally, total
from pipeline.evaluation.seed import edge_of
from transforms.analyse import Analyser
from transforms.records import Document

PUBLISHED = datetime(2026, 11, 2, tzinfo=UTC)


def evaluate_phenomena(
    path: Path, analyser: Analyser
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score sentences with `expected` and `must_not` edges; stances in neither list are ignored.

    A sentence is right when every expected edge is counted, with the right voice (outlet and
    source are one), and none of `must_not` is.
    """
    rows = list(read_lines(path))
    documents = [Document(r["id"], "", r["text"], PUBLISHED) for r in rows]
    groups: dict[str, list[tuple[bool, Tally]]] = {}
    predictions = []
    for row, analysis in zip(rows, analyser.analyse(documents), strict=True):
        counted = [e for e in analysis.evidence if e.counted]
        found = {(*edge_of(e), _voice(e.voice)) for e in counted}
        wanted = {
            (e["source"], e["target"], e["stance"], _voice(e["voice"])) for e in row["expected"]
        }
        wrong = _edges(row["must_not"])
        sprung = {edge[:3] for edge in found} & wrong
        right = wanted <= found and not sprung
        tally = Tally(len(wanted & found), len(sprung), len(wanted - found))
        groups.setdefault(row["phenomenon"], []).append((right, tally))
        predictions.append(
            {
                "id": row["id"],
                "right": right,
                "found": [list(edge) for edge in sorted(found)],
                "missed": [list(edge) for edge in sorted(wanted - found)],
                "wrong": [list(edge) for edge in sorted(sprung)],
            }
        )
    report = {
        "sentences": len(rows),
        "sentences_right": _share([item for group in groups.values() for item in group]),
        **total(tally for group in groups.values() for _, tally in group).figures(),
        "by_phenomenon": {
            name: {"sentences": len(group), "sentences_right": _share(group)}
            for name, group in sorted(groups.items())
        },
    }
    return report, predictions


def _share(group: Sequence[tuple[bool, Tally]]) -> float:
    return round(sum(right for right, _ in group) / len(group), 4) if group else 0.0


def _edges(rows: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(e["source"], e["target"], e["stance"]) for e in rows}


def _voice(voice: str) -> str:
    return "third_party" if voice == "third_party" else "direct"
