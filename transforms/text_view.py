"""A text as verification reads it: hashed words to align, and tokens of facts where it matters.

Whole texts are only hashed, by numpy; the few words between shared passages are read as tokens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

import numpy as np

from transforms.frame import strip_frame
from transforms.neutral_words import neutral_places
from transforms.text_rules import TextRules, shipped_rules
from transforms.words import (
    CURRENCIES,
    OPENERS,
    SIGNS,
    UNITS,
    Counts,
    Hashes,
    Places,
    hash_words,
    runs,
    sequence_hashes,
    space_out,
)

_OPEN: Final = re.escape(OPENERS)
_TOKEN: Final = re.compile(
    r"(?:[^\W\d_]\.){2,}"  # U.S., a.m.
    # A number with its sign and its unit: -3, $5.2, 1,204, 58%.
    rf"|(?:\b[Mm]inus\s+|(?<![^{_OPEN}])[{SIGNS}])?[{CURRENCIES}]?\d+(?:[.,]\d+)*%?"
    r"|[^\W\d_]+(?:'[^\W\d_]+)*"
    rf"|[%{CURRENCIES}]"
)
_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+")
_DIGITS: Final = re.compile(r"\d[\d.,]*")
_BEFORE_DIGITS: Final = re.compile(rf"(?:(?<![^{_OPEN}])[{SIGNS}])?[{CURRENCIES}]?(?:\d+,)*\Z")
_MAX_NUMBER_CHARS: Final = 40
_MAX_KEPT_CHARS: Final = 40  # of a word that is read once for all its places
_SENTENCE_END: Final = re.compile(r"[.!?…:][\"'”’»)\]]*\s|\n|[\"“]")


class Kind(IntEnum):
    """What a token would change if it were swapped; POSSIBLE_NAME opens a sentence in capitals.

    A NEUTRAL token is part of the outlet's or an agency's name: no fact.
    """

    WORD = 0
    NAME = 1
    POSSIBLE_NAME = 2
    NUMBER = 3
    WEEKDAY = 4
    DATE = 5
    RELATIVE_DAY = 6
    NEUTRAL = 7


NAMES: Final = frozenset({Kind.NAME, Kind.POSSIBLE_NAME})
DAY_KINDS: Final = frozenset({Kind.WEEKDAY, Kind.DATE, Kind.RELATIVE_DAY})


class Token(NamedTuple):
    """A normalised word and what it stands for."""

    word: str
    kind: Kind


@dataclass(frozen=True)
class TextView:
    """A text under comparison. `outlet` is its publisher, whose name in the text is no fact."""

    id: str
    title: str
    text: str
    outlet: str = ""
    rules: TextRules = field(default_factory=shipped_rules, repr=False, compare=False)

    @cached_property
    def body(self) -> str:
        """Return the text without dateline, byline and credits."""
        return strip_frame(self.text)

    @cached_property
    def _words(self) -> tuple[Hashes, Places, Places]:
        found = hash_words([self.body])
        return found.hashes, found.starts, found.ends

    def know(self, body: str, words: tuple[Hashes, Places, Places]) -> None:
        """Take over the body, and its words' hashes, starts and ends, where they are known."""
        self.__dict__.update(body=body, _words=words)

    @property
    def hashes(self) -> Hashes:
        """Return the hash of each word."""
        return self._words[0]

    def __len__(self) -> int:
        return len(self._words[0])

    @cached_property
    def sequence(self) -> int:
        """Return a hash of the words in their order."""
        return int(sequence_hashes(self.hashes, np.array([0, len(self)]))[0])

    def shingles(self, width: int) -> tuple[Hashes, Counts]:
        """Return the distinct hashes of runs of `width` words, sorted, and their first positions.

        A text shorter than `width` has one run: itself.
        """
        kept: dict[int, tuple[Hashes, Counts]] = self.__dict__.setdefault("_shingles", {})
        if width not in kept:
            found = runs(self.hashes, min(width, max(1, len(self))))
            order = np.argsort(found, kind="stable")
            found = found[order]
            fresh = np.ones(len(found), dtype=np.bool_)
            fresh[1:] = found[1:] != found[:-1]
            kept[width] = found[fresh], order[fresh].astype(np.int64)
        return kept[width]

    def words(self, start: int, end: int) -> str:
        """Return the words from `start` up to `end` as they are printed."""
        _, starts, ends = self._words
        return self.body[int(starts[start]) : int(ends[end - 1])] if start < end else ""

    def tokens(self, start: int, end: int) -> list[Token]:
        """Return the tokens of the words from `start` up to `end`."""
        kept: dict[tuple[int, int], list[Token]] = self.__dict__.setdefault("_tokens", {})
        if (start, end) not in kept:  # templates differ in the same places again and again
            kept[start, end] = self._tokens_between(start, end)
        return kept[start, end]

    def _tokens_between(self, start: int, end: int) -> list[Token]:
        if start >= end:
            return []
        _, starts, ends = self._words
        first, last = self._number_start(int(starts[start])), int(ends[end - 1])
        if self.body[last : last + 1] in (".", "%"):  # the full stop of "U.S."
            last += 1
        opens, neutral = self.opens_sentence(start), self._neutral_spans(start, end, first)
        return tokenise(space_out(self.body[first:last]), self.rules, opens, neutral)

    def _number_start(self, first: int) -> int:
        """Return where the number starts that has the word from `first` on: it may have a sign, a
        currency, or figures before a comma.
        """
        if not self.body[first].isdigit():
            return first
        found = _BEFORE_DIGITS.search(self.body, max(0, first - _MAX_NUMBER_CHARS), first)
        return found.start() if found else first

    def _neutral_spans(self, start: int, end: int, first: int) -> list[tuple[int, int]]:
        """Return where names without a fact stand in the spaced-out text of the words."""
        _, starts, ends = self._words
        spans: list[tuple[int, int]] = []
        last = -1
        for place in self.neutral_places(start, end):
            at, to = (
                len(space_out(self.body[first : int(edges[place])])) for edges in (starts, ends)
            )
            joined = spans and last == place - 1
            spans.append((spans.pop()[0] if joined else at, to))
            last = place
        return spans

    @property
    def all_tokens(self) -> list[Token]:
        """Return the tokens of the whole text; for short texts."""
        return self.tokens(0, len(self))

    def weighty(self, tokens: Sequence[Token]) -> list[Token]:
        """Return the tokens that matter in a short text: neither function words, nor titles, nor
        names without a fact.
        """
        rules = self.rules
        return [
            token
            for token in tokens
            if token.word not in rules.function_words
            and token.word not in rules.titles
            and token.kind is not Kind.NEUTRAL
        ]

    @cached_property
    def weighty_forms(self) -> frozenset[str]:
        """Return the words that matter, but for days, as `TextRules.respell` writes them."""
        respell = self.rules.respell
        tokens = self.weighty(self.all_tokens)
        return frozenset(respell(token.word) for token in tokens if token.kind not in DAY_KINDS)

    def forms(self, end: int) -> frozenset[str]:
        """Return the words up to a place as `TextRules.respell` writes them."""
        kept: dict[int, frozenset[str]] = self.__dict__.setdefault("_forms", {})
        if end not in kept:
            respell = self.rules.respell
            kept[end] = frozenset(respell(token.word) for token in self.tokens(0, end))
        return kept[end]

    def opens_sentence(self, place: int) -> bool:
        """Return whether a sentence starts at a word; so it does at both ends of the text."""
        _, starts, ends = self._words
        if place <= 0 or place >= len(starts):
            return True
        between = self.body[int(ends[place - 1]) : int(starts[place])]
        if _SENTENCE_END.search(between) is None:
            return False
        before = self.body[int(starts[place - 1]) : int(ends[place - 1])].casefold()
        return "\n" in between or before not in self.rules.abbreviations

    def has_plain(self, word: str) -> bool:
        """Return whether the text has a word in lower case, which a name never is."""
        # Most words aren't there at all, which is found faster than a pattern is compiled.
        return word in self.body and (re.search(rf"\b{re.escape(word)}\b", self.body) is not None)

    @cached_property
    def title_words(self) -> frozenset[str]:
        """Return the title's words that carry meaning."""
        words = {token.word for token in tokenise(self.title, self.rules)}
        return frozenset(words) - self.rules.function_words

    def neutral_places(self, start: int, end: int) -> list[int]:
        """Return the places from `start` up to `end` that name the outlet or an agency."""
        return neutral_places(self.hashes, start, end, self.outlet, self.rules)


def tokenise(
    text: str, rules: TextRules, opens: bool = True, neutral: Sequence[tuple[int, int]] = ()
) -> list[Token]:
    """Return the tokens of `text`: numbers in one form, dates as one token, possessives dropped.

    `opens` says whether the text's first word opens a sentence, `neutral` where names stand that
    are no fact.
    """
    text = text.replace("\u2019", "'")
    tokens: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        if tokens:
            between = text[end : match.start()]
            opens = (
                between != " "
                and _SENTENCE_END.search(between) is not None
                and tokens[-1].word not in rules.abbreviations
            )
        raw = match.group()
        # An acronym's last full stop may be the sentence's too: let the next word see it.
        end = match.end() - 1 if raw[-1] == "." else match.end()
        read = _read_kept if len(raw) <= _MAX_KEPT_CHARS else _read
        token = read(raw, opens, rules)
        is_neutral = neutral and _is_within(match, neutral)
        tokens.append(token._replace(kind=Kind.NEUTRAL) if is_neutral else token)
    return _join_dates(tokens, rules)


def _is_within(match: re.Match[str], spans: Sequence[tuple[int, int]]) -> bool:
    """Return whether a token, but for a possessive or its last full stop, stands in a span."""
    raw, start = match.group(), match.start()
    end = start + len(raw[:-2] if raw[-2:] in ("'s", "'S") else raw.rstrip("."))
    return any(first <= start and end <= last for first, last in spans)


def _read(raw: str, opens: bool, rules: TextRules) -> Token:
    digits = _DIGITS.search(raw)
    if digits:
        number = digits.group()
        if _GROUPED.fullmatch(number):
            number = number.replace(",", "")
        sign = "-" if raw[0] in SIGNS or raw[0] in "mM" else ""
        unit = "".join(mark for mark in raw if mark in UNITS)
        return Token(f"{sign}{unit}{number}", Kind.NUMBER)
    word = raw.casefold().removesuffix("'s").replace(".", "")
    if word in rules.numbers:
        return Token(rules.numbers[word], Kind.NUMBER)
    if word in rules.weekdays:
        return Token(word, Kind.WEEKDAY)
    if word in rules.relative_days:
        return Token(word, Kind.RELATIVE_DAY)
    if raw[0].isupper() and word not in rules.titles and word not in rules.function_words:
        return Token(word, Kind.POSSIBLE_NAME if opens else Kind.NAME)
    return Token(word, Kind.WORD)


_read_kept: Final = lru_cache(maxsize=1 << 16)(_read)


def _join_dates(tokens: list[Token], rules: TextRules) -> list[Token]:
    """Make "Feb. 3", "3 February" and "February 3, 2026" one token of kind DATE."""
    if not any(token.word in rules.months for token in tokens):
        return tokens
    joined: list[Token] = []
    place = 0
    while place < len(tokens):
        span, date = _date_at([token.word for token in tokens[place : place + 3]], rules)
        joined.append(Token(date, Kind.DATE) if date else tokens[place])
        place += span
    return joined


def _date_at(words: list[str], rules: TextRules) -> tuple[int, str]:
    """Return how many of the words a date takes, and its form; (1, "") for no date."""
    if len(words) < 2:
        return 1, ""
    for month, day in ((words[0], words[1]), (words[1], words[0])):
        if month in rules.months and day.isdecimal() and 1 <= int(day[:3]) <= 31:
            year = words[2] if len(words) > 2 else ""
            has_year = len(year) == 4 and year.isdecimal() and year[:2] in ("19", "20")
            return (3 if has_year else 2), f"{rules.months[month]}-{int(day):02}"
    return 1, ""
