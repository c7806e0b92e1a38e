"""The corpus generator, and the quality that deduplication must keep on what it makes."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter

import pytest

from benchmarks.deduplicate import ours, score
from benchmarks.wire_copies import (
    Rates,
    add_corpus_options,
    corpus,
    corpus_of,
    sample_articles,
    story_size,
)
from transforms.settings import DeduplicateSettings


def test_a_corpus_is_a_function_of_its_arguments():
    once, twice = list(corpus(150, 3)), list(corpus(150, 3))
    assert once == twice and len(once) == 150
    assert once != list(corpus(150, 4))
    assert len({article.item_id for article in once}) == 150


def test_a_corpus_has_every_edit_and_every_look_alike():
    seen = Counter(edit for article in corpus(4_000, 2) for edit in article.edits)
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


def test_sample_texts_are_originals_of_stories_once_each():
    texts = sorted(text for _, text in sample_articles())
    originals: dict[str, str] = {}
    for article in corpus(600, 7, Rates(samples=1.0)):
        if "sample" in article.edits:
            originals.setdefault(article.story, article.text)
    assert len(texts) > 40 and sorted(originals.values()) == texts
    assert not any("sample" in a.edits for a in corpus(400, 7, Rates(samples=0.0)))


def test_copies_of_sample_texts_are_found_at_default_settings():
    articles = [a for a in corpus(400, 8, Rates(samples=1.0)) if "sample" in a.edits]
    labels = ours(articles, DeduplicateSettings())
    made = score([article.story for article in articles], labels)
    assert made.f1 >= 0.97 and made.adjusted_rand >= 0.95


def test_rates_are_options(capsys):
    parser = ArgumentParser()
    add_corpus_options(parser, 100)
    asked = ["--rate", "cut_tail=1", "--rate", "added=0", "--rate", "max_story=5"]
    made = corpus_of(parser.parse_args(asked))
    assert made == list(corpus(100, 1, Rates(cut_tail=1.0, added=0.0, max_story=5)))
    for wrong in ("cut_tail=1.5", "cut_tails=1", "tail_index=0", "added=", "added=nan"):
        with pytest.raises(SystemExit):
            parser.parse_args(["--rate", wrong])
        assert "--rate" in capsys.readouterr().err


def test_scores_of_known_clusterings():
    assert score("aabb", "aabb").f1 == 1.0
    assert score("aabb", "xxxx").precision == pytest.approx(2 / 6)
    assert score("aabb", "abcd").recall == 0.0
    assert score("aaab", "aabb").adjusted_rand == pytest.approx(0.0, abs=1e-9)
