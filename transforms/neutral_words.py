"""Which hashed words name the outlet of their text, or an agency: no facts, however they differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from transforms.columns import Flags, Integers
from transforms.text_rules import TextRules
from transforms.text_view import neutral_names
from transforms.words import Hashes, hash_words


class NeutralWords:
    """The neutral names of several texts by hash; only plain words are looked for.

    It errs on one side only: a word that it doesn't know may be neutral all the same.
    """

    def __init__(self, outlets: Sequence[str], rules: TextRules) -> None:
        number = {outlet: at for at, outlet in enumerate(dict.fromkeys(outlets))}
        self._outlet = np.array([number[outlet] for outlet in outlets], dtype=np.int64)
        named = [
            (at, word)
            for outlet, at in number.items()
            for word in neutral_names(outlet, rules)
            if word.isascii() and word.isalpha()
        ]
        place = {word: at for at, word in enumerate(dict.fromkeys(word for _, word in named))}
        hashes = hash_words(list(place)).hashes
        order = np.argsort(hashes)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        self._hashes = hashes[order]
        self._known = np.zeros((len(number), len(order)), dtype=np.bool_)
        for at, word in named:
            self._known[at, rank[place[word]]] = True

    def are(self, texts: Integers, hashes: Hashes) -> Flags:
        """Say of each word, in the text of this number, whether it is neutral there."""
        if not len(self._hashes):
            return np.zeros(len(hashes), dtype=np.bool_)
        at = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        found: Flags = (self._hashes[at] == hashes) & self._known[self._outlet[texts], at]
        return found
