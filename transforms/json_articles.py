"""Articles as JSON objects: one a line (JSONL), one a file, or a list of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from transforms.json_feed import as_text
from transforms.markup import has_tags
from transforms.records import RawItem

# Names under which exports of scrapers, news APIs and archives keep the same thing, best first.
TEXT_KEYS = ("text", "body", "content", "maintext", "article", "full_text")
TITLE_KEYS = ("title", "headline")
URL_KEYS = ("url", "link", "canonical_url")
PUBLISHED_KEYS = (
    "published_at", "published", "date", "publishedAt", "date_publish", "pubDate", "publish_date",
    "datetime", "timestamp",
)  # fmt: skip
MODIFIED_KEYS = ("modified_at", "modified", "updated_at", "updated", "date_modify")
OUTLET_KEYS = ("outlet", "source", "source_name", "publisher", "publication", "media_name")
AUTHOR_KEYS = ("author", "authors", "byline", "creator")
LANGUAGE_KEYS = ("language", "lang")
ID_KEYS = ("id", "guid", "uuid", "article_id")
SUMMARY_KEYS = ("summary", "description", "teaser", "lead")

# An id this long is made to be unique everywhere; a shorter one counts within its file.
GLOBAL_ID_CHARS = 16


def item_from_json(
    record: dict[str, Any], origin: str, folder: str, fetched_at: datetime
) -> RawItem | None:
    """Return the raw item of a JSON object, or None where it has no text.

    `folder` stands in for an outlet that neither the object nor its URL names.
    """
    text = _first(record, TEXT_KEYS)
    if text is None:
        return None
    named = _first(record, OUTLET_KEYS)
    return RawItem(
        origin=origin,
        fetched_at=fetched_at,
        outlet=named or folder,
        guid=_guid(record, origin),
        url=_first(record, URL_KEYS),
        title=_first(record, TITLE_KEYS),
        author=_first(record, AUTHOR_KEYS),
        language=_first(record, LANGUAGE_KEYS),
        published=_first(record, PUBLISHED_KEYS),
        modified=_first(record, MODIFIED_KEYS),
        summary=_first(record, SUMMARY_KEYS),
        body=text,
        body_is_html=has_tags(text),
        flags=() if named else ("outlet_assumed",),
    )


def _guid(record: dict[str, Any], origin: str) -> str | None:
    found = _first(record, ID_KEYS)
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
