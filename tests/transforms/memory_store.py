"""A store view over dicts that applies plans as a commit would, for tests of planning."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from transforms.store_view import Edge, StoredArticle
from transforms.stories import Plan

CODING = "coding-1"


class MemoryStore:
    """Implements `StoreView`; `apply` commits a plan."""

    def __init__(self) -> None:
        self.stored: dict[str, StoredArticle] = {}
        self.keys: dict[str, str] = {}
        self.all_edges: dict[tuple[str, str], Edge] = {}
        self.alias: dict[str, str] = {}

    def by_keys(self, keys: Collection[str]) -> Mapping[str, str]:
        return {key: self.keys[key] for key in keys if key in self.keys}

    def articles(self, ids: Collection[str]) -> Mapping[str, StoredArticle]:
        return {i: self.stored[i] for i in ids if i in self.stored}

    def members(self, stories: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for article in self.stored.values():
            if article.story_id in stories:
                found.setdefault(article.story_id, []).append(article.article_id)
        return {story: tuple(sorted(ids)) for story, ids in found.items()}

    def edges(self, ids: Collection[str]) -> Iterable[Edge]:
        return [e for e in self.all_edges.values() if e.a in ids and e.b in ids]

    def aliases(self, stories: Collection[str]) -> Mapping[str, str]:
        return {a: s for a, s in self.alias.items() if a in stories or s in stories}

    def apply(self, plan: Plan) -> None:
        for pair in [p for p in self.all_edges if set(p) & plan.dropped_edges]:
            del self.all_edges[pair]
        for edge in plan.edges:
            self.all_edges[(edge.a, edge.b)] = edge
        for alias in plan.dropped_aliases:
            self.alias.pop(alias, None)
        self.alias.update(plan.aliases)
        for article in plan.articles:
            if not article.write:
                continue
            old, meta, identity = article.stored, article.meta, article.identity
            source = meta or old
            assert source is not None
            keys = identity.identity_keys if identity else old.identity_keys if old else ()
            hashes = identity.content_hashes if identity else old.content_hashes if old else ()
            self.stored[article.article_id] = StoredArticle(
                article_id=article.article_id,
                identity_keys=keys,
                content_hash=source.content_hash,
                content_hashes=hashes,
                published_at=identity.published_at if identity else old.published_at,  # type: ignore[union-attr]
                published_at_source="feed",
                first_seen_at=identity.first_seen_at if identity else old.first_seen_at,  # type: ignore[union-attr]
                version_at=source.version_at,
                is_full=source.is_full,
                story_id=article.story.story_id,
                outlet=source.outlet,
                analysed=source.analysed,
                sentences=source.sentences,
                own=article.own,
                actors=(),
                rollups=(),
                coding_version=CODING,
            )
            for key in keys:
                self.keys.setdefault(key, article.article_id)
