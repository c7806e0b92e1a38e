"""Candidate pairs out of buckets: who is compared with whom, without going quadratic."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.settings import DeduplicateSettings
from transforms.signatures import Sketch

Integers = npt.NDArray[np.int64]

# Parts of the key space: each is handled whole, by one worker.
SHARDS: Final = 8
DAY_US: Final = 86_400_000_000
# In a bucket over the limit, each text meets the bucket's first ones and the ones just before it.
FIRST_TEXTS: Final = 3
NEIGHBOURS: Final = 2


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


class Member(NamedTuple):
    """One article in a bucket. Members sort by publication, then id."""

    time: int
    id: str
    text: int
    joins: bool


class Link(NamedTuple):
    """A candidate pair, earlier article first; `exact` where equal words already prove it.

    `time` is when the second was published.
    """

    first: str
    second: str
    exact: bool
    time: int


def pack(sketches: Sequence[Sketch], settings: DeduplicateSettings) -> Iterator[tuple[int, Chunk]]:
    """Yield (shard, chunk) for the shards that the sketches' bands fall into."""
    bands = np.array([band for item in sketches for band in item.bands], dtype="<i8")
    rows = np.repeat(np.arange(len(sketches)), [len(item.bands) for item in sketches])
    shards = bands % SHARDS
    for shard in np.unique(shards).tolist():
        chosen = shards == shard
        present, local = np.unique(rows[chosen], return_inverse=True)
        items = [sketches[row] for row in present.tolist()]
        yield (
            shard,
            Chunk(
                ids=tuple(item.item_id for item in items),
                times=np.array([_micros(item) for item in items], dtype="<i8").tobytes(),
                texts=np.array([item.text_hash for item in items], dtype="<i8").tobytes(),
                joins=bytes(item.words >= settings.short_words for item in items),
                bands=bands[chosen].tobytes(),
                rows=local.astype("<i4").tobytes(),
            ),
        )


def shard_links(chunks: Iterable[Chunk], settings: DeduplicateSettings) -> Iterator[Link]:
    """Yield each candidate pair of one shard once, in an order that the chunks' don't change."""
    members, bands, rows = _unpack(chunks)
    edges = np.flatnonzero(np.diff(bands)) + 1
    starts = np.concatenate(([0], edges))
    ends = np.concatenate((edges, [len(bands)]))
    crowded = np.flatnonzero(ends - starts > 1)
    seen_buckets: set[bytes] = set()
    seen_links: set[tuple[str, str]] = set()
    for start, end in zip(starts[crowded].tolist(), ends[crowded].tolist(), strict=True):
        bucket = rows[start:end]
        # The bands of two copies mostly agree, so one set of members returns many times.
        exact_band = bands[start] == members[bucket[0]].text
        mark = bucket.tobytes() + (b"=" if exact_band else b"")
        if mark in seen_buckets:
            continue
        seen_buckets.add(mark)
        people = [members[row] for row in bucket.tolist()]
        if exact_band:
            yield from exact_links(people, settings)
        for link in bucket_links(people, settings):
            if link[:2] not in seen_links:
                seen_links.add(link[:2])
                yield link


def exact_links(bucket: Sequence[Member], settings: DeduplicateSettings) -> Iterator[Link]:
    """Chain the members of equal words in time; members come sorted and all have the same words.

    Each meets the two before it, so that the chain holds when one of them is revised later.
    """
    horizon = settings.horizon_days * DAY_US
    chain = [member for member in bucket if member.joins]
    for index, after in enumerate(chain):
        for before in chain[max(0, index - 2) : index]:
            if after.time - before.time <= horizon and before.id != after.id:
                yield Link(before.id, after.id, True, after.time)


def bucket_links(bucket: Sequence[Member], settings: DeduplicateSettings) -> Iterator[Link]:
    """Yield the pairs of different texts to compare in one bucket of sorted members.

    Equal texts stand for each other (their exact band chains them), so a text is linked through
    the two articles closest in time. Up to `max_bucket` texts meet pairwise; beyond, each meets
    the first few and its neighbours: linear, and a story that fills the bucket stays connected.
    """
    horizon = settings.horizon_days * DAY_US
    texts = _texts(bucket)
    everyone = len(texts) <= settings.max_bucket
    for index, text in enumerate(texts):
        for other in range(index) if everyone else _partners(index):
            one, two = _closest(texts[other], text)
            if two.time - one.time <= horizon and one.id != two.id:
                yield Link(one.id, two.id, False, two.time)


def _partners(index: int) -> list[int]:
    """Return whom a text meets in a crowded bucket: the first ones and its neighbours."""
    near = max(FIRST_TEXTS, index - NEIGHBOURS)
    return [*range(min(FIRST_TEXTS, index)), *range(near, index)]


def _texts(bucket: Sequence[Member]) -> list[list[Member]]:
    """Group members of equal words, in order of first publication; short texts stay alone."""
    grouped: dict[object, list[Member]] = defaultdict(list)
    for member in bucket:
        grouped[member.text if member.joins else member.id].append(member)
    return list(grouped.values())


def _closest(left: Sequence[Member], right: Sequence[Member]) -> tuple[Member, Member]:
    """Return the two members, one of each, that were published closest together, earlier first."""
    if len(left) == len(right) == 1:
        one, other = left[0], right[0]
        return (one, other) if one < other else (other, one)
    if len(left) > len(right):
        left, right = right, left
    times = [member.time for member in right]
    pairs = (
        (min(member, right[place]), max(member, right[place]))
        for member in left
        for at in (bisect_left(times, member.time),)
        for place in (at - 1, at)
        if 0 <= place < len(right)
    )
    return min(pairs, key=lambda pair: (pair[1].time - pair[0].time, pair))


def _unpack(chunks: Iterable[Chunk]) -> tuple[list[Member], Integers, Integers]:
    """Return the members, sorted, and the distinct (band, member) pairs as two parallel arrays."""
    found: list[Member] = []
    bands: list[Integers] = [np.empty(0, dtype=np.int64)]
    rows: list[Integers] = [np.empty(0, dtype=np.int64)]
    for chunk in chunks:
        rows.append(np.frombuffer(chunk.rows, "<i4").astype(np.int64) + len(found))
        bands.append(np.frombuffer(chunk.bands, "<i8"))
        times, texts = np.frombuffer(chunk.times, "<i8"), np.frombuffer(chunk.texts, "<i8")
        found.extend(
            Member(time, item_id, text, bool(joins))
            for time, item_id, text, joins in zip(
                times.tolist(), chunk.ids, texts.tolist(), chunk.joins, strict=True
            )
        )
    members = sorted(set(found))
    place = {member: index for index, member in enumerate(members)}
    sorted_rows = np.array([place[member] for member in found], dtype=np.int64)
    band, row = np.concatenate(bands), sorted_rows[np.concatenate(rows)]
    order = np.lexsort((row, band))
    band, row = band[order], row[order]
    fresh = np.ones(len(band), dtype=np.bool_)
    fresh[1:] = (band[1:] != band[:-1]) | (row[1:] != row[:-1])
    return members, band[fresh], row[fresh]


def _micros(item: Sketch) -> int:
    return round(item.published_at.timestamp() * 1_000_000)
