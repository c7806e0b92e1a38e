import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.urls import (
    MAX_URL_CHARS,
    absolute_url,
    adopted_canonical,
    canonical_url,
    domain,
    is_site_root,
)

KEY = "https://daily.example.net/politics/treaty"


@pytest.mark.parametrize(
    "url",
    [
        "https://daily.example.net/politics/treaty?utm_campaign=x&UTM_Source=y",
        "https://daily.example.net/politics/treaty?fbclid=Zz",
        "HTTPS://Daily.Example.NET:443/politics/treaty#comments",
        "http://daily.example.net:80/politics/treaty/",
        "http://user:secret@daily.example.net/politics/treaty",
        "https://m.daily.example.net/politics/treaty",
        "https://amp.daily.example.net/politics/treaty",
        "https://daily.example.net/politics/treaty/amp/",
        "https://daily.example.net/politics/treaty.amp",
        "https://daily.example.net/politics/treaty?amp=1",
        "https://daily-example-net.cdn.ampproject.org/c/s/daily.example.net/politics/treaty/amp",
        "https://www.google.com/amp/s/daily.example.net/politics/treaty",
        "https://daily.example.net/politics/./x/../tre%61ty",
        " https://daily.example.net/politics/treaty\n",
        "https://daily.example.net./politics/treaty?",
    ],
)
def test_variants_of_one_article_share_a_key(url: str) -> None:
    assert canonical_url(url) == KEY


@pytest.mark.parametrize(
    ("url", "key"),
    [
        (
            "https://a.example.net/s.php?id=7&utm_source=x",
            "https://a.example.net/s.php?id=7",
        ),
        (
            "https://a.example.net/s?ref=front&page=2",
            "https://a.example.net/s?page=2&ref=front",
        ),
        ("https://a.example.net/na%C3%AFve?q=%2f", "https://a.example.net/na%C3%AFve?q=%2F"),
        ("https://a.example.net/a%2fb", "https://a.example.net/a%2Fb"),
        ("https://a.example.net/naïve", "https://a.example.net/na%C3%AFve"),
        ("https://müller.example.net/x", "https://xn--mller-kva.example.net/x"),
        ("https://a.example.net:8080/x", "https://a.example.net:8080/x"),
        ("https://a.example.net/#!/story/4", "https://a.example.net/#!/story/4"),
        ("https://a.example.net/100%", "https://a.example.net/100%25"),
        ("https://a.example.net", "https://a.example.net/"),
        ("https://a.example.net/amp", "https://a.example.net/amp"),
        ("https://a.example.net/x.amp.html", "https://a.example.net/x.html"),
        ("https://[2001:DB8::1]/x", "https://[2001:db8::1]/x"),
        ("https://m.com/x", "https://m.com/x"),
    ],
)
def test_what_selects_an_article_is_kept(url: str, key: str) -> None:
    assert canonical_url(url) == key


@pytest.mark.parametrize(
    "url", ["", "ftp://a.example/x", "/x", "mailto:a@b", "https://", "http://[::1", "http://\x00/"]
)
def test_what_is_no_web_address_has_no_key(url: str) -> None:
    assert canonical_url(url) == ""
    assert domain(url) == ""


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.news.bbc.co.uk/a", "bbc.co.uk"),
        ("https://someone.github.io/a", "someone.github.io"),
        ("http://localhost:80/a", "localhost"),
        ("http://10.0.0.1/a", "10.0.0.1"),
        ("https://xn--mller-kva.example.net/", "example.net"),
    ],
)
def test_domain_is_the_registered_one(url: str, site: str) -> None:
    assert domain(url) == site


def test_relative_links_resolve_to_web_addresses_only() -> None:
    assert absolute_url("../b", "https://a.example/x/y") == "https://a.example/b"
    assert absolute_url(" a b ", "https://a.example/") == "https://a.example/a%20b"
    assert absolute_url("javascript:void(0)", "https://a.example/") is None
    assert absolute_url("b", None) is None
    assert absolute_url(None, "https://a.example/") is None


@pytest.mark.parametrize(
    ("page", "declared", "adopted"),
    [
        ("https://a.example/x/amp", "https://a.example/x", "https://a.example/x"),
        ("https://m.a.example/x", "https://a.example/x", "https://a.example/x"),
        ("https://a.example/x", "/y", "https://a.example/y"),
        ("https://a.example/x", "https://a.example/", None),
        ("https://a.example/x", "https://other.example/x", None),
        (None, "https://a.example/x", "https://a.example/x"),
        (None, "https://a.example/", None),
        ("https://a.example/x", None, None),
    ],
)
def test_canonical_link_is_believed_within_its_site(
    page: str | None, declared: str | None, adopted: str | None
) -> None:
    assert adopted_canonical(page, declared) == adopted


def test_site_root() -> None:
    assert is_site_root("https://a.example/")
    assert not is_site_root("https://a.example/?p=1")
    assert not is_site_root("https://a.example/x")


PIECES = st.text(st.sampled_from("/.:?#&=%a2Fmé amp-@[]!;+~|"), max_size=30)
STARTS = st.sampled_from(
    [
        "http://",
        "https://m.",
        "https://a.example/",
        "https://a.example/amp",
        "https://x.cdn.ampproject.org/c/s/a.example",
        "https://www.google.com/amp/s/",
        "",
    ]
)


@settings(max_examples=300, deadline=None)
@given(STARTS, PIECES)
def test_a_key_is_its_own_key(start: str, rest: str) -> None:
    key = canonical_url(start + rest)
    assert canonical_url(key) == key
    domain(start + rest)
    absolute_url(rest, start)


@pytest.mark.parametrize("dot", [".", "\u3002", "\uff0e", "\uff61"])
def test_a_host_may_end_in_any_full_stop(dot: str) -> None:
    key = "https://daily.example.net/a"
    assert canonical_url(f"http://daily.example.net{dot}/a") == key
    assert canonical_url(f"http://daily.example.net{dot}:99999/a") == key


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://m..daily.example.net/a", "https://daily.example.net/a"),
        ("https://daily.example.net/.htm/..amp", "https://daily.example.net/.htm"),
        ("https://daily.example.net/..amp", "https://daily.example.net/..amp"),
    ],
)
def test_what_is_left_of_a_variant_is_in_normal_form_too(url: str, key: str) -> None:
    assert canonical_url(url) == key
    assert canonical_url(key) == key


def test_caches_of_caches_are_taken_off_to_the_last() -> None:
    inner = "x.example.org/a"
    for layers in (1, 5, 6, 150):
        url = "https://" + "a-b.cdn.ampproject.org/c/s/" * layers + inner
        assert canonical_url(url) == f"https://{inner}"
    behind = "https://m.www.google.com/amp/s/m.x.example.org/a"
    assert canonical_url(behind) == f"https://{inner}"


@pytest.mark.parametrize("letter", ["a", "é", "€", "\U0001f600", "%"])
@pytest.mark.parametrize("start", ["http://www.ü.example/", "https://daily.example.net/?q="])
def test_a_url_whose_key_would_be_too_long_is_none(start: str, letter: str) -> None:
    keys = []
    for length in range(200, MAX_URL_CHARS + 80, 61):
        url = start + letter * length
        keys.append(key := canonical_url(url))
        assert len(key) <= MAX_URL_CHARS
        assert canonical_url(key) == key
        assert (absolute_url(url, None) is None) == (key == "")
    assert keys[0]
    assert not keys[-1]


def test_public_case_of_url_variants() -> None:
    cases = Path("../shared/cases/cases.jsonl")
    if not cases.exists():
        pytest.skip("../shared/cases is absent")
    found = [json.loads(line) for line in cases.read_text().splitlines()]
    case = next(one for one in found if one["id"] == "url-canonical")
    urls = json.loads(case["input"][0]["content"])
    expected = case["expected"]
    assert {canonical_url(urls[i]) for i in expected["same_key"]} == {expected["key_url"]}
    assert canonical_url(urls[8]) == expected["8"] != canonical_url(urls[9])
