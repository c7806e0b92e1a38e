"""Stances of documents that are in no store: for trying texts, catalogs and lexicons out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Protocol

from rich.console import Console
from rich.text import Text

from pipeline.explain import reading
from pipeline.highlight import mark, spans
from transforms.records import Analysis, Document, Evidence

BATCH = 64


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


def why_not_counted(evidence: Evidence, min_confidence: float) -> str:
    """Return why a piece of evidence doesn't count, "" where it does."""
    if evidence.counted:
        return ""
    reasons: list[str] = []
    if evidence.factuality not in ("asserted", "planned"):
        reasons.append(evidence.factuality)
    if evidence.is_background:
        reasons.append("told as past history")
    if evidence.confidence < min_confidence:
        reasons.append(f"confidence below {min_confidence:g}")
    return ", ".join(reasons) or "not counted"


def json_row(document: Document, evidence: Evidence, reason: str, why: bool) -> dict[str, Any]:
    """Return one piece of evidence as the object that --json prints."""
    row: dict[str, Any] = {
        "id": document.id,
        "source_actor": evidence.source_actor,
        "source_rollup": evidence.source_rollup,
        "target_actor": evidence.target_actor,
        "target_rollup": evidence.target_rollup,
        "stance": evidence.stance,
        "score": evidence.score,
        "confidence": evidence.confidence,
        "trigger": evidence.trigger,
        "sentence": evidence.sentence,
        "kind": evidence.kind,
        "voice": evidence.voice,
        "speaker_actor": evidence.speaker_actor,
        "quoted": evidence.quoted,
        "factuality": evidence.factuality,
        "is_background": evidence.is_background,
        "counted": evidence.counted,
    }
    if why:
        row |= {
            "path": evidence.path,
            "grammar_vote": evidence.grammar_vote,
            "learned_vote": evidence.learned_vote,
            "p_supportive": evidence.p_supportive,
            "p_opposed": evidence.p_opposed,
            "p_neutral": evidence.p_neutral,
            "source_span": [evidence.source_start, evidence.source_end],
            "trigger_span": [evidence.trigger_start, evidence.trigger_end],
            "target_span": [evidence.target_start, evidence.target_end],
            "not_counted_because": reason or None,
        }
    return row


def print_evidence(screen: Console, evidence: Evidence, reason: str, why: bool) -> None:
    """Print one sentence with its parts marked, and under it what was read from it."""
    parts = spans(
        (evidence.source_start, evidence.source_end),
        (evidence.trigger_start, evidence.trigger_end),
        (evidence.target_start, evidence.target_end),
    )
    style = "" if evidence.counted else "dim"
    sentence = mark(evidence.sentence, parts, plain=not screen.is_terminal)
    screen.print(Text("  ") + sentence, style=style, soft_wrap=True)
    row = {name: getattr(evidence, name) for name in READ}
    screen.print(Text("    ") + reading(row, reason), style=style, soft_wrap=True)
    if why:
        votes = f"grammar {evidence.grammar_vote or '-'}, model {evidence.learned_vote or '-'}"
        screen.print(Text(f"    {evidence.path}  ({votes})"), style="dim", soft_wrap=True)


READ = (
    "source_actor",
    "source_rollup",
    "target_actor",
    "target_rollup",
    "stance",
    "kind",
    "voice",
    "speaker_actor",
    "trigger",
    "confidence",
    "factuality",
    "is_background",
    "counted",
)
