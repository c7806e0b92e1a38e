"""The grammar reader: from a parsed document and its mentions to stances with their status.

Each sentence's verbs, nouns and adjectives are read by their lexicon frames; then each reading gets
its factuality and its speaker, and what a speaker says of another actor becomes the speaker's own
stance where the content is blame or praise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from transforms.records import Mention, Voice
from transforms.stances.adjectives import Adjectives
from transforms.stances.attribution import Attribution, Level
from transforms.stances.clauses import Clauses
from transforms.stances.holders import Holders
from transforms.stances.judgements import Judgements
from transforms.stances.lexicon import Lexicon
from transforms.stances.negation import Status, Statuses
from transforms.stances.nominals import Nominals
from transforms.stances.pairs import same_actor
from transforms.stances.readings import Charge, Reading
from transforms.stances.repair import repair
from transforms.stances.sport import Sport
from transforms.stances.tree import Tree
from transforms.stances.verbs import Verbs

# "Aid from A arrived": a capital makes small taggers take a noun for a verb, not its place.
_OTHER_THAN_ADJECTIVES = frozenset({"VB", "VBP", "VBZ", "VBG", "NN", "NNS"})
_NOUN_PLACES = frozenset({"nsubj", "nsubjpass", "dobj", "pobj"})


@dataclass(frozen=True, slots=True)
class Stated:
    """A reading with all that its sentence says about it; `weight` 0..1 is its confidence."""

    reading: Reading
    weight: float
    status: Status
    voice: Voice
    speaker: Mention | None


class Grammar:
    """Reads the stances of one document."""

    def __init__(
        self, tree: Tree, lexicon: Lexicon, mentions: Sequence[Mention], year: int | None
    ) -> None:
        self.tree = tree
        holders = Holders(tree, lexicon, mentions)
        repair(tree, lexicon, holders.is_actor)
        clauses = Clauses(tree, lexicon, holders.is_actor)
        self.lexicon = lexicon
        self.verbs = Verbs(tree, lexicon, clauses, holders)
        self.nominals = Nominals(tree, lexicon, clauses, holders)
        self.adjectives = Adjectives(tree, lexicon, clauses, holders)
        self.judgements = Judgements(tree, lexicon, clauses, holders)
        self.attribution = Attribution(tree, lexicon, clauses, holders)
        self.statuses = Statuses(tree, lexicon, year)
        self.sport = Sport(tree, lexicon)

    def read_sentence(self, number: int) -> list[Stated]:
        """Return the stances of one sentence of the tree, in reading order."""
        stated: list[Stated] = []
        first, last = self.tree.bounds[number]
        figurative = self.lexicon.words["figurative"] if self.sport.in_sentence(number) else ()
        for item in self._predicates(first, last):
            if isinstance(item, Reading) and item.group in figurative:
                continue
            levels = self.attribution.of(item.predicate)
            status = self.statuses.of(item.predicate, item.trigger)
            if isinstance(item, Reading):
                stated.append(self._state(item, levels, status))
            else:
                stated += self._blame(item, levels)
        return stated

    def state(self, reading: Reading) -> Stated:
        """Return a reading of whatever origin with its status, voice and speaker."""
        levels = self.attribution.of(reading.predicate)
        return self._state(reading, levels, self.statuses.of(reading.predicate, reading.trigger))

    def _predicates(self, first: int, last: int) -> Iterator[Reading | Charge]:
        tree, lexicon = self.tree, self.lexicon
        for i in range(first, last):
            tag = tree.tag[i]
            if tag[0] == "V":
                yield from self.verbs.read(i)
                yield from self.judgements.read(i)
            is_noun = tag[0] == "N" or tree.dep[i] in _NOUN_PLACES
            if is_noun and tree.lemma[i] in lexicon.nouns:
                yield from self.nominals.read(i)
            if tree.lower[i] in lexicon.adjectives and tag not in _OTHER_THAN_ADJECTIVES:
                yield from self.adjectives.read(i)

    def _state(self, reading: Reading, levels: list[Level], status: Status) -> Stated:
        voice, speaker, factor = self._voice(reading, levels)
        if status.factuality == "negated" and reading.denied and not reading.cancelled:
            reading = replace(reading, sign=reading.denied, lean=0.0)
            status = Status("asserted", status.is_background)
        if reading.cancelled:
            status = Status("negated", status.is_background)
        elif reading.hypothetical and status.factuality in ("asserted", "planned"):
            status = Status("hypothetical", status.is_background)
        if status.factuality == "hypothetical":
            factor *= self.lexicon.factors.hypothetical
        return Stated(reading, reading.weight * factor, status, voice, speaker)

    def _voice(self, reading: Reading, levels: list[Level]) -> tuple[Voice, Mention | None, float]:
        """Return who vouches: the outermost word is the article's, so inner speakers come first."""
        factors = self.lexicon.factors
        presupposed = (
            reading.kind == "relation"
            and self.tree.is_noun(reading.predicate)
            and not self.tree.quoted[reading.predicate]
        )
        # "A is neutral in the dispute between B and C": that there is one, nobody needs to say.
        for level in () if presupposed else levels:
            if any(same_actor(m, reading.source) for m in level.speakers):
                continue
            if level.official:
                return "source", None, factors.unknown_speaker
            speaker = level.speakers[0] if level.speakers else None
            factor = factors.third_party if speaker is not None else factors.unknown_speaker
            if level.mode == "alleged":
                factor = factors.alleged
            return "third_party", speaker, factor
        if levels or (reading.kind != "relation" and reading.words_of_source):
            return "source", None, 1.0
        return "outlet", None, 1.0

    def _blame(self, charge: Charge, levels: list[Level]) -> Iterator[Stated]:
        """Yield the speaker's own stance toward the actor of whom something bad or good is said."""
        for position, level in enumerate(levels):
            if level.mode == "alleged" or level.aside:
                return  # "accused B of lying" is read at "accused" already
            others = [m for m in level.speakers if not same_actor(m, charge.actor)]
            if not level.speakers or len(others) < len(level.speakers):
                continue
            scale = self.lexicon.factors.blame.get(level.mode)
            # What is done to the saying itself ("rejected C's claim that B ...") comes below.
            below = self.statuses.of(charge.predicate, charge.trigger, level.verb)
            unsaid = below.factuality in ("negated", "hypothetical") and not charge.settled
            if scale is None or unsaid:
                return
            for speaker in others:
                weight = charge.weight * scale
                if weight <= 0:
                    continue
                reading = Reading(
                    speaker,
                    charge.actor,
                    charge.sign,
                    "statement",
                    weight,
                    level.verb,
                    charge.trigger,
                )
                # The saying itself is asserted; what it is about may be past or planned.
                said = self.statuses.of(level.verb, ())
                if self.tree.is_noun(level.verb):
                    said = Status("asserted", said.is_background)  # a claim that there is
                yield self._state(reading, levels[position + 1 :], said)
            return
