"""A parsed text as recognition sees it: tokens, word pieces, entities, and spans in the making."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date

from spacy.tokens import Doc, Token
from spacy.tokens import Span as SpacySpan

from transforms.catalog import Catalog
from transforms.name_table import NameKind, Piece, split_pieces
from transforms.records import Mention, MentionForm

FORMS: dict[NameKind, MentionForm] = {
    "name": "name",
    "demonym": "demonym",
    "capital": "capital",
    "seat": "capital",
    "short_name": "short_name",
    "surname": "short_name",
    "acronym": "acronym",
}
# How sure a bare match is of its actor; measured on nothing, ordered by how often each misleads.
CONFIDENCE: dict[NameKind, float] = {
    "name": 0.95,
    "acronym": 0.95,
    "demonym": 0.9,
    "capital": 0.85,
    "seat": 0.85,
    "short_name": 0.9,
    "surname": 0.8,
}


@dataclass(slots=True)
class ActorSpan:
    """A mention in the making: tokens [first, last], characters [start, end).

    `kind` says how the catalog knew it ("role" and "entity" where it didn't); `gender` is "m", "f"
    or "" for persons; `plural` marks mentions that "they" can mean.
    """

    first: int
    last: int
    start: int
    end: int
    head: int
    actor: str
    type: str
    form: MentionForm
    confidence: float
    name: str
    kind: str
    rollup: str = ""
    gender: str = ""
    plural: bool = False
    has_role: bool = False

    def mention(self) -> Mention:
        """Return the span as the record that leaves recognition."""
        return Mention(
            self.start,
            self.end,
            self.head,
            self.actor,
            self.rollup or self.actor,
            self.type,
            self.form,
            round(self.confidence, 4),
            self.name,
        )


@dataclass(slots=True)
class TextView:
    """One document with what every step asks of it, computed once."""

    doc: Doc
    catalog: Catalog
    on: date
    text: str
    tokens: list[Token]
    lower: list[str]
    starts: list[int]
    pieces: list[Piece]
    entities: list[SpacySpan]
    entity_at: dict[int, SpacySpan] = field(default_factory=dict)
    sentences: list[tuple[int, int]] = field(default_factory=list)
    sentence_starts: list[int] = field(default_factory=list)
    capitals: dict[int, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, doc: Doc, catalog: Catalog, on: date) -> TextView:
        """Return the view of a parsed document."""
        tokens = list(doc)
        sentences = [(sentence.start, sentence.end) for sentence in doc.sents]
        view = cls(
            doc=doc,
            catalog=catalog,
            on=on,
            text=doc.text,
            tokens=tokens,
            lower=[token.lower_ for token in tokens],
            starts=[token.idx for token in tokens],
            pieces=split_pieces(doc.text),
            entities=list(doc.ents),
            sentences=sentences,
            sentence_starts=[start for start, _ in sentences],
        )
        for entity in view.entities:
            for index in range(entity.start, entity.end):
                view.entity_at[index] = entity
        return view

    def token_at(self, char: int) -> int:
        """Return the index of the token that holds the character offset (or precedes it)."""
        return bisect_right(self.starts, char) - 1

    def sentence_of(self, token: int) -> int:
        """Return the index of the sentence that holds a token."""
        return bisect_right(self.sentence_starts, token) - 1

    def end_of(self, token: int) -> int:
        """Return the character offset just past a token."""
        return self.starts[token] + len(self.lower[token])

    def root(self, first: int, last: int) -> int:
        """Return the token of [first, last] that heads it in the parse."""
        if first == last:
            return first
        for index in range(last, first - 1, -1):
            head = self.tokens[index].head.i
            if head < first or head > last or head == index:
                return index
        return last

    def is_upper(self, first: int, last: int) -> bool:
        """Return whether the tokens' sentence is a headline in capitals."""
        sentence = self.sentence_of(first)
        start, end = self.sentences[sentence]
        known = self.capitals.get(sentence)
        if known is None:
            known = self.text[self.starts[start] : self.end_of(end - 1)].isupper()
            self.capitals[sentence] = known
        return known and end - start > last - first + 1
