"""Which article is this: items matched by identity keys to each other and to the store.

A URL is trusted before a guid: a guid can't prove at first sight that it is stable, and feeds
rewrite and reuse them. A guid that joins two different URLs counts only where the texts agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from transforms.clusters import connected
from transforms.ids import stable_id
from transforms.records import Article
from transforms.store_view import StoredArticle, StoreView

Status = Literal["new", "revised", "noted", "unchanged"]
PARTIAL_TEXTS = frozenset({"summary", "title", "stub"})
GUID_KEY = "g:"


class Known(Protocol):
    """What tells which article an item is."""

    @property
    def item_id(self) -> str: ...
    @property
    def identity_keys(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class ItemMeta:
    """What identity and clustering need of a cleaned article: everything but its text."""

    item_id: str
    identity_keys: tuple[str, ...]
    outlet: str
    analysed: bool
    published_at: datetime | None
    published_at_source: str
    modified_at: datetime | None
    fetched_at: datetime
    content_hash: str
    text_source: str
    word_count: int
    sentences: tuple[str, ...]
    bands: tuple[int, ...]
    signature: bytes

    @property
    def is_full(self) -> bool:
        """Whether this is the article's text and not a teaser of it."""
        return self.text_source not in PARTIAL_TEXTS

    @property
    def version_at(self) -> datetime:
        """When this version was made, as far as anything says."""
        return self.modified_at or self.published_at or self.fetched_at


@dataclass(frozen=True, slots=True)
class Identity:
    """One article of a batch: its frozen facts and the item that carries its current text.

    `status`: new; revised (another text replaces the stored one); noted (an older or other version
    or a new key was seen, the text stays); unchanged. `item` is None where the stored text stays.
    """

    article_id: str
    status: Status
    item: ItemMeta | None
    stored: StoredArticle | None
    identity_keys: tuple[str, ...]
    content_hashes: tuple[str, ...]
    published_at: datetime
    published_at_source: str
    first_seen_at: datetime
    modified_at: datetime | None

    @property
    def revision(self) -> int:
        """The number of different texts seen under this identity, from 1."""
        return len(self.content_hashes)


def meta_of(
    article: Article, sentences: Sequence[str], bands: Sequence[int], signature: bytes
) -> ItemMeta:
    """Return an article's metadata with its sentence hashes and sketch."""
    return ItemMeta(
        item_id=article.item_id,
        identity_keys=article.identity_keys,
        outlet=article.outlet,
        analysed=article.analysed,
        published_at=article.published_at,
        published_at_source=article.published_at_source,
        modified_at=article.modified_at,
        fetched_at=article.fetched_at,
        content_hash=article.content_hash,
        text_source=article.text_source,
        word_count=article.word_count,
        sentences=tuple(sentences),
        bands=tuple(bands),
        signature=signature,
    )


def identify(items: Iterable[ItemMeta], view: StoreView) -> list[Identity]:
    """Return the articles of a batch, each once, ordered by article id."""
    metas = sorted(set(items), key=lambda meta: meta.item_id)
    known = view.by_keys({key for meta in metas for key in meta.identity_keys})
    stored = view.articles(set(known.values()))
    groups = _group(metas, known, stored)
    identities = [_identity(group, kept) for group, kept in groups]
    return sorted(identities, key=lambda identity: identity.article_id)


def stored_dates(items: Iterable[Known], view: StoreView) -> dict[str, datetime]:
    """Return when the articles that the store has were published, by item id: that date is frozen.

    A guid alone proves nothing here: whether it was reused only the texts tell.
    """
    trusted = [
        (item.item_id, [key for key in item.identity_keys if not key.startswith(GUID_KEY)])
        for item in items
    ]
    known = view.by_keys({key for _, keys in trusted for key in keys})
    stored = view.articles(set(known.values()))
    found: dict[str, datetime] = {}
    for item_id, keys in trusted:
        matches = (stored.get(known.get(key, "")) for key in keys)
        match = next(filter(None, matches), None)
        if match is not None:
            found[item_id] = match.published_at
    return found


def _group(
    metas: Sequence[ItemMeta], known: Mapping[str, str], stored: Mapping[str, StoredArticle]
) -> list[tuple[list[ItemMeta], StoredArticle | None]]:
    links: list[tuple[str, str]] = []
    holders: dict[str, ItemMeta] = {}
    for meta in metas:
        for key in meta.identity_keys:
            match = stored.get(known.get(key, ""))
            if match is not None and _agrees(key, meta, match):
                links.append((meta.item_id, match.article_id))
                break
        for key in meta.identity_keys:
            first = holders.setdefault(key, meta)
            if first is not meta and _agrees(key, meta, first):
                links.append((meta.item_id, first.item_id))
    nodes = {meta.item_id for meta in metas} | {b for _, b in links}
    roots = connected(links, nodes)
    members: dict[str, list[ItemMeta]] = defaultdict(list)
    for meta in metas:
        members[roots[meta.item_id]].append(meta)
    kept: dict[str, StoredArticle] = {}
    for article in stored.values():
        root = roots.get(article.article_id)
        if root is not None and (root not in kept or _order(article) < _order(kept[root])):
            kept[root] = article
    return [(group, kept.get(root)) for root, group in members.items()]


def _order(article: StoredArticle) -> tuple[datetime, str]:
    return article.published_at, article.article_id


def _agrees(key: str, meta: ItemMeta, other: ItemMeta | StoredArticle) -> bool:
    if not key.startswith(GUID_KEY):
        return True
    if meta.identity_keys[0] == other.identity_keys[0] and meta.identity_keys[0] != key:
        return True
    if not meta.sentences or not other.sentences:
        return False
    if meta.sentences[0] == other.sentences[0]:
        return True
    shared = len(set(meta.sentences) & set(other.sentences))
    return 2 * shared >= min(len(set(meta.sentences)), len(set(other.sentences)))


def _rank(meta: ItemMeta) -> tuple[bool, datetime, datetime, int, str]:
    return meta.is_full, meta.version_at, meta.fetched_at, meta.word_count, meta.item_id


def _identity(group: list[ItemMeta], stored: StoredArticle | None) -> Identity:
    latest = max(group, key=_rank)
    seen = {meta.content_hash for meta in group}
    keys = {key for meta in group for key in meta.identity_keys}
    first_seen = min(meta.fetched_at for meta in group)
    if stored is None:
        first = min(group, key=lambda meta: (meta.version_at, meta.fetched_at, meta.item_id))
        dated = [meta for meta in group if meta.published_at is not None]
        oldest = min(dated, key=lambda m: (m.published_at, m.item_id)) if dated else None
        published = oldest.published_at if oldest else None
        return Identity(
            article_id=_first_id(first),
            status="new",
            item=latest,
            stored=None,
            identity_keys=_ordered(first.identity_keys[0], keys),
            content_hashes=tuple(sorted(seen)),
            published_at=published or first_seen,
            published_at_source=oldest.published_at_source if oldest else "first_seen",
            first_seen_at=first_seen,
            modified_at=_modified(latest, published or first_seen),
        )
    # When the stored text was fetched isn't kept, but it wasn't before the article was first seen.
    replaces = latest.content_hash not in stored.content_hashes and (
        latest.is_full,
        latest.version_at,
        latest.fetched_at,
    ) >= (stored.is_full, stored.version_at, stored.first_seen_at)
    grew = not seen <= set(stored.content_hashes) or not keys <= set(stored.identity_keys)
    return Identity(
        article_id=stored.article_id,
        status="revised" if replaces else "noted" if grew else "unchanged",
        item=latest if replaces else None,
        stored=stored,
        identity_keys=_ordered(stored.identity_keys[0], keys | set(stored.identity_keys)),
        content_hashes=tuple(sorted(seen | set(stored.content_hashes))),
        published_at=stored.published_at,
        published_at_source=stored.published_at_source,
        first_seen_at=min(first_seen, stored.first_seen_at),
        modified_at=_modified(latest, stored.published_at) if replaces else None,
    )


def _first_id(first: ItemMeta) -> str:
    """Return the id of a new article; a guid alone may be reused, so its headline goes in too."""
    key = first.identity_keys[0]
    if key.startswith(GUID_KEY):
        return stable_id("article", key, *first.sentences[:1])
    return stable_id("article", key)


def _ordered(first: str, keys: set[str]) -> tuple[str, ...]:
    return (first, *sorted(keys - {first}))


def _modified(latest: ItemMeta, published: datetime) -> datetime | None:
    if latest.modified_at is not None:
        return latest.modified_at
    if latest.published_at is not None and latest.published_at != published:
        return latest.published_at
    return None
