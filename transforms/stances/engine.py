"""The stance engine: one interface over the readers.

`stances.engine` chooses: "grammar", "learned", or "both". The learned reader's model is loaded when
an engine that needs it is made.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from transforms.records import Evidence, Mention
from transforms.settings import StanceSettings
from transforms.stances.both import Readers, read_alone
from transforms.stances.evidence import make_evidence
from transforms.stances.grammar import Grammar
from transforms.stances.learned import load_reader
from transforms.stances.lexicon import Lexicon
from transforms.stances.tree import Tree, sentence_bounds

if TYPE_CHECKING:
    from spacy.tokens import Doc


class StanceEngine:
    """Reads stances from parsed documents; holds no state between documents.

    Raises transforms.stances.learned.ModelError where the settings ask for a model that is absent
    or damaged.
    """

    def __init__(self, lexicon: Lexicon, settings: StanceSettings) -> None:
        self.lexicon = lexicon
        self.settings = settings
        folder = Path(settings.model) if settings.model else None
        self._learned = None if settings.engine == "grammar" else load_reader(folder)

    def read(
        self,
        doc: Doc,
        mentions: Sequence[Mention],
        sentences: Collection[int] | None = None,
        published_at: date | None = None,
    ) -> list[Evidence]:
        """Return the evidence in the given sentences (indexes into `doc.sents`; None: all).

        Every stance that was read is returned, sentence by sentence; `counted` says which are sure,
        asserted and current enough to count. `published_at` lets old years be told as background.
        """
        return [
            evidence
            for _, found in self.read_sentences(doc, mentions, sentences, published_at)
            for evidence in found
        ]

    def read_sentences(
        self,
        doc: Doc,
        mentions: Sequence[Mention],
        sentences: Collection[int] | None = None,
        published_at: date | None = None,
    ) -> Iterator[tuple[int, list[Evidence]]]:
        """Yield (sentence index, its evidence) for the sentences that name two actors."""
        if len({m.rollup for m in mentions}) < 2:
            return
        bounds = sentence_bounds(doc)
        wanted = set(range(len(bounds)) if sentences is None else sentences)
        numbers = [number for number in _with_two_actors(bounds, mentions) if number in wanted]
        if not numbers:
            return
        tree = Tree(doc, bounds, self.lexicon.lemma_fixes)
        # The grammar repairs the tree in place.
        heads = None if self._learned is None else tuple(tree.head)
        grammar = Grammar(tree, self.lexicon, mentions, published_at.year if published_at else None)
        for number in numbers:
            if self._learned is None or heads is None:
                judged = read_alone(grammar, number)
            else:
                readers = Readers(
                    tree,
                    grammar,
                    self._learned.open_sentence(doc, tree, number, heads),
                    self._learned.gate,
                    self._learned.weights,
                    with_grammar=self.settings.engine == "both",
                )
                judged = readers.read(number, _mentions_in(tree, mentions, number))
            yield number, make_evidence(tree, judged, number, self.settings.min_confidence)


def sentence_starts(doc: Doc) -> list[int]:
    """Return the character offset of each sentence's first token, numbered as the engine does."""
    return [doc[first].idx for first, _ in sentence_bounds(doc)]


def _mentions_in(tree: Tree, mentions: Sequence[Mention], number: int) -> list[Mention]:
    first, last = tree.bounds[number]
    return [m for m in mentions if first <= m.head < last]


def _with_two_actors(bounds: list[tuple[int, int]], mentions: Sequence[Mention]) -> list[int]:
    """Return the sentences that mention two roll-ups or more, in order."""
    starts = [first for first, _ in bounds]
    rollups: dict[int, set[str]] = {}
    for mention in mentions:
        rollups.setdefault(bisect_right(starts, mention.head) - 1, set()).add(mention.rollup)
    return sorted(number for number, names in rollups.items() if len(names) > 1)
