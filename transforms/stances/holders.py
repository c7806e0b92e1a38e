"""Which actors a noun stands for: itself, its owner, its examples, those it is made of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transforms.records import Mention
from transforms.stances.lexicon import Frame, Lexicon
from transforms.stances.negation import ONLY
from transforms.stances.tree import Tree

_MAX_DEPTH = 4
_MADE_OF_MEMBERS = frozenset({"organisation", "bloc"})
_DASHES = frozenset("-–—/")
# How sure one may be that the actor answers for the noun, by how it is tied to it.
POSSESSOR = 0.97
MODIFIER = 0.96
OF, BY, FROM, IN, SITE = 0.9, 0.95, 0.9, 0.7, 0.85
EXAMPLE = 0.95
MADE = 0.85
PRIVATE = 0.3
UNCLEAR_MODIFIER = 0.6
DIRECTED_MODIFIER = 0.85


@dataclass(frozen=True, slots=True)
class Holder:
    """An actor's mention that a noun stands for; `factor` in 0..1 scales the confidence.

    `private`: what is named doesn't act for the state, though it may be acted on.
    """

    mention: Mention
    factor: float
    private: bool = False

    @property
    def agency(self) -> float:
        """The factor for a holder that acts or speaks."""
        return self.factor * (PRIVATE if self.private else 1.0)


class Holders:
    """Looks up which mentions the nouns of one document stand for."""

    def __init__(self, tree: Tree, lexicon: Lexicon, mentions: Sequence[Mention]) -> None:
        self.tree = tree
        self.lexicon = lexicon
        self.words = lexicon.words
        self.by_head: dict[int, list[Mention]] = {}
        self.by_token: dict[int, list[Mention]] = {}
        for mention in mentions:
            self.by_head.setdefault(mention.head, []).append(mention)
            first = bisect_right(tree.start, mention.start) - 1
            for i in range(max(first, 0), bisect_left(tree.start, mention.end)):
                if tree.end[i] > mention.start:
                    self.by_token.setdefault(i, []).append(mention)

    def direct(self, i: int) -> list[Mention]:
        """Return the mentions whose role token `i` plays, or that cover it."""
        return self.by_head.get(i) or self.by_token.get(i) or []

    def is_actor(self, i: int) -> bool:
        """Tell whether a mention stands at token `i`."""
        return i in self.by_head or i in self.by_token

    def of_all(self, nouns: Iterable[int], *, makers: bool = False) -> list[Holder]:
        """Return the holders of these nouns and of what is coordinated with them, each once.

        With `makers`, "the conditions that A attached" stands for A: right for what is judged,
        wrong for what acts ("the drones that A sold hit B" is no deed of A).
        """
        found: list[Holder] = []
        for noun in nouns:
            for member in self.tree.conjuncts(noun):
                if self._is_excluded(member) or self._is_neither(member):
                    continue
                holders = self.of(member)
                found += holders or (self._makers(member) if makers else [])
        return unique(found)

    def of(self, i: int, depth: int = 0) -> list[Holder]:
        """Return the actors that the noun phrase headed by `i` stands for."""
        direct = self.direct(i)
        if direct:
            shared = (
                [h.mention for h in self.owners(i)] if self.tree.tag[i] in ("NN", "NNS") else []
            )
            # "French and German leaders": one noun, two actors
            joined = [m for m in shared if m.form != "pronoun" and m not in direct]
            return [Holder(m, 1.0, self._is_private(i, m)) for m in (*direct, *joined)]
        if depth >= _MAX_DEPTH:
            return []
        found = self._examples(i, depth) or self._apposed(i, depth)
        if found:
            return found
        if self.tree.dep[i] == "appos" and self.is_actor(self.tree.head[i]):
            # "A, the neighbour that B accused of it"
            return scaled(self.of(self.tree.head[i], depth + 1), POSSESSOR)
        word = self.tree.lemma[i]
        if word in self.words["quantity"]:
            made_of = self._through(i, ("of",), depth)
            if made_of:
                return made_of
        frames = self.lexicon.nouns.get(word, ())
        if frames and "holder" in frames[0].source:
            # An ally or threat is someone else than whose it is, but "NATO allies" are NATO's own.
            return [h for h in self.owners(i) if h.mention.actor_type in _MADE_OF_MEMBERS]
        owners = self.owners(i)
        private = word in self.words["private"]
        if any(o.mention.form != "pronoun" for o in owners):
            return scaled(owners, 1.0, private=private)
        if frames:
            found = owners + self._doers(i, frames[0], depth)
            if not found and frames[0].reciprocal == "always":
                found = self._through(i, ("between", "with", "among"), depth)
            return found
        if word in self.words["report_nouns"]:
            return self._through(i, ("by", "from"), depth)
        speaks_for = ("for",) if word in self.words["speakers"] else ()
        inner = self._through(i, ("of", "by", "from", *speaks_for), depth)
        if not inner:
            # "the government in Kabul" acts for its state, "prices in Kabul" don't
            inner = self._through(i, ("in", "at"), depth)
            if word in self.words["sites"] and not self.tree.children(i, "poss"):
                inner = scaled(inner, SITE / IN)
            private = private or not {word, self.tree.lower[i]} & self.words["organs"]
        return scaled(owners + inner, 1.0, private=private)

    def _is_excluded(self, i: int) -> bool:
        """Tell whether a noun is named as not meant: "not A but B", "neither with A"."""
        tree = self.tree
        for k in (*tree.children(i, "neg", "preconj", "advmod"), *self._negated_preposition(i)):
            if k > i:
                continue  # "A, not B, condemned C"
            following = tree.lower[k + 1] if k + 1 < len(tree) else ""
            if tree.lower[k] in ("not", "neither", "nor") and following not in ONLY:
                return True
        return False

    def _is_neither(self, i: int) -> bool:
        """Tell whether `i` is C in "neither B nor C"."""
        tree = self.tree
        first = tree.head[i]
        nor = any(tree.lower[k] == "nor" for k in tree.children(first, "cc"))
        return tree.dep[i] == "conj" and nor and self._is_excluded(first)

    def _negated_preposition(self, i: int) -> list[int]:
        tree = self.tree
        preposition = tree.head[i]
        if tree.dep[i] != "pobj" or tree.dep[preposition] not in ("prep", "conj"):
            return []
        return tree.children(preposition, "neg", "preconj", "cc", "advmod")

    def _makers(self, i: int) -> list[Holder]:
        """Return A in "the conditions that A had attached"."""
        tree = self.tree
        subjects = [
            s
            for clause in tree.children(i, "relcl", "acl")
            for s in tree.children(clause, "nsubj")
            if tree.tag[s][0] != "W" and tree.lower[s] != "that"
        ]
        return [Holder(m, MADE) for s in subjects for m in self.direct(s)]

    def owners(self, i: int) -> list[Holder]:
        """Return the actors that own or modify it: "NATO's expansion", "Russian oil"."""
        tree = self.tree
        found: list[Holder] = []
        for k in tree.kids[i]:
            dep = tree.dep[k]
            if dep == "poss" and tree.tag[k] == "WP$":
                # "A, whose government ...": A owns it
                clause = next((a for a in tree.ancestors(i) if tree.dep[a] == "relcl"), None)
                if clause is not None:
                    found += [Holder(m, POSSESSOR) for m in self.direct(tree.head[clause])]
            elif dep == "poss":
                for member in tree.conjuncts(k):
                    direct = self.direct(member)
                    found += [Holder(m, POSSESSOR) for m in direct]
                    if not direct:
                        found += scaled(self.of(member, depth=2), POSSESSOR)
            elif dep in ("amod", "compound", "nmod", "npadvmod"):
                members = [*self._hyphenated(k), *tree.conjuncts(k)]
                if dep == "compound" and tree.tag[k] == "NN" and not self.is_actor(k):
                    members += tree.children(k, "compound", "amod")  # "an A patrol boat"
                for member in members:
                    found += [Holder(m, MODIFIER) for m in self.direct(member)]
        return unique(found)

    def doers(self, i: int, frame: Frame) -> list[Holder]:
        """Return who does what a predicate noun names: "Iran's attack", "attack by Iran"."""
        return unique(
            self._agentive_owners(i, frame) + self._doers(i, frame, 0) + self._imposers(i)
        )

    def _imposers(self, i: int) -> list[Holder]:
        """Return A in "A's imposition of tariffs"."""
        tree = self.tree
        of = tree.head[i]
        noun = tree.head[of]
        imposed = tree.dep[i] == "pobj" and tree.lower[of] == "of"
        if not imposed or tree.lemma[noun] not in self.words["impositions"]:
            return []
        return [h for h in self.owners(noun) if h.factor >= POSSESSOR]

    def undergoers(self, i: int, frame: Frame) -> list[Holder]:
        """Return whom a predicate noun is directed at: "attack on Iran", "support for Iran"."""
        tree = self.tree
        for place in frame.target:
            if place == "possessor":
                found = [h for h in self.owners(i) if h.factor >= POSSESSOR]
            elif place == "modifier":
                found = self.owners(i)
            else:
                found = []
                for bearer in (i, *self._actors_below(i), *self._rates_below(i)):
                    for k in tree.kids[bearer]:
                        if tree.lower[k] == place and tree.dep[k] == "prep":
                            found += self.of_all(tree.children(k, "pobj"))
            if found:
                return found
        return []

    def _actors_below(self, i: int) -> list[int]:
        """Return the actors in prepositional phrases of `i`: names take no complements."""
        tree = self.tree
        return [
            o
            for k in tree.children(i, "prep")
            for o in tree.children(k, "pobj")
            if o in self.by_head and tree.tag[o].startswith("NNP")
        ]

    def _rates_below(self, i: int) -> list[int]:
        """Return "percent" in "tariffs of 15 percent on A"."""
        tree = self.tree
        return [
            o
            for k in tree.children(i, "prep")
            if tree.lower[k] == "of"
            for o in tree.children(k, "pobj")
            if tree.lower[o] in self.words["rates"]
        ]

    def parties(self, i: int) -> list[Holder]:
        """Return the parties of a two-sided noun: "ties between A and B", "US-China ties"."""
        tree = self.tree
        inner = [o for k in tree.children(i, "prep") for o in tree.children(k, "pobj")]
        if tree.dep[i] in ("nsubj", "nsubjpass", "dobj"):
            inner.append(tree.head[i])  # "fighting broke out between A and B"
        for k in (k for bearer in (i, *inner) for k in tree.kids[bearer]):
            if tree.lower[k] in ("between", "among") and tree.dep[k] == "prep":
                found = self.of_all(tree.children(k, "pobj"))
                if len(found) > 1:
                    return found
        owners = [h for h in self.owners(i) if h.mention.form != "pronoun"]
        of = []
        for k in tree.kids[i]:
            if tree.lower[k] == "of" and tree.dep[k] == "prep":
                of = self.of_all(tree.children(k, "pobj"))
        return owners if len(owners) > 1 else of if len(of) > 1 else []

    def _hyphenated(self, i: int) -> list[int]:
        """Return the first half of "US-China" where `i` is its second half."""
        tree = self.tree
        first = tree.children(i, "compound", "amod", "nmod", "npadvmod")
        return [k for k in first if k + 2 == i and tree.lower[k + 1] in _DASHES]

    def _agentive_owners(self, i: int, frame: Frame) -> list[Holder]:
        tree = self.tree
        found = []
        directed = any(tree.lower[k] in frame.target for k in tree.children(i, "prep"))
        place_like = tree.lemma[i] in self.words["wars"]
        for holder in self.owners(i):
            mention = holder.mention
            named_place = holder.factor == MODIFIER and mention.form in ("name", "short_name")
            if named_place and place_like:
                continue
            unclear = named_place and mention.actor_type == "state"
            # "the A strikes" may be strikes on A or by A, but "the A strikes on B" are by A.
            doubt = DIRECTED_MODIFIER if directed else UNCLEAR_MODIFIER
            found.append(Holder(mention, doubt if unclear else holder.factor))
        return found

    def _doers(self, i: int, frame: Frame, depth: int) -> list[Holder]:
        tree = self.tree
        prepositions = [p for p in frame.source if p in ("by", "from", "of", "between")]
        found = self._through(i, prepositions, depth)
        for below in self._actors_below(i) if not found else ():
            # "support for A from B": small models hang "from B" on A
            found += self._through(below, [p for p in prepositions if p != "of"], depth)
        if not found:
            for clause in tree.children(i, "acl"):
                for by in tree.children(clause, "agent"):
                    found += scaled(self.of_all(tree.children(by, "pobj")), BY)
        return found

    def _through(self, i: int, prepositions: Iterable[str], depth: int) -> list[Holder]:
        tree = self.tree
        factor = {"of": OF, "by": BY, "from": FROM, "in": IN, "at": IN}
        for preposition in prepositions:
            found: list[Holder] = []
            for k in tree.kids[i]:
                if tree.lower[k] == preposition and tree.dep[k] in ("prep", "agent"):
                    for noun in tree.children(k, "pobj"):
                        for member in tree.conjuncts(noun):
                            found += self.of(member, depth + 1)
            if found:
                return scaled(unique(found), factor.get(preposition, OF))
        return []

    def _examples(self, i: int, depth: int) -> list[Holder]:
        tree = self.tree
        found: list[Holder] = []
        for k in tree.kids[i]:
            if tree.lower[k] in self.words["examples"] and tree.dep[k] in ("prep", "mark", "acl"):
                if tree.lower[k] == "as" and "such" not in self._words_below(k, i):
                    continue
                for noun in tree.children(k, "pobj", "dobj"):
                    for member in tree.conjuncts(noun):
                        found += self.of(member, depth + 1)
        return scaled(unique(found), EXAMPLE)

    def _words_below(self, *tokens: int) -> set[str]:
        return {self.tree.lower[k] for t in tokens for k in self.tree.kids[t]}

    def _apposed(self, i: int, depth: int) -> list[Holder]:
        tree = self.tree
        found: list[Holder] = []
        for k in tree.children(i, "appos"):
            for member in tree.conjuncts(k):
                found += self.of(member, depth + 1)
        return scaled(unique(found), POSSESSOR)

    def _is_private(self, i: int, mention: Mention) -> bool:
        # Rebels, fighters and workers are what a movement or party is made of.
        return mention.actor_type == "state" and (
            self.tree.lemma[i] in self.words["private"]
            or any(
                self.tree.lemma[k] in self.words["private"]
                for k in self.tree.children(i, "amod", "compound")
            )
        )


def scaled(holders: Iterable[Holder], factor: float, *, private: bool = False) -> list[Holder]:
    """Return the holders with their factor multiplied, and made private where that is asked."""
    return [Holder(h.mention, h.factor * factor, h.private or private) for h in holders]


def unique(holders: Iterable[Holder]) -> list[Holder]:
    """Return the holders without repeated mentions, the first kept."""
    seen: set[tuple[int, int, str]] = set()
    kept = []
    for holder in holders:
        key = (holder.mention.start, holder.mention.end, holder.mention.actor)
        if key not in seen:
            seen.add(key)
            kept.append(holder)
    return kept
