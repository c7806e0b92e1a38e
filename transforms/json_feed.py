"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from transforms.encoding import scrub_surrogates


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry of any kind of feed, as found: raw strings, links not yet resolved."""

    guid: str | None = None
    url: str | None = None
    base: str | None = None
    title: str | None = None
    author: str | None = None
    language: str | None = None
    published: str | None = None
    modified: str | None = None
    summary: str | None = None
    body: str | None = None
    body_is_html: bool = True


@dataclass(frozen=True, slots=True)
class FeedHead:
    """What a feed says of itself; `kind` is its format and version, such as "RSS 2.0"."""

    home: str | None = None
    self_url: str | None = None
    title: str | None = None
    language: str | None = None
    kind: str | None = None


def is_json_feed(document: Any) -> bool:
    """Say whether a decoded JSON document is a JSON Feed rather than other JSON."""
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return False
    version = document.get("version")
    return (isinstance(version, str) and "jsonfeed.org" in version) or "home_page_url" in document


def json_feed_head(document: dict[str, Any]) -> FeedHead:
    """Return what a JSON Feed says of itself."""
    return FeedHead(
        home=as_text(document.get("home_page_url")),
        self_url=as_text(document.get("feed_url")),
        title=as_text(document.get("title")),
        language=as_text(document.get("language")),
        kind=_kind(document),
    )


def json_feed_entries(document: dict[str, Any]) -> Iterator[FeedEntry | None]:
    """Yield one entry per item, None for an item that isn't an object."""
    for item in document["items"]:
        if not isinstance(item, dict):
            yield None
            continue
        markup = as_text(item.get("content_html"))
        plain = as_text(item.get("content_text"))
        yield FeedEntry(
            guid=as_text(item.get("id")),
            url=as_text(item.get("url")) or as_text(item.get("external_url")),
            title=as_text(item.get("title")),
            author=_author(item),
            language=as_text(item.get("language")),
            published=as_text(item.get("date_published")),
            modified=as_text(item.get("date_modified")),
            summary=as_text(item.get("summary")),
            body=markup or plain,
            body_is_html=markup is not None,
        )


def as_text(value: Any) -> str | None:
    """Return a scalar as non-blank text that can be stored, or None (ids and dates are numbers)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = scrub_surrogates(str(value)).strip()
    return text or None


def _kind(document: dict[str, Any]) -> str:
    number = str(document.get("version", "")).rpartition("/")[2]
    return f"JSON Feed {number}" if number in ("1", "1.1") else "JSON Feed"


def _author(item: dict[str, Any]) -> str | None:
    authors = item.get("authors")
    found = authors if isinstance(authors, list) else [item.get("author")]
    names = [as_text(author.get("name")) for author in found if isinstance(author, dict)]
    return ", ".join(name for name in names if name) or None
