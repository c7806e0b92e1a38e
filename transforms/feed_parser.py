"""A feed's bytes to raw items: RSS 0.9x/1.0/2.0, Atom, RDF, JSON Feed, news sitemaps.

Parsing knows nothing of retrieval. feedparser's own dates are not used: it fills days that a
text doesn't name from today and reads zoneless times in its own way.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import feedparser

from transforms.compression import GZIP_MAGIC, BadCompression, TooLarge, unpack
from transforms.encoding import charset_of, decode, is_binary
from transforms.feed_xml import repair_xml, root_name
from transforms.json_feed import (
    FeedEntry,
    FeedHead,
    as_text,
    is_json_feed,
    json_feed_entries,
    json_feed_head,
)
from transforms.news_sitemap import SITEMAP_ROOTS, read_news_sitemap
from transforms.plain_rss import read_plain_rss
from transforms.records import RawItem, Reject
from transforms.urls import absolute_url, canonical_url

MAX_ENTRIES = 5_000
# feedparser takes a tenth of a millisecond a tag; 5,000 full entries have a quarter of these.
MAX_TAGS = 500_000
# https://www.sitemaps.org/protocol.html: a sitemap, unpacked, has at most 50 MB.
MAX_UNPACKED_BYTES = 52_428_800
EXCERPT_CHARS = 200

FEED_ROOTS = frozenset(("rss", "feed", "rdf", "channel", "rss10"))
# feedparser's names for what it reads; RSS 0.90 and 1.0 are RDF.
_KINDS = {
    "rss090": "RSS 0.90", "rss091n": "RSS 0.91", "rss091u": "RSS 0.91", "rss092": "RSS 0.92",
    "rss093": "RSS 0.93", "rss094": "RSS 0.94", "rss10": "RSS 1.0", "rss20": "RSS 2.0",
    "rss": "RSS", "atom01": "Atom 0.1", "atom02": "Atom 0.2", "atom03": "Atom 0.3",
    "atom10": "Atom 1.0", "atom": "Atom", "cdf": "CDF",
}  # fmt: skip
_CDATA_TEXT = re.compile(r"\A\s*<!\[CDATA\[(.*?)(?:\]\]>)?\s*\Z", re.DOTALL)


class FeedError(ValueError):
    """A document that isn't a feed or has nothing in it; `reason` is the reject's."""

    def __init__(self, reason: str, detail: str, excerpt: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.excerpt = excerpt


def parse_feed(
    body: bytes,
    url: str | None,
    content_type: str | None,
    fetched_at: datetime,
    *,
    origin: str | None = None,
    outlet: str | None = None,
    base: str | None = None,
    max_entries: int = MAX_ENTRIES,
    on_head: Callable[[FeedHead], None] | None = None,
) -> Iterator[RawItem | Reject]:
    """Yield the feed's entries as raw items; what can't be used as rejects; never raises.

    `url` is where the feed was got, None for a saved feed, which may name its own. `origin` is
    what rejects and items point at (the URL by default), with `#N` for the N-th entry from 1.
    `base` is what links resolve against where neither entry nor feed says. `on_head` is told what
    the feed says of itself, once it proves to be one.
    Rejects: `empty_body`, `binary`, `not_a_feed`, `empty_feed`, `empty_entry`,
    `too_many_entries`, `too_complex`, `too_large`, `bad_compression`, `parse_failed`.
    """
    place = origin or url or ""

    def reject(reason: str, detail: str, where: str, excerpt: str) -> Reject:
        return Reject(
            "read", reason, detail, where, excerpt[:EXCERPT_CHARS], fetched_at, outlet, url
        )

    try:
        head, entries, flags = _read(body, content_type)
    except FeedError as error:
        yield reject(error.reason, error.detail, place, error.excerpt)
        return
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        yield reject("parse_failed", detail[:EXCERPT_CHARS], place, _excerpt(body))
        return
    if on_head is not None:
        on_head(head)
    feed_url = url or absolute_url(head.self_url, None)
    base = absolute_url(head.home, base or feed_url) or base or feed_url
    links = _resolved_links(entries, base)
    # An entry that a feed shows twice is one: what tells it apart doesn't hang on when it is asked.
    keys = [canonical_url(link) if link else None for link in links]
    told = {
        (entry.guid, key, _content(entry))
        for entry, key in zip(entries, keys, strict=True)
        if entry is not None
    }
    guids = Counter(guid for guid, _, _ in told if guid)
    shared = Counter(key for key, _ in {(key, content) for _, key, content in told} if key)
    for index, (entry, link, key) in enumerate(zip(entries, links, keys, strict=True), start=1):
        where = f"{place}#{index}"
        if index > max_entries:
            yield reject(
                "too_many_entries", f"{len(entries)} entries, {max_entries} allowed", where, ""
            )
            return
        if entry is None or not (entry.title or entry.body or entry.summary):
            yield reject("empty_entry", "no title and no text", where, link or "")
            continue
        entry_flags = flags
        if key and shared[key] > 1:
            # A link that several entries share (a live page, the front page) tells none apart.
            entry_flags = (*flags, "url_shared")
        yield RawItem(
            origin=where,
            fetched_at=fetched_at,
            feed_url=feed_url,
            outlet=outlet,
            guid=entry.guid,
            guid_unique=entry.guid is not None and guids[entry.guid] == 1,
            url=link,
            base_url=absolute_url(entry.base, base) or link or base,
            title=entry.title,
            author=entry.author,
            language=entry.language or head.language,
            published=entry.published,
            modified=entry.modified,
            summary=entry.summary,
            body=entry.body,
            body_is_html=entry.body_is_html,
            flags=entry_flags,
        )


def looks_like_feed(text: str) -> bool:
    """Say whether a document's root is a feed's, for telling saved feeds from pages."""
    return root_name(text) in FEED_ROOTS


def unzipped(body: bytes) -> bytes:
    """Return the document in a gzip file (`sitemap.xml.gz`), or what it is if it is none.

    Raises FeedError for one that is damaged or unpacks to more than 50 MB.
    """
    if not body.startswith(GZIP_MAGIC):
        return body
    try:
        return b"".join(unpack(iter((body,)), "gzip", MAX_UNPACKED_BYTES))
    except TooLarge as error:
        raise FeedError("too_large", str(error), "") from None
    except BadCompression as error:
        raise FeedError("bad_compression", str(error), "") from None


def _read(
    body: bytes, content_type: str | None
) -> tuple[FeedHead, list[FeedEntry | None], tuple[str, ...]]:
    body = unzipped(body)
    if not body.strip():
        raise FeedError("empty_body", "nothing but whitespace", "")
    if is_binary(body[:4096]):
        raise FeedError("binary", "not text", _excerpt(body))
    decoded = decode(body, charset_of(content_type))
    text = decoded.text.lstrip()
    if text[:1] in "{[":
        return (*_read_json(text), decoded.flags)
    root = root_name(text)
    if root == "html":
        raise FeedError("not_a_feed", "an HTML page", text)
    if text.count("<") > MAX_TAGS:
        raise FeedError("too_complex", f"more than {MAX_TAGS} tags", text)
    if root == "sitemapindex":
        raise FeedError("not_a_feed", "an index of sitemaps; one of those may hold news", text)
    document, repaired = repair_xml(text)
    plain = read_plain_rss(document) if root == "rss" else None
    if plain is not None:
        head, entries = plain
    else:
        head, entries = (read_news_sitemap if root in SITEMAP_ROOTS else _read_xml)(document)
    if not entries:
        if root in SITEMAP_ROOTS:
            raise FeedError("not_a_feed", "a sitemap without news", text)
        if root in FEED_ROOTS:
            raise FeedError("empty_feed", f"a feed without entries (root <{root}>)", text)
        raise FeedError("not_a_feed", f"root <{root}>" if root else "no XML", text)
    flags = (*decoded.flags, "feed_recovered") if repaired else decoded.flags
    return head, list(entries), flags


def _read_json(text: str) -> tuple[FeedHead, list[FeedEntry | None]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FeedError("not_a_feed", f"JSON that can't be read: {error}", text) from None
    if not is_json_feed(document):
        raise FeedError("not_a_feed", "JSON, but no JSON Feed", text)
    entries = list(json_feed_entries(document))
    if not entries:
        raise FeedError("empty_feed", "a JSON Feed without items", text)
    return json_feed_head(document), entries


def _read_xml(document: bytes) -> tuple[FeedHead, list[FeedEntry]]:
    # A stream, because feedparser takes a string for a URL or a path and opens it.
    parsed = feedparser.parse(
        io.BytesIO(document),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    feed = parsed.get("feed", {})
    head = FeedHead(
        home=_text(feed, "link"),
        self_url=next(
            (
                as_text(link.get("href"))
                for link in feed.get("links", [])
                if link.get("rel") == "self"
            ),
            None,
        ),
        title=_text(feed, "title"),
        language=_text(feed, "language"),
        kind=_KINDS.get(parsed.get("version") or ""),
    )
    return head, [_entry(found) for found in parsed.get("entries", [])]


def _entry(found: Mapping[str, Any]) -> FeedEntry:
    contents = [
        (value, part.get("type") or "text/html", part.get("base"))
        for part in found.get("content", [])
        if (value := _unwrapped(as_text(part.get("value"))))
    ]
    summary = _unwrapped(_text(found, "summary"))
    detail = found.get("summary_detail") or {}
    # The longest, since a feed may give plain text and markup of the same article.
    body, kind, base = max(
        contents, key=lambda content: len(content[0]), default=(None, "text/html", None)
    )
    if body is not None and summary == body:
        summary = None
    published = _own(found, "published") or _own(found, "created")
    updated = _own(found, "updated")
    return FeedEntry(
        guid=_text(found, "id"),
        url=_link(found),
        base=as_text(base) or as_text(detail.get("base")) or None,
        title=_unwrapped(_text(found, "title")),
        author=_text(found, "author"),
        language=_text(found, "language") or _text(found, "dc_language"),
        published=published or updated,
        modified=updated if published else None,
        summary=summary,
        body=body,
        body_is_html=kind != "text/plain",
    )


def _link(found: Mapping[str, Any]) -> str | None:
    # FeedBurner's links count clicks; the article's own stands beside them.
    link = _text(found, "feedburner_origlink") or _text(found, "link")
    if link:
        return link
    for other in found.get("links", []):
        if other.get("rel", "alternate") == "alternate" and as_text(other.get("href")):
            return as_text(other["href"])
    guid = _text(found, "id")
    return guid if guid and guid.startswith(("http://", "https://")) else None


def _content(entry: FeedEntry) -> tuple[str | None, str | None]:
    return entry.title, entry.body or entry.summary


def _resolved_links(entries: list[FeedEntry | None], base: str | None) -> list[str | None]:
    return [
        absolute_url(entry.url, absolute_url(entry.base, base) or base) if entry else None
        for entry in entries
    ]


def _text(found: Mapping[str, Any], key: str) -> str | None:
    return as_text(found.get(key))


def _own(found: Mapping[str, Any], key: str) -> str | None:
    """Return a value that stands there: feedparser's mapping answers `updated` for `published`."""
    return as_text(dict.get(found, key)) if isinstance(found, dict) else None


def _unwrapped(text: str | None) -> str | None:
    """Take off a CDATA wrapper that was escaped and so arrives as text."""
    if text is None or "<![CDATA[" not in text:
        return text
    found = _CDATA_TEXT.match(text)
    return (found.group(1).strip() or None) if found else text


def _excerpt(body: bytes) -> str:
    return body[:EXCERPT_CHARS].decode("utf-8", "replace").replace("\0", "")
