"""Sentences by phenomenon, each with the stances it states and readings that would be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pipeline.evaluation.intervals import with_intervals
from pipeline.evaluation.reference import read_lines
from pipeline.evaluation.scores import DIGITS, Tally, total
from pipeline.evaluation.seed import edge_of
from transforms.analyse import Analyser
from transforms.records import Analysis, Document

PUBLISHED = datetime(2026, 11, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """One sentence's outcome; sentences of one `pair` differ in their actors alone."""

    phenomenon: str
    set: str
    pair: str
    right: bool
    tally: Tally


Judged = tuple[Item, dict[str, Any]]
_ANY: Final = "any"


def evaluate_phenomena(
    path: Path, analyser: Analyser
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score sentences with `expected` and `must_not` edges; stances in neither list are ignored.

    A sentence is right when every expected edge is counted, with the right voice (outlet and
    source are one), and none of `must_not` is. Sentences with a `pair` are drawn together for the
    intervals, and those with a `set` are told apart by it.
    """
    return scored(judged(list(read_lines(path)), analyser))


def judged(rows: Sequence[dict[str, Any]], analyser: Analyser) -> list[Judged]:
    """Read each row's `text`; an expected edge without `voice` may have any."""
    documents = [Document(r["id"], "", r["text"], PUBLISHED) for r in rows]
    results = zip(rows, analyser.analyse(documents), strict=True)
    return [_judge(row, analysis) for row, analysis in results]


def scored(sentences: Sequence[Judged]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the report of judged sentences, and a prediction for each."""
    clusters: dict[str, list[Item]] = {}
    for number, (item, _) in enumerate(sentences):
        clusters.setdefault(item.pair or str(number), []).append(item)
    predictions = [prediction for _, prediction in sentences]
    return with_intervals(list(clusters.values()), _report), predictions


def _judge(row: dict[str, Any], analysis: Analysis) -> Judged:
    counted = [e for e in analysis.evidence if e.counted]
    found = {(*edge_of(e), _voice(e.voice)) for e in counted}
    signs = {edge[:3] for edge in found}
    wanted = {
        (e["source"], e["target"], e["stance"], _voice(e["voice"]) if "voice" in e else _ANY)
        for e in row["expected"]
    }
    missed = {e for e in wanted - found if e[3] != _ANY or e[:3] not in signs}
    sprung = signs & _edges(row["must_not"])
    right = not missed and not sprung
    tally = Tally(len(wanted - missed), len(sprung), len(missed))
    item = Item(row["phenomenon"], row.get("set", ""), row.get("pair", ""), right, tally)
    return item, {
        "id": row["id"],
        "right": right,
        "found": [list(edge) for edge in sorted(found)],
        "missed": [list(edge) for edge in sorted(missed)],
        "wrong": [list(edge) for edge in sorted(sprung)],
    }


def _report(clusters: Sequence[Sequence[Item]]) -> dict[str, Any]:
    items = [item for cluster in clusters for item in cluster]
    sets = _by(items, lambda item: item.set)
    report: dict[str, Any] = {
        "sentences": len(items),
        "sentences_right": _share(items),
        **total(item.tally for item in items).figures(),
    }
    if any(sets):
        report["by_set"] = {name: _group(group) for name, group in sets.items()}
    if len(sets) == 2:
        one, other = sets
        difference = round(_share(sets[one]) - _share(sets[other]), DIGITS)
        report[f"{one}_minus_{other}"] = difference
    phenomena = _by(items, lambda item: item.phenomenon)
    report["by_phenomenon"] = {name: _group(group) for name, group in phenomena.items()}
    return report


def _by(items: Iterable[Item], key: Callable[[Item], str]) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return dict(sorted(groups.items()))


def _group(items: Sequence[Item]) -> dict[str, Any]:
    tally = total(item.tally for item in items)
    return {
        "sentences": len(items),
        "sentences_right": _share(items),
        "precision": round(tally.precision, DIGITS),
        "recall": round(tally.recall, DIGITS),
    }


def _share(items: Sequence[Item]) -> float:
    return round(sum(item.right for item in items) / len(items), DIGITS) if items else 0.0


def _edges(rows: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(e["source"], e["target"], e["stance"]) for e in rows}


def _voice(voice: str) -> str:
    return "third_party" if voice == "third_party" else "direct"
