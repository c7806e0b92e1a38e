"""Sentences by rule: fast enough for every copy of every article, the same on every machine.

Sentence numbers are part of the store's contract (`own_sentences`), so that no statistical
splitter may move them. The word lists are in `configs/same_text.toml`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from transforms.frame import dateline_end
from transforms.text_rules import TextRules, shipped_rules
from transforms.words import fold

MAX_SENTENCE_CHARS: Final = 2_000
# A dateline stands at the head of a text, or after a house's introduction to it.
MAX_HEADS: Final = 4

_CLOSERS: Final = r"[\"'”’»)\]]*"
# One character class first: the engine then skips to the next of these at once.
_STOP: Final = re.compile(
    r"[.!?…。！？\n]"
    r"(?:(?<=\n)"
    rf"|(?<=[.!?…])[.!?…]*{_CLOSERS}(?=\s)"
    rf"|(?<=[a-z]{{3}}[.!?]){_CLOSERS}(?=[“\"]?[A-Z][a-z]+[ ,])"  # said.He
    r"|(?<=[。！？])[。！？]*[”’」』）]*)"
)
_LAST_WORD: Final = re.compile(r"(?:\w\.)*\w*$")
_NEXT: Final = re.compile(r"[\s\"'“‘«(\[]*")
_NEXT_WORD: Final = re.compile(r"[^\W\d_]+")
_TIME: Final = frozenset({"am", "pm"})
_SOFT_BREAKS: Final = ("; ", ": ", " — ", ", ", " ")
# Lines of a text wrapped for terminals and mail.
_WRAPPED: Final = range(50, 101)


@dataclass(frozen=True, slots=True)
class SentenceSpan:
    """A sentence: half-open character offsets into the composed text, and what they hold.

    `hash` is 16 hex digits over the casefolded words: copies that differ in quotes, dashes, case
    or spaces have the same.
    """

    start: int
    end: int
    text: str
    hash: str
    is_title: bool


def compose(title: str, text: str) -> str:
    """Return the document that offsets refer to: title, blank line, text.

    A text that already begins with its title is returned as it is.
    """
    title = " ".join(title.split())
    if not title or _title_end(title, text):
        return text
    return f"{title}\n\n{text}" if text else title


def split_document(title: str, text: str, rules: TextRules | None = None) -> list[SentenceSpan]:
    """Return the sentences of `compose(title, text)` in order; the title is one sentence.

    Spans don't overlap, have no space at their ends, at least one letter or digit, and at most
    MAX_SENTENCE_CHARS characters.
    """
    rules = rules or shipped_rules()
    title = " ".join(title.split())
    document = compose(title, text)
    title_end = _title_end(title, document) if title else 0
    spans = []
    for start, end in [*_trimmed(document, 0, title_end), *_spans(document, title_end, rules)]:
        sentence = document[start:end]
        words = fold(sentence).split()
        if words:
            digest = hashlib.blake2b(b" ".join(words), digest_size=8).hexdigest()
            spans.append(SentenceSpan(start, end, sentence, digest, end <= title_end))
    return spans


def _title_end(title: str, text: str) -> int:
    """Return where the title ends that is the first line of `text`; 0 where it isn't."""
    start = len(text) - len(text.lstrip())
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    # Spaces may differ in number, so a line much longer than the title needs no comparison.
    if (
        end - start > 2 * len(title)
        or " ".join(text[start:end].split()).casefold() != title.casefold()
    ):
        return 0
    return end


def _spans(text: str, start: int, rules: TextRules) -> Iterator[tuple[int, int]]:
    wrapped = _is_wrapped(text)
    heads = MAX_HEADS
    for match in _STOP.finditer(text, start):
        if not _ends_sentence(text, match, wrapped, rules):
            continue
        if heads:
            heads -= not text[start : match.end()].isspace()
            yield from _without_dateline(text, start, match.end())
        else:
            yield from _trimmed(text, start, match.end())
        start = match.end()
    yield from _without_dateline(text, start, len(text))


def _without_dateline(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield a dateline apart from its sentence, which copies have under other datelines."""
    while start < end and text[start].isspace():
        start += 1
    middle = min(end, dateline_end(text, start))
    yield from _trimmed(text, start, middle)
    yield from _trimmed(text, middle, end)


def _ends_sentence(text: str, match: re.Match[str], wrapped: bool, rules: TextRules) -> bool:
    mark = match.group()
    if mark == "\n":
        return _ends_line(text, match.start(), wrapped)
    if mark[0] in "。！？":
        return True
    skipped = _NEXT.match(text, match.end())
    after = skipped.end() if skipped else match.end()
    if after >= len(text) or "\n\n" in text[match.end() : after]:
        return True
    following = text[after]
    if following.islower():
        return False
    if mark[0] in "!?":
        return not _goes_on(text, match, rules)
    if mark[:2] == ".." or mark[0] == "…":
        return not following.isdigit()
    return _full_stop_ends(text, match.start(), after, rules)


def _full_stop_ends(text: str, stop: int, after: int, rules: TextRules) -> bool:
    found = _LAST_WORD.search(text, max(0, stop - 24), stop)
    raw = found.group() if found else ""
    word = raw.casefold().replace(".", "")
    following = _NEXT_WORD.match(text, after)
    next_word = following.group().casefold() if following else ""
    if word in rules.abbreviations:
        return False
    if word in rules.numeric_abbreviations and text[after].isdigit():
        return False
    if raw.isdigit() and text[after].isdigit():  # "$5. 2 billion", but "in 2016. 40 people"
        return len(raw) == len("2016")
    if word in _TIME and "." in raw:
        zone = following is not None and following.group().isupper() and len(next_word) in (2, 3)
        return not zone and next_word not in rules.weekdays and next_word not in rules.months
    initial = len(raw) == 1 and raw.isupper()
    if initial or "." in raw or word in rules.open_abbreviations:
        return next_word in rules.sentence_starters and not (initial and next_word in ("a", "i"))
    return True


def _goes_on(text: str, match: re.Match[str], rules: TextRules) -> bool:
    """Return whether a quoted question is followed by its speaker: "Why?" Smith asked."""
    if len(match.group()) == 1 or match.group()[-1] not in "\"'”’»":
        return False
    for at, word in enumerate(text[match.end() : match.end() + 80].split()[:4]):
        if at and word.rstrip(".,:").casefold() in rules.speech_verbs:
            return True
        if not word[0].isalpha() or word[-1] in ".,!?":
            return False
    return False


def _ends_line(text: str, newline: int, wrapped: bool) -> bool:
    """Return whether a line's end is a paragraph's; in a wrapped text only a blank line is."""
    following = text[newline + 1 : newline + 2]
    if not wrapped or following in ("", "\n"):
        return True
    line_start = text.rfind("\n", 0, newline) + 1
    return newline - line_start < _WRAPPED.start or following in "-*•–"


def _is_wrapped(text: str) -> bool:
    """Return whether lines are broken for width: none is long, and most stop inside a sentence."""
    lines = [line for line in text.split("\n") if line]
    if len(lines) < 4 or max(map(len, lines)) >= _WRAPPED.stop:
        return False
    broken = sum(len(line) in _WRAPPED and line.rstrip()[-1:].isalnum() for line in lines)
    return broken * 2 >= len(lines)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the range without outer space, cut at soft boundaries where it is too long."""
    while start < end:
        while start < end and text[start].isspace():
            start += 1
        stop = end if end - start <= MAX_SENTENCE_CHARS else _soft_break(text, start)
        last = stop
        while last > start and text[last - 1].isspace():
            last -= 1
        if last > start:
            yield start, last
        start = stop


def _soft_break(text: str, start: int) -> int:
    limit = start + MAX_SENTENCE_CHARS
    for mark in _SOFT_BREAKS:
        at = text.rfind(mark, start + MAX_SENTENCE_CHARS // 2, limit)
        if at >= 0:
            return at + len(mark)
    return limit
