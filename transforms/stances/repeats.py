"""The same quote in headline, standfirst and body is one piece of evidence."""

from __future__ import annotations

from collections.abc import Iterable

from transforms.records import Evidence
from transforms.words import fold

MIN_WORDS = 3
MIN_SHARE = 0.8
# Bytes of a folded word that are compared: headlines put body text into another tense.
_STEM = 5


def drop_repeats(evidence: Iterable[Evidence]) -> list[Evidence]:
    """Return the evidence without later pieces that repeat an earlier one.

    A piece repeats another on the same dyad and stance when at least MIN_SHARE of the words of
    the shorter sentence stand in the other, endings aside ("condemns", "condemned").
    """
    kept: list[Evidence] = []
    seen: dict[tuple[str, str, str], list[tuple[str, frozenset[bytes]]]] = {}
    for piece in evidence:
        key = (piece.source_rollup, piece.target_rollup, piece.stance)
        words = frozenset(word[:_STEM] for word in fold(piece.sentence).split())
        earlier = seen.setdefault(key, [])
        elsewhere = [(digest, other) for digest, other in earlier if digest != piece.sentence_hash]
        if any(_repeats(words, other) for _, other in elsewhere):
            continue
        earlier.append((piece.sentence_hash, words))
        kept.append(piece)
    return kept


def _repeats(a: frozenset[bytes], b: frozenset[bytes]) -> bool:
    shorter = min(len(a), len(b))
    return shorter >= MIN_WORDS and len(a & b) >= MIN_SHARE * shorter
