from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from near_copy_texts import EXTRA, ORIGINALS

from transforms.alignment import Gap, changes, gaps, shared_passages, shared_shingles
from transforms.text_view import TextView


def blocks_of(first: TextView, second: TextView, width: int = 4):
    return shared_passages(*shared_shingles(first, second, width), width)


def gap_words(first: str, second: str) -> list[tuple[str, str]]:
    left, right = TextView("a", "", first), TextView("b", "", second)
    return [
        (left.words(gap.left_start, gap.left_end), right.words(gap.right_start, gap.right_end))
        for gap in gaps(blocks_of(left, right), len(left), len(right))
    ]


def test_a_swapped_word_is_the_gap_between_two_passages():
    text = ORIGINALS["strike"]
    assert gap_words(text, text.replace("Marta Keller", "Nadia Vance")) == [
        ("Marta Keller", "Nadia Vance")
    ]


def test_added_and_cut_passages_are_gaps_on_one_side():
    parts = ORIGINALS["lane"].split("\n\n")
    added = "\n\n".join([parts[0], EXTRA, *parts[1:]])
    assert gap_words(ORIGINALS["lane"], added) == [("", EXTRA.rstrip("."))]
    [(left, right)] = gap_words(ORIGINALS["lane"], "\n\n".join(parts[:3]))
    assert right == "" and left == parts[3].rstrip(".")


def test_moved_paragraphs_leave_no_gap_that_answers():
    first, second, third, fourth = ORIGINALS["harvest"].split("\n\n")
    moved = "\n\n".join([first, third, second, fourth])
    assert gap_words(ORIGINALS["harvest"], moved) == []


def test_changes_give_both_sides_of_each_difference():
    left, right = ["a", "b", "c", "d", "e"], ["a", "x", "c", "e", "f"]
    found, kept = changes(left, right)
    assert [(left[ours], right[theirs]) for ours, theirs in found] == [
        (["b"], ["x"]), (["d"], []), ([], ["f"]),
    ]  # fmt: skip
    assert kept == 3 / 5
    assert changes([], []) == ([], 0.0)
    assert changes(["a"], []) == ([(slice(0, 1), slice(0, 0))], 0.0)


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h"]), max_size=60)


@settings(max_examples=200, deadline=None)
@given(WORDS, WORDS, WORDS, st.integers(1, 4))
def test_passages_are_equal_runs_that_do_not_overlap(head, shared, tail, width):
    first = TextView("a", "", " ".join(head + shared))
    second = TextView("b", "", " ".join(tail + shared + head))
    if not len(first) or not len(second):
        return
    blocks = blocks_of(first, second, min(width, len(first), len(second)))
    end = 0
    for block in blocks:
        assert block.size > 0 and block.left >= end
        end = block.left + block.size
        ours = first.hashes[block.left : end].tolist()
        assert ours == second.hashes[block.right : block.right + block.size].tolist()
    for gap in gaps(blocks, len(first), len(second)):
        assert isinstance(gap, Gap)
        assert 0 <= gap.left_start <= gap.left_end <= len(first)
        assert 0 <= gap.right_start <= gap.right_end <= len(second)
