import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.feed_parser import parse_feed
from transforms.records import RawItem, Reject

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
URL = "https://daily.example.net/feed.xml"


def rss(items: str, head: str = "<link>https://daily.example.net/</link>") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<channel><title>Daily</title>{head}<description>d</description>{items}</channel></rss>"
    )


def items_of(document: str | bytes, url: str | None = URL) -> list[RawItem]:
    body = document.encode() if isinstance(document, str) else document
    found = list(parse_feed(body, url, None, AT))
    assert [one for one in found if isinstance(one, Reject)] == []
    return [one for one in found if isinstance(one, RawItem)]


def only_reject(document: str | bytes) -> Reject:
    body = document.encode() if isinstance(document, str) else document
    (found,) = parse_feed(body, URL, None, AT)
    assert isinstance(found, Reject)
    assert found.stage == "read"
    assert found.origin == URL
    return found


def test_an_item_keeps_what_was_found_as_it_was_found() -> None:
    (item,) = items_of(
        rss(
            "<item><title>Valdoria signs pact</title><link>/pact?x=1&amp;utm_source=rss</link>"
            "<guid isPermaLink='false'>tag:daily,1</guid><dc:creator>A. Writer</dc:creator>"
            "<pubDate>Fre, 02 maj 2025 10:46:33</pubDate><description>Teaser.</description>"
            "<content:encoded><![CDATA[<p>Body.</p>]]></content:encoded></item>",
            "<link>https://daily.example.net/</link><language>en-gb</language>",
        )
    )
    assert item.origin == f"{URL}#1"
    assert item.feed_url == URL
    assert item.guid == "tag:daily,1"
    assert item.guid_unique
    assert item.url == "https://daily.example.net/pact?x=1&utm_source=rss"
    assert item.author == "A. Writer"
    assert item.language == "en-gb"
    assert item.published == "Fre, 02 maj 2025 10:46:33"
    assert item.summary == "Teaser."
    assert item.body == "<p>Body.</p>"
    assert item.body_is_html
    assert not item.is_page
    assert item.flags == ()


@pytest.mark.parametrize(
    "fault",
    [
        "Fish & chips",
        "Fish &nbsp;and chips",
        "Fish &bogus; chips",
        "Fish \x0b chips",
        "Fish &#x1; chips",
        "Fish < chips",
        "Fish <b>and chips",
    ],
)
def test_one_broken_item_costs_no_neighbour(fault: str) -> None:
    found = items_of(
        rss(
            "<item><title>One</title><link>https://daily.example.net/1</link></item>"
            f"<item><title>{fault}</title><link>https://daily.example.net/2?a=1&amp;b=2</link></item>"
            "<item><title>Three</title><link>https://daily.example.net/3</link></item>"
        )
    )
    assert [item.title for item in (found[0], found[-1])] == ["One", "Three"]
    assert found[1].url == "https://daily.example.net/2?a=1&b=2"
    assert (found[1].title or "").startswith("Fish")
    assert all("feed_recovered" in item.flags for item in found)


def test_a_feed_cut_short_gives_what_arrived() -> None:
    whole = rss("".join(f"<item><title>Story {n}</title></item>" for n in range(5)))
    found = items_of(whole[: whole.index("Story 3") + 7])
    assert [item.title for item in found] == [f"Story {n}" for n in range(4)]


@pytest.mark.parametrize("declared", ["utf-8", "utf-16"])
def test_byte_order_marks_outrank_declarations(declared: str) -> None:
    text = rss("<item><title>Café — vote</title></item>").replace('"UTF-8"', f'"{declared}"')
    assert items_of(text.encode("utf-16"))[0].title == "Café — vote"
    assert items_of(b"\n " + text.encode("utf-8-sig"))[0].title == "Café — vote"


def test_legacy_charset_of_the_header_is_used() -> None:
    text = rss("<item><title>Договор подписан</title></item>").replace(' encoding="UTF-8"', "")
    (item,) = parse_feed(text.encode("cp1251"), URL, "text/xml; charset=windows-1251", AT)
    assert isinstance(item, RawItem)
    assert item.title == "Договор подписан"


@pytest.mark.parametrize("content_first", [True, False])
def test_body_and_teaser_don_t_depend_on_their_order(content_first: bool) -> None:
    teaser = "<description>Teaser.</description>"
    content = "<content:encoded><![CDATA[<p>Whole text.</p>]]></content:encoded>"
    order = content + teaser if content_first else teaser + content
    (item,) = items_of(rss(f"<item><title>A</title>{order}</item>"))
    assert (item.body, item.summary) == ("<p>Whole text.</p>", "Teaser.")


def test_odd_contents() -> None:
    escaped, code, blank = items_of(
        rss(
            "<item><title>C</title><description>&lt;![CDATA[Just text]]&gt;</description></item>"
            "<item><title>D</title><content:encoded><![CDATA[ <!x<!x< ]]></content:encoded></item>"
            "<item><title>E</title><content:encoded/><description>Use this.</description></item>"
        )
    )
    assert escaped.summary == "Just text"
    assert code.title == "D"
    assert (blank.body, blank.summary) == (None, "Use this.")


def test_guids_shared_or_blank_prove_nothing() -> None:
    found = items_of(
        rss(
            "<item><title>A</title><guid>same</guid></item>"
            "<item><title>B</title><guid>same</guid></item>"
            "<item><title>C</title><guid></guid></item>"
            "<item><title>D</title><guid>own</guid></item>"
        )
    )
    assert [item.guid_unique for item in found] == [False, False, False, True]


def test_links_that_entries_share_are_marked() -> None:
    found = items_of(
        rss(
            "<item><title>A</title><link>https://daily.example.net/live#1</link></item>"
            "<item><title>B</title><link>https://daily.example.net/live#2</link></item>"
            "<item><title>C</title><link>https://daily.example.net/c</link></item>"
        )
    )
    assert ["url_shared" in item.flags for item in found] == [True, True, False]


def test_an_entry_shown_twice_shares_its_link_and_its_guid_with_none_but_itself() -> None:
    once = "<item><title>A</title><link>https://daily.example.net/a</link><guid>1</guid></item>"
    other = once.replace("<guid>1", "<guid>2")
    found = items_of(rss(once + once + other))
    assert [item.flags for item in found] == [(), (), ()]
    assert all(item.guid_unique for item in found)
    # Another text under the link: it may be a live page's.
    found = items_of(rss(once + once.replace("<title>A", "<title>B")))
    assert ["url_shared" in item.flags for item in found] == [True, True]
    assert not any(item.guid_unique for item in found)


def test_rdf_items_beside_the_channel() -> None:
    (item,) = items_of(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        '<channel rdf:about="https://d.example/"><title>t</title><link>https://d.example/</link>'
        '</channel><item rdf:about="https://d.example/1"><title>One</title>'
        "<link>https://d.example/1</link><description>Text.</description>"
        "<dc:date>2025-05-11T08:30+09:00</dc:date><dc:language>en</dc:language></item></rdf:RDF>"
    )
    assert item.guid == item.url == "https://d.example/1"
    assert item.published == "2025-05-11T08:30+09:00"
    assert item.modified is None


def test_atom_with_base_types_and_both_dates() -> None:
    (item,) = items_of(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://d.example/news/">'
        "<title>t</title><entry xml:base='2025/'><title type='text'>A &lt; B</title>"
        "<link href='a.html'/><link rel='self' href='https://d.example/self'/><id>urn:1</id>"
        "<published>2025-05-11T08:30:00Z</published><updated>2025-05-12T08:30:00Z</updated>"
        "<content type='text'>1 &lt; 2 &amp; 3</content></entry></feed>"
    )
    assert item.title == "A < B"
    assert item.url == "https://d.example/news/2025/a.html"
    assert (item.published, item.modified) == ("2025-05-11T08:30:00Z", "2025-05-12T08:30:00Z")
    assert (item.body, item.body_is_html) == ("1 < 2 & 3", False)


def test_atom_entry_with_nothing_but_updated_is_dated_by_it() -> None:
    (item,) = items_of(
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>A</title>'
        "<updated>2025-05-12T08:30:00Z</updated></entry></feed>"
    )
    assert (item.published, item.modified) == ("2025-05-12T08:30:00Z", None)


@pytest.mark.parametrize("version", ["1", "1.1"])
def test_json_feed(version: str) -> None:
    feed = {
        "version": f"https://jsonfeed.org/version/{version}",
        "title": "t",
        "home_page_url": "https://d.example/",
        "feed_url": "https://d.example/feed.json",
        "items": [
            {
                "id": 7,
                "url": "a",
                "title": "One",
                "content_html": "<p>Body</p>",
                "summary": "S",
                "date_published": "2025-05-11T08:30:00Z",
                "authors": [{"name": "A. Writer"}],
            },
            {"id": "8", "content_text": "Plain \ud83d text"},
        ],
    }
    first, second = items_of(json.dumps(feed), None)
    assert first.guid == "7"
    assert first.url == "https://d.example/a"
    assert first.feed_url == "https://d.example/feed.json"
    assert (first.body, first.body_is_html, first.author) == ("<p>Body</p>", True, "A. Writer")
    assert (second.body, second.body_is_html) == ("Plain \ufffd text", False)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "empty_body"),
        (b" \n ", "empty_body"),
        (b"%PDF-1.4 junk", "binary"),
        (b"<!DOCTYPE html><html><body><item>no</item></body></html>", "not_a_feed"),
        (b"<!-- c --><html><body>Not found</body></html>", "not_a_feed"),
        (b"just words", "not_a_feed"),
        (b"<?xml version='1.0'?><note>hi</note>", "not_a_feed"),
        (b'{"items": [], "a": 1}', "not_a_feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": []}', "empty_feed"),
        (b"{broken", "not_a_feed"),
        (b"[" * 100_000, "not_a_feed"),
        (rss("").encode(), "empty_feed"),
        (b'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title></feed>', "empty_feed"),
    ],
)
def test_what_gives_no_items_is_one_reject(document: bytes, reason: str) -> None:
    assert only_reject(document).reason == reason


def test_entries_without_anything_and_beyond_the_limit_are_rejects() -> None:
    document = rss("<item></item>" + "<item><title>A</title></item>" * 4)
    found = list(parse_feed(document.encode(), URL, None, AT, max_entries=3))
    reasons = [one.reason for one in found if isinstance(one, Reject)]
    assert reasons == ["empty_entry", "too_many_entries"]
    assert [one.origin for one in found] == [f"{URL}#{n}" for n in (1, 2, 3, 4)]


def test_entities_of_a_document_type_are_never_expanded() -> None:
    bomb = '<!DOCTYPE r [<!ENTITY a "AAAA"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "/etc/hosts">]>'
    text = rss("<item><title>x &b; &f; y</title></item>").replace("<rss", bomb + "<rss", 1)
    (item,) = items_of(text)
    assert item.title == "x &b; &f; y"


@pytest.mark.parametrize(
    "body",
    [
        b"<!-- -->" * 20_000,
        b"<!DOCTYPE[" * 20_000,
        b"<rss><channel><item><title>" + b"&" * 100_000,
        b"<rss><channel><item><title>" + b"<" * 100_000,
        b"<rss><channel>" + b"<item>" * 20_000,
        b"<rss><channel><item><title>" + b"<![CDATA[" * 20_000,
        b"<rss>" + b"<a>" * 50_000,
    ],
)
def test_hostile_repetition_ends(body: bytes) -> None:
    assert list(parse_feed(body, URL, None, AT))


FRAGMENTS = st.sampled_from(
    [
        "<rss>",
        "<channel>",
        "<item>",
        "</item>",
        "<title>",
        "</title>",
        "<link>",
        "&amp;",
        "&",
        "<![CDATA[",
        "]]>",
        "<feed xmlns='http://www.w3.org/2005/Atom'>",
        "<entry>",
        "<link href='",
        "'/>",
        "<content type='xhtml'>",
        "<guid>",
        "x",
        "\x00",
        "é",
        "<!--",
        "-->",
        "<?xml version='1.0' encoding='utf-16'?>",
        "https://[",
        "xml:base='http://['",
        '{"version":"https://jsonfeed.org/version/1","items":[',
        "{}",
        "]}",
    ]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(FRAGMENTS, max_size=25).map("".join).map(str.encode) | st.binary(max_size=200))
def test_any_bytes_give_items_or_rejects(body: bytes) -> None:
    found = list(parse_feed(body, URL, "text/xml; charset=x", AT))
    assert found
    assert all(isinstance(one, RawItem | Reject) for one in found)


def shared_feeds() -> Iterator[tuple[str, bytes]]:
    cases = Path("../shared/cases/cases.jsonl")
    if not cases.exists():
        pytest.skip("../shared/cases is absent")
    for line in cases.read_text().splitlines():
        case = json.loads(line)
        for file in case["input"] if case["kind"] == "feed" else []:
            if not file["name"].endswith(".json"):
                packed = file.get("content_b64")
                body = base64.b64decode(packed) if packed else file["content"].encode()
                yield case["id"], body


def test_public_cases_lose_no_item() -> None:
    counts: dict[str, int] = {}
    for name, body in shared_feeds():
        counts[name] = counts.get(name, 0) + len(items_of(body))
    assert counts == {
        "feed-malformed-xml": 3,
        "feed-encoding-utf16-bom": 4,
        "feed-date-non-english-or-no-tz": 5,
        "feed-guid-missing-changed-reused": 8,
        "feed-rss10-rdf": 1,
        "feed-content-vs-description": 5,
    }


def test_repair_of_one_entry_leaves_the_structure_of_the_others() -> None:
    broken, whole = items_of(
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>'
        "<entry><title>A <i>b</title><link href='https://d.example/a'/>"
        "<content type='xhtml'><p>One<br>two</p></content></entry>"
        "<entry><title>C</title><author><name>A. Writer</name></author></entry></feed>"
    )
    assert (broken.title, broken.url) == ("A <i>b", "https://d.example/a")
    assert (broken.body, broken.body_is_html) == ("<p>One<br>two</p>", True)
    assert whole.author == "A. Writer"
