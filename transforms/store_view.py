"""What the steps may ask of the store: a narrow, read-only view that workers can carry.

`pipeline.store` implements it over the disk index; tests implement it over dicts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Edge:
    """A verified near-copy pair of articles; `a` < `b`, similarity in 0..1."""

    a: str
    b: str
    similarity: float
    method: str


def make_edge(one: str, other: str, similarity: float, method: str) -> Edge:
    """Return the edge with its ends in order."""
    return Edge(min(one, other), max(one, other), similarity, method)


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """What the index knows of a committed article; texts stay in the Parquet.

    `version_at` is the modification time of the current text, else its publication; `is_full` is
    False for a summary or a bare title. `own` and `sentences` are as in `transforms.stories`.
    """

    article_id: str
    identity_keys: tuple[str, ...]
    content_hash: str
    content_hashes: tuple[str, ...]
    published_at: datetime
    published_at_source: str
    first_seen_at: datetime
    version_at: datetime
    is_full: bool
    story_id: str
    outlet: str
    analysed: bool
    sentences: tuple[str, ...]
    own: tuple[int, ...]
    actors: tuple[str, ...]
    rollups: tuple[str, ...]
    coding_version: str


class StoreView(Protocol):
    """Read access to the committed state, by id; every method takes many ids at once."""

    def by_keys(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return article ids by identity key, for the keys that are known."""

    def articles(self, ids: Collection[str]) -> Mapping[str, StoredArticle]:
        """Return the known articles among `ids`."""

    def members(self, stories: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the article ids of each known story."""

    def edges(self, ids: Collection[str]) -> Iterable[Edge]:
        """Return every edge with both ends among `ids`."""

    def aliases(self, stories: Collection[str]) -> Mapping[str, str]:
        """Return the aliases that are one of `stories` or point to one of them."""
