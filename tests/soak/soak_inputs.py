"""Hypothesis strategies: what is in the corpus, bent; and soups of the pieces that matter."""

from __future__ import annotations

from functools import partial

from hypothesis import strategies as st
from soak_targets import Target

MAX_EDITS = 8
ENCODINGS = ("utf-16", "utf-16-le", "cp1252", "latin-1", "utf-8-sig", "cp1251", "utf-32")


def inputs(target: Target, documents: list[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy for a target's inputs, none longer than the target takes."""
    piece = st.one_of(
        st.sampled_from(target.tokens),
        st.binary(max_size=8),
        st.text(max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass")),
    )
    soup = st.lists(piece, max_size=40).map(b"".join)
    bent = st.builds(
        partial(_bend, target.max_bytes),
        st.sampled_from(documents),
        st.lists(_edits(piece), max_size=MAX_EDITS),
        st.sampled_from((None,) * 5 + ENCODINGS),
    )
    return st.one_of(bent, bent, soup)


def _edits(piece: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[str, float, float, bytes]]:
    place = st.floats(0, 1, allow_nan=False)
    kind = st.sampled_from(("insert", "replace", "cut", "repeat", "end", "move"))
    return st.tuples(kind, place, place, piece)


def _bend(
    max_bytes: int,
    document: bytes,
    edits: list[tuple[str, float, float, bytes]],
    encoding: str | None,
) -> bytes:
    for kind, where, until, piece in edits:
        start, end = sorted((int(where * len(document)), int(until * len(document))))
        span = document[start:end]
        if kind == "insert":
            document = document[:start] + piece + document[start:]
        elif kind == "replace":
            document = document[:start] + piece + document[start + len(piece) :]
        elif kind == "cut":
            document = document[:start] + document[end:]
        elif kind == "repeat":
            document = document[:end] + span * 3 + document[end:]
        elif kind == "end":
            document = document[:end]
        else:
            document = document[:start] + document[end:] + span
        document = document[:max_bytes]
    if encoding is not None:
        document = document.decode("utf-8", "replace").encode(encoding, "replace")
    return document[:max_bytes]
