"""Stances that an adjective carries: "A is hostile to B", "countries allied with B"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from transforms.stances.clauses import Clauses
from transforms.stances.holders import Holder, Holders
from transforms.stances.lexicon import Frame, Lexicon
from transforms.stances.pairs import directed, mutual
from transforms.stances.readings import Reading
from transforms.stances.tree import Tree

JOINT = 0.95


@dataclass(frozen=True, slots=True)
class Adjectives:
    """Reads the predicate adjectives of one document."""

    tree: Tree
    lexicon: Lexicon
    clauses: Clauses
    holders: Holders

    def read(self, i: int) -> Iterator[Reading]:
        """Yield what the adjective at `i` says of the actors it joins."""
        tree = self.tree
        frames = self.lexicon.adjectives.get(tree.lower[i]) or ()
        if tree.lower[i] == "at":
            # "at odds", "at war": the preposition heads the phrase.
            inner = {tree.lower[k] for k in tree.children(i, "pobj")}
            frames = tuple(f for f in self.lexicon.adjectives.get("at", ()) if inner & set(f.rest))
        if not frames:
            return
        frame = frames[0]
        trigger = (i, *tree.children(i, "pobj")) if tree.lower[i] == "at" else (i,)
        sources = self.holders.of_all(self._bearers(i))
        targets = self._targets(i, frame)
        predicate = self._predicate(i)
        if targets:
            yield from directed(sources, targets, frame, predicate, trigger)
        elif frame.reciprocal and len(sources) > 1 and not self._has_complement(i, frame):
            yield from mutual(sources, frame, predicate, trigger, JOINT)

    def _has_complement(self, i: int, frame: Frame) -> bool:
        """Tell whether it is said of something else: "A and B are close to a deal"."""
        tree = self.tree
        return any(
            tree.lower[k] in frame.target and tree.children(k, "pobj", "pcomp")
            for k in tree.children(i, "prep")
        )

    def _bearers(self, i: int) -> list[int]:
        """Return the nouns that the adjective is said of."""
        tree = self.tree
        above, dep = tree.head[i], tree.dep[i]
        if dep in ("acomp", "oprd", "prep", "attr", "advcl", "xcomp", "ccomp", "conj", "advmod"):
            if tree.is_verb(above):
                return self.clauses.surface_subjects(above)
            return self.clauses.surface_subjects(i)
        if dep in ("amod", "acl", "appos"):
            # Before the noun an adjective with a complement of its own says nothing of it.
            return [above] if i > above else []
        return self.clauses.surface_subjects(i)

    def _predicate(self, i: int) -> int:
        above = self.tree.head[i]
        stands_below_verb = self.tree.dep[i] in ("acomp", "oprd", "prep", "attr")
        return above if stands_below_verb and self.tree.is_verb(above) else i

    def _targets(self, i: int, frame: Frame) -> list[Holder]:
        inner = self.tree.children(i, "pobj")
        for place in frame.target:
            for bearer in (i, *inner, self._predicate(i)):
                found = self.holders.of_all(self.clauses.complements(bearer, place))
                if found:
                    return found
        return []
