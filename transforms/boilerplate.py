"""What stands in an article's text without being of it, and texts that are no article at all."""

from __future__ import annotations

import re
from typing import Literal

from transforms.cleaning_rules import CleaningRules, Patterns

Stub = Literal["paywall_stub", "consent_stub"]

# A pattern reads no further than this into a paragraph or a text.
HEAD_CHARS = 200
TAIL_CHARS = 600
_COMPARABLE = re.compile(r"\W+")


def strip_boilerplate(text: str, title: str, rules: CleaningRules) -> str:
    """Return the text without boilerplate paragraphs, tail, repeated title and dateline."""
    # One search of the whole text spares most texts a search of each paragraph.
    doors = _occurs(rules.paywall, text.lower())
    paragraphs = text.split("\n\n")
    paragraphs[-1] = _without_tail(paragraphs[-1], rules)
    kept = [part for part in paragraphs if part and not _is_boilerplate(part, rules, doors=doors)]
    if title and kept and comparable(kept[0]) == comparable(title):
        kept.pop(0)
    if kept:
        kept[0] = strip_dateline(kept[0], rules)
    return "\n\n".join(paragraph for paragraph in kept if paragraph)


def strip_dateline(text: str, rules: CleaningRules) -> str:
    """Return the text without "MOSCOW (Agency) —" at its start."""
    head = text[:HEAD_CHARS]
    found = next(filter(None, (pattern.match(head) for pattern in rules.datelines)), None)
    return text[found.end() :] if found else text


def stub_kind(text: str, rules: CleaningRules) -> Stub | None:
    """Name the door that a short text is instead of an article, or None for an article."""
    if len(text.split(None, rules.stub_max_words)) > rules.stub_max_words:
        return None
    lowered = text.lower()
    if _occurs(rules.paywall, lowered):
        return "paywall_stub"
    return "consent_stub" if _occurs(rules.consent, lowered) else None


def comparable(text: str) -> str:
    """Return what two spellings of one headline share: letters and digits, case folded."""
    return _COMPARABLE.sub("", text).casefold()


def _occurs(patterns: Patterns, lowered: str) -> bool:
    return any(pattern.search(lowered) for pattern in patterns)


def _without_tail(paragraph: str, rules: CleaningRules) -> str:
    # Searched in the end only: a pattern may start anywhere, and a paragraph may be a megabyte.
    start = max(0, len(paragraph) - TAIL_CHARS)
    end = paragraph[start:].lower()
    for pattern in rules.tails:
        found = pattern.search(end)
        # A few capitals have two small letters; then positions differ and nothing is cut.
        if found and start + len(end) == len(paragraph):
            return paragraph[: start + found.start()].rstrip()
    return paragraph


def _is_boilerplate(paragraph: str, rules: CleaningRules, *, doors: bool) -> bool:
    limit = rules.boilerplate_max_words
    if len(paragraph) > limit * 20 or len(paragraph.split(None, limit)) > limit:
        return False
    lowered = paragraph.lower()
    if rules.boilerplate.fullmatch(lowered):
        return True
    return doors and _occurs(rules.paywall, lowered)
