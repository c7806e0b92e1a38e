"""What fuzzing starts from: the sample input in `seeds/`, and documents made for the purpose."""

from __future__ import annotations

import gzip
import html
import json
import re
from pathlib import Path

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
_URL = re.compile(rb"https?://[^\s\"'<>]+")
_DATE = re.compile(
    rb"<(?:pubDate|updated|published|dc:date)>([^<]+)<"
    rb'|"(?:date_published|datePublished)": ?"([^"]+)"'
)
_URLS = (
    b"HTTP://user:pw@WWW.Example.COM:80/a/../b/./c%7e?utm_source=x&b=2&a=1#top",
    b"https://m.news.example.co.uk/amp/story.amp.html?amp=1",
    b"https://www-example-net.cdn.ampproject.org/c/s/www.example.net/a?b",
    b"https://www.google.com/amp/s/example.net/story",
    "https://bücher.example/straße?q=ü".encode(),
    b"http://[2001:db8::1]:8080/x", b"//example.net/x", b"/x/y?z", b"mailto:a@b.example",
    b"https://example.net/#!/article/7", b"javascript:alert(1)", b"http://example.net:99999/",
)  # fmt: skip
_DATES = (
    "Tue, 03 Jun 2025 09:14:00 GMT", "2025-06-03T09:14:00.123+02:00", "3 juin 2025 à 9h14",
    "Dienstag, 3. Juni 2025, 09:14 Uhr", "martes 3 de junio de 2025", "3 июня 2025 г.",
    "2025年6月3日", "3 Haziran 2025 Salı", "03/06/2025 9:14 PM", "June 3rd, 2025 at 9:14 a.m. EDT",
    "20250603T091400Z", "1748942040", "Published on 3 Jun 2025",
    "3 qwxz 2025 of no language", "Tue Jun 03 09:14:00 EST 2025",
)  # fmt: skip
_PAGE = """<!doctype html><html lang="{lang}"><head><meta charset="{charset}"><title>{title}</title>
<link rel="canonical" href="/a"><meta property="og:title" content="{title}">
<script type="application/ld+json">{linked}</script></head><body><nav><a href="/">Home</a></nav>
<{box}><h1>{title}</h1><time datetime="2025-06-03">3 June</time>{paragraphs}</{box}>
<aside><ul><li><a href="/b">Another story</a></li></ul></aside></body></html>"""
_SENTENCE = "The minister of Valdoria said on {day} that the café talks with Ostrava had failed. "


def corpus(target: str) -> list[bytes]:
    """Return a target's starting inputs, in a fixed order and each once."""
    made = {"feeds": _feeds, "urls": _urls, "dates": _dates, "pages": _pages}[target]()
    return list(dict.fromkeys(made))


def _files(*folders: str) -> list[bytes]:
    paths = [path for folder in folders for path in sorted((SEEDS / folder).iterdir())]
    return [path.read_bytes() for path in paths if path.is_file()]


def _feeds() -> list[bytes]:
    whole = _files("feeds", "broken")
    item = (
        "<item><title>Talks &amp;amp; tariffs</title><link>/a?utm_source=r</link><guid>7</guid>"
        "<pubDate>Tue, 03 Jun 2025 09:14:00 GMT</pubDate><description>&lt;p&gt;Text.&lt;/p&gt;"
        "</description></item>"
    )
    rss = f"<rss version='2.0'><channel><title>T</title><ttl>60</ttl>{item * 3}</channel></rss>"
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "T",
        "items": [{"id": 7, "url": "/a", "content_text": "Text.", "date_published": "2025-06-03"}],
    }
    sitemap = (
        '<urlset xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url>'
        "<loc>https://daily.example.net/a</loc><news:news><news:title>T</news:title>"
        "<news:publication_date>2025-06-03</news:publication_date></news:news></url></urlset>"
    )
    small = [rss, json.dumps(document), sitemap, rss.replace("</item>", ""), rss[:200]]
    return [
        *whole,
        *(text.encode() for text in small),
        rss.encode("utf-16"),
        f"<?xml version='1.0' encoding='windows-1252'?>{rss}".encode("cp1252"),
        gzip.compress(rss.encode(), mtime=0),
        b"<rss><channel>" + b"<item><title>x" * 200,
        b"<a>" * 2_000,
    ]


def _urls() -> list[bytes]:
    found = [url for body in _files("feeds", "pages", "files") for url in _URL.findall(body)]
    return [*_URLS, *found[:60]]


def _dates() -> list[bytes]:
    found = [
        first or second
        for body in _files("feeds", "pages")
        for first, second in _DATE.findall(body)
    ]
    return [*(text.encode() for text in _DATES), *found[:40]]


def _pages() -> list[bytes]:
    return [*_files("pages"), *_files("broken"), *(_page(number) for number in range(12))]


def _page(number: int) -> bytes:
    """Make one of a dozen small pages: three containers, in four encodings."""
    charset = ("utf-8", "windows-1252", "iso-8859-1", "utf-16")[number % 4]
    title = html.escape(f"Valdoria & Ostrava break off talks, day {number}")
    sentences = [_SENTENCE.format(day=f"day {day}") for day in range(number + 1)]
    tag = ("p", "div", "li")[number // 4]
    page = _PAGE.format(
        lang=("en", "de", "")[number % 3],
        charset=charset,
        title=title,
        box=("article", "div", "main")[number % 3],
        linked=json.dumps({"@type": "NewsArticle", "headline": title, "author": [{"name": "A"}]}),
        paragraphs="".join(f"<{tag}>{html.escape(text) * 3}</{tag}>" for text in sentences),
    )
    return page.encode(charset)
