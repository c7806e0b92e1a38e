"""Names to actors by whole tokens: a hash of folded words, so that cost hardly grows with size.

A text is cut into word pieces, each folded (accents off, lower case). A dictionary from the first
piece to the lengths that names starting with it have makes most words of a text cost one look-up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

NameKind = Literal["name", "demonym", "capital", "seat", "short_name", "surname", "acronym"]

_PIECE = re.compile(r"[\w\u0300-\u036f]+")
_SENTENCE_GAP = re.compile(r"[.!?;:]\s|[\n()\[\]\"“”—]")
_UNDECOMPOSED = str.maketrans({"ı": "i", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe"})
_INITIAL_CHARS = 2
MAX_ACRONYM_LETTERS = 6
_NO_APOSTROPHE = str.maketrans("", "", "'’‘ʼ`")


class Piece(NamedTuple):
    """One word of a text: its folded form and its character offsets."""

    folded: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NameUse:
    """One meaning of one name: which actor, in which form, and how its letters must be cased.

    `casing` is "upper" for acronyms ("US" is not "us"), "proper" where the name starts upper case,
    else "any". `level` grows with each catalog file given after the first; the highest wins.
    """

    actor: str
    kind: NameKind
    surface: str
    casing: Literal["upper", "proper", "any"]
    ambiguous: bool = False
    level: int = 0


class NameMatch(NamedTuple):
    """A stretch of text that is a catalog name: pieces [first, last], characters [start, end)."""

    first: int
    last: int
    start: int
    end: int
    key: str
    uses: tuple[NameUse, ...]


def fold(word: str) -> str:
    """Return `word` lower-cased and without accents: "Türkiye" and "TURKIYE" fold alike."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word)
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return bare.casefold().translate(_UNDECOMPOSED)


def split_pieces(text: str) -> list[Piece]:
    """Return the words of `text` in order; hyphens, apostrophes and points part words."""
    return [Piece(fold(m.group()), m.start(), m.end()) for m in _PIECE.finditer(text)]


@lru_cache(maxsize=1 << 16)
def name_key(name: str) -> str:
    """Return the look-up key of a name: its folded pieces joined by one space."""
    return " ".join(fold(piece) for piece in _PIECE.findall(name))


def casing_of(name: str) -> Literal["upper", "proper", "any"]:
    """Return how a text must case `name` for it to be that name."""
    letters = [char for char in name if char.isalpha()]
    if letters and len(letters) <= MAX_ACRONYM_LETTERS and all(c.isupper() for c in letters):
        return "upper"
    telling = name.removeprefix("the ")
    return "proper" if telling[:1].isupper() else "any"


@dataclass(slots=True)
class NameTable:
    """The compiled names of a catalog."""

    uses: dict[str, tuple[NameUse, ...]] = field(default_factory=dict)
    lengths: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def build(cls, uses: Iterable[NameUse]) -> NameTable:
        """Return the table of `uses`; of one name's uses, only those of the highest level stay."""
        grouped: dict[str, list[NameUse]] = {}
        for use in uses:
            for key in _spellings(use.surface):
                grouped.setdefault(key, []).append(use)
        table = cls()
        lengths: dict[str, set[int]] = {}
        for key, group in grouped.items():
            top = max(use.level for use in group)
            table.uses[key] = tuple(dict.fromkeys(use for use in group if use.level == top))
            first, *rest = key.split(" ")
            lengths.setdefault(first, set()).add(1 + len(rest))
        table.lengths = {
            first: tuple(sorted(sizes, reverse=True)) for first, sizes in lengths.items()
        }
        return table

    def find(self, text: str, pieces: Sequence[Piece]) -> list[NameMatch]:
        """Return the leftmost longest matches in `text`, in order, none overlapping."""
        found: list[NameMatch] = []
        lengths = self.lengths
        index = 0
        total = len(pieces)
        while index < total:
            sizes = lengths.get(pieces[index].folded)
            if sizes is None:
                index += 1
                continue
            match = self._longest(text, pieces, index, sizes)
            if match is None:
                index += 1
            else:
                found.append(match)
                index = match.last + 1
        return found

    def _longest(
        self, text: str, pieces: Sequence[Piece], first: int, sizes: tuple[int, ...]
    ) -> NameMatch | None:
        for size in sizes:
            last = first + size - 1
            if last >= len(pieces):
                continue
            key = " ".join(piece.folded for piece in pieces[first : last + 1])
            uses = self.uses.get(key)
            if uses is None or _breaks(text, pieces, first, last):
                continue
            start, end = pieces[first].start, pieces[last].end
            fitting = tuple(use for use in uses if _case_fits(text, pieces, first, last, use))
            if fitting:
                if text[end : end + 1] == "." and "." in text[start:end]:
                    end += 1
                return NameMatch(first, last, start, end, key, fitting)
        return None

    def lookup(self, name: str) -> tuple[NameUse, ...]:
        """Return the uses of a whole name, whatever its case; empty where there are none."""
        return self.uses.get(name_key(name), ())


def _spellings(surface: str) -> set[str]:
    keys = {name_key(surface)}
    # "Ba'ath" is also written "Baath"; a name of single letters ("U.S.") also without points.
    bare = surface.translate(_NO_APOSTROPHE)
    if bare != surface:
        keys.add(name_key(bare))
    if "." in surface and all(len(piece) == 1 for piece in _PIECE.findall(surface)):
        keys.add(name_key(surface.replace(".", "")))
    return {key for key in keys if key}


def _breaks(text: str, pieces: Sequence[Piece], first: int, last: int) -> bool:
    """Return whether punctuation inside the stretch says that it isn't one name."""
    for index in range(first, last):
        left = pieces[index]
        gap = text[left.end : pieces[index + 1].start]
        if gap in (" ", "-"):
            continue
        if _SENTENCE_GAP.search(gap) and left.end - left.start > _INITIAL_CHARS:
            return True
        if "," in gap:
            return True
    return False


def _case_fits(text: str, pieces: Sequence[Piece], first: int, last: int, use: NameUse) -> bool:
    if first < last and pieces[first].folded == "the":
        first += 1
    surface = text[pieces[first].start : pieces[last].end]
    if use.casing == "upper":
        return surface == surface.upper()
    if use.casing == "any":
        return True
    return surface[0].isupper() and (
        first == last or text[pieces[last].start].isupper() or not use.surface.istitle()
    )
