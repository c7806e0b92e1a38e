"""What outlets put around a text: bylines, datelines and reporting credits."""

from __future__ import annotations

import re
from typing import Final

MAX_DATELINE_CHARS: Final = 160

# "PORT SARN, Feb. 3 (Harbour Wire) -- ": capitals, or a name before a source in brackets.
_CAPITALS: Final = r"[A-ZÀ-Þ][A-ZÀ-Þ.'-]+(?:[ /][A-ZÀ-Þ][A-ZÀ-Þ.'-]*){0,3}"
_PLACE: Final = r"[A-ZÀ-Þ][\w.'-]+(?:[ /][A-ZÀ-Þ][\w.'-]*){0,3}"
_DAY: Final = r"(?:,\s*[^,\n()–—]{2,30}?){0,2}"
_SOURCE: Final = r"\([^()\n]{2,40}\)\s*"
_DASH: Final = r"(?:--?|[–—])\s"
_DATELINE: Final = re.compile(
    rf"(?:{_CAPITALS}{_DAY}\s*(?:{_SOURCE})?|{_PLACE}{_DAY}\s*{_SOURCE}|{_SOURCE}){_DASH}\s*"
    # Else it is an aside: "NATO - the alliance of 32 states - said".
    r"(?=[\"'“‘(]?[A-ZÀ-Þ\d])"
)
_CREDIT: Final = re.compile(
    r"[(\[]\s*(?:(?:additional|with)\s+)?(?:report(?:ing|ed)|writing|written|edit(?:ing|ed)|"
    r"compiled|translat(?:ing|ed|ion)|source|with inputs?|photo|image)\b[^()\[\]\n]{0,200}[)\]]",
    re.IGNORECASE,
)
_BYLINE: Final = re.compile(r"\s*(?:by|from)\s+[^\n.]{2,80}\n", re.IGNORECASE)


def dateline_end(text: str, start: int) -> int:
    """Return where the dateline at `start` ends; `start` itself where there is none."""
    found = _DATELINE.match(text, start, start + MAX_DATELINE_CHARS)
    return found.end() if found else start


def strip_frame(text: str) -> str:
    """Return the text without what outlets put around it: byline, dateline, reporting credits."""
    text = _without_credits(text.replace("\u2019", "'").strip())
    byline = _BYLINE.match(text)
    return text[dateline_end(text, byline.end() if byline else 0) :]


def _without_credits(text: str) -> str:
    """Return the text with a space for each credit; brackets are found faster than credits are."""
    if "(" not in text and "[" not in text:
        return text
    kept = []
    done = 0
    for opening in _openings(text):
        found = _CREDIT.match(text, opening) if opening >= done else None
        if found:
            kept += [text[done:opening], " "]
            done = found.end()
    return "".join([*kept, text[done:]]) if done else text


def _openings(text: str) -> list[int]:
    """Return where brackets open, in order."""
    places = []
    for bracket in "([":
        at = text.find(bracket)
        while at >= 0:
            places.append(at)
            at = text.find(bracket, at + 1)
    return sorted(places)
