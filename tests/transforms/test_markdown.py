import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.markdown import read_markdown


def test_front_matter_and_marks() -> None:
    fields, text = read_markdown(
        '---\ntitle: "The pact"\ndate: 2025-05-11\nAuthor: A. Writer\n---\n'
        "Valdoria **signed** the [pact](https://d.example/x) ![map](m.png)with _Torrin_.\n\n"
        "## What next\n\n* talks\n* tolls\n\n> It `works`, said the snake_case_man\\*.\n\n"
        "```\ncode\n```\n\n[x]: https://d.example/ref\n"
    )
    assert fields == {"title": "The pact", "date": "2025-05-11", "author": "A. Writer"}
    assert [part for part in text.split("\n") if part.strip()] == [
        "Valdoria signed the pact with Torrin.",
        "What next",
        "talks",
        "tolls",
        "It works, said the snake_case_man*.",
    ]


@pytest.mark.parametrize("text", ["# The pact #\n\nBody.", "The pact\n========\n\nBody."])
def test_an_opening_heading_is_the_title(text: str) -> None:
    assert read_markdown(text) == ({"title": "The pact"}, "Body.")


def test_plain_text_stays() -> None:
    text = "2 * 3 * 4 = 24 and a_b_c and [brackets] stay."
    assert read_markdown(text) == ({}, text)


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("#-=*_`[]()!<>\\:\n ab1~."), max_size=80))
def test_any_text_is_read(text: str) -> None:
    read_markdown(text)
