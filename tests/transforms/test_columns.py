from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.clusters import connected
from transforms.columns import component_roots, distinct_rows, id_columns, spread_ranges

IDS = st.lists(st.text(st.characters(min_codepoint=1, max_codepoint=0x2FFF), max_size=20))


@settings(max_examples=100, deadline=None)
@given(IDS)
def test_ids_as_numbers_sort_and_compare_as_they_do(ids):
    order = np.lexsort(id_columns(ids)).tolist() if ids else []
    assert [ids[at] for at in order] == sorted(ids)
    columns = [column[order] for column in id_columns(ids)]
    assert int(distinct_rows(*columns).sum()) == len(set(ids))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5))))
def test_ranges_come_one_after_another(ranges):
    starts = np.array([start for start, _ in ranges], dtype=np.int64)
    counts = np.array([count for _, count in ranges], dtype=np.int64)
    owner, numbers = spread_ranges(starts, counts)
    wanted = [(n, start + at) for n, (start, count) in enumerate(ranges) for at in range(count)]
    assert list(zip(owner.tolist(), numbers.tolist(), strict=True)) == wanted


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_components_are_those_of_union_find(pairs):
    first = np.array([one for one, _ in pairs], dtype=np.int64)
    second = np.array([other for _, other in pairs], dtype=np.int64)
    roots = connected(pairs, range(31))
    assert component_roots(first, second, 31).tolist() == [roots[node] for node in range(31)]


def test_a_long_chain_is_one_component():
    size = 20_000
    order = np.random.default_rng(3).permutation(size)
    assert not component_roots(order[:-1], order[1:], size).any()
