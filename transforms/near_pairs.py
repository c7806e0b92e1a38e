"""Near copies as Beam steps: sketches -> shared bands -> candidate pairs -> verified pairs.

Articles are sketched once, in batches that `transforms.prepare` reads too. Candidate pairs, which
are few and hold no text, are divided into cells; only the texts that a cell compares travel to it,
once each, however many partners they have.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any, Protocol

import apache_beam as beam

from transforms.buckets import DAY_US, Links, Node, micros, pack, shard_links
from transforms.cells import merge_links, plan_cells, verify_cell
from transforms.hashed_texts import HashedTexts
from transforms.pair_verdicts import Text
from transforms.settings import DeduplicateSettings
from transforms.signatures import BATCH, Sketch, Sketches, SketchInput, sketch_batch
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
    members: dict[int, set[Node]] = defaultdict(set)
    for group in _close_together(list(sketches), horizon):
        asked = sorted({band for item in group for band in item.bands})
        since, until = group[0].published_at - horizon, group[-1].published_at + horizon
        for band, article_id, published_at in candidates(asked, since, until) if asked else ():
            members[band].add((micros(published_at), article_id))
    reach = settings.horizon_days * DAY_US
    pairs: list[tuple[Node, Node]] = []
    for item in sketches:
        ours = micros(item.published_at), item.item_id
        shared = Counter(
            node
            for band in item.bands
            for node in members.get(band, ())
            if abs(node[0] - ours[0]) <= reach and node[1] != item.item_id
        )
        likeliest = sorted(shared, key=lambda node: (-shared[node], node))
        pairs += [(node, ours) for node in likeliest[: settings.max_bucket]]
    return Links.of(pairs)


def _close_together(items: Sequence[Sketch], reach: timedelta) -> Iterator[list[Sketch]]:
    """Yield the items in groups, each published within `reach`, in order of publication."""
    group: list[Sketch] = []
    for item in sorted(items, key=lambda item: item.published_at):
        if group and item.published_at - group[0].published_at > reach:
            yield group
            group = []
        group.append(item)
    if group:
        yield group
