from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.feeds.opml import Subscription, read_subscriptions, write_opml
from pipeline.feeds.place import FeedsError

AT = datetime(2025, 3, 12, 10, tzinfo=UTC)
READER = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE opml [<!ENTITY x "boom">]>
<opml version="1.1"><head><title>Mine</title></head><body>
 <outline text="News">
  <outline title="Europe" text="Europe">
   <outline text="Caf\xe9 &amp; Co" type="rss" XMLURL="https://a.example/feed"
     htmlUrl="https://a.example/"/>
  </outline>
  <outline text="B" xmlUrl=" https://b.example/feed " category="/World/Asia, plain"/>
  <outline text="A again" xmlUrl="https://a.example/feed"/>
 </outline>
 <outline text="  "><outline xmlUrl="https://c.example/feed"/></outline>
 <outline text="a note"/>
</body></opml>"""


def test_a_reader_s_file_with_nested_folders_and_a_declared_encoding() -> None:
    assert read_subscriptions(READER.encode("latin-1")) == [
        Subscription("https://a.example/feed", "Café & Co", None, ("News/Europe", "News")),
        Subscription("https://b.example/feed", "B", None, ("News", "World/Asia", "plain")),
        Subscription("https://c.example/feed"),
    ]


def test_a_list_of_urls() -> None:
    text = b"\xef\xbb\xbf# mine\nhttps://a.example/feed\n\n  https://b.example/feed\r\n"
    assert [one.url for one in read_subscriptions(text)] == [
        "https://a.example/feed",
        "https://b.example/feed",
    ]


@pytest.mark.parametrize("document", ["<html><body>Log in</body></html>", "<rss/>", "<"])
def test_another_document_is_refused(document: str) -> None:
    with pytest.raises(FeedsError, match="not OPML"):
        read_subscriptions(document.encode())


def test_a_broken_file_gives_what_can_be_read() -> None:
    broken = '<opml><body><outline text="A & B" xmlUrl="https://a.example/?x=1&y=2"><outline'
    assert read_subscriptions(broken.encode()) == [
        Subscription("https://a.example/?x=1&y=2", "A & B")
    ]


def test_a_deep_or_hostile_file_costs_nothing() -> None:
    deep = "<opml><body>" + '<outline text="f">' * 20_000
    assert read_subscriptions(deep.encode()) == []
    bomb = (
        '<!DOCTYPE o [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        '<opml><body><outline text="&b;" xmlUrl="https://a.example/"/></body></opml>'
    )
    (found,) = read_subscriptions(bomb.encode())
    assert len(found.title or "") < 10


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1).filter(
    lambda word: "/" not in word
)
TAGS = st.lists(WORDS, min_size=1, max_size=3).map("/".join)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.integers(0, 99),
        st.tuples(WORDS, st.none() | WORDS, st.sets(TAGS, max_size=3)),
        max_size=6,
    )
)
def test_what_is_exported_is_imported(feeds: dict[int, tuple[str, str | None, set[str]]]) -> None:
    before = [
        Subscription(f"https://{n}.example/?a=1&b=2", title, outlet, tuple(sorted(tags)))
        for n, (title, outlet, tags) in feeds.items()
    ]
    after = read_subscriptions(write_opml(before, AT))
    by_url = {one.url: one for one in after}
    assert len(after) == len(before)
    for one in before:
        found = by_url[one.url]
        assert (found.title, found.outlet) == (one.title, one.outlet)
        assert set(found.tags) == set(one.tags)


def test_what_xml_can_t_hold_is_left_out() -> None:
    odd = Subscription("https://a.example/", "a\x00\x1b\ud800b", None, ("t\x07",))
    (found,) = read_subscriptions(write_opml([odd], AT))
    assert (found.title, found.tags) == ("ab", ("t",))


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"<opml>", READER.encode()]))
def test_anything_is_read_or_refused(body: bytes, start: bytes) -> None:
    try:
        read_subscriptions(start + body)
    except FeedsError as error:
        assert str(error)
