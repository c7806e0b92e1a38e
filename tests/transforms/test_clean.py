import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.clean import Clean, clean_item
from transforms.feed_parser import parse_feed
from transforms.records import Article, RawItem, Reject
from transforms.settings import CleanSettings

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
SETTINGS = CleanSettings()
BODY = (
    "<p>GENEVA (Agency) — Valdoria said on Monday that it would sign the harbour treaty with "
    "its neighbour Torrin.</p><p>The foreign minister of Torrin welcomed the decision and "
    "thanked the mediators.</p><p>Read more: Ministers meet</p>"
)
RAW = RawItem(
    origin="https://daily.example.net/feed#1",
    fetched_at=AT,
    feed_url="https://daily.example.net/feed",
    guid="tag:1",
    url="https://www.daily.example.net/pact?utm_source=rss",
    title="Valdoria &amp;amp; Torrin to sign",
    author="desk@daily.example (A. Writer)",
    language="en",
    published="Sun, 11 May 2025 08:30:00 +0200",
    modified="2025-05-11T10:00:00Z",
    summary="A teaser.",
    body=BODY,
    body_is_html=True,
)


def article(item: RawItem = RAW, **changes: Any) -> Article:
    result = clean_item(replace(item, **changes), SETTINGS)
    assert isinstance(result, Article)
    return result


def test_what_comes_beyond_the_horizon_is_a_reject() -> None:
    late = clean_item(RAW, SETTINGS.model_copy(update={"horizon_days": 20}))
    assert isinstance(late, Reject)
    assert (late.stage, late.reason) == ("clean", "too_late")
    assert "2025-05-11" in late.detail
    assert isinstance(clean_item(RAW, SETTINGS.model_copy(update={"horizon_days": 22})), Article)
    undated = replace(RAW, published=None, modified=None)
    assert isinstance(clean_item(undated, SETTINGS.model_copy(update={"horizon_days": 1})), Article)


def test_a_feed_item_becomes_an_article() -> None:
    found = article()
    assert found.title == "Valdoria & Torrin to sign"
    assert found.text == (
        "Valdoria said on Monday that it would sign the harbour treaty with its neighbour "
        "Torrin.\n\nThe foreign minister of Torrin welcomed the decision and thanked the mediators."
    )
    assert (found.text_source, found.word_count) == ("content", 27)
    assert (found.language, found.analysed) == ("en", True)
    assert found.published_at == datetime(2025, 5, 11, 6, 30, tzinfo=UTC)
    assert found.published_at_source == "feed"
    assert found.modified_at == datetime(2025, 5, 11, 10, tzinfo=UTC)
    assert found.outlet == "example.net"
    assert found.canonical_url == "https://www.daily.example.net/pact"
    assert found.author == "A. Writer"
    assert found.flags == ()


def test_ids_depend_on_origin_text_and_time_alone() -> None:
    assert article() == article()
    assert article(author=None).item_id == article().item_id
    assert article(origin="elsewhere#1").item_id != article().item_id
    assert article(title="Other").item_id != article().item_id
    later = datetime(2025, 6, 2, tzinfo=UTC)
    assert article(fetched_at=later).item_id != article().item_id
    assert article(fetched_at=later).content_hash == article().content_hash


def test_identity_prefers_the_link_to_the_guid() -> None:
    feed = "https://daily.example.net/feed"
    link = "u:example.net|https://www.daily.example.net/pact"
    assert article().identity_keys == (link, f"g:{feed}|tag:1")
    assert article(guid_unique=False).identity_keys == (link,)
    assert article(flags=("url_shared",)).identity_keys[0] == f"g:{feed}|tag:1"
    assert article(url="https://daily.example.net/").identity_keys[0] == f"g:{feed}|tag:1"
    bare = article(url=None, guid=None)
    assert bare.identity_keys == (f"c:example.net|{bare.content_hash}",)
    local = article(url=None, guid=None, feed_url=None, outlet="Daily", origin="a/b.txt")
    assert local.identity_keys == (f"c:Daily|{local.content_hash}",)


def test_outlet_is_as_told_or_the_site_and_a_folder_last() -> None:
    assert article(outlet="The Daily").outlet == "The Daily"
    assert article(outlet="https://www.other.example/").outlet == "other.example"
    assert article(url=None).outlet == "example.net"
    assumed = ("outlet_assumed",)
    assert article(outlet="folder", flags=assumed).outlet == "example.net"
    nowhere = {"url": None, "feed_url": None}
    assert article(outlet="folder", flags=assumed, **nowhere).outlet == "folder"
    assert article(outlet=None, **nowhere).outlet == "unknown"


def test_dates_are_marked_where_they_are_weak() -> None:
    missing = article(published=None, modified=None)
    assert (missing.published_at, missing.published_at_source) == (None, "first_seen")
    assert missing.flags == ("date_missing",)
    nonsense = article(published="soon", modified=None)
    assert (nonsense.published_at, nonsense.flags) == (None, ("date_unparsed",))
    updated = article(published=None)
    assert updated.published_at == datetime(2025, 5, 11, 10, tzinfo=UTC)
    assert updated.modified_at is None
    future = article(published="2026-01-01")
    assert future.published_at == AT
    assert "date_in_future" in future.flags


def test_text_comes_from_the_best_source_there_is() -> None:
    teaser = article(body=None, summary="<p>Valdoria said that it would sign the treaty.</p>")
    assert (teaser.text, teaser.text_source) == (
        "Valdoria said that it would sign the treaty.",
        "summary",
    )
    whole = article(body=None, summary=BODY * 4)
    assert whole.text_source == "content"
    longer = article(body="Short.", body_is_html=False, summary=BODY)
    assert longer.text_source == "summary"
    bare = article(body=None, summary=None)
    assert (bare.text, bare.text_source, bare.analysed) == ("", "title", True)


def test_a_paywall_is_marked_and_not_analysed_unless_a_teaser_says_something() -> None:
    door = "<p>To continue reading, please subscribe now.</p>"
    stub = article(body=door, summary=None)
    assert (stub.text_source, stub.analysed, stub.flags) == ("stub", False, ("paywall_stub",))
    teaser = article(body=door, summary="Valdoria said that it would sign the treaty.")
    assert (teaser.text_source, teaser.analysed) == ("summary", True)
    assert teaser.flags == ("paywall_stub",)


def test_other_languages_are_kept_and_not_analysed() -> None:
    text = (
        "<p>Der Außenminister sagte am Montag, dass die beiden Regierungen den Vertrag "
        "bald unterzeichnen würden, und dankte den Vermittlern.</p>"
    )
    found = article(title="Vertrag", body=text)
    assert (found.language, found.analysed) == ("de", False)


def test_mojibake_zero_width_and_plain_text() -> None:
    found = article(
        title="The â€œpactâ€\x9d\u200b",
        body="One line that an editor wrapped at some column of\nthe text.\n\n2 < 3 & 4",
        body_is_html=False,
    )
    assert found.title == "The “pact”"
    assert found.text == (
        "One line that an editor wrapped at some column of the text.\n\n2 < 3 & 4"
    )
    assert found.flags == ("mojibake_fixed",)


def test_long_texts_and_titles_are_cut() -> None:
    settings = CleanSettings(max_words=10, max_title_chars=20)
    found = clean_item(replace(RAW, title="x" * 1000), settings)
    assert isinstance(found, Article)
    assert found.word_count == 10
    assert len(found.title) == 20
    assert "truncated" in found.flags


def test_nothing_worth_keeping_is_a_reject() -> None:
    found = clean_item(replace(RAW, title=None, body="<p>Two words</p>", summary=None), SETTINGS)
    assert isinstance(found, Reject)
    assert (found.stage, found.reason, found.origin) == ("clean", "too_short", RAW.origin)


PAGE = (
    "<html lang='en'><head><title>Pact | Daily</title>"
    "<link rel='canonical' href='https://daily.example.net/pact'>"
    "<meta property='article:published_time' content='2025-05-11T08:30:00Z'></head><body><article>"
    "<h1>Pact</h1><p>Valdoria said on Monday that it would sign the harbour treaty with Torrin "
    "after nine weeks of talks.</p><p>The foreign minister of Torrin welcomed the decision and "
    "thanked the mediators for their work.</p></article></body></html>"
)


def test_a_page_fills_what_the_item_lacks() -> None:
    item = RawItem(
        origin="pages/a.html",
        fetched_at=AT,
        outlet="pages",
        body=PAGE,
        body_is_html=True,
        is_page=True,
        flags=("outlet_assumed",),
    )
    found = article(item)
    assert (found.title, found.text_source, found.outlet) == ("Pact", "page", "example.net")
    assert found.text.startswith("Valdoria said on Monday")
    assert found.published_at == datetime(2025, 5, 11, 8, 30, tzinfo=UTC)
    assert found.published_at_source == "page"
    assert found.canonical_url == "https://daily.example.net/pact"


def test_a_page_s_canonical_link_is_adopted_only_within_its_site() -> None:
    item = replace(RAW, url="https://m.daily.example.net/amp/pact", body=PAGE, is_page=True)
    assert article(item).url == "https://daily.example.net/pact"
    root = PAGE.replace("example.net/pact'", "example.net/'")
    assert article(item, body=root).url == "https://m.daily.example.net/amp/pact"


def test_rewritten_and_reused_guids_across_polls() -> None:
    head = "<rss version='2.0'><channel><title>t</title>"
    first = (
        "<item><title>A</title><link>https://d.example/a</link><guid>https://d.example/?p=1</guid>"
        "</item><item><title>B</title><link>https://d.example/b</link><guid/></item>"
    )
    second = (
        "<item><title>A</title><link>https://d.example/a</link><guid>https://d.example/a</guid>"
        "</item><item><title>B</title><link>https://d.example/b</link></item>"
        "<item><title>C</title><link>https://d.example/c</link><guid>x</guid></item>"
        "<item><title>D</title><link>https://d.example/d</link><guid>x</guid></item>"
    )
    best = [
        {
            article(item).identity_keys[0]
            for item in parse_feed(f"{head}{items}".encode(), "https://d.example/f", None, AT)
            if isinstance(item, RawItem)
        }
        for items in (first, second)
    ]
    assert len(best[0]) == 2
    assert len(best[1] - best[0]) == 2
    assert best[0] <= best[1]


def test_public_case_of_dates_in_many_languages() -> None:
    cases = Path("../shared/cases/cases.jsonl")
    if not cases.exists():
        pytest.skip("../shared/cases is absent")
    found = [json.loads(line) for line in cases.read_text().splitlines()]
    case = next(one for one in found if one["id"] == "feed-date-non-english-or-no-tz")
    at = datetime(2025, 3, 12, 10, tzinfo=UTC)
    body = case["input"][0]["content"].encode()
    articles = [
        clean_item(item, SETTINGS)
        for item in parse_feed(body, "https://news.example.org/f", None, at)
        if isinstance(item, RawItem)
    ]
    times = [
        one.published_at.strftime("%Y-%m-%dT%H:%M:%SZ") if one.published_at else None
        for one in articles
        if isinstance(one, Article)
    ]
    assert times == case["expected"]["published_utc"]
    flags = [list(one.flags) for one in articles if isinstance(one, Article)]
    assert flags == case["expected"]["flags"]


def test_as_a_step_one_bad_item_is_a_reject_and_the_rest_go_on() -> None:
    broken = replace(RAW, origin="bad#1", published=3)  # type: ignore[arg-type]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        outputs = pipeline | beam.Create([RAW, broken]) | Clean(SETTINGS)
        titles = outputs.articles | "Titles" >> beam.Map(lambda one: one.title)
        reasons = outputs.rejects | "Reasons" >> beam.Map(lambda one: (one.origin, one.reason))
        assert_that(titles, equal_to(["Valdoria & Torrin to sign"]), label="articles")
        assert_that(reasons, equal_to([("bad#1", "clean_failed")]), label="rejects")


TEXTS = st.none() | st.text(st.sampled_from("<>p/& ;#x\n\x00\ud800éÃ©-—([A0 .:"), max_size=60)


@settings(max_examples=80, deadline=None)
@given(
    TEXTS,
    TEXTS,
    TEXTS,
    st.sampled_from([None, "", "2025-05-11", "0", "9999-12-31T23:59:59-14:00", "11 May", "\ud800"]),
    st.booleans(),
    st.booleans(),
)
def test_any_item_becomes_an_article_or_a_reject(
    title: str | None,
    body: str | None,
    url: str | None,
    published: str | None,
    is_html: bool,
    is_page: bool,
) -> None:
    item = RawItem(
        origin="x",
        fetched_at=AT,
        title=title,
        body=body,
        summary=title,
        url=url,
        guid=url,
        published=published,
        language=url,
        author=title,
        body_is_html=is_html,
        is_page=is_page,
    )
    result = clean_item(item, SETTINGS)
    assert isinstance(result, Article | Reject)
    if isinstance(result, Article):
        (result.title + result.text).encode()
        assert result.identity_keys


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "word " * 300_000},
        {"author": "a@b" * 300_000},
        {"outlet": "x " * 300_000},
        {"body": "Ã©\n" * 200_000, "body_is_html": False},
        {"body": "<p>word</p>" * 400_000},
    ],
)
def test_fields_of_absurd_length_are_cut_before_they_cost(fields: dict[str, Any]) -> None:
    found = article(**fields)
    assert len(found.title) <= SETTINGS.max_title_chars
    assert len(found.outlet) <= 200
    assert len(found.author or "") <= 200
    assert found.word_count <= SETTINGS.max_words
