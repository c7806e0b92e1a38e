"""Ministers of many states and years: who is found, and whether tenures agree with a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.evaluation.intervals import with_intervals
from pipeline.evaluation.reference import BadReferenceError, read_lines
from pipeline.evaluation.scores import DIGITS
from transforms.catalog import ActorEntry, Catalog
from transforms.mentions import find_mentions
from transforms.nlp import load_pipeline, parse_documents
from transforms.settings import ActorSettings

# Codes that ISO 3166 withdrew or never gave, as datasets on governments still write them.
_OTHER_CODES = {
    "KSV": "XKX",
    "ROM": "ROU",
    "TMP": "TLS",
    "ZAR": "COD",
}
_MIDYEAR = (7, 1)


class Holder(NamedTuple):
    """One row: a state's ISO 3166 alpha-3 code, a name, and first and last years in government."""

    state: str
    name: str
    years: list[tuple[int, int]]


def evaluate_office_holders(
    path: Path, catalog: Catalog, settings: ActorSettings
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score the people of a JSONL file of `{"state", "name", "in_government": [[from, to], …]}`.

    `resolved` is the share of all rows whose "<demonym> minister NAME …" gives one person with the
    right roll-up in the middle of their first year; `found_by_name` the share of all rows that the
    catalog has among the people of that state; `tenure_overlaps` the share of those found whose
    tenure there shares a year with the row's. Returns the report and one prediction a row.
    """
    rows = [_holder(path, row) for row in read_lines(path)]
    nlp = load_pipeline(settings.spacy_model)
    sentences = [sentence_about(row, catalog) for row in rows]
    docs = parse_documents(nlp, ((sentence, None) for sentence in sentences), batch_size=256)
    predictions = []
    for row, sentence, doc in zip(rows, sentences, docs, strict=True):
        mentions = find_mentions(doc, catalog, date(row.years[0][0], *_MIDYEAR), settings)
        first = mentions[0] if mentions else None
        person = first is not None and first.actor_type == "person"
        entries = people_named(row, catalog)
        predictions.append(
            {
                "state": row.state,
                "name": row.name,
                "sentence": sentence,
                "actor": first.actor if first else None,
                "rollup": first.rollup if first else None,
                "resolved": person and first is not None and first.rollup == row.state,
                "found_by_name": bool(entries),
                "tenure_overlaps": any(_overlaps(row, entry) for entry in entries),
            }
        )
    absent = sorted({row.state for row in rows} - set(catalog.actors))
    return {**with_intervals(predictions, _report), "states_not_in_catalog": absent}, predictions


def _report(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    named = [row for row in rows if row["found_by_name"]]
    return {
        "rows": len(rows),
        "states": len({row["state"] for row in rows}),
        "resolved": _share(rows, "resolved"),
        "found_by_name": _share(rows, "found_by_name"),
        "tenure_overlaps": _share(named, "tenure_overlaps"),
    }


def sentence_about(row: Holder, catalog: Catalog) -> str:
    """Return a sentence that gives the person's state and title: "Danish minister NAME …"."""
    entry = catalog.actors.get(row.state)
    state = row.state if entry is None else (*entry.demonyms, entry.name)[0]
    return f"{state} minister {row.name} criticised the new plan on Monday."


def people_named(row: Holder, catalog: Catalog) -> list[ActorEntry]:
    """Return the catalog's people of that name with an office in that state, at any time."""
    actors = dict.fromkeys(use.actor for use in catalog.names.lookup(row.name))
    return [
        entry
        for entry in map(catalog.actor, actors)
        if entry.type == "person" and any(t.rollup == row.state for t in entry.tenures)
    ]


def _overlaps(row: Holder, entry: ActorEntry) -> bool:
    return any(
        (tenure.start or date.min).year <= last and first <= (tenure.end or date.max).year
        for tenure in entry.tenures
        if tenure.rollup == row.state
        for first, last in row.years
    )


def _holder(path: Path, row: Mapping[str, Any]) -> Holder:
    years = list(_years(row["in_government"]))
    if not years:
        raise BadReferenceError(f"{path}: {row['name']}: in_government names no years")
    state = row["state"]
    return Holder(_OTHER_CODES.get(state, state), row["name"], years)


def _years(spans: Sequence[Any]) -> Iterator[tuple[int, int]]:
    for span in spans:
        first, last = span if len(span) == 2 else (None, None)
        if not (isinstance(first, int) and isinstance(last, int) and 1 <= first <= last <= 9999):
            raise BadReferenceError(f"in_government: {span!r} is no [first year, last year]")
        yield first, last


def _share(rows: Sequence[Mapping[str, Any]], figure: str) -> float:
    return round(sum(row[figure] for row in rows) / len(rows), DIGITS) if rows else 0.0
