import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.discovery import linked_feeds
from transforms.opml import ListedFeed, read_opml, write_opml

OPML = """\ufeff<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.1"><head><title>mine</title></head><body>
<outline text="World &amp; trade"><outline title="Asia">
<outline type="rss" text="Daily" xmlurl=" https://daily.example/feed?a=1&b=2 "
 htmlUrl="https://daily.example/"/></outline>
<outline text="Ledger" xmlUrl="https://ledger.example/atom"/></outline>
<outline text="again" xmlUrl="https://ledger.example/atom"/>
<outline text="note"/><outline text="local" xmlUrl="file:///etc/hosts"/>
</body></opml>"""


def test_folders_become_tags_whatever_the_faults() -> None:
    assert read_opml(OPML.encode()) == [
        ListedFeed(
            "https://daily.example/feed?a=1&b=2",
            "Daily",
            "https://daily.example/",
            ("World & trade", "Asia"),
        ),
        ListedFeed("https://ledger.example/atom", "Ledger", None, ("World & trade",)),
    ]


def test_what_is_written_reads_back() -> None:
    feeds = [
        ListedFeed("https://a.example/f?x=1&y=2", 'A "quoted" <title>', "https://a.example/"),
        ListedFeed("https://b.example/f", "B", None, ("One", "Two")),
        ListedFeed("https://c.example/f", "C", None, ("One",)),
    ]
    assert sorted(read_opml(write_opml(feeds)), key=lambda feed: feed.url) == feeds


def test_depth_is_no_danger() -> None:
    deep = "<opml><body>" + "<outline text='x'>" * 200 + "<outline xmlUrl='https://a.example/f'/>"
    (feed,) = read_opml(deep.encode())
    assert len(feed.tags) == 200
    read_opml(("<opml><body>" + "<outline text='x'>" * 50_000).encode())


@pytest.mark.parametrize("body", [b"", b"<rss/>", b"junk", b"\x00\xff"])
def test_what_is_no_opml(body: bytes) -> None:
    with pytest.raises(ValueError, match="not an OPML document"):
        read_opml(body)


def test_feeds_of_a_page() -> None:
    page = (
        "<html><head><base href='/en/'><link rel='alternate' type='application/rss+xml' href='f'>"
        "<link rel='ALTERNATE' type='application/atom+xml; charset=utf-8' href='/atom'>"
        "<link rel='alternate' type='application/rss+xml' href='/atom'>"
        "<link rel='alternate' hreflang='de' href='/de'><link rel='stylesheet' href='/s.css'>"
        "<link rel='alternate' type='application/feed+json' href='javascript:x'></head></html>"
    )
    assert linked_feeds(page, "https://d.example/x") == [
        "https://d.example/en/f",
        "https://d.example/atom",
    ]
    assert linked_feeds("", "https://d.example/") == []


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("<>/='\" outlinexmUrfdb&\x00é"), max_size=80))
def test_any_text_is_a_list_or_refused(text: str) -> None:
    try:
        read_opml(f"<opml><body>{text}".encode())
    except ValueError as error:
        assert str(error) == "not an OPML document"
    linked_feeds(text, "https://d.example/")
