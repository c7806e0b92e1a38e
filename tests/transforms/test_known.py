"""What the store lets in: not what it has, and not what it had and let go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from memory_store import MemoryStore

from transforms.clean import clean_item
from transforms.known import split_late
from transforms.records import Article, RawItem
from transforms.settings import CleanSettings

BEFORE = datetime(2026, 11, 2, tzinfo=UTC)


def article(name: str, published: datetime | None) -> Article:
    item = RawItem(
        origin=name,
        fetched_at=BEFORE + timedelta(days=20),
        title=f"The ministers of {name} met",
        url=f"https://example.org/{name}",
        published=published.isoformat() if published else None,
    )
    found = clean_item(item, CleanSettings())
    assert isinstance(found, Article)
    return found


def test_what_was_pruned_and_comes_again_is_too_late() -> None:
    old = article("old", BEFORE - timedelta(seconds=1))
    kept = [article("first", BEFORE), article("undated", None)]
    taken, late = split_late([old, *kept], MemoryStore(), BEFORE)
    assert taken == kept
    (reject,) = late
    assert (reject.stage, reject.reason, reject.origin) == ("clean", "too_late", "old")
    assert reject.detail == "published 2026-11-01 23:59:59+00:00, and the store was pruned up to" \
        " 2026-11-02"  # fmt: skip
    assert reject.excerpt == "The ministers of old met"


def test_what_the_store_knows_is_taken_whatever_its_date() -> None:
    """A later version may state an earlier date."""
    old = article("old", BEFORE - timedelta(days=3))
    store = MemoryStore()
    store.keys[old.identity_keys[-1]] = "a"
    assert split_late([old], store, BEFORE) == ([old], [])


def test_a_store_that_was_never_pruned_takes_all() -> None:
    old = article("old", BEFORE - timedelta(days=3000))
    assert split_late([old], MemoryStore(), None) == ([old], [])
