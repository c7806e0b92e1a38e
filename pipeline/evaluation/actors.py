"""How well mentions of actors are found and resolved, beside bare spaCy entities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from spacy.tokens import Doc

from pipeline.evaluation.actor_texts import MarkedMention, MarkedText, read_marked_texts
from pipeline.evaluation.intervals import with_intervals
from pipeline.evaluation.reference import BadReferenceError
from pipeline.evaluation.scores import DIGITS, Figures, Tally, total
from transforms.catalog import Catalog
from transforms.mentions import find_mentions
from transforms.nlp import load_pipeline, parse_documents
from transforms.settings import ActorSettings

# What spaCy calls people, organisations, states and peoples.
_ENTITY_LABELS = frozenset({"PERSON", "ORG", "GPE", "NORP"})


class Matches(NamedTuple):
    """Marked mentions paired with found ones, and what is left of either."""

    pairs: list[tuple[MarkedMention, MarkedMention]]
    missed: list[MarkedMention]
    extra: list[MarkedMention]


@dataclass(slots=True)
class MentionScore:
    """Counts over texts: mention spans, and matched mentions with the right actor and roll-up."""

    spans: Tally = field(default_factory=Tally)
    actors: int = 0
    rollups: int = 0

    def add(self, matches: Matches) -> None:
        """Count one text."""
        self.spans.right += len(matches.pairs)
        self.spans.missed += len(matches.missed)
        self.spans.extra += len(matches.extra)
        self.actors += sum(marked.actor == found.actor for marked, found in matches.pairs)
        self.rollups += sum(marked.rollup == found.rollup for marked, found in matches.pairs)

    def join(self, other: MentionScore) -> None:
        """Add another's counts."""
        self.spans = total((self.spans, other.spans))
        self.actors += other.actors
        self.rollups += other.rollups

    def figures(self) -> Figures:
        """Return precision, recall and F1 of spans, and the accuracies among matched mentions."""
        matched = max(self.spans.right, 1)
        return {
            **self.spans.figures(),
            "actor_accuracy": round(self.actors / matched, DIGITS),
            "rollup_accuracy": round(self.rollups / matched, DIGITS),
        }


class Matched(NamedTuple):
    """One text's counts: those of recognition, and those of bare spaCy entities."""

    path: str
    own: MentionScore
    bare: MentionScore


def evaluate_actors(
    paths: Iterable[Path], catalog: Catalog, settings: ActorSettings
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score mentions against marked texts (see `actor_texts`); a folder means its *.txt files.

    Returns the report (all files together, bare spaCy entities likewise, then each file) and one
    prediction per text. Raises BadReferenceError, and PipelineMissingError without spaCy's model.
    """
    nlp = load_pipeline(settings.spacy_model)
    items: list[Matched] = []
    predictions: list[dict[str, Any]] = []
    for path in _files(paths):
        texts = read_marked_texts(path)
        docs = parse_documents(nlp, ((text.text, None) for text in texts))
        for text, doc in zip(texts, docs, strict=True):
            matches = match_mentions(text, catalog_mentions(doc, catalog, text.on, settings))
            entities = match_mentions(text, entity_mentions(doc, catalog, text.on))
            items.append(Matched(str(path), _counts(matches), _counts(entities)))
            predictions.append(_prediction(path, text, matches))
    return with_intervals(items, _report), predictions


def _counts(matches: Matches) -> MentionScore:
    score = MentionScore()
    score.add(matches)
    return score


def _report(items: Sequence[Matched]) -> dict[str, Any]:
    everything, bare = MentionScore(), MentionScore()
    files: dict[str, list[Matched]] = {}
    for item in items:
        everything.join(item.own)
        bare.join(item.bare)
        files.setdefault(item.path, []).append(item)
    by_file: dict[str, dict[str, Any]] = {}
    for path in sorted(files):
        own, own_bare = MentionScore(), MentionScore()
        for item in files[path]:
            own.join(item.own)
            own_bare.join(item.bare)
        by_file[path] = {
            "texts": len(files[path]),
            **_without_counts(own.figures()),
            "bare_f1": own_bare.figures()["f1"],
        }
    return {
        "texts": len(items),
        "mentions": everything.spans.right + everything.spans.missed,
        **everything.figures(),
        "bare_entities": _without_counts(bare.figures()),
        "by_file": by_file,
    }


def catalog_mentions(
    doc: Doc, catalog: Catalog, on: date, settings: ActorSettings | None = None
) -> list[MarkedMention]:
    """Return the mentions that recognition finds in a parsed text."""
    found = find_mentions(doc, catalog, on, settings)
    return [MarkedMention(m.start, m.end, m.actor, m.rollup) for m in found]


def entity_mentions(doc: Doc, catalog: Catalog, on: date) -> list[MarkedMention]:
    """Return spaCy's own entities, each looked up in the catalog; an unknown name is its own id."""
    found = []
    for entity in doc.ents:
        if entity.label_ in _ENTITY_LABELS:
            name = entity.text.removeprefix("the ").removeprefix("The ")
            uses = catalog.names.lookup(name)
            actor = uses[0].actor if uses else entity.text
            rollup = catalog.rollup(actor, on)
            found.append(MarkedMention(entity.start_char, entity.end_char, actor, rollup))
    return found


def match_mentions(text: MarkedText, found: Sequence[MarkedMention]) -> Matches:
    """Pair marked and found mentions one to one where they overlap.

    The same actor goes first, then the longer overlap. What touches an ignored span is dropped.
    """
    found = [m for m in found if not any(_overlap(m, other) > 0 for other in text.ignored)]
    candidates = sorted(
        (marked.actor != other.actor, -_overlap(marked, other), i, j)
        for i, marked in enumerate(text.mentions)
        for j, other in enumerate(found)
        if _overlap(marked, other) > 0
    )
    taken: dict[int, int] = {}
    for _, _, i, j in candidates:
        if i not in taken and j not in taken.values():
            taken[i] = j
    used = set(taken.values())
    return Matches(
        [(text.mentions[i], found[j]) for i, j in taken.items()],
        [mention for i, mention in enumerate(text.mentions) if i not in taken],
        [mention for j, mention in enumerate(found) if j not in used],
    )


def _overlap(one: MarkedMention, other: MarkedMention) -> int:
    """Return how many characters two mentions share; 0 or less if none."""
    return min(one.end, other.end) - max(one.start, other.start)


def _files(paths: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.txt")) if path.is_dir() else [path]
        if not inside:
            raise BadReferenceError(f"{path}: no *.txt in this folder")
        files += inside
    return list(dict.fromkeys(files))


def _without_counts(figures: Figures) -> Figures:
    return {name: value for name, value in figures.items() if isinstance(value, float)}


def _prediction(path: Path, text: MarkedText, matches: Matches) -> dict[str, Any]:
    wrong = [pair for pair in matches.pairs if pair[0][2:] != pair[1][2:]]
    return {
        "file": str(path),
        "line": text.line,
        "text": text.text,
        "right": [
            _shown(text, found) for marked, found in matches.pairs if marked[2:] == found[2:]
        ],
        "missed": [_shown(text, mention) for mention in matches.missed],
        "extra": [_shown(text, mention) for mention in matches.extra],
        "wrong": [
            {"wanted": _shown(text, marked), "found": _shown(text, found)}
            for marked, found in wrong
        ],
    }


def _shown(text: MarkedText, mention: MarkedMention) -> list[str]:
    return [text.text[mention.start : mention.end], mention.actor, mention.rollup]
