"""An event coder's own test records, CAMEO codes mapped to signs, read with their own actors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.evaluation.reference import day, find_file, read_lines
from pipeline.evaluation.scores import Tally, bootstrap, total
from transforms.analyse import Analyser
from transforms.catalog import Catalog
from transforms.records import Document, Evidence
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.lexicon import Lexicon

# CAMEO signs meetings, visits and demands, which are neutral here: their lean is the sign, and
# weak evidence counts as well, since a coder of events codes every one.
MIN_SCORE = 0.02
_TOLD = ("asserted", "planned")


def evaluate_event_coding(
    path: Path, lexicon: Lexicon, actors: ActorSettings, stances: StanceSettings
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score dyad and sign over all records; `path` is the records' file or its folder.

    The catalog is `actors.json` beside the records and nothing else.
    """
    records_file = find_file(path, "dev.jsonl")
    catalog = Catalog.load([records_file.parent / "actors.json"])
    analyser = Analyser(catalog, lexicon, actors, stances)
    records = list(read_lines(records_file))
    documents = [Document(r["id"], "", r["text"], day(r["date"])) for r in records]
    tallies: list[Tally] = []
    by_category: dict[str, list[Tally]] = {}
    predictions = []
    for record, analysis in zip(records, analyser.analyse(documents), strict=True):
        found = {
            (_coded(source, catalog), _coded(target, catalog), sign)
            for source, target, sign in signed_dyads(analysis.evidence)
        }
        wanted = {(e["source"], e["target"], e["stance"]) for e in record["expected"]}
        tally = Tally()
        tally.add(set(found), set(wanted))
        tallies.append(tally)
        by_category.setdefault(record.get("category", ""), []).append(tally)
        predictions.append(
            {
                "id": record["id"],
                "predicted": [
                    {"source": s, "target": t, "stance": sign} for s, t, sign in sorted(found)
                ],
                "missed": [list(edge) for edge in sorted(wanted - found)],
                "extra": [list(edge) for edge in sorted(found - wanted)],
            }
        )
    report: dict[str, Any] = {
        "records": len(records),
        **total(tallies).figures(),
        "f1_interval": bootstrap(tallies, lambda tally: tally.f1),
        "by_category": {
            name: total(group).figures() for name, group in sorted(by_category.items())
        },
    }
    return report, predictions


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
