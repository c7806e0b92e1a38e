"""An event coder's own test records, CAMEO codes mapped to signs, read with their own actors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.evaluation.event_coding_faults import Edge, load_faults
from pipeline.evaluation.intervals import with_intervals
from pipeline.evaluation.reference import day, find_file, read_lines
from pipeline.evaluation.scores import Tally
from transforms.analyse import Analyser
from transforms.catalog import Catalog
from transforms.records import Document, Evidence
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.lexicon import Lexicon

# CAMEO signs meetings, visits and demands, which are neutral here: their lean is the sign, and
# weak evidence counts as well, since a coder of events codes every one.
MIN_SCORE = 0.02
_TOLD = ("asserted", "planned")


@dataclass(frozen=True, slots=True)
class Coded:
    """One record: edges found, expected, and expected once the reference's faults are mended."""

    category: str
    found: frozenset[Edge]
    wanted: frozenset[Edge]
    mended: frozenset[Edge]


def evaluate_event_coding(
    path: Path, lexicon: Lexicon, actors: ActorSettings, stances: StanceSettings
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score dyad and sign over all records; `path` is the records' file or its folder.

    The catalog is `actors.json` beside the records and nothing else. `mended` are the figures with
    the expected edges that `event_coding_faults.toml` holds to be faults of the reference put
    right; `faults` lists those.
    """
    records_file = find_file(path, "dev.jsonl")
    catalog = Catalog.load([records_file.parent / "actors.json"])
    analyser = Analyser(catalog, lexicon, actors, stances)
    records = list(read_lines(records_file))
    faults = load_faults()
    documents = [Document(r["id"], "", r["text"], day(r["date"])) for r in records]
    items, predictions = [], []
    for record, analysis in zip(records, analyser.analyse(documents), strict=True):
        found = frozenset(
            (_coded(source, catalog), _coded(target, catalog), sign)
            for source, target, sign in signed_dyads(analysis.evidence)
        )
        wanted = frozenset((e["source"], e["target"], e["stance"]) for e in record["expected"])
        fault = faults.get(record["id"])
        mended = wanted if fault is None else (wanted - fault.wrong) | fault.stated
        items.append(Coded(record.get("category", ""), found, wanted, mended))
        predictions.append(
            {
                "id": record["id"],
                "predicted": [
                    {"source": s, "target": t, "stance": sign} for s, t, sign in sorted(found)
                ],
                "missed": [list(edge) for edge in sorted(wanted - found)],
                "extra": [list(edge) for edge in sorted(found - wanted)],
                "fault_of_the_reference": fault.reason if fault else None,
            }
        )
    known = [record["id"] for record in records if record["id"] in faults]
    report = {
        **with_intervals(items, _report),
        "faults": [[key, faults[key].reason] for key in known],
    }
    return report, predictions


def _report(items: Sequence[Coded]) -> dict[str, Any]:
    categories = sorted({item.category for item in items})
    return {
        "records": len(items),
        **_tally((item.found, item.wanted) for item in items).figures(),
        "mended": _tally((item.found, item.mended) for item in items).figures(),
        "by_category": {
            name: _tally((i.found, i.wanted) for i in items if i.category == name).figures()
            for name in categories
        },
    }


def _tally(edges: Iterable[tuple[frozenset[Edge], frozenset[Edge]]]) -> Tally:
    tally = Tally()
    for found, wanted in edges:
        tally.add(found, wanted)
    return tally


def signed_dyads(evidence: list[Evidence]) -> set[tuple[str, str, str]]:
    """Return (source, target, positive|negative): per dyad the surest sign that was told."""
    best: dict[tuple[str, str], tuple[float, str]] = {}
    for piece in evidence:
        if piece.factuality not in _TOLD or abs(piece.score) < MIN_SCORE:
            continue
        dyad = (piece.source_rollup, piece.target_rollup)
        sign = "positive" if piece.score > 0 else "negative"
        if dyad not in best or abs(piece.score) > best[dyad][0]:
            best[dyad] = (abs(piece.score), sign)
    return {(source, target, sign) for (source, target), (_, sign) in best.items()}


def _coded(actor: str, catalog: Catalog) -> str:
    """Return the state's code for an ad-hoc group: CAMEO puts "GON opposition" under GON."""
    if actor in catalog.actors or not actor.startswith("group:"):
        return actor
    state = actor.removeprefix("group:").split("-")[0].upper()
    return state if state in catalog.actors else actor
