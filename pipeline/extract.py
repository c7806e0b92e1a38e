"""Stances of documents that are in no store: for trying texts, catalogs and lexicons out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

from rich.console import Console
from rich.text import Text

from pipeline.evidence_view import Row, group_by_sentence, print_sentence, why_not_counted
from transforms.records import Analysis, Document, Evidence

BATCH = 64
FIELDS = (
    "source_actor",
    "source_rollup",
    "target_actor",
    "target_rollup",
    "stance",
    "score",
    "confidence",
    "trigger",
    "sentence",
    "kind",
    "voice",
    "speaker_actor",
    "quoted",
    "factuality",
    "is_background",
    "counted",
)
WHY_FIELDS = (
    "path",
    "grammar_vote",
    "learned_vote",
    "p_supportive",
    "p_opposed",
    "p_neutral",
    "source_start",
    "source_end",
    "trigger_start",
    "trigger_end",
    "target_start",
    "target_end",
)


class Analyses(Protocol):
    """What turns documents into evidence, in their order."""

    def analyse(self, documents: list[Document]) -> list[Analysis]:
        """Return one analysis a document."""


def analyse_all(
    analyser: Analyses, documents: Iterable[Document]
) -> Iterator[tuple[Document, Analysis]]:
    """Yield every document with its analysis, in order, in batches of 64."""
    remaining = iter(documents)
    while batch := list(islice(remaining, BATCH)):
        yield from zip(batch, analyser.analyse(batch), strict=True)


def evidence_row(document: Document, evidence: Evidence) -> Row:
    """Return one piece of evidence as a row with every field that is ever shown."""
    row = {"id": document.id} | {name: getattr(evidence, name) for name in FIELDS + WHY_FIELDS}
    row["not_counted_because"] = why_not_counted(row) or None
    return row


def json_row(row: Row, why: bool) -> Row:
    """Return what --json prints of a row."""
    if why:
        return row
    return {name: value for name, value in row.items() if name == "id" or name in FIELDS}


def print_document(screen: Console, rows: list[Row], why: bool) -> None:
    """Print a document's sentences with their parts marked and what was read from each."""
    for group in group_by_sentence(rows):
        print_sentence(screen, group)
        for path in dict.fromkeys(_path(row) for row in group) if why else ():
            screen.print(Text(f"    {path}"), style="dim", soft_wrap=True)


def _path(row: Row) -> str:
    votes = f"grammar {row['grammar_vote'] or '-'}, model {row['learned_vote'] or '-'}"
    return f"{row['path']}  ({votes})"
