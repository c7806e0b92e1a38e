"""The corpus generator, and the quality that deduplication must keep on what it makes."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.deduplicate import ours, score
from benchmarks.wire_copies import Rates, corpus, story_size
from transforms.settings import DeduplicateSettings


def test_a_corpus_is_a_function_of_its_arguments():
    once, twice = list(corpus(150, 3)), list(corpus(150, 3))
    assert once == twice and len(once) == 150
    assert once != list(corpus(150, 4))
    assert len({article.item_id for article in once}) == 150


def test_a_corpus_has_every_edit_and_every_look_alike():
    seen = Counter(edit for article in corpus(1_500, 2) for edit in article.edits)
    wanted = {
        "headline", "cut", "added", "dateline", "intro", "reordered", "light", "credit",
        "same event", "round-up", "template markets", "template weather", "template match",
        "template statement", "template live", "template brief",
    }  # fmt: skip
    assert wanted <= set(seen)


def test_story_sizes_have_a_heavy_tail_and_a_limit():
    from random import Random

    random = Random(1)
    sizes = [story_size(random, Rates(max_story=500)) for _ in range(20_000)]
    assert max(sizes) == 500
    assert sum(size == 1 for size in sizes) > len(sizes) / 2
    assert sum(sorted(sizes)[-200:]) > sum(sizes) / 5


def test_equal_texts_belong_to_one_story():
    stories: dict[str, set[str]] = {}
    for article in corpus(1_500, 5):
        stories.setdefault(article.text, set()).add(article.story)
    assert all(len(found) == 1 for found in stories.values())


@pytest.mark.parametrize("seed", [11, 12])
def test_stories_are_found_at_default_settings(seed):
    articles = list(corpus(700, seed))
    labels = ours(articles, DeduplicateSettings())
    made = score([article.story for article in articles], labels)
    assert made.f1 >= 0.97 and made.adjusted_rand >= 0.95


def test_scores_of_known_clusterings():
    assert score("aabb", "aabb").f1 == 1.0
    assert score("aabb", "xxxx").precision == pytest.approx(2 / 6)
    assert score("aabb", "abcd").recall == 0.0
    assert score("aaab", "aabb").adjusted_rand == pytest.approx(0.0, abs=1e-9)
