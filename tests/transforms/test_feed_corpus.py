"""feedparser's own test documents, from its source package: nothing crashes, nothing is lost.

`FEEDPARSER_SOURCE` names the unpacked package, which `make soak` gets from the package registry.
"""

import io
import os
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest

from transforms.clean import clean_item
from transforms.feed_parser import parse_feed
from transforms.records import RawItem
from transforms.settings import CleanSettings

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
SOURCE = os.environ.get("FEEDPARSER_SOURCE")


@pytest.mark.skipif(SOURCE is None, reason="FEEDPARSER_SOURCE names no unpacked feedparser package")
def test_every_document_of_feedparser_s_suite_is_read() -> None:
    documents = sorted(
        path for path in Path(SOURCE or "", "tests").rglob("*") if path.suffix in (".xml", ".z")
    )
    assert len(documents) > 2_000
    with_entries = 0
    for path in documents:
        body = path.read_bytes()
        found = list(parse_feed(body, "https://daily.example.net/feed", None, AT))
        assert found, path
        items = [one for one in found if isinstance(one, RawItem)]
        for item in items:
            clean_item(item, CleanSettings())
        empty = [one for one in found if getattr(one, "reason", "") == "empty_entry"]
        theirs = feedparser.parse(io.BytesIO(body))
        assert len(items) + len(empty) >= len(theirs.entries), path
        with_entries += bool(items)
    print(f"{with_entries} of {len(documents)} documents give entries")
