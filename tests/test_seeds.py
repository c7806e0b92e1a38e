"""The sample input says what its gold annotation says it says, and can be had over HTTP."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import feedparser
import httpx
import pytest
from seed_server import SEEDS, SeedServer, seed_server

__all__ = ["seed_server"]

GOLD = [json.loads(line) for line in (SEEDS / "gold.jsonl").read_text("utf-8").splitlines()]
ARTICLES = [row for row in GOLD if row["kind"] == "article"]
REJECTS = [row for row in GOLD if row["kind"] == "reject"]


def _inputs() -> str:
    """Return all sample input as one text without markup, so that a passage can be looked up."""
    texts = []
    for path in sorted(SEEDS.rglob("*.*")):
        if path.name in {"gold.jsonl", "README.md", "binary.txt"}:
            continue
        encoding = "latin-1" if path.name.startswith("latin1") else "utf-8"
        text = path.read_text(encoding)
        if path.suffix in {".json", ".jsonl"}:
            text = text.replace('\\"', '"')
        for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#x27;", "'")):
            text = text.replace(entity, character).replace(entity.replace("&", "&amp;"), character)
        texts.append(text.replace("<p>", "").replace("&amp;", "&"))
    return "\n".join(texts)


INPUT = _inputs()


def test_gold_rows_are_unique_and_well_formed() -> None:
    assert not [key for key, n in Counter(row["key"] for row in ARTICLES).items() if n > 1]
    for row in ARTICLES:
        for stance in row["stances"] + row.get("optional", []):
            assert stance["stance"] in {"supportive", "opposed", "neutral"}
            assert stance["kind"] in {"act", "statement", "relation"}
            assert (stance["voice"] == "third_party") == (stance["speaker"] is not None)
            assert stance["source"] != stance["target"]


@pytest.mark.parametrize("row", ARTICLES, ids=lambda row: row["key"])
def test_gold_points_at_text_that_exists(row: dict) -> None:
    assert row["key"] in INPUT or (SEEDS / row["key"]).is_file()
    for stance in row["stances"] + row.get("optional", []):
        assert stance["sentence"] in INPUT, stance


@pytest.mark.parametrize("row", REJECTS, ids=lambda row: row["origin"])
def test_rejects_point_at_files(row: dict) -> None:
    assert (SEEDS / row["origin"].split("#")[0]).is_file()


def test_the_sample_is_as_large_and_varied_as_its_readme_says() -> None:
    stories = Counter(row["story"] for row in ARTICLES)
    assert len(ARTICLES) >= 48
    assert stories["grain-corridor"] == 6
    assert sum(1 for n in stories.values() if n > 1) >= 5
    signs = Counter(stance["stance"] for row in ARTICLES for stance in row["stances"])
    assert signs["opposed"] >= 100
    assert signs["supportive"] >= 100
    assert any(not row["analysed"] for row in ARTICLES)


def test_server_answers_conditional_requests(seed_server: SeedServer) -> None:
    url = seed_server.url("feeds/harbourwire.xml")
    first = httpx.get(url)
    assert first.status_code == 200
    by_tag = httpx.get(url, headers={"If-None-Match": first.headers["ETag"]})
    by_date = httpx.get(url, headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert (by_tag.status_code, by_date.status_code) == (304, 304)
    assert [status for _, status in seed_server.requests] == [200, 304, 304]


def test_server_can_change_and_fail(seed_server: SeedServer) -> None:
    url = seed_server.url("feeds/harbourwire.xml")
    etag = httpx.get(url).headers["ETag"]
    later = (SEEDS / "feeds/harbourwire-later.xml").read_bytes()
    seed_server.replace("feeds/harbourwire.xml", later, datetime(2026, 11, 21, tzinfo=UTC))
    changed = httpx.get(url, headers={"If-None-Match": etag})
    assert (changed.status_code, changed.content) == (200, later)
    seed_server.fail("feeds/harbourwire.xml", 503)
    assert httpx.get(url).status_code == 503
    assert httpx.get(seed_server.url("feeds/none.xml")).status_code == 404


def test_every_served_feed_has_dated_entries_with_links(seed_server: SeedServer) -> None:
    for url in seed_server.feeds:
        answer = httpx.get(url)
        if url.endswith(".json"):
            entries = answer.json()["items"]
            assert entries
            assert all(item["url"] and item["date_published"] for item in entries)
            continue
        feed = feedparser.parse(answer.content)
        assert feed.entries
        assert not feed.bozo
        assert all(
            entry.link and (entry.get("published") or entry.updated) for entry in feed.entries
        )
