"""What a feed held when it was last read, so that only what is new in it goes on.

Most servers send a changed feed whole: twenty entries for one that is new. Those that were there
before need no journal, no analysis and above all no second visit to their page.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields

from transforms.records import RawItem

# 48 bits: a new entry is taken for one of 5,000 others once in 50 thousand million times.
DIGEST_BYTES = 6
_CHARS = 2 * DIGEST_BYTES
# Where in the feed it stands, and when that was looked at, is no property of an entry.
_OF_THE_ENTRY = tuple(
    field.name for field in fields(RawItem) if field.name not in ("origin", "fetched_at")
)


class FeedMemory:
    """The digests of a feed's document and of its entries, kept as one line of text.

    It may be lost at any time: then everything is new once more.
    """

    def __init__(self, text: str = "") -> None:
        parts = [text[at : at + _CHARS] for at in range(0, len(text), _CHARS)]
        self._document = parts[0] if parts else ""
        self._entries = frozenset(parts[1:])
        self._now: list[str] = []

    def knows_document(self, body: bytes) -> bool:
        """Say whether the whole document is the one that was read last."""
        return bool(self._document) and self._document == _digest(body)

    def is_new(self, item: RawItem) -> bool:
        """Say whether an entry wasn't there the last time, and remember it for the next."""
        values = [getattr(item, name) for name in _OF_THE_ENTRY]
        digest = _digest(repr(values).encode("utf-8", "surrogatepass"))
        self._now.append(digest)
        return digest not in self._entries

    def after(self, body: bytes) -> str:
        """Return what to remember of the document whose entries have been shown to `is_new`."""
        return "".join([_digest(body), *dict.fromkeys(self._now)])


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()
