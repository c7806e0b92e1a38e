"""What kind of file this is: by its content where that is plain, else by its suffix."""

from __future__ import annotations

import json
from typing import Literal

from transforms.encoding import decode
from transforms.feed_parser import looks_like_feed
from transforms.feed_xml import root_name
from transforms.markup import has_tags
from transforms.sources import LINE_SUFFIXES
from transforms.tables import PARQUET_MAGIC

Kind = Literal["text", "html", "markdown", "lines", "json", "feed", "csv", "parquet", "warc"]

_FEED_SUFFIXES = frozenset((".xml", ".rss", ".atom", ".rdf"))
_HTML_SUFFIXES = frozenset((".html", ".htm", ".xhtml"))
_BY_SUFFIX: dict[str, Kind] = {
    **dict.fromkeys(LINE_SUFFIXES, "lines"),
    **dict.fromkeys(_FEED_SUFFIXES, "feed"),
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
}


def kind_of(head: bytes, suffix: str) -> Kind:
    """Return the kind of a file from its first bytes and its lower-case suffix."""
    if head.startswith(PARQUET_MAGIC):
        return "parquet"
    if head.startswith(b"WARC/"):
        return "warc"
    text = decode(head).text.lstrip()
    if text.startswith("<"):
        if suffix in _FEED_SUFFIXES or looks_like_feed(text):
            return "feed"
        if suffix in _HTML_SUFFIXES or root_name(text) == "html":
            return "html"
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if text.startswith("{") and is_json_line(text):
        return "lines"
    if suffix in _HTML_SUFFIXES or (text.startswith("<") and has_tags(text)):
        return "html"
    return "text"


def is_json_line(text: str) -> bool:
    """Say whether the first line of a text is a JSON object by itself."""
    try:
        return isinstance(json.loads(text.partition("\n")[0]), dict)
    except (ValueError, RecursionError):
        return False
