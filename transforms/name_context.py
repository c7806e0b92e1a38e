"""Whether a catalog name, where it stands, means the actor: places, people, products and sports.

Each test answers for one kind of false friend; `resolve_name` puts them in order.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from transforms.actor_spans import TextView
from transforms.name_table import NameMatch, NameUse
from transforms.roles import POSSESSIVES

_SCORE = re.compile(r"\b\d{1,2}\s?[-–—]\s?\d{1,2}\b")
_DATELINE = re.compile(
    r"^(?:[A-Z][A-Z.'’\- ]{2,40}(?:,\s*[A-Z][\w.'’ ]{1,30})*\s*"
    r"(?:\([^)\n]{2,40}\)\s*[-–—]+|[–—]+|-{1,2}\s)"
    r"|[A-Z][\w.'’ ]{2,30}(?:,\s*\w[\w.'’ ]{1,30}){0,3}\s*\([^)\n]{2,40}\)\s*[-–—]+)",
    re.MULTILINE,
)
_PLACE_KINDS = ("capital", "seat")
_NESTING_LABELS = frozenset(
    {"PERSON", "ORG", "FAC", "WORK_OF_ART", "PRODUCT", "EVENT", "LAW", "LOC"}
)
_NAME_LABELS = frozenset({"PERSON", "ORG", "GPE"})
_GEOPOLITICAL = frozenset({"GPE", "NORP"})
_EVIDENCE_ORDER = {"state": 0, "organisation": 1, "bloc": 2, "group": 3}
_NEAR = 2
_MAX_NUMERAL = 3
_NO_WORDS: frozenset[str] = frozenset()


@dataclass(slots=True)
class NameContext:
    """What the whole text says about its names; computed lazily, once per text."""

    view: TextView
    matches: list[NameMatch]
    evidence: set[str] = field(default_factory=set)
    persons: set[str] = field(default_factory=set)
    datelines: list[tuple[int, int]] = field(default_factory=list)
    _words: set[str] | None = None
    _sport: bool | None = None
    _sports: dict[int, bool] = field(default_factory=dict)
    _sentence_words: dict[int, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, view: TextView, matches: list[NameMatch]) -> NameContext:
        """Return the context of a text's matches."""
        context = cls(view, matches)
        for match in matches:
            actors = {use.actor for use in match.uses}
            if any(use.kind == "surname" for use in match.uses):
                continue
            if len(actors) == 1 and not any(use.ambiguous for use in match.uses):
                context.evidence |= actors
                if " " in match.key:
                    context.persons |= actors
        context.datelines = [found.span() for found in _DATELINE.finditer(view.text)]
        return context

    def choose(self, match: NameMatch, first: int, last: int) -> NameUse | None:
        """Return what the match means where it stands, or None if it names no actor."""
        if self._in_dateline(match) or self._in_hyphen(match) or self._caps_word(match, first):
            return None
        if self._in_address(first, last) or self._in_phrase(match):
            return None
        use = self._sense(match, first, last)
        if use is None or self._inside_other_name(match, use, first, last):
            return None
        if use.kind in _PLACE_KINDS and self._as_place(first, last):
            return None
        if self.view.catalog.type_of(use.actor) == "state" and self._sports_sentence(first):
            return None
        if use.kind == "demonym" and self._as_language(first, last):
            return None
        return use

    def _in_dateline(self, match: NameMatch) -> bool:
        position = bisect_right(self.datelines, match.start, key=lambda span: span[0]) - 1
        return position >= 0 and match.start < self.datelines[position][1]

    def _in_hyphen(self, match: NameMatch) -> bool:
        view, words = self.view, self.view.catalog.words
        before = view.text[max(0, match.start - 2) : match.start].rstrip()
        if match.first > 0 and before.endswith(("-", "‑", "–")):
            earlier = view.pieces[match.first - 1]
            if match.start - earlier.end <= _NEAR and words.has("hyphens.before", earlier.folded):
                return True
        after = view.text[match.end : match.end + 1]
        if match.last + 1 < len(view.pieces) and after in ("-", "‑"):
            later = view.pieces[match.last + 1]
            if later.start - match.end <= _NEAR and words.has("hyphens.after", later.folded):
                return True
        return False

    def _caps_word(self, match: NameMatch, first: int) -> bool:
        """In a headline in capitals "WHO" and "IT" are words as often as names."""
        words = self.view.catalog.words
        return (
            match.first == match.last
            and words.has("context.caps_words", match.key)
            and self.view.is_upper(first, first)
        )

    def _in_address(self, first: int, last: int) -> bool:
        view, words = self.view, self.view.catalog.words
        following = view.tokens[last + 1 : last + 2]
        return bool(following) and (
            words.has("context.streets", view.lower[last + 1].rstrip("."))
            and following[0].text[:1].isupper()
        )

    def _in_phrase(self, match: NameMatch) -> bool:
        """Products and set phrases: "French fries", "Swiss cheese"."""
        view, phrases = self.view, self.view.catalog.words.lists.get("context.phrases")
        if not phrases:
            return False
        pieces = view.pieces
        if match.first and f"{pieces[match.first - 1].folded} {match.key}" in phrases:
            return True
        after = match.last + 1
        return after < len(pieces) and f"{match.key} {pieces[after].folded}" in phrases

    def _sense(self, match: NameMatch, first: int, last: int) -> NameUse | None:
        view = self.view
        rule = view.catalog.words.senses.get(match.key)
        if rule is not None and any(use.actor in rule.known for use in match.uses):
            actor = rule.pick(self._near_words(first), self._all_words())
            return next((use for use in match.uses if use.actor == actor), None)
        use = self._best_use(match, first, last)
        if use is None or not use.ambiguous:
            return use
        entity = view.entity_at.get(first)
        geopolitical = entity is not None and entity.label_ in _GEOPOLITICAL
        if entity is not None and entity.label_ == "LOC" and not self._as_place(first, last):
            # A continent that isn't only where something is: "Europe warned …".
            geopolitical = view.catalog.type_of(use.actor) == "bloc"
        if use.actor in self.evidence or (geopolitical and use.kind in ("demonym", "name")):
            return use
        after = view.tokens[last + 1] if last + 1 < len(view.tokens) else None
        if use.kind == "demonym" and after is not None:
            return use if view.catalog.words.is_head(after.lemma_.lower()) else None
        return None

    def _best_use(self, match: NameMatch, first: int, last: int) -> NameUse | None:
        uses = [use for use in match.uses if self._person_fits(use, match, first, last)]
        if len(uses) > 1:
            # A family name gives way to whatever else the word is a name of.
            uses = [use for use in uses if use.kind != "surname"] or uses
            if uses[0].kind == "surname":
                named = [use for use in uses if use.actor in self.persons]
                return named[0] if len(named) == 1 else None
        if len(uses) <= 1:
            return uses[0] if uses else None
        catalog, on = self.view.catalog, self.view.on

        def rank(use: NameUse) -> tuple[int, int, int, int]:
            current = catalog.role(use.actor, on) not in ("", "former")
            return (
                0 if use.actor in self.persons else 1,
                0 if not use.ambiguous else 1,
                0 if use.actor in self.evidence or current else 1,
                _EVIDENCE_ORDER.get(catalog.type_of(use.actor), 9),
            )

        uses.sort(key=rank)
        if uses[0].kind == "short_name" and rank(uses[0]) == rank(uses[1]):
            return None
        return uses[0]

    def _person_fits(self, use: NameUse, match: NameMatch, first: int, last: int) -> bool:
        """A surname alone is the catalog's person while in office or once named in full."""
        if use.kind not in ("short_name", "surname") or use.actor in self.persons:
            return True
        view = self.view
        surface = view.tokens[last].text
        if surface.isupper() and len(surface) <= _MAX_NUMERAL and not view.is_upper(first, last):
            # A "starting XI" is no Xi.
            return False
        entity = view.entity_at.get(first)
        named = entity is not None and entity.label_ in _NAME_LABELS
        if not named and view.tokens[last].pos_ != "PROPN" and not view.is_upper(first, last):
            return False
        if view.catalog.role(use.actor, view.on) not in ("", "former"):
            if use.kind == "short_name":
                return True
            home = view.catalog.rollup(use.actor, view.on)
            return home in self.evidence and (entity is None or named)
        return named and use.kind == "short_name"

    def _inside_other_name(self, match: NameMatch, use: NameUse, first: int, last: int) -> bool:
        """Return whether a longer proper name holds the match: "Bank of China", "Dana Jordan"."""
        view, words = self.view, self.view.catalog.words
        state = view.catalog.type_of(use.actor) == "state"
        if (
            first > 0
            and view.tokens[first - 1].text == "New"
            and words.has("context.new_places", match.key)
        ):
            return True
        person = view.catalog.type_of(use.actor) == "person"
        short = use.kind in ("short_name", "surname")
        if person and not short:
            return self._name_goes_on(last)
        if (
            state
            and words.has("context.given_names", match.key)
            and self._named_person(first, last)
        ):
            return True
        if short and self._named_person(first, last):
            return True
        holds_names = short or view.catalog.type_of(use.actor) in ("state", "bloc")
        if holds_names and self._beside_name_head(first, last):
            return True
        entity = view.entity_at.get(first)
        if entity is None or entity.label_ not in _NESTING_LABELS:
            return False
        if entity.start >= first and entity.end - 1 <= last:
            return False
        rest = [i for i in range(entity.start, entity.end) if i < first or i > last]
        return not self._explained(rest, first, entity.label_)

    def _named_person(self, first: int, last: int) -> bool:
        """Return whether a name's other half stands beside it: "Chad Ellery", "Dana Jordan"."""
        view = self.view
        if first > 0 and self._name_half(first - 1):
            return True
        after = last + 1
        return (
            after < len(view.tokens)
            and self._name_half(after)
            and view.tokens[after].pos_ == "PROPN"
        )

    def _name_goes_on(self, last: int) -> bool:
        """Return whether a full name is only the beginning of someone else's."""
        view, after = self.view, last + 1
        if after >= len(view.tokens) or not self._name_half(after):
            return False
        entity = view.entity_at.get(after)
        return entity is not None and entity.label_ == "PERSON" and entity.start <= last

    def _name_half(self, index: int) -> bool:
        view, words = self.view, self.view.catalog.words
        token, lower = view.tokens[index], view.lower[index]
        if not token.text[:1].isupper() or not token.is_alpha or token.text.isupper():
            return False
        if token.is_stop or lower in words.title_words or words.is_head(lower):
            return False
        if words.has("context.directions", lower) or words.has("titles.before", lower):
            return False
        uses = view.catalog.names.uses.get(lower, ())
        if any(use.kind not in ("surname", "short_name") for use in uses):
            return False
        entity = view.entity_at.get(index)
        return token.pos_ == "PROPN" or (entity is not None and entity.label_ == "PERSON")

    def _beside_name_head(self, first: int, last: int) -> bool:
        """Return whether the name is part of "China Daily" or "the University of Jordan"."""
        view, words = self.view, self.view.catalog.words
        after = last + 1
        if after < len(view.tokens):
            token = view.tokens[after]
            if token.text[:1].isupper() and words.has("context.name_heads", view.lower[after]):
                return not token.text.isupper() or view.tokens[first].text.isupper() is False
        before = first - 1
        if before >= 0 and view.lower[before] == "the":
            before -= 1
        if before < 1 or view.lower[before] != "of":
            return False
        token = view.tokens[before - 1]
        return token.text[:1].isupper() and words.has("context.name_heads", view.lower[before - 1])

    def _explained(self, rest: list[int], first: int, label: str) -> bool:
        """Return whether the words around the match are titles, heads or institutions."""
        view, words = self.view, self.view.catalog.words
        titled = False
        for index in rest:
            token, lower = view.tokens[index], view.lower[index]
            if index > first and lower in words.title_words:
                titled = True
            if (
                not token.text[:1].isupper()
                or lower in words.title_words
                or words.is_head(lower)
                or words.is_head(token.lemma_.lower())
                or words.has("context.institutions", lower)
                or words.has("context.directions", lower)
                or words.has("titles.before", lower)
                or lower in ("the", "of", "and", "'s", "’s")
                or self._is_match(index)
            ):
                continue
            # In "Chinese Defense Minister Dong Jun" the words after the title are the person.
            if label == "PERSON" and index > first and titled:
                continue
            return False
        return True

    def _is_match(self, index: int) -> bool:
        start = self.view.starts[index]
        position = bisect_right(self.matches, start, key=lambda match: match.start) - 1
        return position >= 0 and start < self.matches[position].end

    def _as_place(self, first: int, last: int) -> bool:
        """A capital or seat is where things happen ("in Moscow"), or who does them."""
        view, words = self.view, self.view.catalog.words
        after = last + 1
        if after < len(view.tokens) and words.has(
            "context.place_nouns", view.tokens[after].lemma_.lower()
        ):
            return True
        before = first - 1
        while before >= 0 and view.lower[before] in ("the", "downtown", "central", "nearby"):
            before -= 1
        if before < 0:
            return False
        lower = view.lower[before]
        if words.has("context.locative", lower):
            return not self._located_head(before)
        if words.has("context.motion_prepositions", lower):
            verb = view.tokens[before].head.lemma_.lower()
            return words.has("context.motion", verb)
        return words.has("context.near", lower)

    def _located_head(self, preposition: int) -> bool:
        """ "officials in Tbilisi" speak for it."""
        view, words = self.view, self.view.catalog.words
        if preposition < 1:
            return False
        owner = preposition - 2
        while owner > 0 and view.tokens[owner].dep_ == "compound" and not self._is_match(owner):
            owner -= 1
        if owner > 0 and view.lower[owner] in POSSESSIVES:
            owner -= 1
        if owner >= 0 and (words.has("titles.past", view.lower[owner]) or self._is_match(owner)):
            # "former officials in Tbilisi", "Russia's defence ministry in Oslo"
            return False
        return view.lower[preposition] == "in" and words.has(
            "heads.located", view.tokens[preposition - 1].lemma_.lower()
        )

    def _sports_sentence(self, first: int) -> bool:
        return self._is_sport(self.view.sentence_of(first)) or self._sports_text()

    def _sports_text(self) -> bool:
        """Return whether most sentences that name anyone are about sport: then all are."""
        if self._sport is None:
            where = {self.view.sentence_of(self.view.token_at(m.start)) for m in self.matches}
            sport = sum(self._is_sport(sentence) for sentence in where)
            self._sport = sport >= _NEAR and sport * 2 > len(where)
        return self._sport

    def _is_sport(self, sentence: int) -> bool:
        view, words = self.view, self.view.catalog.words
        known = self._sports.get(sentence)
        if known is None:
            lists = words.lists
            present = self._words_of(sentence)
            strong = len(present & lists.get("context.sports", _NO_WORDS))
            weak = len(present & lists.get("context.sports_weak", _NO_WORDS))
            verbs = present & lists.get("context.score_verbs", _NO_WORDS)
            known = (strong > 0 and strong + weak >= _NEAR) or (
                weak >= _NEAR and weak + len(verbs) > _NEAR
            )
            politics = present & lists.get("context.score_not", _NO_WORDS)
            if not known and (strong or weak or verbs) and not politics:
                start, end = view.sentences[sentence]
                text = view.text[view.starts[start] : view.end_of(end - 1)]
                known = _SCORE.search(text) is not None
            self._sports[sentence] = known
        return known

    def _as_language(self, first: int, last: int) -> bool:
        view, words = self.view, self.view.catalog.words
        if first == 0 or first != last:
            return False
        token = view.tokens[first]
        verb = token.head.head if token.dep_ == "conj" else token.head
        before = view.tokens[first - 1].lemma_.lower()
        spoken = words.has("context.language_verbs", verb.lemma_.lower())
        if not spoken and not words.has("context.language_verbs", before) and before != "in":
            return False
        following = view.tokens[last + 1] if last + 1 < len(view.tokens) else None
        return following is None or following.pos_ in ("PUNCT", "ADP", "CCONJ", "SCONJ", "ADV")

    def _words_of(self, sentence: int) -> set[str]:
        words = self._sentence_words.get(sentence)
        if words is None:
            start, end = self.view.sentences[sentence]
            words = set(self.view.lower[start:end])
            self._sentence_words[sentence] = words
        return words

    def _near_words(self, first: int) -> set[str]:
        sentence = self.view.sentence_of(first)
        return self._words_of(sentence)

    def _all_words(self) -> set[str]:
        if self._words is None:
            self._words = {piece.folded for piece in self.view.pieces}
        return self._words
