"""The words of a text as deduplication hashes them: casefolded runs of letters and digits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from transforms.columns import ranges

Hashes = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]

# Scripts written without spaces: each character is a word, or a whole clause would be one.
_UNSPACED_RANGES: Final = (
    *((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF)),
    *((0x3040, 0x30FF), (0x3400, 0x9FFF)),
)
_UNSPACED: Final = re.compile(
    f"([{''.join(f'{chr(first)}-{chr(last)}' for first, last in _UNSPACED_RANGES)}])"
)
_COMMON: Final = "\u2019\u2018\u201c\u201d\u2014\u2013\u2026\u00a0"  # often all that isn't ASCII
_TYPOGRAPHIC: Final = re.compile("[\u00a0-\u00bf\u2000-\u206f\u2190-\u27bf\u3000-\u303f]")
_SPACE: Final = 0x20
_ASCII: Final = 0x7F
_TO_WORDS: Final = bytes(
    ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else code if code > 127 else _SPACE
    for code in range(256)
)
# What a number has beside its figures; each mark makes it another one.
SIGNS: Final = "-\u2212\u2013"
CURRENCIES: Final = "$\u20ac\u00a3\u00a5"
UNITS: Final = f"{CURRENCIES}%"
# What a minus sign follows; after anything else it is a hyphen or a range: "covid-19", "3-5".
OPENERS: Final = " \t\n\r\xa0\u2009\u202f([\"'\u201c\u2018"
_SPREADER: Final = np.uint64(0x9E3779B185EBCA87)  # xxHash's first 64-bit prime
_CHUNK: Final = 8  # bytes that are hashed at once
_LONG: Final = 8 * _CHUNK  # longer words are hashed one by one
# The first n bytes of a little-endian chunk.
_FIRST_BYTES: Final = np.array([(1 << (8 * n)) - 1 for n in range(_CHUNK + 1)], dtype=np.uint64)


class _Mark(IntFlag):
    """What stands beside a number's figures; a currency's code comes on top of them.

    A point is none: where one outlet has "10.30" or "3.5.", the next has "10:30" and "3-5-".
    """

    COMMA = 1 << 24
    MINUS = 1 << 25
    PERCENT = 1 << 26


class Written(IntFlag):
    """Kinds of characters; OTHER ones are letters and digits beyond ASCII."""

    DIGIT = 1
    SMALL = 2
    CAPITAL = 4
    OTHER = 8


def _kind(code: int) -> int:
    letter = chr(code)
    if "0" <= letter <= "9":
        return Written.DIGIT
    if "a" <= letter <= "z":
        return Written.SMALL
    return Written.CAPITAL if "A" <= letter <= "Z" else Written.OTHER


_KINDS: Final = bytes(map(_kind, range(256)))


@dataclass(frozen=True, slots=True)
class Words:
    """The words of several texts, one text after another.

    `hashes`, `starts` and `ends` have an item a word: its hash, and where it stands in its text, in
    characters. `written` are `Written` bits: of what kinds its characters are. `bounds` says where
    each text's words begin; it has one item more than there are texts.
    """

    written: npt.NDArray[np.uint8]
    hashes: Hashes
    starts: Places
    ends: Places
    bounds: Counts

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def counts(self) -> Counts:
        """Return the number of words of each text."""
        return np.diff(self.bounds)


def fold(text: str) -> bytes:
    """Return the casefolded words of `text` in UTF-8, parted by spaces.

    Punctuation, case and typography leave no trace; apostrophes and hyphens part words.
    """
    return _to_bytes(text if text.isascii() else space_out(_plain(text).casefold()))


def space_out(text: str) -> str:
    """Return the text with spaces around each character of a script written without them."""
    return text if text.isascii() else _UNSPACED.sub(r" \1 ", text)


def hash_words(texts: Sequence[str]) -> Words:
    """Return one 64-bit hash per word of all texts.

    It depends on the casefolded word (of a letter that becomes two, on the first of them) and, for
    one that starts with a figure, on its minus sign, currency, percent sign, and whether a comma
    joins it to figures before it. Words are found and hashed all at once, eight characters at a
    time; only those over 64 characters become Python objects.
    The hash spreads well and resists no adversary, who could make two texts pass for one: equal
    sequences of words are joined unread.
    """
    text = " ".join([*texts, ""])
    # One byte a character, so that offsets are characters; letters beyond ASCII come by their code.
    codes: npt.NDArray[Any]
    if text.isascii():
        ascii_text = text.encode()
        codes = np.frombuffer(ascii_text, dtype=np.uint8)
    else:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        ascii_text = np.minimum(codes, _ASCII).astype(np.uint8).tobytes()
    data, kinds = ascii_text.translate(_TO_WORDS), ascii_text.translate(_KINDS)
    if text.isascii():
        hashes, written, starts, ends = _hash_bytes(data, kinds)
    else:
        places = np.flatnonzero(codes > _ASCII)
        folded = _fold_codes(codes[places])
        places, folded = places[folded != _SPACE], folded[folded != _SPACE]
        marked = np.frombuffer(data, dtype=np.uint8).copy()
        marked[places] = _ASCII + 1
        alone = places[_are_unspaced(folded)]
        hashes, written, starts, ends = _hash_bytes(marked.tobytes(), kinds, alone)
        owner = np.searchsorted(starts, places, side="right") - 1
        within = (places - starts[owner]).astype(np.uint64)
        np.add.at(hashes, owner, spread(folded * _SPREADER + within))
    _mark_numbers(hashes, starts, ends, codes)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    offsets = np.concatenate(([0], np.cumsum(lengths + 1)))
    bounds = np.searchsorted(starts, offsets)
    before = np.repeat(offsets[:-1], np.diff(bounds))
    return Words(
        written,
        hashes,
        (starts - before).astype(np.int32),
        (ends - before).astype(np.int32),
        bounds,
    )


def join_words(parts: Sequence[Words]) -> Words:
    """Return the words of all texts of one or more parts."""
    return Words(
        written=np.concatenate([part.written for part in parts]),
        hashes=np.concatenate([part.hashes for part in parts]),
        starts=np.concatenate([part.starts for part in parts]),
        ends=np.concatenate([part.ends for part in parts]),
        bounds=np.cumsum(np.concatenate([[0], *(part.counts for part in parts)])),
    )


def pick_words(parts: Sequence[tuple[Words, Counts]]) -> Words:
    """Return the words of some texts of each part, known by their numbers there."""
    counts = [words.counts[texts] for words, texts in parts]
    bounds = np.cumsum([0, *(of.sum() for of in counts)])
    size = int(bounds[-1])
    made = Words(
        written=np.empty(size, dtype=np.uint8),
        hashes=np.empty(size, dtype=np.uint64),
        starts=np.empty(size, dtype=np.int32),
        ends=np.empty(size, dtype=np.int32),
        bounds=np.cumsum(np.concatenate([[0], *counts])),
    )
    for (words, texts), of, start in zip(parts, counts, bounds.tolist(), strict=False):
        at = ranges(words.bounds[texts], of)
        for column in ("written", "hashes", "starts", "ends"):
            out = getattr(made, column)[start : start + len(at)]
            # All places exist; to check them would cost a copy.
            getattr(words, column).take(at, out=out, mode="clip")
    return made


def runs(words: Hashes, width: int) -> Hashes:
    """Return the hash of each run of `width` words, in order; none if there are fewer words."""
    length = len(words) - width + 1
    if length <= 0:
        return np.empty(0, dtype=np.uint64)
    mixed = np.full(length, width, dtype=np.uint64)
    for step in range(width):
        mixed *= _SPREADER
        mixed += words[step : step + length]
    return spread(mixed)


def spread(values: Hashes) -> Hashes:
    """Return the values with their bits spread (SplitMix64's finaliser): a bijection."""
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def sequence_hashes(words: Hashes, bounds: Counts) -> npt.NDArray[np.int64]:
    """Return a signed 64-bit hash of each text's words in their order; 0 for a text without any.

    A text's words stand from its bound on, up to the next one's.
    """
    found = np.zeros(len(bounds) - 1, dtype=np.uint64)
    counts = np.diff(bounds)
    filled = np.flatnonzero(counts)
    if len(filled):
        place = np.arange(len(words)) - np.repeat(bounds[:-1], counts)
        placed = words ^ (place.astype(np.uint64) * _SPREADER)
        sums = np.add.reduceat(spread(placed), bounds[filled])
        found[filled] = spread(sums + counts[filled].astype(np.uint64))
    return found.view(np.int64)


def _fold_codes(codes: npt.NDArray[np.uint32]) -> Hashes:
    """Return the code of each character casefolded, a space for typography."""
    distinct, place = np.unique(codes, return_inverse=True)
    return np.array([_fold_code(code) for code in distinct.tolist()], dtype=np.uint64)[place]


def _are_unspaced(codes: Hashes) -> npt.NDArray[np.bool_]:
    """Say which characters are words by themselves."""
    found = np.zeros(len(codes), dtype=np.bool_)
    for first, last in _UNSPACED_RANGES:
        found |= (codes >= first) & (codes <= last)
    return found


@lru_cache(maxsize=65_536)
def _fold_code(code: int) -> int:
    character = chr(code)
    # Of a character that becomes two ("\u00df": "ss") the first stands for both.
    return _SPACE if _TYPOGRAPHIC.match(character) else ord(character.casefold()[0])


def _plain(text: str) -> str:
    for character in _COMMON:
        text = text.replace(character, " ")
    return text if text.isascii() else _TYPOGRAPHIC.sub(" ", text)


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").translate(_TO_WORDS)


def _hash_bytes(
    data: bytes, kinds: bytes, alone: Counts | None = None
) -> tuple[Hashes, npt.NDArray[np.uint8], Counts, Counts]:
    """Return the hash, the kinds, start and end of each run of bytes that are no spaces.

    `data` ends in a space; `kinds` are those of its characters. The bytes at the places `alone` are
    runs by themselves.
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    inside = np.zeros(len(buffer) + 1, dtype=np.bool_)
    np.not_equal(buffer, _SPACE, out=inside[1:])
    parted = inside[1:] != inside[:-1]
    if alone is None or not len(alone):
        edges = np.flatnonzero(parted)
        starts, ends = edges.reshape(-1, 2).T.copy()
    else:
        parted[alone] = True
        parted[alone + 1] = True
        starts, ends = np.flatnonzero(parted & inside[1:]), np.flatnonzero(parted & inside[:-1])
    if not len(starts):
        return np.empty(0, dtype=np.uint64), buffer[:0], starts, ends
    chunks, kind_chunks = _chunks(data), _chunks(kinds)
    lengths = ends - starts
    rest = _FIRST_BYTES.take(lengths, mode="clip")
    # Of numbers that aren't aligned, numpy takes many faster than it indexes them.
    hashes, written = spread(chunks.take(starts) & rest), kind_chunks.take(starts) & rest
    longer = np.flatnonzero(lengths > _CHUNK)
    left, places, mixed = lengths[longer] - _CHUNK, starts[longer] + _CHUNK, hashes[longer]
    for _ in range(_CHUNK, _LONG, _CHUNK):
        if not len(longer):
            break
        rest = _FIRST_BYTES.take(left, mode="clip")
        mixed = spread(mixed * _SPREADER + (chunks[places] & rest))
        hashes[longer] = mixed
        written[longer] |= kind_chunks[places] & rest
        more = left > _CHUNK
        longer, mixed = longer[more], mixed[more]
        left, places = left[more] - _CHUNK, places[more] + _CHUNK
    for at in longer.tolist():
        whole = slice(int(starts[at]), int(ends[at]))
        digest = hashlib.blake2b(data[whole], digest_size=8).digest()
        hashes[at] = int.from_bytes(digest, "little")
        written[at] = np.bitwise_or.reduce(np.frombuffer(kinds[whole], dtype=np.uint8))
    for half in (32, 16, 8):
        written |= written >> np.uint64(half)
    return hashes, written.astype(np.uint8), starts, ends


def _mark_numbers(hashes: Hashes, starts: Counts, ends: Counts, codes: npt.NDArray[Any]) -> None:
    """Mix the marks of the words that start with a figure into their hashes.

    `codes` are those of all characters; the last is a space, so that what stands before the first
    one is a space too.
    """
    numbers = np.flatnonzero(_are_digits(codes[starts]))
    if not len(numbers):
        return
    first = starts[numbers]
    before, second, third = (
        codes[np.maximum(first - step, -1)].astype(np.uint32) for step in (1, 2, 3)
    )
    joined = (before == ord(",")) & _are_digits(second)
    paid = _are_of(before, CURRENCIES)
    marks: Hashes = np.where(paid, before, np.uint32(_Mark.COMMA) * joined).astype(np.uint64)
    sign, opener = np.where(paid, second, before), np.where(paid, third, second)
    minus = _are_of(sign, SIGNS)
    minus[minus] = _are_of(opener[minus], OPENERS)
    marks[minus] |= np.uint64(_Mark.MINUS)
    marks[codes[ends[numbers]] == ord("%")] |= np.uint64(_Mark.PERCENT)
    marked = np.flatnonzero(marks)
    mixed = hashes[numbers[marked]] + marks[marked] * _SPREADER
    hashes[numbers[marked]] = spread(mixed)


def _are_of(codes: npt.NDArray[Any], characters: str) -> npt.NDArray[np.bool_]:
    """Say which codes are one of a few characters."""
    found = np.zeros(len(codes), dtype=np.bool_)
    for character in characters:
        found |= codes == ord(character)
    return found


def _are_digits(codes: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (codes >= ord("0")) & (codes <= ord("9"))
    return found


def _chunks(data: bytes) -> Hashes:
    """Return the eight bytes from any place on, read as one number."""
    chunks: npt.NDArray[Any] = np.ndarray(
        (len(data),), dtype="<u8", buffer=data + bytes(_CHUNK), strides=(1,)
    )
    return chunks
