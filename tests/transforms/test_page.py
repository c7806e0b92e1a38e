import json

from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.page import read_page

PARAGRAPHS = [
    "Valdoria signed the harbour treaty with Torrin on Monday after nine weeks of talks in Lima.",
    "The foreign minister of Torrin welcomed the treaty and thanked the mediators for their work.",
    "Critics in both parliaments said that the text left the question of tolls to a commission.",
]


def page(head: str = "", body: str = "") -> str:
    text = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    menu = "<nav><ul><li><a href='/'>Home</a></li><li><a href='/w'>World</a></li></ul></nav>"
    return (
        f"<!DOCTYPE html><html lang='en-GB'><head><title>Treaty signed | Daily</title>{head}</head>"
        f"<body>{menu}<article><h1>Treaty signed</h1>{text}{body}</article>"
        "<footer>All rights reserved</footer></body></html>"
    )


def test_main_text_without_the_page_around_it() -> None:
    found = read_page(page())
    for paragraph in PARAGRAPHS:
        assert paragraph in found.text.split("\n\n")
    assert "World" not in found.text
    assert found.title == "Treaty signed"
    assert found.language == "en-GB"
    assert found.published is None


def test_linked_data_outranks_meta_tags() -> None:
    linked = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "WebSite", "name": "Daily"},
            {
                "@type": ["NewsArticle"],
                "datePublished": "2025-05-11T08:30:00+02:00",
                "dateModified": "2025-05-12T08:30:00+02:00",
                "author": [{"name": "A. Writer"}, {"name": "B. Writer"}],
                "isAccessibleForFree": "False",
            },
        ],
    }
    found = read_page(
        page(
            f"<script type='application/ld+json'>{json.dumps(linked)}</script>"
            "<script type='application/ld+json'>{broken</script>"
            "<meta property='article:published_time' content='2001-01-01'>"
        )
    )
    assert found.published == "2025-05-11T08:30:00+02:00"
    assert found.modified == "2025-05-12T08:30:00+02:00"
    assert found.author == "A. Writer, B. Writer"
    assert found.paywalled


def test_meta_tags_and_canonical_link() -> None:
    found = read_page(
        page(
            "<link rel='canonical' href='/treaty'><meta name='author' content='A. Writer'>"
            "<meta property='og:title' content='The treaty'>"
            "<meta property='article:published_time' content='2025-05-11'>"
        )
    )
    assert found.canonical == "/treaty"
    assert (found.title, found.author, found.published) == ("The treaty", "A. Writer", "2025-05-11")


def test_a_single_time_element_dates_a_page_and_several_don_t() -> None:
    one = "<time datetime='2025-05-11T08:30Z'>11 May</time>"
    assert read_page(page(body=one)).published == "2025-05-11T08:30Z"
    assert read_page(page(body=one + "<time datetime='2024-01-01'>x</time>")).published is None


def test_a_page_that_trafilatura_leaves_empty_keeps_its_text() -> None:
    assert read_page("<html><body><div>Short note.</div></body></html>").text == "Short note."


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("<>/ad=p\"'&;hmltbody!-"), max_size=80))
def test_any_markup_gives_a_page(markup: str) -> None:
    assert isinstance(read_page(f"<html>{markup}").text, str)


def test_menus_around_a_text_without_any_marks_are_not_of_it() -> None:
    sentences = [
        "Fishermen from Ostrava blocked the harbour of Sund on Monday in protest against quotas.",
        "About thirty boats lay across the entrance from dawn, and a ferry had to turn back.",
        "The minister met the fishermen and promised to raise the matter with Valdoria.",
        "The blockade ended at six, but the fishermen said that they would be back within a week.",
    ]
    menu = "".join(f'<div><a href="/{n}">{n}</a></div>' for n in ("Tides", "Herring", "Lighthouse"))
    body = "".join(f"<div class=c6>{sentence}</div>" for sentence in sentences)
    found = read_page(
        f"<body><div><div>{menu}</div><div>{body}</div><div>{menu}</div></div></body>"
    )
    assert [line for line in found.text.split("\n\n") if line in sentences] == sentences
    assert "Herring" not in found.text
