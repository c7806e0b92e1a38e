"""Candidate pairs out of buckets: who is compared with whom, without going quadratic.

Everything is done by column for a whole shard at once; no pair becomes a Python object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np

from transforms.columns import (
    Flags,
    Integers,
    distinct,
    distinct_rows,
    id_columns,
    ranges,
    spread_ranges,
)
from transforms.settings import DeduplicateSettings
from transforms.signatures import Sketches
from transforms.words import Hashes, spread

# Parts of the key space: each is handled whole, by one worker.
SHARDS: Final = 8
DAY_US: Final = 86_400_000_000
# In a bucket over the limit, each text meets the bucket's first ones and the ones just before it.
FIRST_TEXTS: Final = 3
NEIGHBOURS: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

# An article under comparison: when it was published, in microseconds since the epoch, and its id.
Node = tuple[int, str]


class Chunk(NamedTuple):
    """Some articles' band hashes that fall into one shard, packed: a band is no element of its own.

    `times` (microseconds since the epoch), `texts` (hashes of the words) and `joins` (whether
    equal words suffice) have an item per id; `bands` and `rows` an item per band hash.
    """

    ids: tuple[str, ...]
    times: bytes
    texts: bytes
    joins: bytes
    bands: bytes
    rows: bytes


@dataclass(frozen=True, slots=True)
class Links:
    """Candidate pairs of articles by column, each once.

    `places` and `times` have an item an article, in order of (time, id): its place in `known`,
    which are ids, and its time. `first`, `second` and `exact` have one a pair: the rows of the
    earlier and the later article, and whether equal words already prove it.
    """

    known: Sequence[str]
    places: Integers
    times: Integers
    first: Integers
    second: Integers
    exact: Flags

    @classmethod
    def of(cls, pairs: Sequence[tuple[Node, Node]], exact: bool = False) -> Links:
        """Return the links between these articles, whichever of the two comes first."""
        nodes = sorted({node for pair in pairs for node in pair})
        row = {node: at for at, node in enumerate(nodes)}
        rows = np.array(
            sorted({tuple(sorted((row[one], row[other]))) for one, other in pairs}), dtype=np.int64
        ).reshape(-1, 2)
        return cls(
            known=[name for _, name in nodes],
            places=np.arange(len(nodes)),
            times=np.array([time for time, _ in nodes], dtype=np.int64),
            first=rows[:, 0],
            second=rows[:, 1],
            exact=np.full(len(rows), exact),
        )

    def __len__(self) -> int:
        return len(self.first)

    def __reduce__(self) -> tuple[Any, ...]:
        # Of the known ids, only these articles' go to another process.
        columns = self.times, self.first, self.second, self.exact
        return Links, (self.ids, np.arange(len(self.times)), *columns)

    @property
    def ids(self) -> list[str]:
        """Return the articles' ids."""
        return [self.known[place] for place in self.places.tolist()]

    def pairs(self) -> list[tuple[str, str]]:
        """Return the ids of each pair."""
        ids = self.ids
        rows = zip(self.first.tolist(), self.second.tolist(), strict=True)
        return [(ids[one], ids[other]) for one, other in rows]

    def take(self, chosen: Integers | Flags) -> Links:
        """Return some of the pairs, and no article that isn't in one of them."""
        first, second = self.first[chosen], self.second[chosen]
        both = np.concatenate((first, second))
        if len(both) < len(self.times):  # few pairs' articles are found without a look at all
            rows = distinct(both)
            place = np.searchsorted(rows, both)
        else:
            is_kept = np.zeros(len(self.times), dtype=np.bool_)
            is_kept[both] = True
            rows, place = np.flatnonzero(is_kept), (np.cumsum(is_kept) - 1)[both]
        return Links(
            known=self.known,
            places=self.places[rows],
            times=self.times[rows],
            first=place[: len(first)],
            second=place[len(first) :],
            exact=self.exact[chosen],
        )


def micros(moment: datetime) -> int:
    """Return a moment in microseconds since the epoch."""
    return (moment - _EPOCH) // _MICROSECOND


def pack(
    sketches: Sketches, settings: DeduplicateSettings, shards: int = SHARDS
) -> Iterator[tuple[int, Chunk]]:
    """Yield (shard, chunk) for the shards, of so many, that the sketches' bands fall into."""
    bands = sketches.bands.astype("<i8")
    rows = np.repeat(np.arange(len(sketches)), np.diff(sketches.band_bounds))
    shard_of = bands % shards
    times = np.array([micros(moment) for moment in sketches.published_at], dtype="<i8")
    texts = sketches.text_hashes.astype("<i8")
    joins = sketches.words >= settings.short_words
    for shard in np.flatnonzero(np.bincount(shard_of)).tolist():
        chosen = np.flatnonzero(shard_of == shard)
        fresh = distinct_rows(rows[chosen])
        present, local = rows[chosen[fresh]], np.cumsum(fresh) - 1
        yield (
            shard,
            Chunk(
                ids=tuple(sketches.item_ids[row] for row in present.tolist()),
                times=times[present].tobytes(),
                texts=texts[present].tobytes(),
                joins=joins[present].tobytes(),
                bands=bands[chosen].tobytes(),
                rows=local.astype("<i4").tobytes(),
            ),
        )


def shard_links(
    chunks: Iterable[Chunk], settings: DeduplicateSettings, shards: int = SHARDS
) -> Links:
    """Return each candidate pair of one shard once, in an order that the chunks' don't change.

    `shards` is how many there are.

    Articles of equal words are one text, which all share the same bands; short ones stand for
    themselves alone. The articles of a text are chained in time, and a text is linked to another
    through the two articles closest in time.
    """
    shard = _unpack(chunks, shards)
    ones, others = bucket_pairs(shard.bands, shard.texts_of, settings.max_bucket)
    first, second = _closest(shard, ones, others)
    before, after = _chains(shard)
    exact = np.repeat([False, True], [len(first), len(before)])
    first, second = np.concatenate((first, before)), np.concatenate((second, after))
    horizon = settings.horizon_days * DAY_US
    near = shard.times[second] - shard.times[first] <= horizon
    other = np.logical_or.reduce([name[first] != name[second] for name in shard.names])
    kept = near & other
    links = Links(shard.known, shard.places, shard.times, first, second, exact)
    return links.take(kept)


@dataclass(frozen=True, slots=True)
class _Shard:
    """A shard's articles in order of (time, id), and which texts stand in which bucket.

    `known` and `places` are as in `Links`; `text_of` and the `names` (ids as numbers) have an item
    an article. A text is named by the row of its first article. `bands` and `texts_of` are
    parallel, distinct and sorted.
    """

    known: Sequence[str]
    places: Integers
    times: Integers
    names: list[Hashes]
    text_of: Integers
    chained: Flags
    bands: Integers
    texts_of: Integers


def _unpack(chunks: Iterable[Chunk], shards: int) -> _Shard:
    """Return the articles, sorted, and the distinct (band, text) pairs."""
    parts = list(chunks)
    ids = list(chain.from_iterable(chunk.ids for chunk in parts))
    times, texts, bands = (
        np.concatenate(
            [np.empty(0, "<i8"), *(np.frombuffer(getattr(c, name), "<i8") for c in parts)]
        )
        for name in ("times", "texts", "bands")
    )
    joins = np.frombuffer(b"".join(chunk.joins for chunk in parts), dtype=np.bool_)
    sizes = np.cumsum([0, *(len(chunk.ids) for chunk in parts)])
    rows = np.concatenate(
        [
            np.empty(0, np.int64),
            *(
                np.frombuffer(chunk.rows, "<i4").astype(np.int64) + start
                for chunk, start in zip(parts, sizes.tolist(), strict=False)
            ),
        ]
    )
    names = id_columns(ids)
    order = np.lexsort((joins, texts, *names, times))
    fresh = distinct_rows(*(column[order] for column in (times, *names, texts, joins)))
    article = np.empty(len(ids), dtype=np.int64)
    article[order] = np.cumsum(fresh) - 1
    kept = order[fresh]
    text_of = _first_rows(texts[kept], joins[kept])
    band_text = text_of[article[rows]]
    shard = bands[0] % shards if len(bands) else 0
    bands, band_text = _distinct_members(bands, band_text)
    return _Shard(
        known=ids,
        places=kept,
        times=times[kept],
        names=[name[kept] for name in names],
        text_of=text_of,
        # The band of the exact words lies in one shard: only there are they chained.
        chained=joins[kept] & (texts[kept] % shards == shard),
        bands=bands,
        texts_of=band_text,
    )


def _distinct_members(bands: Integers, texts: Integers) -> tuple[Integers, Integers]:
    """Return the distinct (band, text) pairs, those of one band together, sorted by text.

    A band is cut to the bits that the texts leave free in one number, and that number sorted: a
    fraction of the cost of sorting both. Bands come back as cut, but whole where two would be one.
    """
    bits = np.int64(max(1, int(texts.max(initial=0)).bit_length()))
    packed = distinct((bands >> bits << bits) | texts)
    cut = packed >> bits
    if np.count_nonzero(distinct_rows(cut)) == len(distinct(bands)):
        return cut, packed & ((np.int64(1) << bits) - 1)
    order = np.lexsort((texts, bands))
    bands, texts = bands[order], texts[order]
    once = distinct_rows(bands, texts)
    return bands[once], texts[once]


def _first_rows(texts: Integers, joins: Flags) -> Integers:
    """Return the row of the first article of equal words for each; its own where it stays alone."""
    _, first, place = np.unique(texts, return_index=True, return_inverse=True)
    own = np.arange(len(texts))
    # A long and a short text never have equal words.
    return np.where(joins, first[place], own)


def bucket_pairs(bands: Integers, texts: Integers, limit: int) -> tuple[Integers, Integers]:
    """Return the distinct pairs of texts to compare, the one first published before the other.

    Up to `limit` texts of a bucket meet pairwise; beyond, each meets the first few and its
    neighbours: linear, and a story that fills the bucket stays connected.
    """
    starts, sizes = _distinct_buckets(bands, texts)
    codes = [np.empty(0, dtype=np.int64)]
    span = int(texts.max()) + 1 if len(texts) else 1

    def add(one: Integers, other: Integers) -> None:
        codes.append(distinct(texts[one] * span + texts[other]))

    for size in range(2, limit + 1):
        chosen = starts[sizes == size]
        one, other = np.triu_indices(size, 1)
        if len(chosen):
            add((chosen[:, None] + one).ravel(), (chosen[:, None] + other).ravel())
    crowded = sizes > limit
    bucket, member = spread_ranges(starts[crowded], sizes[crowded])
    begin = starts[crowded][bucket]
    for step in range(FIRST_TEXTS):
        later = member - begin > step
        add(begin[later] + step, member[later])
    for step in range(1, NEIGHBOURS + 1):
        later = member - step - begin >= FIRST_TEXTS
        add(member[later] - step, member[later])
    found = distinct(np.concatenate(codes))
    return found // span, found % span


def _distinct_buckets(bands: Integers, texts: Integers) -> tuple[Integers, Integers]:
    """Return where buckets of several texts start and how many they hold, one for equal buckets.

    Near-equal copies meet in all of their twenty bands, and make the same pairs in each.
    """
    starts = np.flatnonzero(distinct_rows(bands))
    sizes = np.diff(np.append(starts, len(bands)))
    if not len(starts):
        return starts, sizes
    sums = np.add.reduceat(spread(texts.view(np.uint64)), starts)
    several = sizes > 1
    starts, sizes, sums = starts[several], sizes[several], sums[several]
    order = np.argsort(sums, kind="stable")
    fresh = distinct_rows(sums[order])
    first = order[fresh][np.cumsum(fresh) - 1]
    again = np.flatnonzero(~fresh & (sizes[order] == sizes[first]))
    again, first = order[again], first[again]
    kept = np.ones(len(starts), dtype=np.bool_)
    if len(again):
        members, others = (ranges(starts[of], sizes[again]) for of in (again, first))
        bounds = np.cumsum(sizes[again]) - sizes[again]
        kept[again] = ~np.logical_and.reduceat(texts[members] == texts[others], bounds)
    return starts[kept], sizes[kept]


def _closest(shard: _Shard, ones: Integers, others: Integers) -> tuple[Integers, Integers]:
    """Return, for each pair of texts, their two articles that were published closest together."""
    span = len(shard.times) + 1
    # Articles grouped by text, in time; a text's articles begin where its own row would.
    grouped = np.sort(shard.text_of * span + np.arange(len(shard.times)))
    counts = np.bincount(shard.text_of, minlength=span)
    begins = np.cumsum(counts) - counts
    single = (counts[ones] == 1) & (counts[others] == 1)
    early, late = ones.copy(), others.copy()
    several = np.flatnonzero(~single)
    ones, others = ones[several], others[several]
    swap = counts[ones] > counts[others]
    few, many = np.where(swap, others, ones), np.where(swap, ones, others)
    pair, at = spread_ranges(begins[few], counts[few])
    row = grouped[at] % span
    after = np.searchsorted(grouped, many[pair] * span + row)
    first, last = begins[many[pair]], begins[many[pair]] + counts[many[pair]] - 1
    near = [grouped[at] % span for at in (np.maximum(after - 1, first), np.minimum(after, last))]
    pair, row = np.tile(pair, 2), np.tile(row, 2)
    ends = np.minimum(row, np.concatenate(near)), np.maximum(row, np.concatenate(near))
    apart = shard.times[ends[1]] - shard.times[ends[0]]
    closest = np.flatnonzero(apart == _least_by(pair, apart, len(several))[pair])
    chosen = _least_by(pair[closest], (ends[0] * span + ends[1])[closest], len(several))
    early[several], late[several] = np.divmod(chosen, span)
    return early, late


def _least_by(group: Integers, values: Integers, groups: int) -> Integers:
    """Return the least value of each group."""
    least = np.full(groups, np.iinfo(np.int64).max)
    np.minimum.at(least, group, values)
    return least


def _chains(shard: _Shard) -> tuple[Integers, Integers]:
    """Return the pairs that chain the articles of equal words in time.

    Each meets the two before it, so that the chain holds when one of them is revised later.
    """
    rows = np.flatnonzero(shard.chained)
    rows = rows[np.argsort(shard.text_of[rows], kind="stable")]
    found = []
    for step in (1, 2):
        before, after = rows[:-step], rows[step:]
        same = shard.text_of[before] == shard.text_of[after]
        found.append((before[same], after[same]))
    return np.concatenate([b for b, _ in found]), np.concatenate([a for _, a in found])
