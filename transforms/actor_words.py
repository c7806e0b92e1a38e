"""The word lists by which texts name actors without naming them: titles, heads, hyphens and so on.

They live in `configs/actors/titles.toml`; a user's own `titles.toml` adds to them.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transforms.catalog_files import WORDS_FILE, CatalogError, read_catalog_text
from transforms.resources import config_dir


@dataclass(slots=True)
class ActorWords:
    """Word lists, compiled to sets; see `configs/actors/README.md` for what each is for."""

    titles: dict[str, str] = field(default_factory=dict)
    longest_title: int = 1
    lists: dict[str, frozenset[str]] = field(default_factory=dict)
    combining: dict[str, str] = field(default_factory=dict)
    fingerprint: str = ""

    @classmethod
    def load(cls, paths: Sequence[Path] = ()) -> ActorWords:
        """Return the shipped lists with those of `paths` added; raises CatalogError."""
        shipped = config_dir() / "actors" / WORDS_FILE
        files = [shipped, *(path for path in paths if path.resolve() != shipped.resolve())]
        tables = [_read(path) for path in files]
        titles: dict[str, str] = {}
        lists: dict[str, set[str]] = {}
        combining: dict[str, str] = {}
        for table in tables:
            for section, values in table.items():
                for key, value in values.items():
                    if section == "titles" and key in _TITLE_ROLES:
                        for title in value:
                            titles.setdefault(title, key)
                    elif section == "hyphens" and key == "combining":
                        combining.update(value)
                    else:
                        lists.setdefault(f"{section}.{key}", set()).update(value)
        digest = hashlib.blake2b(digest_size=12)
        for table in tables:
            digest.update(repr(sorted(table.items(), key=lambda item: item[0])).encode())
        return cls(
            titles,
            max(len(title.split()) for title in titles),
            {key: frozenset(words) for key, words in lists.items()},
            combining,
            digest.hexdigest(),
        )

    def has(self, key: str, word: str) -> bool:
        """Return whether the list named "section.key" holds the word."""
        return word in self.lists.get(key, frozenset())


_TITLE_ROLES = (
    "head_of_state",
    "head_of_government",
    "foreign_minister",
    "defence_minister",
    "spokesperson",
    "leader",
    "minister",
    "envoy",
    "other",
)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        tables = tomllib.loads(read_catalog_text(path))
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"{path}: {error}") from error
    for section, values in tables.items():
        if not isinstance(values, dict):
            raise CatalogError(f"{path}: {section}: not a table")
    return tables
