"""Training examples: bracketed sentences, parsed, masked and labelled as the reader sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipeline.evaluation.directed import CLASSES, actor_type, unmark
from pipeline.evaluation.reference import BadReferenceError
from transforms.nlp import parse_documents
from transforms.stances.masking import (
    ACTOR_TYPES,
    OTHER_ACTORS,
    Masked,
    Named,
    mask_pair,
    named_entities,
    split_sentence,
    way_between,
)
from transforms.stances.tree import Tree

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Span
    from tokenizers import Tokenizer

# How much of a stance both ways lies with each direction.
_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Example:
    """One pair of one sentence; `target` is a probability per class of `CLASSES`.

    `masked` is None where the reader reads nothing: names that overlap or stand too far apart.
    """

    id: str
    masked: Masked | None
    target: tuple[float, ...]

    @property
    def label(self) -> int:
        """The most probable class."""
        return max(range(len(self.target)), key=self.target.__getitem__)


def make_examples(
    rows: Sequence[dict[str, Any]], nlp: Language, tokenizer: Tokenizer
) -> Iterator[Example]:
    """Yield one example a row; a row is as `pipeline.training.synthetic.generate` gives it.

    `types` may be absent: then named entities say who is a person and who a place.
    Raises BadReferenceError for rows without two brackets or with an unknown stance.
    """
    marked = [unmark(row) for row in rows]
    texts = [(item.text, [(0, len(item.text))]) for item in marked]
    for row, item, doc in zip(rows, marked, parse_documents(nlp, texts), strict=True):
        spans = [doc.char_span(*at, alignment_mode="expand") for at in (item.p, item.q)]
        target = _target(row)
        if not all(spans):
            yield Example(item.id, None, target)
            continue
        yield Example(item.id, _mask(row, doc, spans, tokenizer), target)


def _mask(
    row: dict[str, Any], doc: Doc, spans: Sequence[Span], tokenizer: Tokenizer
) -> Masked | None:
    entities = named_entities(doc, 0, len(doc))
    given = row.get("types", {})
    p, q = (
        Named(
            span.start,
            span.end,
            ACTOR_TYPES.get(given.get(name) or actor_type(span), OTHER_ACTORS),
        )
        for name, span in zip("pq", spans, strict=True)
    )
    tree = Tree(doc)
    path = way_between(tree.head, spans[0].root.i, spans[1].root.i)
    return mask_pair(split_sentence(tokenizer, tree, 0), p, q, entities, path)


def _target(row: dict[str, Any]) -> tuple[float, ...]:
    label = row.get("stance")
    if label != "neutral":
        label = f"{label} {row.get('direction')}"
    if label not in CLASSES:
        raise BadReferenceError(f"{row.get('id')}: no such stance: {label}")
    target = [float(name == label) for name in CLASSES]
    if row.get("reciprocal"):
        for number, name in enumerate(CLASSES):
            if name.startswith(f"{row['stance']} "):
                target[number] = _HALF
    return tuple(target)
