"""Stories that a revision splits: whom to compare anew among the articles that keep their text.

An article is compared until it hangs together with its story, not with every copy of it. When the
articles that it was joined through get other texts, it may fall out of a story that a fresh batch
would put it in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np

from transforms.buckets import Links, bucket_pairs, micros
from transforms.clusters import connected
from transforms.store_view import Edge


def split_links(
    stories: Iterable[Sequence[tuple[datetime, str]]],
    edges: Iterable[Edge],
    horizon: timedelta,
    max_bucket: int,
) -> Links:
    """Return the pairs to compare of articles that once were one story and hang together no more.

    Each story is given by the times and ids of its articles. They meet as those of a bucket do,
    so that no story costs more than a fixed number of pairs an article.
    """
    roots = connected([(edge.a, edge.b) for edge in edges])
    pairs = []
    for story in stories:
        members = sorted(story)
        if len({roots.get(name, name) for _, name in members}) < 2:
            continue
        numbers = np.arange(len(members))
        for one, other in zip(
            *bucket_pairs(np.zeros_like(numbers), numbers, max_bucket), strict=True
        ):
            (at, first), (later, second) = members[int(one)], members[int(other)]
            if later - at <= horizon and roots.get(first, first) != roots.get(second, second):
                pairs.append(((micros(at), first), (micros(later), second)))
    return Links.of(pairs)
