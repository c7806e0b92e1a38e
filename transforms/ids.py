"""Stable identifiers: one hash, one width, so that an id never depends on process or machine."""

from __future__ import annotations

import hashlib

ID_BYTES = 12


def stable_id(*parts: str) -> str:
    """Return 24 hex digits for the parts; a separator keeps ("ab", "c") apart from ("a", "bc").

    BLAKE2b at 96 bits: among 10^9 ids a clash has a chance below 10^-11 (birthday bound).
    """
    digest = hashlib.blake2b(digest_size=ID_BYTES)
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass"))
        digest.update(b"\x1f")
    return digest.hexdigest()


def stable_int(text: str) -> int:
    """Return a signed 64-bit integer hash of `text`, as SQLite and Parquet store it."""
    raw = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(raw, "big", signed=True)
