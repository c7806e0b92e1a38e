"""A text as verification reads it: tokens that keep what a swap of facts would change."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Final

from transforms.text_rules import TextRules, shipped_rules

_TOKEN: Final = re.compile(
    r"(?:[^\W\d_]\.){2,}"  # U.S., a.m.
    r"|\d+(?:[.,]\d+)*"
    r"|[^\W\d_]+(?:'[^\W\d_]+)*"
    r"|[%$€£¥]"
)
_UNSPACED: Final = re.compile(
    r"([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])"
)
_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+")
_SENTENCE_END: Final = re.compile(r"[.!?…][\"'”’»)\]]*\s|\n")
# "PORT SARN, Feb. 3 (Harbour Wire) -- ": capitals, or a name before a source in brackets.
_CAPITALS: Final = r"[A-ZÀ-Þ][A-ZÀ-Þ.'-]+(?:[ /][A-ZÀ-Þ][A-ZÀ-Þ.'-]*){0,3}"
_PLACE: Final = r"[A-ZÀ-Þ][\w.'-]+(?:[ /][A-ZÀ-Þ][\w.'-]*){0,3}"
_DAY: Final = r"(?:,\s*[^,\n()–—]{2,30}?){0,2}"
_SOURCE: Final = r"\([^()\n]{2,40}\)\s*"
_DASH: Final = r"(?:--?|[–—])\s"
_DATELINE: Final = re.compile(
    rf"(?:{_CAPITALS}{_DAY}\s*(?:{_SOURCE})?|{_PLACE}{_DAY}\s*{_SOURCE}|{_SOURCE}){_DASH}\s*"
)
_CREDIT: Final = re.compile(
    r"[(\[]\s*(?:(?:additional|with)\s+)?(?:report(?:ing|ed)|writing|written|edit(?:ing|ed)|"
    r"compiled|translat(?:ing|ed|ion)|source|with inputs?|photo|image)\b[^()\[\]\n]{0,200}[)\]]",
    re.IGNORECASE,
)
_BYLINE: Final = re.compile(r"\s*(?:by|from)\s+[^\n.]{2,80}\n", re.IGNORECASE)


class Kind(IntEnum):
    """What a token would change if it were swapped; POSSIBLE_NAME opens a sentence in capitals."""

    WORD = 0
    NAME = 1
    POSSIBLE_NAME = 2
    NUMBER = 3
    WEEKDAY = 4
    DATE = 5
    RELATIVE_DAY = 6


DAY_KINDS: Final = frozenset({Kind.WEEKDAY, Kind.DATE, Kind.RELATIVE_DAY})


@dataclass(frozen=True)
class Tokens:
    """Parallel lists: normalised words, their kinds, and whether a sentence starts at each."""

    words: list[str]
    kinds: list[Kind]
    starts: list[bool]

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class TextView:
    """A text under comparison. `outlet` is its publisher, whose name in the text is no fact."""

    id: str
    title: str
    text: str
    outlet: str = ""
    rules: TextRules = field(default_factory=shipped_rules, repr=False, compare=False)

    @cached_property
    def tokens(self) -> Tokens:
        """Return the text's tokens, without dateline, byline and credits."""
        return tokenise(strip_frame(self.text), self.rules)

    @cached_property
    def title_words(self) -> frozenset[str]:
        """Return the title's words that carry meaning."""
        words = tokenise(self.title, self.rules).words
        return frozenset(words) - self.rules.function_words

    @cached_property
    def neutral_names(self) -> frozenset[str]:
        """Return words that name the outlet or an agency."""
        outlet = re.findall(r"[^\W_]+", self.outlet.casefold())
        return self.rules.agencies | frozenset(word for word in outlet if len(word) > 2)

    def shingles(self, width: int) -> frozenset[tuple[str, ...]]:
        """Return the distinct runs of `width` words; the whole text if it is shorter."""
        words = self.tokens.words
        if not words:
            return frozenset()
        runs = zip(*(words[step:] for step in range(width)), strict=False)
        return frozenset(runs) or frozenset({tuple(words)})


def strip_frame(text: str) -> str:
    """Return the text without what outlets put around it: byline, dateline, reporting credits."""
    text = text.replace("\u2019", "'").strip()
    text = _CREDIT.sub(" ", text)
    byline = _BYLINE.match(text)
    start = byline.end() if byline else 0
    dateline = _DATELINE.match(text, start, start + 160)
    return text[dateline.end() if dateline else start :]


def tokenise(text: str, rules: TextRules) -> Tokens:
    """Return the tokens of `text`: numbers in one form, dates as one token, possessives dropped."""
    if not text.isascii():
        text = _UNSPACED.sub(r" \1 ", text.replace("\u2019", "'"))
    words: list[str] = []
    kinds: list[Kind] = []
    starts: list[bool] = []
    end = 0
    for match in _TOKEN.finditer(text):
        raw = match.group()
        opens = end == 0 or (
            _SENTENCE_END.search(text, end, match.start()) is not None
            and words[-1] not in rules.abbreviations
        )
        end = match.end()
        # An abbreviation's last full stop may be the sentence's: let the next token see it.
        if raw[-1] == ".":
            end -= 1
        word, kind = _read(raw, opens, rules)
        words.append(word)
        kinds.append(kind)
        starts.append(opens)
    _confirm_names(words, kinds)
    return _join_dates(Tokens(words, kinds, starts), rules)


def _read(raw: str, opens: bool, rules: TextRules) -> tuple[str, Kind]:
    word = raw.casefold()
    if word[0].isdigit():
        return (word.replace(",", "") if _GROUPED.fullmatch(word) else word), Kind.NUMBER
    word = word.removesuffix("'s").replace(".", "")
    if word in rules.numbers:
        return rules.numbers[word], Kind.NUMBER
    if word in rules.weekdays:
        return word, Kind.WEEKDAY
    if word in rules.relative_days:
        return word, Kind.RELATIVE_DAY
    if raw[0].isupper() and word not in rules.titles and word not in rules.function_words:
        return word, Kind.POSSIBLE_NAME if opens else Kind.NAME
    return word, Kind.WORD


def _confirm_names(words: list[str], kinds: list[Kind]) -> None:
    """Call a sentence's first word a name where the text capitalises it elsewhere too."""
    sure = {word for word, kind in zip(words, kinds, strict=True) if kind is Kind.NAME}
    plain = {word for word, kind in zip(words, kinds, strict=True) if kind is Kind.WORD}
    for place, kind in enumerate(kinds):
        if kind is Kind.POSSIBLE_NAME:
            if words[place] in sure:
                kinds[place] = Kind.NAME
            elif words[place] in plain:
                kinds[place] = Kind.WORD


def _join_dates(tokens: Tokens, rules: TextRules) -> Tokens:
    """Make "Feb. 3", "3 February" and "February 3, 2026" one token of kind DATE."""
    words, kinds, starts = tokens.words, tokens.kinds, tokens.starts
    if not any(word in rules.months for word in words):
        return tokens
    joined = Tokens([], [], [])
    place = 0
    while place < len(words):
        span, word = _date_at(words, place, rules)
        joined.words.append(word or words[place])
        joined.kinds.append(Kind.DATE if word else kinds[place])
        joined.starts.append(starts[place])
        place += span
    return joined


def _date_at(words: list[str], place: int, rules: TextRules) -> tuple[int, str]:
    """Return how many tokens the date at `place` takes, and its form; (1, "") for no date."""
    pair: Iterable[tuple[str, str]] = ()
    if place + 1 < len(words):
        pair = ((words[place], words[place + 1]), (words[place + 1], words[place]))
    for month, day in pair:
        if month in rules.months and day.isdigit() and 1 <= int(day[:3]) <= 31:
            has_year = (
                place + 2 < len(words)
                and len(words[place + 2]) == 4
                and words[place + 2].isdigit()
                and words[place + 2][:2] in ("19", "20")
            )
            return (3 if has_year else 2), f"{rules.months[month]}-{int(day):02}"
    return 1, ""
