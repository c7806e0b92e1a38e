"""Whom the articles of a batch are compared with in the store: few each, the likeliest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

import numpy as np

from transforms.buckets import DAY_US, Links, Node, micros
from transforms.cells import EDGES_EACH, merge_links
from transforms.columns import Flags, Integers, distinct, distinct_rows, ranges
from transforms.settings import DeduplicateSettings
from transforms.signatures import Sketches

StoreCandidates = Callable[[Sequence[int], datetime, datetime], Iterable[tuple[int, str, datetime]]]


class _Articles(NamedTuple):
    """The articles of several sketches by column; `bands` and `owners` have an item a band hash.

    `times` are microseconds since the epoch; `joins` says whether equal words suffice.
    """

    ids: list[str]
    moments: list[datetime]
    times: Integers
    texts: Integers
    joins: Flags
    bands: Integers
    owners: Integers


class _Stored(NamedTuple):
    """Stored articles in order of (time, id), and which (`rows`) share which of the `bands`."""

    nodes: list[Node]
    bands: Integers
    rows: Integers


def stored_links(
    batches: Sequence[Sketches], candidates: StoreCandidates, settings: DeduplicateSettings
) -> Links:
    """Return the candidate pairs of new and stored articles: within the horizon, bounded.

    The likeliest are those that share the most bands. An article of the very words of a stored one
    is linked to the two of these closest in time. Whoever is in their reach has met these words
    already, so that of the others only the likeliest two are left: where a stored article's words
    are about to be replaced, the copy must not lose its story with it.
    """
    ours = _articles(batches, settings)
    stored = _ask(ours, candidates, timedelta(days=settings.horizon_days))
    if not stored.nodes:
        return Links.of([])
    times = np.array([time for time, _ in stored.nodes], dtype=np.int64)
    reach = settings.horizon_days * DAY_US
    item, node, shared, exact = _pairs(ours, stored, times, reach)
    apart = np.abs(ours.times[item] - times[node])
    same = _first_of_each(item, exact, (node, apart), EDGES_EACH)
    met = np.zeros(len(item), dtype=np.bool_)
    for step in range(EDGES_EACH):
        at = np.searchsorted(item[same], item) + step
        there = at < np.searchsorted(item[same], item, side="right")
        met[there] |= np.abs(times[node[same[at[there]]]] - times[node[there]]) <= reach
    by_share = (node, -shared)
    others = ~exact & ~met
    others[_first_of_each(item, ~exact & met, by_share, EDGES_EACH)] = True
    likeliest = _first_of_each(item, others, by_share, settings.max_bucket)
    new = list(zip(ours.times.tolist(), ours.ids, strict=True))
    parts = []
    for rows, flag in ((same, True), (likeliest, False)):
        ends = zip(node[rows].tolist(), item[rows].tolist(), strict=True)
        parts.append(Links.of([(stored.nodes[n], new[i]) for n, i in ends], flag))
    return merge_links(parts)


def _pairs(
    ours: _Articles, stored: _Stored, times: Integers, reach: int
) -> tuple[Integers, Integers, Integers, Flags]:
    """Return the pairs within reach, by new and stored article: both ends' rows, how many bands
    they share, and whether their words are equal. `times` are those of the stored.
    """
    starts = np.searchsorted(stored.bands, ours.bands)
    counts = np.searchsorted(stored.bands, ours.bands, side="right") - starts
    item, node = np.repeat(ours.owners, counts), stored.rows[ranges(starts, counts)]
    # Only a text of the very same words has the band that is made of all its words.
    whole = np.repeat((ours.bands == ours.texts[ours.owners]) & ours.joins[ours.owners], counts)
    own = {key: at for at, key in enumerate(ours.ids)}
    itself = np.array([own.get(key, -1) for _, key in stored.nodes], dtype=np.int64)
    kept = (np.abs(ours.times[item] - times[node]) <= reach) & (itself[node] != item)
    code = (item * len(times) + node)[kept]
    order = np.argsort(code, kind="stable")
    code, whole = code[order], whole[kept][order]
    fresh = np.flatnonzero(distinct_rows(code))
    exact = np.logical_or.reduceat(whole, fresh) if len(fresh) else whole
    shared = np.diff(np.append(fresh, len(code)))
    return code[fresh] // len(times), code[fresh] % len(times), shared, exact


def _articles(batches: Sequence[Sketches], settings: DeduplicateSettings) -> _Articles:
    none = np.empty(0, dtype=np.int64)
    moments = list(chain.from_iterable(sketches.published_at for sketches in batches))
    each = np.concatenate([none, *(np.diff(sketches.band_bounds) for sketches in batches)])
    words = np.concatenate([none, *(sketches.words for sketches in batches)])
    return _Articles(
        ids=list(chain.from_iterable(sketches.item_ids for sketches in batches)),
        moments=moments,
        times=np.array([micros(moment) for moment in moments], dtype=np.int64),
        texts=np.concatenate([none, *(sketches.text_hashes for sketches in batches)]),
        joins=words >= settings.short_words,
        bands=np.concatenate([none, *(sketches.bands for sketches in batches)]),
        owners=np.repeat(np.arange(len(moments)), each),
    )


def _ask(ours: _Articles, candidates: StoreCandidates, horizon: timedelta) -> _Stored:
    """Ask the store about the articles, those published close together at once."""
    nodes: list[Node] = []
    place: dict[str, int] = {}
    bands: list[int] = []
    rows: list[int] = []
    for group in _close_together(ours.moments, horizon):
        asked = distinct(ours.bands[np.isin(ours.owners, group)]).tolist()
        since, until = ours.moments[group[0]] - horizon, ours.moments[group[-1]] + horizon
        for band, article_id, published_at in candidates(asked, since, until) if asked else ():
            row = place.setdefault(article_id, len(nodes))
            if row == len(nodes):
                nodes.append((micros(published_at), article_id))
            bands.append(band)
            rows.append(row)
    order = sorted(range(len(nodes)), key=nodes.__getitem__)
    rank = np.empty(len(nodes), dtype=np.int64)
    rank[order] = np.arange(len(nodes))
    column, row_of = np.array(bands, dtype=np.int64), rank[np.array(rows, dtype=np.int64)]
    by_band = np.lexsort((row_of, column))
    column, row_of = column[by_band], row_of[by_band]
    # Two questions may overlap in time.
    once = distinct_rows(column, row_of)
    return _Stored([nodes[at] for at in order], column[once], row_of[once])


def _first_of_each(
    item: Integers, wanted: Flags, keys: tuple[Integers, ...], limit: int
) -> Integers:
    """Return up to `limit` wanted rows of each item, by item and `keys` (the least weighty first).

    Rows come by item.
    """
    rows = np.flatnonzero(wanted)
    rows = rows[np.lexsort((*(key[rows] for key in keys), item[rows]))]
    rank = np.arange(len(rows)) - np.searchsorted(item[rows], item[rows])
    return rows[rank < limit]


def _close_together(moments: Sequence[datetime], reach: timedelta) -> Iterator[list[int]]:
    """Yield the numbers of moments in groups, each within `reach`, in order of time."""
    group: list[int] = []
    for number in sorted(range(len(moments)), key=moments.__getitem__):
        if group and moments[number] - moments[group[0]] > reach:
            yield group
            group = []
        group.append(number)
    if group:
        yield group
