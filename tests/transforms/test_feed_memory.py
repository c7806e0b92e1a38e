from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from transforms.feed_memory import FeedMemory
from transforms.records import RawItem

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
ITEM = RawItem("https://a.example/f#1", AT, guid="1", title="Pact \ud800", body="Signed.")
BODY = b"<rss/>"


def remembered(*items: RawItem, body: bytes = BODY, before: str = "") -> str:
    memory = FeedMemory(before)
    for item in items:
        memory.is_new(item)
    return memory.after(body)


def test_without_a_memory_all_is_new() -> None:
    memory = FeedMemory()
    assert not memory.knows_document(BODY)
    assert not memory.knows_document(b"")
    assert memory.is_new(ITEM)


def test_what_was_there_the_last_time_is_known_wherever_it_stands_now() -> None:
    memory = FeedMemory(remembered(ITEM))
    assert memory.knows_document(BODY)
    assert not memory.knows_document(BODY + b" ")
    assert not memory.is_new(replace(ITEM, origin="#9", fetched_at=AT + timedelta(days=1)))


CHANGED = {
    "feed_url": "x", "outlet": "x", "guid": "2", "guid_unique": False, "url": "x",
    "base_url": "x", "title": "Pact", "author": "x", "language": "x", "published": "x",
    "modified": "x", "summary": "x", "body": "Signed", "body_is_html": True, "is_page": True,
    "flags": ("x",),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_an_entry_that_changed_in_any_way_is_new(name: str) -> None:
    assert {*CHANGED, "origin", "fetched_at"} == {field.name for field in fields(RawItem)}
    memory = FeedMemory(remembered(ITEM))
    assert memory.is_new(replace(ITEM, **{name: CHANGED[name]}))


def test_only_the_last_document_is_remembered_and_each_entry_once() -> None:
    other = replace(ITEM, guid="2")
    first = remembered(ITEM, ITEM)
    assert len(first) == 2 * len(remembered())
    second = remembered(other, before=first)
    assert len(second) == len(first)
    assert FeedMemory(second).is_new(ITEM)
    assert not FeedMemory(second).is_new(other)


@pytest.mark.parametrize("text", ["x", "zz" * 31, "é" * 12])
def test_a_damaged_memory_only_forgets(text: str) -> None:
    memory = FeedMemory(text)
    assert memory.is_new(ITEM)
    assert not memory.knows_document(BODY)
