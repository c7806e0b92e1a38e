"""Stances that a verb carries: "A condemned B", "A sent weapons to B", "A was helped by B"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from transforms.stances.clauses import Clauses
from transforms.stances.holders import Holder, Holders, scaled
from transforms.stances.lexicon import Frame, Lexicon
from transforms.stances.pairs import directed, mutual
from transforms.stances.phrases import matching_frames, phrase_tokens
from transforms.stances.readings import Charge, Reading
from transforms.stances.tree import Tree

# A target reached through a thing of its own ("criticised NATO's expansion") still is the target;
# one that merely shares the subject with another is less sure.
JOINT = 0.95
REVERSED = 0.85
EXCHANGED = 0.9
AGAINST = 0.9
SITED = 0.85


@dataclass(frozen=True, slots=True)
class Verbs:
    """Reads the verbs of one document."""

    tree: Tree
    lexicon: Lexicon
    clauses: Clauses
    holders: Holders

    def read(self, p: int) -> Iterator[Reading | Charge]:
        """Yield what the verb at `p` says of the actors among its arguments."""
        frames = matching_frames(self.tree, p, self.lexicon.verbs)
        if not frames:
            return
        arguments = self._argument_lemmas(p)
        read: Frame | None = None
        for frame in frames:
            if frame.needs and not frame.needs & arguments:
                continue
            if frame.without & arguments:
                continue
            if read is not None and not _is_beside(frame, read):
                continue
            found = list(self._by_frame(p, frame))
            yield from found
            if read is None and any(isinstance(item, Reading) for item in found):
                read = frame

    def _by_frame(self, p: int, frame: Frame) -> Iterator[Reading | Charge]:
        trigger = self.trigger(p, frame)
        if "subject" in frame.target:
            givers = self._at(p, frame.source)
            takers = self.holders.of_all(self.clauses.agents(p))
            yield from directed(givers, takers, frame, p, trigger, words_of_source=False)
            return
        place, targets = self._targets(p, frame)
        sources = self._sources(p, place) or self._at(p, frame.source)
        if frame.accusation:
            for source in sources:
                yield Charge(source.mention, -1, frame.weight * source.agency, p, trigger)
        if targets:
            yield from directed(sources, targets, frame, p, trigger)
            if frame.reciprocal == "always":
                yield from directed(targets, sources, frame, p, trigger, REVERSED)
            yield from self._exchange(p, sources, targets, frame, trigger)
            if frame.sign > 0 and "against" not in (place, *frame.rest):
                # "A backs B against C"
                others = self.holders.of_all(self.clauses.complements(p, "against"))
                yield from directed(sources, others, frame, p, trigger, AGAINST, sign=-1)
        elif len(sources) > 1 and (self._each_other(p, frame) or self._is_joint(p, frame, trigger)):
            yield from mutual(sources, frame, p, trigger, JOINT)

    def _is_joint(self, p: int, frame: Frame, trigger: tuple[int, ...]) -> bool:
        """Tell whether what the subjects do, they do to each other: not where they do it to
        something ("A and B fought fires") or say something ("A and B argued that ...").
        """
        objects = [k for k in self.tree.children(p, "dobj") if k not in trigger]
        says = frame.sign < 0 and self.tree.children(p, "ccomp")
        return bool(frame.reciprocal) and not objects and not says

    def _targets(self, p: int, frame: Frame) -> tuple[str, list[Holder]]:
        for place in frame.target:
            if place == "object":
                nouns = self.clauses.objects(p)
            elif place == "recipient":
                nouns = self.clauses.recipients(p)
            else:
                nouns = self.clauses.complements(p, place) or self._below_phrase(p, frame, place)
            found = self.holders.of_all(nouns, makers=frame.kind == "statement")
            if not found and nouns and frame.accusation:
                found = scaled(self.holders.of_all(self.clauses.place(p)), SITED)
            if found:
                return place, found
        return "", []

    def _below_phrase(self, p: int, frame: Frame, place: str) -> list[int]:
        """Return B in "came to the defence of B": the phrase's last word has its own object."""
        tree = self.tree
        tokens = phrase_tokens(tree, p, frame.rest) or ()
        return [o for k in tokens if tree.lower[k] == place for o in tree.children(k, "pobj")]

    def _each_other(self, p: int, frame: Frame) -> bool:
        nouns = [
            noun
            for place in frame.target
            for noun in (
                self.clauses.objects(p) if place == "object" else self.clauses.complements(p, place)
            )
        ]
        return any(self.clauses.is_each_other(noun) for noun in nouns)

    def _sources(self, p: int, place: str) -> list[Holder]:
        agents = self.holders.of_all(self.clauses.agents(p))
        stative = not agents and place not in ("object", "recipient", "")
        if stative and self.clauses.is_passive(p):
            # "X is aligned with Y", "X is opposed to Y": a state of X, nobody's deed.
            agents = self.holders.of_all(self.clauses.surface_subjects(p))
        return agents

    def _at(self, p: int, places: tuple[str, ...]) -> list[Holder]:
        for place in places:
            if place == "subject":
                continue
            if place == "object":
                found = self.holders.of_all(self.clauses.objects(p))
            else:
                found = self.holders.of_all(self.clauses.complements(p, place))
            if found:
                return found
        return []

    def _exchange(
        self,
        p: int,
        sources: list[Holder],
        targets: list[Holder],
        frame: Frame,
        trigger: tuple[int, ...],
    ) -> Iterator[Reading]:
        """Yield the way back in "A gives B technology in exchange for ammunition"."""
        if frame.kind != "act" or frame.sign <= 0 or not frame.needs:
            return
        tree = self.tree
        for k in self.tree.subtree(p):
            if tree.lemma[k] not in self.lexicon.words["exchange"] or tree.dep[k] != "pobj":
                continue
            for given in tree.children(k, "prep"):
                lemmas = {
                    tree.lemma[t] for o in tree.children(given, "pobj") for t in tree.subtree(o)
                }
                if lemmas & frame.needs:
                    yield from directed(targets, sources, frame, p, (*trigger, k), EXCHANGED)
                    return

    def _argument_lemmas(self, p: int) -> frozenset[str]:
        """Return the lemmas of the things that `p` is about, quantities looked through."""
        tree = self.tree
        nouns = list(self.clauses.objects(p))
        for k in tree.kids[p]:
            if tree.dep[k] in ("dobj", "dative", "npadvmod", "oprd", "nsubjpass"):
                nouns.append(k)
            elif tree.dep[k] in ("prep", "agent") and tree.lower[k] in ("with", "by", "of", "from"):
                nouns += tree.children(k, "pobj")
        if tree.dep[p] in ("acl", "relcl"):
            nouns.append(tree.head[p])
        lemmas: set[str] = set()
        for noun in nouns:
            for member in tree.conjuncts(noun):
                lemmas |= self._noun_lemmas(member, 0)
        return frozenset(lemmas)

    def _noun_lemmas(self, noun: int, depth: int) -> set[str]:
        tree = self.tree
        lemmas = {tree.lemma[noun], tree.lower[noun]}
        lemmas |= {tree.lemma[k] for k in tree.children(noun, "compound", "nmod")}
        if depth < 2 and not self.holders.is_actor(noun):
            for of in tree.children(noun, "prep"):
                if tree.lower[of] in ("of", "in"):
                    for inner in tree.children(of, "pobj"):
                        for member in tree.conjuncts(inner):
                            lemmas |= self._noun_lemmas(member, depth + 1)
        return lemmas

    def trigger(self, p: int, frame: Frame) -> tuple[int, ...]:
        """Return the tokens that show the stance: the verb, its particle, and what it needs."""
        tree = self.tree
        tokens = [p, *tree.children(p, "prt"), *(phrase_tokens(tree, p, frame.rest) or ())]
        if frame.needs:
            tokens += [k for k in tree.children(p, "dobj") if tree.lemma[k] in frame.needs]
        return tuple(sorted(set(tokens)))


def _is_beside(frame: Frame, read: Frame) -> bool:
    """Tell whether two phrases of one verb stand side by side: "side with B against C"."""
    governs = all(one.rest[-1:] == one.target for one in (frame, read))
    return governs and frame.target != read.target
