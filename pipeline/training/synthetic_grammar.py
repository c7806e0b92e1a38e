"""The writer of synthetic sentences: frames, words of the stance lexicon, and what goes around."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from pipeline.training.inflect import inflect
from pipeline.training.synthetic_names import TYPES, Name, draw_name
from transforms.stances.lexicon import Frame as LexiconFrame
from transforms.stances.lexicon import Lexicon

# A slot's name in a finished text: \x01, its letter, the name, \x02.
MARK: Final = re.compile("\x01(.)([^\x02]*)\x02")
_SLOT: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_CHOICE: Final = re.compile(r"\(([^()]*)\)")
# A quotation mark, and the mark of a name with its slot.
_OPENING: Final = re.compile("“?(?:\x01.)?")
_ARTICLE: Final = re.compile(r"\b([Aa]) (?=[aeiou])")
_EDGE: Final = re.compile(r"(\w)([>=?])(\w)(?: ([vw+-]))?")
_FORMS: Final = frozenset({"base", "s", "past", "pp", "ing"})
_VERB_SETS: Final = {
    "all": ("against", "oppose", "for", "esteem", "back", "harm", "punish", "help", "help"),
    "words": ("against", "oppose", "for", "back"),
    "things": ("reject", "for", "back"),
}
# Frames that tell no single event of the past: dates and "last week" don't go with them.
_UNDATED: Final = re.compile(
    r"\b(?:is|are|has|have|will|remains?|could|wants|expect|while|after)\b|\{v:s\}|\{unrelated"
)
# How often an actor is of each type: news is about persons and states most.
_TYPE_WEIGHTS: Final = dict(zip(TYPES, (5, 5, 2, 1, 1, 1), strict=True))
_STRAIGHT: Final = str.maketrans("’“”", '\'""')
_SPEAKER, _FIRST, _SECOND = "S", "X", "Y"
_SPOKEN, _NESTED, _TRAILING, _ACCORDING = 0.18, 0.2, 0.25, 0.2
_LEAD, _CLOSE, _DISTRACTOR = 0.35, 0.35, 0.15


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the lexicon: its sign, the preposition of its target, and what may follow it."""

    text: str
    sign: int
    preposition: str = ""
    tails: tuple[str, ...] = ("",)
    harm: bool = False
    deed: bool = False
    speech: bool = False
    types: tuple[str, ...] = TYPES


@dataclass(slots=True)
class Draft:
    """A sentence with marked names, its actors by slot, and what it says of each pair."""

    phenomenon: str
    text: str = ""
    cast: dict[str, Name] = field(default_factory=dict)
    signs: dict[tuple[str, str], int] = field(default_factory=dict)
    both_ways: set[frozenset[str]] = field(default_factory=set)
    open: set[frozenset[str]] = field(default_factory=set)


class Grammar:
    """The frames, with the words that one lexicon gives them."""

    def __init__(self, lexicon: Lexicon) -> None:
        data = _load("synthetic.toml")
        self.names: dict[str, str] = data["names"]
        self.rules: dict[str, list[str]] = data["rules"]
        self.frames: dict[str, list[dict[str, Any]]] = _load("synthetic_frames.toml")
        self.phenomena = [*self.frames, "reported_speech", "nested_report"]
        self.verbs = {name: _verbs(lexicon, entry, data) for name, entry in data["verbs"].items()}
        self.nouns = {
            name: _governing(lexicon.nouns, by_preposition)
            for name, by_preposition in data["nouns"].items()
        }
        self.adjectives = {
            name: _governing(lexicon.adjectives, by_preposition)
            for name, by_preposition in data["adjectives"].items()
        }
        self.sayable = [
            frame for group in self.frames.values() for frame in group if "say" in frame
        ]

    def write(self, phenomenon: str, chance: Random) -> Draft:
        """Return one sentence that shows a phenomenon."""
        reported = phenomenon in ("reported_speech", "nested_report")
        frame = chance.choice(self.sayable if reported else self.frames[phenomenon])
        writer = _Writer(self, frame, chance)
        draft = writer.clause(phenomenon)
        if reported or ("say" in frame and chance.random() < _SPOKEN):
            writer.report(draft, nested=phenomenon == "nested_report")
        if "bare" not in frame:
            writer.surround(draft)
        draft.text = _finished(draft.text)
        if chance.random() < 0.5:
            draft.text = draft.text.translate(_STRAIGHT)
        return draft


class _Writer:
    """Writes one sentence; remembers the actors and words it has drawn."""

    def __init__(self, grammar: Grammar, frame: dict[str, Any], chance: Random) -> None:
        self.grammar, self.frame, self.chance = grammar, frame, chance
        self.cast: dict[str, Name] = {}
        self.words: dict[str, Word] = {}
        self.types: tuple[str, ...] = tuple(frame.get("types", TYPES))

    def clause(self, phenomenon: str) -> Draft:
        """Return the frame's own clause with what it states."""
        frame, chance = self.frame, self.chance
        for slot, key in (("v", "verbs"), ("w", "verbs2")):
            if key in frame:
                name = chance.choice(_VERB_SETS[frame[key]])
                words = self.grammar.verbs[name]
                if "single" in frame:
                    words = [word for word in words if " " not in word.text]
                self.words[slot] = chance.choice(words)
        for key, groups in (("nouns", self.grammar.nouns), ("adjectives", self.grammar.adjectives)):
            if key in frame:
                self.words["n"] = chance.choice(groups[chance.choice(frame[key])])
        for word in self.words.values():
            self.types = tuple(kind for kind in self.types if kind in word.types) or word.types
        draft = Draft(phenomenon, cast=self.cast)
        for edge in frame["edges"]:
            self._state(draft, edge)
        draft.text = self.expand(frame["text"])
        return draft

    def _state(self, draft: Draft, edge: str) -> None:
        match = _EDGE.fullmatch(edge)
        if match is None:
            raise ValueError(f"{edge!r} is no edge like 'A>B v'")
        one, relation, other, what = match.groups()
        pair = frozenset((one, other))
        if relation == "?":
            draft.open.add(pair)
            return
        sign = {"+": 1, "-": -1}.get(what) or self.words[
            "n" if what not in self.words else what
        ].sign
        draft.signs[one, other] = sign
        if relation == "=":
            draft.signs[other, one] = sign
            draft.both_ways.add(pair)

    def report(self, draft: Draft, nested: bool) -> None:
        """Put one speaker above the clause, or two."""
        chance = self.chance
        harm = "harm" in self.frame or any(word.harm for word in self.words.values())
        for speaker in (_SPEAKER, "T") if nested else (_SPEAKER,):
            style = chance.random()
            who = self.expand(f"{{{speaker}}}")
            if speaker == "T" or style >= _TRAILING + _ACCORDING:
                draft.text = f"{who} {self.expand('{say}')} that {draft.text}"
            elif style < _TRAILING and not nested:
                draft.text = f"{draft.text}, {who} said"
            else:
                draft.text = f"according to {who}, {draft.text}"
            for (source, target), sign in list(draft.signs.items()):
                if sign < 0 and speaker not in (source, target):
                    # To report a deed of harm is to blame its doer; other deeds are left open.
                    if harm and speaker == _SPEAKER:
                        draft.signs[speaker, source] = -1
                    elif any(word.deed for word in self.words.values()):
                        draft.open.add(frozenset((speaker, source)))

    def surround(self, draft: Draft) -> None:
        """Put a time, a place or another event before or after the clause."""
        chance = self.chance
        style = chance.random()
        when = "any" if _UNDATED.search(self.frame["text"]) else "time"
        if style < _LEAD:
            draft.text = self.expand(f"{{lead_{when}}}") + draft.text
        elif style < _LEAD + _CLOSE:
            speech = when == "time" and any(word.speech for word in self.words.values())
            draft.text += self.expand("{close_speech}" if speech else f"{{close_{when}}}")
        elif style < _LEAD + _CLOSE + _DISTRACTOR:
            self.words["x"] = word = chance.choice(
                self.grammar.verbs[chance.choice(("for", "against"))]
            )
            text = chance.choice(
                (
                    ", a day after {X} {x:past} {Y}",
                    ", while {X} {x:past} {Y}",
                    ", weeks before {X} {x:past} {Y}",
                    " as {X} {neutral_deed} {Y}",
                )
            )
            draft.text += self.expand(text)
            if "{x:" in text:
                draft.signs[_FIRST, _SECOND] = word.sign

    def expand(self, text: str) -> str:
        """Return the text with its choices made and its slots filled."""
        while match := _CHOICE.search(text):
            text = (
                text[: match.start()]
                + self.chance.choice(match[1].split("|"))
                + text[match.end() :]
            )
        return _SLOT.sub(lambda slot: self._fill(slot[1], slot[2]), text)

    def _fill(self, slot: str, form: str | None) -> str:
        if slot in self.words:
            return self._word(self.words[slot], form)
        if len(slot) == 1 and slot.isupper():
            return self._actor(slot, form)
        if slot == "names":
            return self.chance.choice(self.grammar.names[str(form)].split())
        return self.expand(self.chance.choice(self.grammar.rules[slot]))

    def _word(self, word: Word, form: str | None) -> str:
        if form == "tail":
            return self.expand(self.chance.choice(word.tails))
        if form == "prep":
            return word.preposition
        if form == "pl":
            return _plural(word.text)
        return inflect(word.text, form) if form in _FORMS else word.text

    def _actor(self, slot: str, form: str | None) -> str:
        name = self.cast.get(slot)
        if name is None:
            name = self.cast[slot] = self._new_name(slot)
        if form in name.pronouns:
            return name.pronouns[str(form)]
        marked = f"\x01{slot}{name.text}\x02"
        if form == "name":
            return marked
        if form == "pos" and "’s " in name.after:
            return f"{name.before}{marked}’s"
        phrase = f"{name.before}{marked}{name.after}"
        if form == "pos":
            return phrase + ("’" if name.text.endswith("s") and not name.after else "’s")
        return phrase

    def _new_name(self, slot: str) -> Name:
        types = TYPES if slot in (_SPEAKER, "T", _FIRST, _SECOND) else self.types
        used = {name.text for name in self.cast.values()}
        while True:
            kind = self.chance.choices(types, [_TYPE_WEIGHTS[kind] for kind in types])[0]
            name = draw_name(kind, self.grammar.names, self.chance)
            if f"{{{slot}:name}}" in self.frame["text"] and (name.before or name.after):
                continue
            if not any(name.text[:4] == other[:4] for other in used):
                return name


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def _verbs(lexicon: Lexicon, entry: dict[str, Any], data: dict[str, Any]) -> list[Word]:
    """Return the verbs of a class that take a plain object, in the lexicon's order."""
    skipped, own_tails = set(entry["skip"].split()), data["verb_tails"]
    types = tuple(kind for kind in TYPES if kind in entry.get("types", TYPES))
    return [
        Word(
            frame.phrase,
            frame.sign,
            tails=(own_tails[frame.phrase],) if frame.phrase in own_tails else tuple(entry["tail"]),
            harm=entry.get("harm", False),
            deed=entry.get("deed", False),
            speech=entry.get("speech", False),
            types=types,
        )
        for frames in lexicon.verbs.values()
        for frame in frames
        if frame.group in entry["groups"]
        and frame.lemma not in skipped
        and frame.phrase not in skipped
        and not frame.rest
    ]


def _governing(
    frames: dict[str, tuple[LexiconFrame, ...]], by_preposition: dict[str, str]
) -> list[Word]:
    """Return the listed nouns or adjectives that the lexicon holds, with their prepositions."""
    return [
        Word(lemma, frames[lemma][0].sign, preposition, deed=frames[lemma][0].kind == "act")
        for preposition, lemmas in by_preposition.items()
        for lemma in lemmas.split()
        if lemma in frames
    ]


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh", "go")) else "s")


def _finished(text: str) -> str:
    """Return the text as a sentence: one space, "an" before vowels, a capital, a full stop."""
    text = re.sub(r"\s+([,.?])", r"\1", re.sub(r" {2,}", " ", text)).strip()
    text = re.sub(r",,+", ",", text)
    text = text.replace("'", "’")
    text = _ARTICLE.sub(r"\1n ", text)
    opening = _OPENING.match(text)
    start = opening.end() if opening else 0
    text = text[:start] + text[start : start + 1].upper() + text[start + 1 :]
    return text if text.endswith("?") else f"{text}."
