import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.markup import has_tags, html_to_text, one_line, plain_text, reflow, tidy


def test_blocks_become_paragraphs_and_the_rest_goes() -> None:
    markup = (
        "<p>One <b>bold</b>&nbsp;word.</p><script>x()</script><style>p{}</style>"
        "<ul><li>two</li><li>three<br>four</li></ul><figure><img><figcaption>c</figcaption>"
        "</figure><!-- no -->tail &amp; end"
    )
    assert html_to_text(markup) == "One bold word.\n\ntwo\n\nthree\n\nfour\n\ntail & end"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b & c > d", "a < b & c > d"),
        ("write to <desk@daily.example>", "write to <desk@daily.example>"),
        ("AT&amp;amp;T", "AT&T"),
        ("&lt;p&gt;Fish &amp;amp; chips&lt;/p&gt;", "Fish & chips"),
        ("caf&eacute;", "café"),
        ("zero\u200bwidth, soft\u00adhyphen", "zerowidth, softhyphen"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_escapes_and_invisible_characters(text: str, expected: str) -> None:
    assert plain_text(text) == expected


def test_text_below_absurd_depth_is_found() -> None:
    assert html_to_text("<div>" * 3_000 + "word") == "word"


def test_newlines_within_markup_are_spaces_and_blank_lines_are_breaks() -> None:
    assert tidy("one\r\ntwo\n \n\nthree\u2028\u2028four") == "one two\n\nthree\n\nfour"


def test_reflow_joins_wrapped_lines_and_parts_paragraphs() -> None:
    text = (
        "The minister of the interior said on Monday that the\n"
        "bridge would open.\nThe mayor disagreed.\nWhat comes next\nNobody knows."
    )
    assert reflow(text).split("\n\n") == [
        "The minister of the interior said on Monday that the bridge would open.",
        "The mayor disagreed.",
        "What comes next",
        "Nobody knows.",
    ]


def test_a_title_is_one_line() -> None:
    assert one_line(" <b>Big</b>\n news &amp;amp; more ") == "Big news & more"


def test_only_html_tags_are_tags() -> None:
    assert has_tags("a <em class='x'>b")
    assert not has_tags("if a <b and c> d")
    assert not has_tags("<valdoria>")


@settings(max_examples=80, deadline=None)
@given(st.text(st.sampled_from("<>/&;#pbx= \n\"'!-ad\u00e9\ud800"), max_size=60))
def test_any_text_is_stripped_without_a_crash(text: str) -> None:
    for strip in (html_to_text, plain_text, reflow):
        assert "\r" not in strip(text)
