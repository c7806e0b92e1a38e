"""The texts that are compared in one cell, by column.

Candidates are many and comparisons short: an object for each text, made for each cell, would cost
more than half a comparison and give Python's garbage collector as much to walk through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from transforms.columns import Flags, Integers
from transforms.hashed_texts import HashedTexts
from transforms.signatures import VALUE_BYTES


class Readable(Protocol):
    """What a comparison reads of an article."""

    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def outlet(self) -> str: ...


class Text(NamedTuple):
    """An article's text on its way to a comparison; `signature` and `shingles` as in its sketch.

    `hashed` is where its hashed text stands, and in which row, if that is known in this process.
    """

    id: str
    title: str
    text: str
    outlet: str
    signature: bytes = b""
    shingles: int = 0
    hashed: tuple[HashedTexts, int] | None = None


class CellTexts(NamedTuple):
    """Several texts by column, each with an item a text.

    `read` is None for a text that isn't at hand. `shingles` is 0 for a text without a signature,
    whose row of `signatures` then means nothing. Its hashed text stands in the `row` of one of the
    `groups`; `group` is -1 where it isn't hashed yet.
    """

    read: Sequence[Readable | None]
    signatures: npt.NDArray[Any]
    shingles: Integers
    groups: Sequence[HashedTexts]
    group: Integers
    row: Integers

    @classmethod
    def of(cls, texts: Sequence[Text | None]) -> CellTexts:
        """Return these texts by column."""
        size = max((len(text.signature) for text in texts if text), default=0)
        blank, raw = bytes(size), []
        shingles, group, row = (np.zeros(len(texts), dtype=np.int64) for _ in range(3))
        group -= 1
        number: dict[int, int] = {}
        groups: list[HashedTexts] = []
        for at, text in enumerate(texts):
            signed = text is not None and len(text.signature) == size > 0
            raw.append(text.signature if text is not None and signed else blank)
            if text is None:
                continue
            shingles[at] = text.shingles if signed else 0
            if text.hashed is not None:
                hashed, row[at] = text.hashed
                group[at] = number.setdefault(id(hashed), len(groups))
                if group[at] == len(groups):
                    groups.append(hashed)
        values = np.frombuffer(b"".join(raw), "<u2").reshape(len(texts), size // VALUE_BYTES)
        return cls(texts, values, shingles, groups, group, row)

    def readable(self) -> Flags:
        """Say which texts are at hand."""
        return np.array([text is not None for text in self.read], dtype=np.bool_)
