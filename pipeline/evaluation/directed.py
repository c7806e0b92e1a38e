"""Directed sentiment between two marked entities of a news sentence (Park, Pan, Joo 2021)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span

from pipeline.evaluation.calibration import calibration_error, curve_figures, perfect_error
from pipeline.evaluation.intervals import with_intervals
from pipeline.evaluation.reference import BadReferenceError, find_file, read_lines
from pipeline.evaluation.scores import DIGITS, Tally, class_figures, macro_f1
from transforms.nlp import load_pipeline, parse_documents
from transforms.records import Evidence, Mention
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.combine import COUNTED_FACTUALITY
from transforms.stances.engine import StanceEngine
from transforms.stances.lexicon import Lexicon

CLASSES = ("neutral", "positive p->q", "positive q->p", "negative p->q", "negative q->p")
NEUTRAL = CLASSES[0]
# The reference asks for one label a sentence, so that a weak reading beats none.
MIN_CONFIDENCE = 0.3
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")
# What spaCy's entity labels say of an actor's type; the reference gives none.
_TYPES = {"PERSON": "person", "GPE": "state", "NORP": "state", "LOC": "state"}


@dataclass(frozen=True, slots=True)
class Marked:
    """A sentence without its brackets, and the spans of its two entities."""

    id: str
    text: str
    p: tuple[int, int]
    q: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence's wanted and found label, and the edge that was read there for sure or not."""

    wanted: str
    found: str
    edge: str | None
    confidence: float
    counted: bool


def evaluate_directed_sentiment(
    path: Path, lexicon: Lexicon, actors: ActorSettings, stances: StanceSettings
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score the five classes; `path` is a split's file or a folder with `valid.jsonl`.

    `macro_f1`, `accuracy` and `classes` are of one label a sentence; `edges` of what a run would
    count (`stances.min_confidence`), `curve` of the same at other thresholds; `calibration` is the
    expected calibration error of edges, whatever their confidence, over 15 bins of equal mass,
    beside the error that a perfectly calibrated reader would show on as few edges.
    A prediction is {"id", "stance": positive|negative|neutral, "direction": "p->q"|"q->p"|None,
    "confidence", "edge", "edge_confidence", "counted"}.
    """
    rows = list(read_lines(find_file(path, "valid.jsonl")))
    nlp = load_pipeline(actors.spacy_model)
    engine = StanceEngine(lexicon, stances)
    predictions = list(predict(rows, nlp, engine))
    items = [
        Labelled(label(r), label(p), p["edge"], p["edge_confidence"], p["counted"])
        for r, p in zip(rows, predictions, strict=True)
    ]
    report = with_intervals(items, _report)
    report["calibration"]["error_if_perfect"] = perfect_error(
        [item.confidence for item in items if item.edge is not None]
    )
    return report, predictions


def _report(items: Sequence[Labelled]) -> dict[str, Any]:
    classes = class_figures((item.wanted, item.found) for item in items)
    read = [item for item in items if item.edge is not None]
    right = [item.edge == item.wanted for item in read]
    sure = [item.confidence for item in read]
    true = sum(item.counted and item.edge == item.wanted for item in read)
    wanted = sum(item.wanted != NEUTRAL for item in items)
    edges = Tally(true, sum(item.counted for item in read) - true, wanted - true)
    hits = sum(item.wanted == item.found for item in items)
    return {
        "sentences": len(items),
        "macro_f1": macro_f1(classes, CLASSES),
        "accuracy": round(hits / len(items), DIGITS) if items else 0.0,
        "edges": edges.figures(),
        "curve": curve_figures(sure, right, wanted),
        "calibration": {"edges": len(read), "error": calibration_error(sure, right)},
        "classes": classes,
    }


def predict(
    rows: list[dict[str, Any]], nlp: Language, engine: StanceEngine
) -> Iterator[dict[str, Any]]:
    """Yield one prediction per row, in order."""
    marked = [unmark(row) for row in rows]
    yield from predict_parsed(marked, parse_marked(marked, nlp), engine)


def parse_marked(marked: Sequence[Marked], nlp: Language) -> Iterator[Doc]:
    """Yield each sentence's parse, in order."""
    # One sentence each: the corpus gives single sentences, which a splitter would cut.
    return parse_documents(nlp, [(item.text, [(0, len(item.text))]) for item in marked])


def predict_parsed(
    marked: Sequence[Marked], docs: Iterable[Doc], engine: StanceEngine
) -> Iterator[dict[str, Any]]:
    """Yield one prediction per parsed sentence, in order."""
    for item, doc in zip(marked, docs, strict=True):
        evidence = engine.read(doc, list(mentions_of(doc, item)))
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


def mentions_of(doc: Doc, item: Marked) -> Iterator[Mention]:
    """Yield the mentions of the two marked entities, as actors "p" and "q"."""
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
            actor_type=actor_type(span),
            form="name",
            confidence=1.0,
            name=item.text[start:end],
        )


def actor_type(span: Span) -> str:
    """Return what spaCy takes a marked entity for: a person, a state or an organisation."""
    labels = [token.ent_type_ for token in span if token.ent_type_]
    return _TYPES.get(labels[0], "organisation") if labels else "person"


def _verdict(evidence: list[Evidence]) -> dict[str, Any]:
    """Return the label (a weak reading beats none) and the edge that could be counted."""
    told = [e for e in evidence if e.stance != "neutral" and e.factuality != "negated"]
    weak = max(told, key=_confidence, default=None)
    eligible = [e for e in told if e.factuality in COUNTED_FACTUALITY and not e.is_background]
    best = max(eligible, key=_confidence, default=None)
    verdict: dict[str, Any] = {"stance": NEUTRAL, "direction": None, "confidence": 0.0}
    if weak is not None and weak.confidence >= MIN_CONFIDENCE:
        verdict = {
            "stance": _sign(weak),
            "direction": f"{weak.source_rollup}->{weak.target_rollup}",
            "confidence": weak.confidence,
        }
    return {
        **verdict,
        "edge": best and f"{_sign(best)} {best.source_rollup}->{best.target_rollup}",
        "edge_confidence": best.confidence if best else 0.0,
        "counted": best is not None and best.counted,
    }


def _confidence(piece: Evidence) -> float:
    return piece.confidence


def _sign(piece: Evidence) -> str:
    return "positive" if piece.stance == "supportive" else "negative"


def label(row: Mapping[str, Any]) -> str:
    """Return a row's or a prediction's class."""
    if row["stance"] == NEUTRAL:
        return NEUTRAL
    return f"{row['stance']} {row['direction']}"
