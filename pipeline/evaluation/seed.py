"""The real article with its required stances and its traps."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.evaluation.intervals import with_intervals
from pipeline.evaluation.reference import BadReferenceError, day, find_file, read_json
from pipeline.evaluation.scores import DIGITS
from transforms.analyse import Analyser
from transforms.catalog import Catalog
from transforms.records import Document, Evidence

Edge = tuple[str, str, str]

_OPTIONAL = Path(__file__).with_name("seed_optional.toml")


def evaluate_seed(path: Path, analyser: Analyser) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score one article against `gold.json`: required stances found, traps, extra edges.

    `path` is the gold file or its folder. Actors of the gold are names; the catalog says which
    roll-ups they are. `left_open` are edges that the annotation counts neither way, `extra` those
    that it knows nothing of. Returns the report and one prediction per counted dyad and stance.
    """
    gold_file = find_file(path, "gold.json")
    gold = read_json(gold_file)
    title, _, text = (gold_file.parent / gold["document"]).read_text("utf-8").partition("\n")
    published = day(gold["published_at"])
    analysis = analyser.analyse([Document(gold["document"], title, text, published)])[0]
    if analysis.error:
        raise BadReferenceError(f"{gold['document']}: {analysis.error}")
    counted = [e for e in analysis.evidence if e.counted]
    found: dict[Edge, list[Evidence]] = {}
    for piece in counted:
        if piece.stance != "neutral":
            found.setdefault(edge_of(piece), []).append(piece)
    catalog = analyser.catalog
    required = [_gold_edge(row, catalog) for row in gold["required"]]
    traps = [_gold_edge(row, catalog) for row in gold["must_not_appear"]]
    missed = [edge for edge in required if edge not in found]
    beyond = set(found) - set(required) - set(traps)
    optional = beyond & _optional(catalog)
    report = {
        **with_intervals([edge in found for edge in required], _report),
        "missed": missed,
        "traps_sprung": [edge for edge in traps if edge in found],
        "left_open": sorted(optional),
        "extra": sorted(beyond - optional),
    }
    predictions = [
        {
            "source": edge[0],
            "target": edge[1],
            "stance": edge[2],
            "voices": sorted({e.voice for e in pieces}),
            "confidence": max(e.confidence for e in pieces),
            "sentence": max(pieces, key=lambda e: e.confidence).sentence,
        }
        for edge, pieces in sorted(found.items())
    ]
    return report, predictions


def _report(found: Sequence[bool]) -> dict[str, Any]:
    share = round(sum(found) / len(found), DIGITS) if found else 0.0
    return {"required": len(found), "required_found": sum(found), "recall": share}


def edge_of(piece: Evidence) -> Edge:
    """Return the roll-up dyad and stance of a piece of evidence."""
    return piece.source_rollup, piece.target_rollup, piece.stance


def _optional(catalog: Catalog) -> set[Edge]:
    groups = tomllib.loads(_OPTIONAL.read_text(encoding="utf-8"))["edges"]
    return {
        (_rollup(source, catalog), _rollup(target, catalog), group["stance"])
        for group in groups
        for source in group["sources"]
        for target in group["targets"]
    }


def _gold_edge(row: dict[str, str], catalog: Catalog) -> Edge:
    return _rollup(row["source"], catalog), _rollup(row["target"], catalog), row["stance"]


def _rollup(name: str, catalog: Catalog) -> str:
    uses = catalog.names.lookup(name)
    if not uses:
        raise BadReferenceError(f"the catalog has no actor named {name!r}")
    return uses[0].actor
