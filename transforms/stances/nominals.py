"""Stances that a noun carries: "A's criticism of B", "gave support to B", "ties between A and B".

A noun takes its source and target from its own phrase, from the verb that governs it, or both;
that verb may keep its stance ("imposed sanctions"), turn it ("lifted sanctions"), turn source and
target about ("received support from") or leave nothing ("rejected an alliance").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from transforms.stances.clauses import Clauses
from transforms.stances.holders import Holder, Holders
from transforms.stances.lexicon import Frame, Lexicon
from transforms.stances.pairs import directed, mutual, same_actor
from transforms.stances.phrases import find_groups, find_phrase, matching_frames
from transforms.stances.readings import Charge, Reading
from transforms.stances.tree import Tree

ENDED = 0.8
STOPPED = 0.55
FAVOURED = 0.85
JOINT = 0.95
REVERSED = 0.95
_PRECEDENCE = ("end", "exchange", "raise", "carry", "cancel", "receive", "favour", "disfavour")
_GOVERNED = frozenset({"dobj", "nsubjpass", "attr", "oprd", "conj"})


@dataclass(frozen=True, slots=True)
class Governor:
    """The verb that a noun is the object of, and what it does to the noun's stance."""

    verb: int
    roles: frozenset[str]  # of carry, raise, receive, end, cancel; empty for any other verb

    @property
    def role(self) -> str:
        """Return the role that decides where a verb has several."""
        return next((role for role in _PRECEDENCE if role in self.roles), "")


@dataclass(frozen=True, slots=True)
class Nominals:
    """Reads the predicate nouns of one document."""

    tree: Tree
    lexicon: Lexicon
    clauses: Clauses
    holders: Holders

    def read(self, i: int) -> Iterator[Reading | Charge]:
        """Yield what the noun at `i` says of the actors around it."""
        for frame in matching_frames(self.tree, i, self.lexicon.nouns):
            if "holder" in frame.source:
                found = list(self._characterised(i, frame))
            else:
                found = list(self._by_frame(i, frame))
            if found:
                yield from found
                return

    def _by_frame(self, i: int, frame: Frame) -> Iterator[Reading | Charge]:
        own = self.holders.doers(i, frame)
        governor = self._governor(i)
        if self._tells_of_others(own, governor):
            # "condemned the attack by B on C", "dismissed B's criticism of C"
            governor = Governor(i, frozenset())
        sign, scale = self._turned(self._sign(i, frame, governor), frame, governor)
        if sign == 0 and frame.lean is None:
            return
        if frame.kind == "relation" and governor.role in ("raise", "end"):
            frame = replace(frame, kind="act")  # to deepen or to end a relation is a deed
        trigger = tuple(sorted({i, governor.verb})) if governor.role else (i,)
        predicate = governor.verb if governor.role else i
        pair = partial(
            directed,
            frame=frame,
            predicate=predicate,
            trigger=trigger,
            sign=sign,
            cancelled=governor.role == "cancel",
            hypothetical=self._is_reported(i),
        )
        parties = self.holders.parties(i) if frame.reciprocal else []
        if len(parties) > 1:
            yield from pair(parties, parties, scale=scale)
            return
        if "receive" in governor.roles:
            receivers = self.holders.of_all(self.clauses.agents(governor.verb))
            givers = [h for h in own if h.mention.form != "pronoun"]
            givers = givers or self._givers(i, governor.verb)
            if givers and receivers:
                yield from pair(givers, receivers, scale=scale)
                return
        sources = self._sources(i, own, governor)
        targets = self._targets(i, frame, governor)
        if frame.accusation and sign < 0 and governor.role in ("", "carry"):
            for source in sources:
                yield Charge(source.mention, -1, frame.weight * source.agency, predicate, trigger)
        if targets:
            yield from pair(sources, targets, scale=scale)
            # "A restored (or cut) its ties with B" is A's deed; B's part in it is not stated.
            bilateral = governor.role in ("", "carry", "receive", "cancel")
            if frame.reciprocal == "always" and bilateral:
                yield from pair(targets, sources, scale=scale * REVERSED)
        elif len(sources) > 1 and (
            frame.reciprocal or "exchange" in governor.roles or self._each_other(i, governor)
        ):
            yield from pair(sources, sources, scale=scale * JOINT)

    def _turned(self, sign: int, frame: Frame, governor: Governor) -> tuple[int, float]:
        """Return the sign that the governing verb leaves the noun, and how sure it still is."""
        if governor.role == "end":
            # To lift sanctions or break ties is a stance; to end help, or attacks, hardly is.
            lasting = frame.kind == "relation" or (frame.sign < 0 and not frame.accusation)
            scale = ENDED if lasting else STOPPED
            return (-sign if sign == frame.sign else sign), scale
        if governor.role == "favour":
            return sign, FAVOURED
        if governor.role == "disfavour":
            # Who opposes sanctions on B isn't thereby B's friend.
            return -sign, FAVOURED if sign > 0 else STOPPED
        return sign, 1.0

    def _tells_of_others(self, own: list[Holder], governor: Governor) -> bool:
        """Tell whether the governing verb only takes note of what others do."""
        named = [h.mention for h in own if h.mention.form != "pronoun"]
        if not named or governor.role not in ("favour", "disfavour", "cancel"):
            return False
        subjects = self.holders.of_all(self.clauses.agents(governor.verb))
        return not any(same_actor(s.mention, m) for s in subjects for m in named)

    def _governor(self, i: int) -> Governor:
        tree = self.tree
        at = tree.first_conjunct(i)
        for clause in tree.kids[at]:
            # "sanctions imposed by A", "the sanctions that A lifted"
            if tree.dep[clause] in ("acl", "relcl") and tree.is_verb(clause):
                passive = tree.tag[clause] == "VBN"
                if passive or at in self.clauses.objects(clause):
                    roles = find_groups(tree, clause, self.lexicon.working)
                    if roles:
                        return Governor(clause, roles)
        ended = tree.head[at]
        if (
            tree.dep[at] == "nsubj"
            and not tree.children(ended, "dobj")
            and "end" in find_groups(tree, ended, self.lexicon.working)
        ):
            return Governor(ended, frozenset({"end"}))  # "the alliance has collapsed"
        verb = self._verb_above(at)
        if verb is None:
            return Governor(i, frozenset())
        roles = find_groups(tree, verb, self.lexicon.working) or self._attitude(verb, at)
        return Governor(verb if roles else i, roles)

    def _attitude(self, verb: int, noun: int) -> frozenset[str]:
        """Return whether a verb of words favours the noun it governs."""
        tree = self.tree
        place = "object" if tree.dep[noun] != "pobj" else tree.lower[tree.head[noun]]
        for frame in matching_frames(tree, verb, self.lexicon.verbs):
            if frame.kind == "statement" and frame.sign and place in frame.target:
                return frozenset({"favour" if frame.sign > 0 else "disfavour"})
        return frozenset()

    def _verb_above(self, i: int) -> int | None:
        """Return the verb that `i` is the object of, nouns like "resumption of" looked through."""
        tree = self.tree
        above = tree.head[i]
        if above == i:
            return None
        if tree.dep[i] in _GOVERNED and tree.is_verb(above):
            return above
        if tree.dep[i] == "pobj":
            beyond = tree.head[above]
            if tree.is_verb(beyond):
                governs = (
                    entry.rest and entry.rest[-1] == tree.lower[above]
                    for index in (self.lexicon.working, self.lexicon.verbs)
                    for entry in index.get(tree.lemma[beyond], ())
                )
                return beyond if any(governs) else None
        return None

    def _sign(self, i: int, frame: Frame, governor: Governor) -> int:
        if frame.sign:
            return frame.sign
        tree, words = self.tree, self.lexicon.words
        described = {tree.lower[k] for k in tree.kids[i] if tree.dep[k] in ("amod", "advmod")}
        described |= {tree.lower[c] for k in tree.children(i, "amod") for c in tree.conjuncts(k)}
        if tree.dep[i] in ("nsubj", "nsubjpass"):
            verb = tree.head[i]
            turned = find_groups(tree, verb, self.lexicon.working)
            if "end" in turned and not tree.children(verb, "dobj"):
                return -1  # "relations have soured"
            if "raise" in turned and not tree.children(verb, "dobj"):
                return 1
            described |= {tree.lower[k] for k in tree.children(verb, "acomp")} | {tree.lower[verb]}
        if described & words["cold"]:
            return -1
        if governor.role == "end":
            return -1
        if governor.role == "raise" or described & words["warm"]:
            return 1
        return 0

    def _sources(self, noun: int, own: list[Holder], governor: Governor) -> list[Holder]:
        if not governor.role or governor.role == "receive":
            return own
        if any(h.mention.form != "pronoun" for h in own):
            return own
        agents = self.clauses.agents(governor.verb)
        if any(a in self.tree.conjuncts(noun) for a in agents):
            return own  # the noun itself is the subject: "the alliance has collapsed"
        return self.holders.of_all(agents) or own

    def _targets(self, i: int, frame: Frame, governor: Governor) -> list[Holder]:
        found = self.holders.undergoers(i, frame)
        if found or not governor.role:
            return found
        found = self.holders.of_all(self._beneficiaries(i, governor.verb))
        if found:
            return found
        for place in frame.target:
            if place in ("possessor", "modifier", "of"):
                continue
            found = self.holders.of_all(self.clauses.complements(governor.verb, place))
            if found:
                return found
        return []

    def _each_other(self, i: int, governor: Governor) -> bool:
        tree = self.tree
        return any(
            self.clauses.is_each_other(noun)
            for bearer in {i, governor.verb}
            for k in tree.kids[bearer]
            for noun in ([k] if tree.dep[k] == "dative" else tree.children(k, "pobj"))
        )

    def _beneficiaries(self, i: int, verb: int) -> list[int]:
        """Return B in "gave B support", "B was promised support", "hit B with sanctions"."""
        tree = self.tree
        found = self.clauses.recipients(verb)
        if not found and tree.dep[i] == "dobj" and self.clauses.is_passive(verb):
            found = self.clauses.surface_subjects(verb)
        above = tree.head[i]
        if not found and tree.dep[i] == "pobj" and tree.lower[above] == "with":
            found = self.clauses.objects(verb)
        return found

    def _givers(self, i: int, verb: int) -> list[Holder]:
        tree = self.tree
        for preposition in ("from", "by", "of"):
            nouns = [
                o
                for k in tree.kids[i]
                if tree.lower[k] == preposition
                for o in tree.children(k, "pobj")
            ] or self.clauses.complements(verb, preposition)
            found = self.holders.of_all(nouns)
            if found:
                return found
        return self.holders.owners(i)

    def _is_reported(self, i: int) -> bool:
        """Tell whether the noun is what a report or plan is about: "reports of an attack"."""
        tree = self.tree
        above = tree.head[i]
        if tree.dep[i] != "pobj" or tree.dep[above] != "prep":
            return False
        return tree.lemma[tree.head[above]] in self.lexicon.words["report_nouns"]

    def _characterised(self, i: int, frame: Frame) -> Iterator[Reading | Charge]:
        """Read nouns that say what someone is: "A is an ally of B", "A, B's enemy"."""
        tree = self.tree
        predicate, named, judged = self._named(i)
        sources = self.holders.of_all(named)
        sources = [s for s in sources if i not in tree.subtree(s.mention.head)] or sources
        trigger = (i,)
        if frame.accusation:
            for source in sources:
                yield Charge(
                    source.mention, frame.sign, frame.weight * source.agency, predicate, trigger
                )
        if judged and not frame.accusation:
            judges = self.holders.of_all(judged)
            yield from directed(judges, sources, frame, predicate, trigger)
            return
        targets = self.holders.undergoers(i, frame)
        if targets:
            own = {(t.mention.start, t.mention.actor) for t in targets}
            sources = [s for s in sources if (s.mention.start, s.mention.actor) not in own]
            yield from directed(sources, targets, frame, predicate, trigger)
        elif frame.reciprocal and len(sources) > 1:
            yield from mutual(sources, frame, predicate, trigger, JOINT)

    def _named(self, i: int) -> tuple[int, list[int], list[int]]:
        """Return the predicate, who is called `i`, and who calls them so (where it says)."""
        tree = self.tree
        above, dep = tree.head[i], tree.dep[i]
        if dep in ("attr", "dobj", "oprd") and tree.lemma[above] in self.lexicon.words["copulas"]:
            return above, self.clauses.surface_subjects(above), []
        if dep == "conj":
            first = tree.first_conjunct(i)
            if tree.dep[first] == "attr":
                return tree.head[first], self.clauses.surface_subjects(tree.head[first]), []
        if dep in ("appos", "compound", "nmod", "amod") and self.holders.is_actor(above):
            return i, [above], []
        apposed = [k for k in tree.children(i, "appos") if self.holders.is_actor(k)]
        if apposed:
            return i, apposed, []
        judging = find_phrase(tree, above, self.lexicon.speech, ["judging"])
        if dep in ("oprd", "ccomp", "attr") and judging:
            named = tree.children(above, "dobj") + tree.children(i, "nsubj")
            return above, named, self.clauses.agents(above)
        if dep == "pobj" and tree.lower[above] == "as":
            verb = tree.head[above]
            if find_phrase(tree, verb, self.lexicon.speech, ["judging"]):
                return verb, self.clauses.objects(verb), self.clauses.agents(verb)
        return i, [], []
