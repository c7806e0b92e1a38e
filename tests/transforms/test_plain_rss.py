"""What is read without feedparser is what feedparser reads."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transforms.encoding import decode
from transforms.feed_parser import _read_xml
from transforms.feed_xml import repair_xml
from transforms.plain_rss import read_plain_rss

SEEDS = Path(__file__).parents[2] / "seeds" / "feeds"
SOURCE = os.environ.get("FEEDPARSER_SOURCE")
NAMESPACES = (
    'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:x="https://x.example/ns" '
    'xmlns:slash="http://purl.org/rss/1.0/modules/slash/" '
    'xmlns:wfw="http://wellformedweb.org/CommentAPI/"'
)
IN_ITEM = (
    "title", "link", "guid", "guid isPermaLink='false'", "guid isPermaLink='true'",
    "guid isPermaLink=''", "description", "pubDate", "author", "dc:creator", "content:encoded",
    "category", "comments", "enclosure url='https://a.example/b.mp3' type='audio/mpeg'",
    "media:thumbnail url='https://a.example/b.jpg'", "media:content url='https://a.example/c.jpg'",
    "slash:comments", "wfw:commentRss", "x:title", "title x:y='z'", "dc:date", "updated", "summary",
    "link href='https://a.example/h'", "description type='text/plain'", "source url='https://a.example/'",
)  # fmt: skip
IN_CHANNEL = (
    "title", "link", "description", "language", "copyright", "image", "ttl", "generator",
    "atom:link rel='self' href='https://a.example/feed'", "atom:link href='https://a.example/x'",
    "atom:link rel='hub' href='https://hub.example/'", "lastBuildDate", "pubDate", "docs",
    "managingEditor", "category", "dc:language", "textInput",
)  # fmt: skip
SAMPLES = (
    "", " ", "Plain words", "  edges \n", "https://a.example/1", "/relative?a=1&b=2",
    "https://a.example/?a&amp;b;", "http:////a.example//b", "<b>Bold</b> & more",
    "Ann <ann@a.example>", "ann@a.example (Ann)", "Ann B.", "café", "cafÃ©", "\x80uro", "東京",
    "Fri, 20 Nov 2026 10:00:00 GMT", "<![CDATA[inner]]>", "&nbsp;x", "urn:x:1", "tag:a,2026:1",
)  # fmt: skip
CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"))
TEXTS = st.one_of(st.sampled_from(SAMPLES), st.text(CHARACTERS, max_size=12))


def element(name: str, text: str, cdata: bool) -> str:
    inner = f"<![CDATA[{text}]]>" if cdata and "]]>" not in text else escape(text)
    return f"<{name}>{inner}</{name.split(' ', 1)[0]}>"


def elements(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    one = st.builds(element, st.sampled_from(names), TEXTS, st.booleans())
    return st.lists(one, max_size=7).map("".join)


def usual(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Elements of the names that come first, each once and in any order, as most feeds have."""
    one = st.tuples(st.sampled_from(names), TEXTS, st.booleans())
    several = st.lists(one, max_size=8, unique_by=lambda drawn: drawn[0].split(" ", 1)[0])
    return several.map(lambda drawn: "".join(element(*each) for each in drawn))


DOCUMENTS = st.builds(
    lambda version, head, items, tail: (
        f'<rss version="{version}" {NAMESPACES}><channel>{head}'
        f"{''.join(f'<item>{item}</item>' for item in items)}{tail}</channel></rss>"
    ),
    st.sampled_from(["2.0", "2.0", "2.0", "2.0", "0.92", ""]),
    st.one_of(usual(IN_CHANNEL[:9]), elements(IN_CHANNEL)),
    st.lists(st.one_of(usual(IN_ITEM[:18]), elements(IN_ITEM)), max_size=3),
    st.one_of(st.just(""), elements(IN_CHANNEL[:4])),
)


def check(text: str) -> bool:
    """Compare the two readings of a document; returns whether it was read as a plain one."""
    document, _ = repair_xml(text)
    plain = read_plain_rss(document)
    if plain is None:
        return False
    assert plain == _read_xml(document), text
    return True


@settings(max_examples=600, deadline=None)
@given(DOCUMENTS)
@example(f'<rss version="2.0" {NAMESPACES}><channel></channel></rss>')
def test_generated_documents_are_read_as_feedparser_reads_them(text: str) -> None:
    check(text)


@pytest.mark.parametrize("order", ["link guid", "guid link"])
@pytest.mark.parametrize("permanent", ["", ' isPermaLink="false"'])
def test_a_site_s_usual_feed_is_plain(order: str, permanent: str) -> None:
    fields = {
        "link": "<link>https://a.example/1?a=1&amp;b=2</link>",
        "guid": f"<guid{permanent}>https://a.example/?p=1</guid>",
    }
    item = "".join(fields[name] for name in order.split())
    assert check(
        f'<rss version="2.0" {NAMESPACES}><channel><title>A</title><link>https://a.example/</link>'
        '<atom:link href="https://a.example/feed/" rel="self" type="application/rss+xml"/>'
        "<language>en</language><image><title>A</title></image>"
        f"<item><title>B &amp; C</title>{item}"
        "<dc:creator><![CDATA[Ann]]></dc:creator><category>d</category>"
        "<pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate><description><![CDATA[<p>e</p>]]>"
        "</description><content:encoded><![CDATA[<p>e f</p>]]></content:encoded>"
        "<slash:comments>3</slash:comments></item></channel></rss>"
    )


@pytest.mark.parametrize("name", sorted(path.name for path in SEEDS.iterdir()))
def test_sample_feeds_are_read_alike(name: str) -> None:
    check((SEEDS / name).read_text(encoding="utf-8", errors="replace"))


@pytest.mark.skipif(SOURCE is None, reason="FEEDPARSER_SOURCE names no unpacked feedparser package")
def test_feedparser_s_own_documents_are_read_alike() -> None:
    paths = sorted(Path(SOURCE or "", "tests").rglob("*.xml"))
    plain = sum(check(decode(path.read_bytes(), None).text) for path in paths)
    assert plain > 20
    print(f"{plain} of {len(paths)} documents are plain")
