"""What is fuzzed: each target takes any bytes and holds what comes out to its contract.

A target raises AssertionError where the contract is broken; whatever else it raises is a finding
too. It returns the names of what came out, for counting.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from transforms.clean import clean_item
from transforms.dates import parse_date
from transforms.encoding import decode
from transforms.feed_hints import read_pace
from transforms.feed_parser import parse_feed
from transforms.fetch_pages import slim_html
from transforms.records import Article, RawItem, Reject
from transforms.settings import CleanSettings
from transforms.urls import absolute_url, adopted_canonical, canonical_url, domain

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
FEED_URL = "https://daily.example.net/feeds/all.xml"
PAGE_URL = "https://daily.example.net/news/one.html"
FEED_TYPES = (None, "application/rss+xml; charset=utf-8", "text/xml; charset=windows-1252", "x")
LANGUAGES = (None, "en", "de", "fr", "ru")
ZONELESS = timedelta(0)
CLEAN = CleanSettings()


@dataclass(frozen=True, slots=True)
class Target:
    """`run` maps bytes to the names of what came out; `tokens` are pieces that matter to it.

    `max_bytes` is how long an input gets. `cpu_seconds` bounds any one of them: hundreds of times
    what an ordinary one takes, so that only growth beyond all measure reaches it.
    """

    run: Callable[[bytes], list[str]]
    tokens: tuple[bytes, ...]
    max_bytes: int
    cpu_seconds: float


def run_feed(data: bytes) -> list[str]:
    """Parse feed bytes; items and rejects alone may come, and a pace that can be waited for."""
    kind = FEED_TYPES[_choice(data, len(FEED_TYPES))]
    names = []
    for found in parse_feed(data, FEED_URL, kind, AT):
        assert isinstance(found, RawItem | Reject), type(found)
        assert found.origin.startswith(FEED_URL), found.origin
        if isinstance(found, Reject):
            names.append(found.reason)
            continue
        assert found.title or found.body or found.summary
        assert found.url is None or absolute_url(found.url, None) == found.url, found.url
        names.append("item")
    wait = read_pace(data).interval_s
    assert wait is None or wait >= 0, wait
    return names


def run_url(data: bytes) -> list[str]:
    """Take bytes for a URL; its key is "" or an https URL that is its own key, of one site."""
    url = data.decode("utf-8", "surrogateescape")
    key = canonical_url(url)
    assert canonical_url(key) == key, (key, canonical_url(key))
    assert not key or key.startswith("https://"), key
    assert key.isascii(), key
    assert bool(domain(key)) == bool(key), key
    joined = absolute_url(url, PAGE_URL)
    if joined is not None:
        assert absolute_url(joined, None) == joined, joined
        assert canonical_url(joined), joined
    adopted = adopted_canonical(PAGE_URL, url)
    assert adopted is None or domain(adopted) == domain(PAGE_URL), adopted
    return ["key" if key else "none"]


def run_date(data: bytes) -> list[str]:
    """Take bytes for a date; what comes is UTC, and neither lost time nor the future."""
    text = data.decode("utf-8", "surrogateescape")
    language = LANGUAGES[_choice(data, len(LANGUAGES))]
    found = parse_date(text, AT, language=language)
    if found.value is None:
        assert found.flags == ("date_unparsed",), found
        return ["none"]
    assert found.value.utcoffset() == ZONELESS, found
    assert found.value.year >= 1990, found
    assert found.value <= AT + timedelta(days=1), found
    assert parse_date(found.value.isoformat(), AT).value == found.value, found
    return ["date"]


def run_page(data: bytes) -> list[str]:
    """Take bytes for a fetched page; an article or a reject comes, the same twice."""
    decoded = decode(data, None)
    item = RawItem(
        origin=PAGE_URL,
        fetched_at=AT,
        feed_url=FEED_URL,
        url=PAGE_URL,
        body=slim_html(decoded.text),
        body_is_html=True,
        is_page=True,
        flags=decoded.flags,
    )
    found = clean_item(item, CLEAN)
    if isinstance(found, Reject):
        return [found.reason]
    assert isinstance(found, Article), type(found)
    for text in (found.title, found.text, found.author or "", found.outlet):
        assert "\0" not in text
        text.encode("utf-8")
    assert "\n" not in found.title
    assert found.word_count == len(found.text.split())
    return [found.text_source]


def _choice(data: bytes, options: int) -> int:
    """Choose by the input itself, so that one input is one case for both engines."""
    return hashlib.blake2b(data, digest_size=1).digest()[0] % options


TARGETS = {
    "feeds": Target(
        run_feed,
        (
            *(b"<rss version='2.0'>", b"<channel>", b"<item>", b"</item>", b"<title>", b"<link>"),
            *(b"<feed xmlns='http://www.w3.org/2005/Atom'>", b"<entry>", b"</entry>", b"<id>"),
            *(b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>", b"<guid>"),
            *(b"<content type='xhtml'><div>", b"<content type='html'>", b"<summary>", b"]]>"),
            *(b"<description>", b"<pubDate>", b"<dc:date>", b"<![CDATA[", b"<!--", b"-->"),
            *(b"xml:base='//a/'", b"xml:lang='", b"xmlns:media='http://search.yahoo.com/mrss/'"),
            *(b"<?xml version='1.0' encoding='utf-16'?>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>"),
            *(b"<media:content url='x'>", b"<enclosure length='x'/>", b"<georss:point>1 2", b"&b;"),
            *(b"&#x110000;", b"&#0;", b"&amp;lt;", b"&", b"<", b"\xff\xfe", b"\xef\xbb\xbf"),
            *(b'{"version":"https://jsonfeed.org/version/1.1","items":[', b'{"id":1e999,"url":"'),
            *(b'"content_html":"', b'"date_published":', b"\\ud800", b"]}", b"\x1f\x8b\x08\0"),
            *(b"<urlset xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'><url><loc>",),
            *(b"<news:news><news:title>", b"<sy:updateFrequency>", b"<ttl>", b"<skipHours><hour>"),
        ),
        65_536,
        10.0,
    ),
    "urls": Target(
        run_url,
        (
            *(b"http://", b"https://", b"//", b"ftp://", b"@", b":", b":443", b":0", b"[::1]"),
            *(b"[", b"]", b"%", b"%2F", b"%41", b"%zz", b"?", b"&", b"=", b"#", b"#!/", b"/../"),
            *(b"/./", b"/amp", b".amp", b".amp.html", b"m.", b"www.", b"xn--", b"xn--a-", b".."),
            *(b"cdn.ampproject.org/c/s/", b"www.google.com/amp/s/", b"utm_source=a", b"fbclid="),
            *(b"\xc3\xa4", b"\xe2\x80\x8b", b"\xe3\x80\x82", b"\xc3\x9f", b"\xff", b"\0", b"\\"),
            *(b" ", b"\t", b"example.net", b"co.uk", b"127.0.0.1", b"0x7f.1", b".", b"-", b"_"),
        ),
        8_192,
        2.0,
    ),
    "dates": Target(
        run_date,
        (
            *(b"2026-11-20T10:00:00Z", b"Fri, 20 Nov 2026 10:00:00 +0100", b"20.11.2026", b"T"),
            *(b"20 novembre 2026", b"20. November 2026", "20 ноября 2026".encode(), b"24:00"),
            *("2026年11月20日".encode(), "٢٠٢٦".encode(), b"yesterday", b"2 hours ago", b"pm"),
            *(b"1763632800", b"1763632800000", b"99999999999999", b"0000-00-00", b"9999-12-31"),
            *(b"0001-01-01", b"-99:99", b"+2400", b"EST", b"(CET)", b"GMT+25", b"Published: "),
            *(b"31", b"30 Feb", b"60", b"-", b"/", b".", b":", b",", b" ", b"\xc2\xb2", b"\0"),
        ),
        256,
        2.0,
    ),
    "pages": Target(
        run_page,
        (
            *(b"<html lang='", b"<head>", b"<body>", b"<article>", b"<main>", b"<p>", b"</p>"),
            *(b"<div class='content'>", b"</div>", b"<table><tr><td>", b"<ul><li>", b"<br>"),
            *(b"<script type='application/ld+json'>", b'{"@type":"NewsArticle","headline":"'),
            *(b'"datePublished":', b'"author":[{"name":', b'"@graph":[', b"</script>", b"<!--"),
            *(b"<meta charset='utf-16'>", b"<meta property='og:title' content='", b"<base href='"),
            *(b"<link rel='canonical' href='", b"<time datetime='", b"<h1>", b"<title>", b"<svg>"),
            *(b"<template>", b"<noscript>", b"<textarea>", b"<plaintext>", b"<xmp>", b"<![CDATA["),
            *(b"&#xD800;", b"&#0;", b"&lt;b&gt;", b"&amp;amp;", b"\xff\xfe", b"\xc3\x83\xc2\xa9"),
            *(b"Subscribe to continue reading", b"We value your privacy", b"Read more", b"\0"),
        ),
        65_536,
        20.0,
    ),
}
