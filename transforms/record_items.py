"""Articles as records: JSON objects or table rows under whatever names their makers chose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from transforms.json_feed import as_text
from transforms.markup import has_tags
from transforms.records import RawItem

# Names under which exports of scrapers, news APIs and archives keep the same thing, best first.
_KEYS: dict[str, tuple[str, ...]] = {
    "text": ("text", "body", "content", "maintext", "article", "full_text"),
    "title": ("title", "headline"),
    "url": ("url", "link", "canonical_url"),
    "published_at": (
        "published_at", "published", "date", "publishedAt", "date_publish", "pubDate",
        "publish_date", "datetime", "timestamp",
    ),
    "modified_at": ("modified_at", "modified", "updated_at", "updated", "date_modify"),
    "outlet": ("outlet", "source", "source_name", "publisher", "publication", "media_name"),
    "author": ("author", "authors", "byline", "creator"),
    "language": ("language", "lang"),
    "id": ("id", "guid", "uuid", "article_id"),
    "summary": ("summary", "description", "teaser", "lead"),
}  # fmt: skip
FIELDS = tuple(_KEYS)
NO_COLUMNS: Mapping[str, str] = MappingProxyType({})

# An id this long is made to be unique everywhere; a shorter one counts within its file.
GLOBAL_ID_CHARS = 16


def item_from_record(
    record: dict[str, Any],
    origin: str,
    folder: str,
    fetched_at: datetime,
    columns: Mapping[str, str] = NO_COLUMNS,
) -> RawItem | None:
    """Return the raw item of a record, or None where it has neither text nor summary.

    `folder` stands in for an outlet that neither the record nor its URL names. `columns` says
    under which name a field is kept, for names that aren't known here (`text`, `title`, `url`,
    `published_at`, `modified_at`, `outlet`, `author`, `language`, `id`, `summary`).
    """

    def first(field: str) -> str | None:
        known = _KEYS[field]
        return _first(record, (columns[field], *known) if field in columns else known)

    text, summary = first("text"), first("summary")
    if text is None and summary is None:
        return None
    named = first("outlet")
    return RawItem(
        origin=origin,
        fetched_at=fetched_at,
        outlet=named or folder,
        guid=_guid(first("id"), origin),
        url=first("url"),
        title=first("title"),
        author=first("author"),
        language=first("language"),
        published=first("published_at"),
        modified=first("modified_at"),
        summary=summary,
        body=text,
        body_is_html=text is not None and has_tags(text),
        flags=() if named else ("outlet_assumed",),
    )


def _guid(found: str | None, origin: str) -> str | None:
    if found is None or len(found) >= GLOBAL_ID_CHARS or ":" in found:
        return found
    # "1" in two files is two articles.
    return f"{origin.rpartition('#')[0]}#{found}"


def _first(record: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value = record.get(key)
        if isinstance(value, dict):
            value = value.get("name")
        elif isinstance(value, list):
            names = [item.get("name") if isinstance(item, dict) else item for item in value]
            value = ", ".join(name for name in names if isinstance(name, str))
        text = as_text(value)
        if text:
            return text
    return None
