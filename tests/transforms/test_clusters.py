from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.clusters import connected

PAIRS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40)


def slow_components(pairs, nodes):
    groups = [{node} for node in {*nodes, *(node for pair in pairs for node in pair)}]
    for pair in pairs:
        touched = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if group not in touched] + [set().union(*touched)]
    return {node: min(group) for group in groups for node in group}


@settings(max_examples=200, deadline=None)
@given(PAIRS, st.lists(st.integers(0, 40), max_size=10))
def test_roots_are_the_least_of_what_hangs_together(pairs, nodes):
    assert connected(pairs, nodes) == slow_components(pairs, nodes)


@settings(max_examples=100, deadline=None)
@given(PAIRS, st.randoms())
def test_the_order_of_pairs_and_of_their_ends_makes_no_difference(pairs, random):
    shuffled = [pair if random.random() < 0.5 else pair[::-1] for pair in pairs]
    random.shuffle(shuffled)
    assert connected(shuffled) == connected(pairs)


def test_the_root_is_the_least_by_the_key_given():
    published = {"a": 3, "b": 1, "c": 2}
    roots = connected([("a", "b"), ("b", "c")], published, key=lambda node: (published[node], node))
    assert set(roots.values()) == {"b"}


def test_a_long_chain_does_not_exhaust_the_stack():
    chain = [(number, number + 1) for number in range(200_000, 0, -1)]
    assert set(connected(chain).values()) == {1}
