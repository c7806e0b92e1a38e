"""Which words name the outlet of their text, or an agency: no facts, however they differ.

A name counts as a whole only: one word of "Times of Israel" is an actor, and so is one of "Agence
France-Presse".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain, pairwise
from typing import Final, NamedTuple

import numpy as np

from transforms.catalog_files import read_actors
from transforms.columns import Flags, Integers, spread_ranges
from transforms.country_names import country_names
from transforms.hashed_texts import TextRows
from transforms.resources import resolve_config_path
from transforms.text_rules import TextRules
from transforms.words import Hashes, hash_words

# Shorter names are words of everyday, too.
MIN_LETTERS: Final = 3
# No outlet's name is longer; to look for one costs its words for each of them in a text.
MAX_WORDS: Final = 16
# Whose names an outlet's can be: not those of media, companies and people.
ACTOR_FILES: Final = ("states.toml", "organisations.toml", "blocs.toml", "groups.toml")

# A name's words, hashed.
Name = tuple[int, ...]


class Names(NamedTuple):
    """Names by their first word, and how many words the longest has."""

    by_first: Mapping[int, Sequence[Name]]
    longest: int


def neutral_names(outlet: str, rules: TextRules) -> Names:
    """Return the names of an outlet and of all agencies.

    A part of a domain counts as a name ("bbc.co.uk", "straits-times.com"), but for one that is an
    actor's ("china.org.cn").
    """
    return _by_first_word(outlet, rules.agencies, rules.actor_names)


def neutral_places(
    hashes: Hashes, start: int, end: int, outlet: str, rules: TextRules
) -> list[int]:
    """Return the places, from `start` up to `end`, of words that name the outlet or an agency.

    `hashes` are those of all words of a text: a name is neutral only as a whole, although some of
    it may stand outside.
    """
    names, longest = neutral_names(outlet, rules)
    offset = max(0, start - longest + 1)
    words = hashes[offset : end + longest - 1].tolist()
    found: set[int] = set()
    for place, word in enumerate(words):
        for name in names.get(word, ()):
            if tuple(words[place : place + len(name)]) == name:
                found.update(range(offset + place, offset + place + len(name)))
    return sorted(place for place in found if start <= place < end)


@lru_cache(maxsize=4_096)
def _by_first_word(outlet: str, agencies: frozenset[str], actor_names: frozenset[str]) -> Names:
    said = [outlet]
    if "." in outlet and " " not in outlet:
        said += outlet.split(".")
    long = [name for name in said if sum(map(str.isalnum, name)) >= MIN_LETTERS]
    (article,) = _hashed(["the"])
    named = {name[1:] if name[:1] == article else name for name in _hashed(long)}
    own = {name for name in named if len(name) <= MAX_WORDS}
    found: dict[int, list[Name]] = {}
    for name in sorted(own - _actors() - _names(actor_names) | _names(agencies)):
        if name:
            found.setdefault(name[0], []).append(name)
    return Names(found, max(map(len, chain.from_iterable(found.values())), default=1))


def _hashed(names: Iterable[str]) -> list[Name]:
    words = hash_words(list(names))
    hashes = words.hashes.tolist()
    return [tuple(hashes[start:end]) for start, end in pairwise(words.bounds.tolist())]


@lru_cache(maxsize=16)
def _names(names: frozenset[str]) -> frozenset[Name]:
    return frozenset(_hashed(names))


@cache
def _actors() -> frozenset[Name]:
    """Return the names of the states and organisations that the shipped catalog has."""
    names: set[str] = set()
    for file in ACTOR_FILES:
        for actor in read_actors(resolve_config_path(f"actors/{file}")):
            listed = (actor.names, actor.aliases, actor.demonyms, actor.capital, actor.seats)
            names.update(name for some in listed for name in some)
            names.update((actor.name,) if actor.name else ())
            country = country_names(actor.id)
            names.update(country.names if country else ())
    return frozenset(_hashed(names))


class NeutralWords:
    """The names that are neutral in several texts: `neutral_places` for many words at once."""

    def __init__(self, outlets: Sequence[str], rules: TextRules) -> None:
        number: dict[str, int] = {}
        numbers = (number.setdefault(outlet, len(number)) for outlet in outlets)
        self._outlet = np.fromiter(numbers, dtype=np.int64)
        self._outlets = len(number)
        names = [_names_by_column(outlet, rules) for outlet in number]
        # A name is a range of words; each of its words is an entry, found by word and outlet.
        self._words = np.concatenate([np.empty(0, np.uint64), *(words for words, _ in names)])
        self._sizes = np.concatenate([np.empty(0, np.int64), *(sizes for _, sizes in names)])
        self._starts = np.cumsum(self._sizes) - self._sizes
        owners = np.repeat(np.arange(self._outlets), [len(sizes) for _, sizes in names])
        self._name = np.repeat(np.arange(len(owners)), self._sizes)
        self._hashes, place = np.unique(self._words, return_inverse=True)
        codes = place * self._outlets + owners[self._name]
        self._entries = np.argsort(codes, kind="stable")
        self._codes = codes[self._entries]

    def are_neutral(
        self, texts: Integers, places: Integers, hashes: Hashes, rows: TextRows
    ) -> Flags:
        """Say of each word, in the text of this number and at this place there, whether it is part
        of the outlet's or an agency's name. `rows` are the texts.
        """
        neutral = np.zeros(len(texts), dtype=np.bool_)
        if not len(self._hashes):
            return neutral
        at = np.searchsorted(self._hashes, hashes)
        known = np.flatnonzero(self._hashes.take(at, mode="clip") == hashes)
        codes = at[known] * self._outlets + self._outlet[texts[known]]
        first, last = (np.searchsorted(self._codes, codes, side=side) for side in ("left", "right"))
        word, found = spread_ranges(first, last - first)
        word, entry = known[word], self._entries[found]
        name, text = self._name[entry], texts[word]
        start = places[word] - (entry - self._starts[name])
        whole = (start >= 0) & (start + self._sizes[name] <= rows.counts[text])
        for step in range(max(self._sizes[name], default=0)):
            open_names = np.flatnonzero(whole & (step < self._sizes[name]))
            read, _ = rows.words(text[open_names], start[open_names] + step)
            whole[open_names] = read == self._words[self._starts[name[open_names]] + step]
        neutral[word[whole]] = True
        return neutral


@lru_cache(maxsize=4_096)
def _names_by_column(outlet: str, rules: TextRules) -> tuple[Hashes, Integers]:
    """Return the words of all `neutral_names`, one name after another, and how many each has."""
    names = list(chain.from_iterable(neutral_names(outlet, rules).by_first.values()))
    words = np.array(list(chain.from_iterable(names)), dtype=np.uint64)
    return words, np.array([len(name) for name in names], dtype=np.int64)
