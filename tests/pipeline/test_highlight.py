"""Marks stand where the offsets say, whatever the sentence holds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.highlight import BRACKETS, STYLES, Span, mark

SENTENCE = "Russia condemned Ukraine."
PARTS = [Span("source", 0, 6), Span("trigger", 7, 16), Span("target", 17, 24)]


def test_brackets_without_colour() -> None:
    assert mark(SENTENCE, PARTS, plain=True).plain == "[Russia] *condemned* {Ukraine}."


def test_colours_leave_the_text_alone() -> None:
    marked = mark(SENTENCE, PARTS, plain=False)
    assert marked.plain == SENTENCE
    assert [(s.start, s.end, s.style) for s in marked.spans] == [
        (0, 6, STYLES["source"]),
        (7, 16, STYLES["trigger"]),
        (17, 24, STYLES["target"]),
    ]


def test_nested_and_equal_spans_nest_their_brackets() -> None:
    nested = [Span("source", 0, 11), Span("target", 0, 6), Span("trigger", 7, 11)]
    assert mark("Russia army", nested, plain=True).plain == "[{Russia} *army*]"
    equal = [Span("target", 0, 6), Span("source", 0, 6)]
    assert mark("Russia army", equal, plain=True).plain == "{[Russia]} army"


def test_spans_that_do_not_fit_are_left_out() -> None:
    odd = [Span("source", 5, 5), Span("target", -1, 3), Span("trigger", 3, 99)]
    assert mark("short", odd, plain=True).plain == "short"


def test_a_sentence_cannot_steer_the_terminal() -> None:
    assert mark("a\x1b[2Jb\nc\t[bold]", [], plain=False).plain == "a\ufffd[2Jb c [bold]"


OFFSET = st.integers(-2, 14)


@settings(max_examples=60)
@given(
    sentence=st.text(alphabet="ab é\n😀", max_size=12),
    parts=st.lists(st.builds(Span, st.sampled_from(list(BRACKETS)), OFFSET, OFFSET), max_size=4),
)
def test_taking_the_marks_away_gives_the_sentence(sentence: str, parts: list[Span]) -> None:
    marked = mark(sentence, parts, plain=True).plain
    without = "".join(char for char in marked if char not in "[]*{}")
    assert without == sentence.replace("\n", " ")
    fitting = [p for p in parts if 0 <= p.start < p.end <= len(sentence)]
    assert len(marked) - len(without) == 2 * len(fitting)
