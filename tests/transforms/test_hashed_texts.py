"""Texts of several groups, read by number."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.hashed_texts import TextRows, hash_texts, join_texts

WIDTH = 3

texts = st.lists(st.sampled_from(["Torrin", "said", "3", "\u00e9t\u00e9", "no"]), max_size=12).map(
    " ".join
)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(texts, min_size=1, max_size=4), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_rows_read_the_same_from_one_group_as_from_many(groups, random):
    hashed = [next(iter(hash_texts(group, WIDTH))) for group in groups]
    places = [(at, row) for at, group in enumerate(groups) for row in range(len(group))]
    chosen = random.choices(places, k=len(places))
    begins = np.cumsum([0, *map(len, groups)])
    many = TextRows(
        hashed, np.array([at for at, _ in chosen]), np.array([row for _, row in chosen])
    )
    joined = np.array([begins[at] + row for at, row in chosen])
    one = TextRows([join_texts(hashed)], np.zeros(len(chosen), dtype=np.int64), joined)
    assert many.bodies == one.bodies == [groups[at][row] for at, row in chosen]
    for number in range(len(chosen)):
        for ours, theirs in zip(many.all_words(number), one.all_words(number), strict=True):
            assert np.array_equal(ours, theirs)
        assert np.array_equal(many.shingles[number], one.shingles[number])
    for name in ("counts", "sizes", "sequences"):
        assert np.array_equal(getattr(many, name), getattr(one, name))
