"""Directed sentiment between two marked entities of a news sentence (Park, Pan, Joo 2021)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from pipeline.evaluation.reference import BadReferenceError, find_file, read_lines
from pipeline.evaluation.scores import Tally, class_figures, macro_f1
from transforms.nlp import load_pipeline, parse_documents
from transforms.records import Evidence, Mention
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.engine import StanceEngine
from transforms.stances.lexicon import Lexicon

CLASSES = ("neutral", "positive p->q", "positive q->p", "negative p->q", "negative q->p")
# The reference asks for one label a sentence, so that a weak reading beats none.
MIN_CONFIDENCE = 0.4
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Marked:
    """A sentence without its brackets, and the spans of its two entities."""

    id: str
    text: str
    p: tuple[int, int]
    q: tuple[int, int]


def evaluate_directed_sentiment(
    path: Path, lexicon: Lexicon, actors: ActorSettings, stances: StanceSettings
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score the five classes; `path` is a split's file or a folder with `valid.jsonl`.

    A prediction is {"id", "stance": positive|negative|neutral, "direction": "p->q"|"q->p"|None,
    "confidence"}.
    """
    rows = list(read_lines(find_file(path, "valid.jsonl")))
    nlp = load_pipeline(actors.spacy_model)
    engine = StanceEngine(lexicon, stances)
    predictions = list(predict(rows, nlp, engine))
    pairs = [(_label(r), _label(p)) for r, p in zip(rows, predictions, strict=True)]
    edges = Tally(
        right=sum(w == f != "neutral" for w, f in pairs),
        extra=sum(f not in ("neutral", w) for w, f in pairs),
        missed=sum(w not in ("neutral", f) for w, f in pairs),
    )
    report: dict[str, Any] = {
        "sentences": len(rows),
        "macro_f1": macro_f1(pairs, CLASSES),
        "accuracy": round(sum(w == f for w, f in pairs) / len(pairs), 4) if pairs else 0.0,
        "edges": edges.figures(),
        "classes": class_figures(pairs),
    }
    return report, predictions


def predict(
    rows: list[dict[str, Any]], nlp: Language, engine: StanceEngine
) -> Iterator[dict[str, Any]]:
    """Yield one prediction per row, in order."""
    marked = [unmark(row) for row in rows]
    # One sentence each: the corpus gives single sentences, which a splitter would cut.
    texts = [(item.text, [(0, len(item.text))]) for item in marked]
    for item, doc in zip(marked, parse_documents(nlp, texts), strict=True):
        evidence = engine.read(doc, list(_mentions(doc, item)))
        yield {"id": item.id, **_verdict(evidence)}


def unmark(row: dict[str, Any]) -> Marked:
    """Return a row's sentence without brackets; p is the first bracketed entity, q the second."""
    spans: list[tuple[int, int]] = []
    pieces: list[str] = []
    size = at = 0
    sentence = row["sentence"]
    for match in _BRACKETED.finditer(sentence):
        before = sentence[at : match.start()]
        pieces += [before, match[1]]
        size += len(before)
        spans.append((size, size + len(match[1])))
        size += len(match[1])
        at = match.end()
    pieces.append(sentence[at:])
    if len(spans) < 2:
        raise BadReferenceError(f"{row.get('id')}: needs two bracketed entities")
    return Marked(str(row["id"]), "".join(pieces), spans[0], spans[1])


def _mentions(doc: Doc, item: Marked) -> Iterator[Mention]:
    for name, (start, end) in (("p", item.p), ("q", item.q)):
        span = doc.char_span(start, end, alignment_mode="expand")
        if span is None:
            continue
        head = span.root
        yield Mention(
            start=head.idx if span.end_char < end else start,
            end=end,
            head=head.i,
            actor=name,
            rollup=name,
            actor_type="person",
            form="name",
            confidence=1.0,
            name=item.text[start:end],
        )


def _verdict(evidence: list[Evidence]) -> dict[str, Any]:
    told = [
        e
        for e in evidence
        if e.stance != "neutral" and e.factuality != "negated" and e.confidence >= MIN_CONFIDENCE
    ]
    if not told:
        return {"stance": "neutral", "direction": None, "confidence": 0.0}
    best = max(told, key=lambda e: e.confidence)
    return {
        "stance": "positive" if best.stance == "supportive" else "negative",
        "direction": f"{best.source_rollup}->{best.target_rollup}",
        "confidence": best.confidence,
    }


def _label(row: dict[str, Any]) -> str:
    if row["stance"] == "neutral":
        return "neutral"
    return f"{row['stance']} {row['direction']}"
