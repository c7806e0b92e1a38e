"""A parsed document as plain lists: reading spaCy tokens one attribute at a time is far slower."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from spacy.attrs import DEP, HEAD, LEMMA, LENGTH, LOWER, SENT_START, SPACY, TAG

if TYPE_CHECKING:
    from spacy.tokens import Doc

OPEN_QUOTES = frozenset("“„«‹")
CLOSE_QUOTES = frozenset("”»›")
STRAIGHT_QUOTES = frozenset({'"', "''", "``"})
SUBJECTS = frozenset({"nsubj", "nsubjpass"})
ADJUNCT_CLAUSES = frozenset({"advcl", "acl", "relcl", "ccomp", "xcomp", "pcomp"})


class Tree:
    """Token lists of one document, all indexed by the token's position in it.

    `head[i] == i` marks a root. `start` and `end` are character offsets into the document;
    `sentence[i]` numbers the sentence of token i and `bounds[s]` gives its token range.
    """

    __slots__ = (
        "_doc",
        "bounds",
        "dep",
        "end",
        "head",
        "kids",
        "lemma",
        "lower",
        "quoted",
        "sentence",
        "start",
        "tag",
    )

    def __init__(
        self,
        doc: Doc,
        bounds: list[tuple[int, int]] | None = None,
        lemma_fixes: Mapping[str, str] | None = None,
    ) -> None:
        text_of = doc.vocab.strings.__getitem__
        rows = doc.to_array([HEAD, DEP, LEMMA, TAG, LOWER, LENGTH, SPACY])
        size = len(doc)
        # HEAD is a signed offset that the array keeps as unsigned 64 bits.
        offsets = rows[:, 0].astype("int64").tolist()
        self.head: list[int] = [i + offset for i, offset in enumerate(offsets)]

        def strings(column: int) -> list[str]:
            keys = rows[:, column].tolist()
            names = {key: text_of(key) for key in set(keys)}
            return [names[key] for key in keys]

        self.dep: list[str] = strings(1)
        self.lemma: list[str] = [lemma.lower() for lemma in strings(2)]
        self.tag: list[str] = strings(3)
        self.lower: list[str] = strings(4)
        fixes = lemma_fixes or {}
        for i, lemma in enumerate(self.lemma):
            if lemma in fixes and self.is_verb(i):
                self.lemma[i] = fixes[lemma]
        self.kids: list[list[int]] = [[] for _ in range(size)]
        for i, head in enumerate(self.head):
            if head != i:
                self.kids[head].append(i)
        lengths = rows[:, 5].astype("int64")
        ends = (lengths + rows[:, 6].astype("int64")).cumsum() - rows[:, 6].astype("int64")
        self.start: list[int] = (ends - lengths).tolist()
        self.end: list[int] = ends.tolist()
        self._doc = doc
        self.bounds = bounds if bounds is not None else sentence_bounds(doc)
        self.sentence = [0] * size
        for number, (first, last) in enumerate(self.bounds):
            self.sentence[first:last] = [number] * (last - first)
        self.quoted = _quoted(self.lower, self.bounds)

    def __len__(self) -> int:
        return len(self.head)

    def attach(self, i: int, head: int, dep: str) -> None:
        """Hang `i` below `head` (or make it a root: `head == i`), keeping children in text order.

        The caller makes sure that `head` doesn't stand below `i`.
        """
        if self.head[i] != i:
            self.kids[self.head[i]].remove(i)
        self.head[i] = head
        self.dep[i] = dep
        if head != i:
            insort(self.kids[head], i)

    def text(self, first: int, last: int) -> str:
        """Return the text from token `first` up to and including `last`."""
        return str(self._doc[first : last + 1].text)

    def children(self, i: int, *deps: str) -> list[int]:
        """Return the children of `i` with one of the given dependency labels, in text order."""
        dep = self.dep
        return [k for k in self.kids[i] if dep[k] in deps]

    def conjuncts(self, i: int) -> list[int]:
        """Return `i` and what is coordinated with it, to its right, in text order."""
        found = [i]
        for member in found:
            for k in self.kids[member]:
                # Small models make the first of "A and the big B" a modifier of the second.
                modifies = self.dep[k] == "nmod" and any(
                    self.children(c, "cc") for c in (k, *self.children(k, "conj"))
                )
                if self.dep[k] == "conj" or modifies:
                    found.append(k)
        return found

    def first_conjunct(self, i: int) -> int:
        """Return the head of the coordination that `i` belongs to."""
        while self.dep[i] == "conj" and self.head[i] != i:
            i = self.head[i]
        return i

    def ancestors(self, i: int) -> Iterator[int]:
        """Yield the heads above `i`, nearest first; ends at the root."""
        while self.head[i] != i:
            i = self.head[i]
            yield i

    def subtree(self, i: int) -> Iterator[int]:
        """Yield `i` and all tokens below it, in no fixed order."""
        stack = [i]
        while stack:
            at = stack.pop()
            yield at
            stack.extend(self.kids[at])

    def phrase_words(self, i: int) -> Iterator[int]:
        """Yield `i` and its modifiers, without what is said in clauses below it."""
        stack = [i]
        while stack:
            at = stack.pop()
            yield at
            stack.extend(k for k in self.kids[at] if self.dep[k] not in ADJUNCT_CLAUSES)

    def is_verb(self, i: int) -> bool:
        """Tell whether `i` is tagged as a verb or auxiliary."""
        return self.tag[i][0] == "V" or self.tag[i] == "MD"

    def is_noun(self, i: int) -> bool:
        """Tell whether `i` is tagged as a noun."""
        return self.tag[i][0] == "N"

    def span_text(self, tokens: Iterable[int]) -> str:
        """Return the words at `tokens`, in order, joined by spaces."""
        return " ".join(self.lower[i] for i in tokens)


def sentence_bounds(doc: Doc) -> list[tuple[int, int]]:
    """Return the token range of each sentence, in order."""
    flags = doc.to_array([SENT_START]).astype("int64").ravel().tolist()
    starts = [i for i, flag in enumerate(flags) if flag == 1 or i == 0]
    return list(zip(starts, [*starts[1:], len(doc)], strict=True))


def _quoted(words: list[str], bounds: list[tuple[int, int]]) -> list[bool]:
    """Mark the tokens inside double quotation marks.

    A quotation that is opened and never closed runs to the end of its sentence; curly marks carry
    over sentence ends, as a quotation of several sentences does.
    """
    marks = [False] * len(words)
    open_at: int | None = None
    curly = False
    for first, last in bounds:
        for i in range(first, last):
            word = words[i]
            if word in CLOSE_QUOTES or (word in STRAIGHT_QUOTES and open_at is not None):
                if open_at is not None:
                    marks[open_at:i] = [True] * (i - open_at)
                open_at = None
            elif word in OPEN_QUOTES or word in STRAIGHT_QUOTES:
                open_at, curly = i + 1, word in OPEN_QUOTES
        if open_at is not None and not curly:
            # A straight mark does not say whether it opens; only trust it to the sentence's end
            # when the next sentence has its partner.
            rest = words[last:]
            partner = next((w for w in rest if w in STRAIGHT_QUOTES), None)
            if partner is None:
                open_at = None
    return marks
