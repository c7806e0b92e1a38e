"""Judging words in what a speaker says of another: "A said that B kept its colonial habits"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from transforms.stances.clauses import Clauses
from transforms.stances.holders import Holders
from transforms.stances.lexicon import Lexicon
from transforms.stances.pairs import same_actor
from transforms.stances.phrases import find_phrase, matching_frames
from transforms.stances.readings import Charge, Reading
from transforms.stances.tree import Tree

JUDGED = 0.7
CALLED = 0.85
DUE = 0.7
OBLIGING = frozenset({"must", "should", "ought"})
ABLE = frozenset({"can", "could", "ca"})
DENIALS = frozenset({"not", "n't", "n’t", "never"})
_COMPLEMENTS = ("acomp", "attr", "dobj", "oprd", "prep", "advmod")


@dataclass(frozen=True, slots=True)
class Judgements:
    """Reads judging words of one document."""

    tree: Tree
    lexicon: Lexicon
    clauses: Clauses
    holders: Holders

    def read(self, p: int) -> Iterator[Reading | Charge]:
        """Yield what the verb at `p` lets its subject be judged as, or judges its object as."""
        tree = self.tree
        if tree.lemma[p] in self.lexicon.words["traits"]:
            found = self._lean(k for k in tree.kids[p] if tree.dep[k] in _COMPLEMENTS)
            if found is not None:
                sign, word = found
                for holder in self.holders.of_all(self.clauses.surface_subjects(p)):
                    yield Charge(holder.mention, sign, JUDGED * holder.agency, p, (word,))
        yield from self._due(p)
        phrase = find_phrase(tree, p, self.lexicon.speech, ("judging",))
        if phrase is not None:
            yield from self._called(p)

    def _due(self, p: int) -> Iterator[Charge]:
        """Yield what a subject is said to deserve: "B must be stopped", "B cannot be trusted"."""
        tree = self.tree
        modals = {tree.lower[k] for k in tree.children(p, "aux") if tree.tag[k] == "MD"}
        denied = any(tree.lower[k] in DENIALS for k in tree.children(p, "neg"))
        due = bool(modals & OBLIGING)
        if not due and not (denied and modals & ABLE):
            return
        if self.clauses.is_passive(p) and not tree.children(p, "agent"):
            signs = [
                frame.sign
                for frame in matching_frames(tree, p, self.lexicon.verbs)
                if frame.sign and not frame.needs and {"object", *frame.rest} & set(frame.target)
            ]
            if not signs:
                return
            sign = -signs[0] if denied else signs[0]
        elif due and not denied and tree.lemma[p] in self.lexicon.words["desist"]:
            sign = -1
        else:
            return
        for holder in self.holders.of_all(self.clauses.surface_subjects(p)):
            yield Charge(holder.mention, sign, DUE * holder.agency, p, (p,), settled=True)

    def _called(self, p: int) -> Iterator[Reading]:
        """Yield "A called B a threat", "A described B as reliable"."""
        tree = self.tree
        labels = tree.children(p, "oprd", "attr", "acomp")
        named = self.clauses.objects(p)
        for clause in tree.children(p, "ccomp", "xcomp"):
            if not tree.is_verb(clause):
                labels.append(clause)
                named = named + tree.children(clause, "nsubj")
        for preposition in tree.children(p, "prep"):
            if tree.lower[preposition] == "as":
                labels += tree.children(preposition, "pobj", "amod", "pcomp")
        found = self._lean(labels)
        if found is None:
            return
        sign, word = found
        for judge in self.holders.of_all(self.clauses.agents(p)):
            for holder in self.holders.of_all(named):
                if not same_actor(judge.mention, holder.mention):
                    weight = CALLED * judge.agency * holder.factor
                    yield Reading(
                        judge.mention, holder.mention, sign, "statement", weight, p, (p, word)
                    )

    def _lean(self, tokens: Iterator[int] | list[int]) -> tuple[int, int] | None:
        """Return the sign and place of the first judging word in these phrases."""
        tree, words = self.tree, self.lexicon.words
        for token in tokens:
            for i in sorted(tree.phrase_words(token)):
                if self.holders.is_actor(i):
                    continue
                for form in (tree.lower[i], tree.lemma[i], tree.lower[i].removesuffix("ly")):
                    if form in words["bad"]:
                        return -1, i
                    if form in words["good"]:
                        return 1, i
        return None
