"""Near copies as Beam steps: sketches -> shared bands -> candidate pairs -> verified pairs.

Articles are sketched once, in batches that `transforms.prepare` reads too. Candidate pairs, which
are few and hold no text, are divided into cells; only the texts that a cell compares travel to it,
once each, however many partners they have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any, Protocol

import apache_beam as beam
import numpy as np

from transforms.buckets import DAY_US, Links, Node, micros, pack, shard_links
from transforms.cells import merge_links, plan_cells, verify_cell
from transforms.columns import distinct, ranges
from transforms.hashed_texts import HashedTexts
from transforms.pair_verdicts import Text
from transforms.settings import DeduplicateSettings
from transforms.signatures import BATCH, Sketches, SketchInput, sketch_batch
from transforms.store_view import Edge
from transforms.text_rules import TextRules, shipped_rules

StoreCandidates = Callable[[Sequence[int], datetime, datetime], Iterable[tuple[int, str, datetime]]]
StoreTexts = Callable[[Sequence[str]], Iterable[tuple[str, ...]]]


class TextRecord(Protocol):
    """What deduplication reads of an article; `transforms.records.Article` has it."""

    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def outlet(self) -> str: ...
    @property
    def published_at(self) -> datetime | None: ...
    @property
    def fetched_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class SketchedBatch:
    """Some articles, each under its key, and their sketches in the same order."""

    records: tuple[tuple[str, Any], ...]
    sketches: Sketches

    def texts(self) -> Iterator[Text]:
        """Yield the part of each article that a comparison needs."""
        return self._texts(repeat(None))

    def hashed_texts(self) -> Iterator[Text]:
        """Yield the same with the texts' hashes, for a comparison in this process."""
        if self.sketches.hashed is None:
            return self.texts()
        group, rows = self.sketches.hashed
        return self._texts((group, row) for row in rows.tolist())

    def _texts(self, hashed: Iterable[tuple[HashedTexts, int] | None]) -> Iterator[Text]:
        made = self.sketches
        for (key, record), signature, shingles, known in zip(
            self.records, made.signatures, made.shingles.tolist(), hashed, strict=False
        ):
            raw = signature.tobytes() if shingles else b""
            yield Text(key, record.title, record.text, record.outlet, raw, shingles, known)


class SketchArticles(beam.PTransform):
    """PCollection[(key, TextRecord)] -> PCollection[SketchedBatch]."""

    def __init__(self, settings: DeduplicateSettings) -> None:
        super().__init__()
        self._settings = settings

    def expand(self, records: beam.PCollection[tuple[str, Any]]) -> beam.PCollection[SketchedBatch]:
        return (
            records
            | "Batch" >> beam.BatchElements(min_batch_size=BATCH, max_batch_size=BATCH)
            | "Sketch" >> beam.Map(sketch_records, self._settings)
        )


def sketch_records(
    records: Sequence[tuple[str, TextRecord]], settings: DeduplicateSettings
) -> SketchedBatch:
    """Return at most `BATCH` keyed articles with their sketches."""
    inputs = [
        SketchInput(key, record.title, record.text, record.published_at or record.fetched_at)
        for key, record in records
    ]
    return SketchedBatch(tuple(records), sketch_batch(inputs, settings))


class NearPairs(beam.PTransform):
    """PCollection[SketchedBatch] -> PCollection[Edge], a < b, of verified near copies.

    An edge needs publication times within `horizon_days`; an article without one counts as
    published when it was fetched. Edges come once, in no order, and depend on the two articles
    alone. With a store, both callables are given and must be picklable:

    - `store_candidates(bands, since, until)` returns (band, article_id, published_at) of stored
      articles that were published in that time, of a crowded band only so many;
    - `store_texts(ids)` returns (id, title, text) or (id, title, text, outlet) for known ids.
    """

    def __init__(
        self,
        settings: DeduplicateSettings,
        store_candidates: StoreCandidates | None = None,
        store_texts: StoreTexts | None = None,
        rules: TextRules | None = None,
    ) -> None:
        super().__init__()
        if (store_candidates is None) != (store_texts is None):
            raise ValueError("store_candidates and store_texts go together")
        self._settings = settings
        self._store = (store_candidates, store_texts)
        self._rules = rules or shipped_rules()

    def expand(self, batches: beam.PCollection[SketchedBatch]) -> beam.PCollection[Edge]:
        settings, rules = self._settings, self._rules
        chunks = batches | "Pack" >> beam.FlatMap(lambda batch: pack(batch.sketches, settings))
        texts = batches | "Texts" >> beam.FlatMap(
            lambda batch: [(text.id, text) for text in batch.texts()]
        )
        cells = (
            chunks
            | "GroupShards" >> beam.GroupByKey()
            | "Link" >> beam.Map(lambda shard: (0, shard_links(shard[1], settings)))
            | "LinksToOne" >> beam.GroupByKey()
            | "PlanCells" >> beam.FlatMap(_cells).with_outputs("needs", "links")
        )
        placed = (
            {"texts": texts, "needs": cells.needs}
            | "JoinTexts" >> beam.CoGroupByKey()
            | "Place" >> beam.FlatMap(_place)
        )
        found = [
            {"texts": placed, "links": cells.links}
            | "JoinCells" >> beam.CoGroupByKey()
            | "Verify" >> beam.FlatMap(lambda cell: _verify(cell, settings, rules))
        ]
        candidates, stored_texts = self._store
        if candidates is not None and stored_texts is not None:
            found.append(
                batches
                | "VerifyStored"
                >> beam.ParDo(VerifyStored(settings, rules, candidates, stored_texts))
            )
        return found | "Edges" >> beam.Flatten()


def _cells(group: tuple[int, Iterable[Links]]) -> Iterator[Any]:
    planned = plan_cells(group[1])
    for node, needed in planned.needs().items():
        yield beam.pvalue.TaggedOutput("needs", (node, needed))
    for cell, links in planned.links.items():
        yield beam.pvalue.TaggedOutput("links", (cell, links))


def _place(group: tuple[str, dict[str, Iterable[Any]]]) -> Iterator[tuple[int, Text]]:
    """Send an article's text to the cells that compare it."""
    for needed in group[1]["needs"]:
        text = next(iter(group[1]["texts"]))
        for cell in needed:
            yield cell, text


def _verify(
    group: tuple[int, dict[str, Iterable[Any]]], settings: DeduplicateSettings, rules: TextRules
) -> Iterator[Edge]:
    texts = {text.id: text for text in group[1]["texts"]}
    return verify_cell(texts, merge_links(list(group[1]["links"])), settings, rules)


def find_edges(
    records: Sequence[tuple[str, TextRecord]],
    settings: DeduplicateSettings,
    rules: TextRules | None = None,
) -> list[Edge]:
    """Return what `NearPairs` would without a store, computed here and now, sorted."""
    batches = [
        sketch_records(records[start : start + BATCH], settings)
        for start in range(0, len(records), BATCH)
    ]
    chunks = [chunk for batch in batches for _, chunk in pack(batch.sketches, settings, shards=1)]
    planned = plan_cells([shard_links(chunks, settings, shards=1)])
    texts = {text.id: text for batch in batches for text in batch.hashed_texts()}
    compiled = rules or shipped_rules()
    edges = [
        edge
        for links in planned.links.values()
        for edge in verify_cell(texts, links, settings, compiled)
    ]
    return sorted(edges, key=lambda edge: (edge.a, edge.b))


class VerifyStored(beam.DoFn):
    """SketchedBatch -> Edge: a batch against the stored articles that share a band.

    Texts of the store are read once a batch of articles, for its candidates only.
    """

    def __init__(
        self,
        settings: DeduplicateSettings,
        rules: TextRules,
        candidates: StoreCandidates,
        texts: StoreTexts,
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._candidates = candidates
        self._texts = texts

    def process(self, batch: SketchedBatch) -> Iterator[Edge]:
        links = stored_links(batch.sketches, self._candidates, self._settings)
        if not len(links):
            return
        own = set(batch.sketches.item_ids)
        texts = {text.id: text for text in batch.hashed_texts()}
        for key, title, text, *rest in self._texts([name for name in links.ids if name not in own]):
            texts[key] = Text(key, title, text, "".join(rest[:1]))
        yield from verify_cell(texts, links, self._settings, self._rules)


def stored_links(
    sketches: Sketches, candidates: StoreCandidates, settings: DeduplicateSettings
) -> Links:
    """Return whom each article is compared with in the store: within the horizon, bounded.

    The likeliest are those that share the most bands. Articles published close together are asked
    about at once.
    """
    horizon = timedelta(days=settings.horizon_days)
    owner = np.repeat(np.arange(len(sketches)), np.diff(sketches.band_bounds))
    found: list[tuple[int, Node]] = []
    for rows in _close_together(sketches.published_at, horizon):
        asked = distinct(sketches.bands[np.isin(owner, rows)]).tolist()
        since = sketches.published_at[rows[0]] - horizon
        until = sketches.published_at[rows[-1]] + horizon
        for band, article_id, published_at in candidates(asked, since, until) if asked else ():
            found.append((band, (micros(published_at), article_id)))
    if not found:
        return Links.of([])
    nodes = sorted({node for _, node in found})
    place = {node: at for at, node in enumerate(nodes)}
    members = np.array(sorted({(band, place[node]) for band, node in found}), dtype=np.int64)
    starts = np.searchsorted(members[:, 0], sketches.bands)
    counts = np.searchsorted(members[:, 0], sketches.bands, side="right") - starts
    item, node = np.repeat(owner, counts), members[ranges(starts, counts), 1]
    ours = [
        (micros(at), key) for at, key in zip(sketches.published_at, sketches.item_ids, strict=True)
    ]
    times = np.array([time for time, _ in ours]), np.array([time for time, _ in nodes])
    near = np.abs(times[0][item] - times[1][node]) <= settings.horizon_days * DAY_US
    pairs, shared = np.unique(item[near] * len(nodes) + node[near], return_counts=True)
    item, node = pairs // len(nodes), pairs % len(nodes)
    own = {key: at for at, (_, key) in enumerate(ours)}
    itself = np.array([own.get(key, -1) for _, key in nodes])
    other = itself[node] != item
    item, node, shared = item[other], node[other], shared[other]
    order = np.lexsort((node, -shared, item))
    item, node = item[order], node[order]
    likeliest = np.arange(len(item)) - np.searchsorted(item, item) < settings.max_bucket
    return Links.of(
        [
            (nodes[n], ours[i])
            for i, n in zip(item[likeliest].tolist(), node[likeliest].tolist(), strict=True)
        ]
    )


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
