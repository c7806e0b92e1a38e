"""Story clustering scored by pairs: two articles are one story, or they are not."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from pipeline.evaluation.scores import Tally
from transforms.near_pairs import find_stories
from transforms.records import Article
from transforms.settings import DeduplicateSettings


def score_stories(
    articles: Mapping[str, Article], labels: Mapping[str, str], settings: DeduplicateSettings
) -> Tally:
    """Return the tally of article pairs put into one story against those with one label.

    `labels` gives each article's true story; articles without a label are left out.
    """
    records = [(key, articles[key]) for key in sorted(labels) if key in articles]
    stories = find_stories(records, settings)
    roots = dict(zip((key for key, _ in records), stories, strict=True))
    tally = Tally()
    tally.add(_pairs(roots), _pairs({key: labels[key] for key, _ in records}))
    return tally


def _pairs(groups: Mapping[str, str]) -> set[object]:
    return {
        (one, other)
        for one, other in combinations(sorted(groups), 2)
        if groups[one] == groups[other]
    }
