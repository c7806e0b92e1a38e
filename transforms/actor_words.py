"""The word lists by which texts name actors without naming them: titles, heads, hyphens and so on.

They live in `configs/actors/titles.toml`; a user's own `titles.toml` adds to them.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transforms.catalog_files import (
    ACTOR_TYPES,
    ROLES,
    WORDS_FILE,
    CatalogError,
    read_catalog_text,
)
from transforms.name_table import fold, name_key
from transforms.resources import config_dir

_NONE: frozenset[str] = frozenset()


@dataclass(slots=True)
class SenseRule:
    """What an ambiguous name means, by the words around it.

    `cues` are folded words per actor id; "none" stands for anything that is no actor.
    """

    default: str
    cues: dict[str, frozenset[str]]

    @property
    def known(self) -> frozenset[str]:
        """Return the actor ids among the senses."""
        return frozenset(self.cues) | {self.default}

    def pick(self, near: Set[str], everywhere: Set[str]) -> str:
        """Return the sense with the most cues; those in the same sentence count double."""
        scores = {
            actor: 2 * len(cues & near) + len(cues & everywhere)
            for actor, cues in self.cues.items()
        }
        best = max(scores.values(), default=0)
        if best == 0 or scores.get(self.default, 0) == best:
            return self.default
        return min(actor for actor, score in scores.items() if score == best)


@dataclass(slots=True)
class ActorWords:
    """Word lists, compiled to sets; see `configs/actors/README.md` for what each is for.

    `titles` maps each title phrase to its role, `title_ends` the last word of a title phrase to
    the phrases' lengths in words; `title_words` are all words that occur in titles.
    """

    titles: dict[str, str] = field(default_factory=dict)
    title_ends: dict[str, tuple[int, ...]] = field(default_factory=dict)
    title_words: frozenset[str] = frozenset()
    senses: dict[str, SenseRule] = field(default_factory=dict)
    lists: dict[str, frozenset[str]] = field(default_factory=dict)
    combining: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    descriptions: dict[str, frozenset[str]] = field(default_factory=dict)
    fingerprint: str = ""
    reference_nouns: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, paths: Sequence[Path] = ()) -> ActorWords:
        """Return the shipped lists with those of `paths` added; raises CatalogError."""
        shipped = config_dir() / "actors" / WORDS_FILE
        files = [shipped, *(path for path in paths if path.resolve() != shipped.resolve())]
        tables = [_read(path) for path in files]
        titles: dict[str, str] = {}
        lists: dict[str, set[str]] = {}
        combining: dict[str, str] = {}
        numbers: dict[str, int] = {}
        senses: dict[str, SenseRule] = {}
        for table in tables:
            for section, values in table.items():
                for key, value in values.items():
                    if section == "titles" and key in ROLES:
                        for title in value:
                            titles.setdefault(" ".join(_WORD.findall(title)), key)
                    elif section == "ambiguous":
                        senses[name_key(key)] = _sense_rule(value)
                    elif section == "hyphens" and key == "combining":
                        combining.update(value)
                    elif section == "descriptions" and key == "numbers":
                        numbers.update(value)
                    else:
                        lists.setdefault(f"{section}.{key}", set()).update(value)
        digest = hashlib.blake2b(digest_size=12)
        for table in tables:
            digest.update(repr(sorted(table.items(), key=lambda item: item[0])).encode())
        ends: dict[str, set[int]] = {}
        for title in titles:
            parts = title.split()
            ends.setdefault(parts[-1], set()).add(len(parts))
        return cls(
            titles,
            {word: tuple(sorted(sizes, reverse=True)) for word, sizes in ends.items()},
            frozenset(word for title in titles for word in title.split()) - _FUNCTION_WORDS,
            senses,
            {key: frozenset(words) for key, words in lists.items()},
            combining,
            numbers,
            _by_noun(lists),
            digest.hexdigest(),
        )

    def has(self, key: str, word: str) -> bool:
        """Return whether the list named "section.key" holds the word."""
        return word in self.lists.get(key, _NONE)

    def gender_of(self, name: str) -> str:
        """Return "f" or "m" where the name's first word is a given name listed as such, else ""."""
        given = name_key(name).partition(" ")[0]
        if self.has("names.female", given):
            return "f"
        return "m" if self.has("names.male", given) else ""

    def is_head(self, word: str) -> bool:
        """Return whether the word is a head that can act for a state or organisation."""
        return self.has("heads.agents", word) or self.has("heads.people", word)


# As spaCy cuts titles: hyphens stand alone.
_FUNCTION_WORDS = frozenset({"of", "for", "the", "and", "-"})
_WORD = re.compile(r"[^\W_]+(?:[’'.][^\W_]+)*|-")


def _by_noun(lists: dict[str, set[str]]) -> dict[str, frozenset[str]]:
    """Return which types of actor each describing noun can refer to."""
    types: dict[str, set[str]] = {}
    for kind in ACTOR_TYPES:
        for noun in lists.get(f"descriptions.{kind}", ()):
            types.setdefault(noun, set()).add(kind)
    return {noun: frozenset(kinds) for noun, kinds in types.items()}


def _sense_rule(value: dict[str, Any]) -> SenseRule:
    cues = {
        actor: frozenset(fold(word) for word in words)
        for actor, words in value.items()
        if actor != "default"
    }
    return SenseRule(value.get("default", "none"), cues)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        tables = tomllib.loads(read_catalog_text(path))
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"{path}: {error}") from error
    for section, values in tables.items():
        if not isinstance(values, dict):
            raise CatalogError(f"{path}: {section}: not a table")
    return tables
