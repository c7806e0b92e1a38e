"""Near copies as Beam steps: sketches -> shared bands -> candidate pairs -> verified pairs.

Candidate pairs, which are few and hold no text, are divided into cells; only the texts that a cell
compares travel to it, once each, however many partners they have.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Protocol

import apache_beam as beam

from transforms.buckets import Chunk, Link, pack, shard_links
from transforms.cells import Text, make_edge, plan_cells, verify_cell, view_of
from transforms.same_text import same_text
from transforms.settings import DeduplicateSettings
from transforms.signatures import Sketch, SketchInput, sketch_many
from transforms.store_view import Edge
from transforms.text_rules import TextRules, shipped_rules
from transforms.text_view import TextView

# Articles sketched at once: enough to share numpy's call costs, few enough to stay in cache.
BATCH = 128

StoreCandidates = Callable[[Sequence[int], datetime, timedelta], Iterable[tuple[str, datetime]]]
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


class NearPairs(beam.PTransform):
    """PCollection[(item_id, TextRecord)] -> PCollection[Edge], a < b, of verified near copies.

    An edge needs publication times within `horizon_days`; an article without one counts as
    published when it was fetched. Edges come once, in no order, and depend on the two articles
    alone. With a store, both callables are given and must be picklable:

    - `store_candidates(bands, around, within)` returns (article_id, published_at) of the stored
      articles published within that time of `around` that share any of the bands, once per shared
      band (how often tells the likely ones from the rest);
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

    def expand(self, records: beam.PCollection[tuple[str, Any]]) -> beam.PCollection[Edge]:
        settings, rules = self._settings, self._rules
        batches = records | "Batch" >> beam.BatchElements(
            min_batch_size=BATCH, max_batch_size=BATCH
        )
        sketched = batches | "Sketch" >> beam.FlatMap(
            lambda batch: _sketched(batch, settings)
        ).with_outputs("texts", "chunks")
        cells = (
            sketched.chunks
            | "GroupShards" >> beam.GroupByKey()
            | "Link" >> beam.Map(lambda shard: (0, list(shard_links(shard[1], settings))))
            | "LinksToOne" >> beam.GroupByKey()
            | "PlanCells" >> beam.FlatMap(_cells).with_outputs("needs", "links")
        )
        placed = (
            {"texts": sketched.texts, "needs": cells.needs}
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


class SketchArticles(beam.PTransform):
    """PCollection[(item_id, TextRecord)] -> PCollection[(item_id, Sketch)]."""

    def __init__(self, settings: DeduplicateSettings) -> None:
        super().__init__()
        self._settings = settings

    def expand(
        self, records: beam.PCollection[tuple[str, Any]]
    ) -> beam.PCollection[tuple[str, Sketch]]:
        settings = self._settings
        return (
            records
            | "Batch" >> beam.BatchElements(min_batch_size=BATCH, max_batch_size=BATCH)
            | "Sketch" >> beam.FlatMap(lambda batch: sketches_of(batch, settings))
            | "ById" >> beam.Map(lambda item: (item.item_id, item))
        )


def sketches_of(
    records: Sequence[tuple[str, TextRecord]], settings: DeduplicateSettings
) -> list[Sketch]:
    """Return the sketches of keyed articles, in order."""
    inputs = [
        SketchInput(key, record.title, record.text, record.published_at or record.fetched_at)
        for key, record in records
    ]
    return sketch_many(inputs, settings)


def text_of(key: str, record: TextRecord, item: Sketch | None = None) -> Text:
    """Return the part of an article that a comparison needs."""
    if item is None:
        return Text(key, record.title, record.text, record.outlet)
    return Text(key, record.title, record.text, record.outlet, item.signature, item.shingles)


def _sketched(
    batch: Sequence[tuple[str, TextRecord]], settings: DeduplicateSettings
) -> Iterator[Any]:
    sketches = sketches_of(batch, settings)
    for shard, chunk in pack(sketches, settings):
        yield beam.pvalue.TaggedOutput("chunks", (shard, chunk))
    for (key, record), item in zip(batch, sketches, strict=True):
        yield beam.pvalue.TaggedOutput("texts", (key, text_of(key, record, item)))


def _cells(group: tuple[int, Iterable[list[Link]]]) -> Iterator[Any]:
    planned = plan_cells(chain.from_iterable(group[1]))
    for node, needed in planned.needs.items():
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
    return verify_cell(texts, chain.from_iterable(group[1]["links"]), settings, rules)


def find_edges(
    records: Sequence[tuple[str, TextRecord]],
    settings: DeduplicateSettings,
    rules: TextRules | None = None,
) -> list[Edge]:
    """Return what `NearPairs` would without a store, computed here and now, sorted."""
    shards: dict[int, list[Chunk]] = defaultdict(list)
    sketches: dict[str, Sketch] = {}
    for start in range(0, len(records), BATCH):
        made = sketches_of(records[start : start + BATCH], settings)
        sketches.update((item.item_id, item) for item in made)
        for shard, chunk in pack(made, settings):
            shards[shard].append(chunk)
    planned = plan_cells(
        link for chunks in shards.values() for link in shard_links(chunks, settings)
    )
    by_id = dict(records)
    edges: list[Edge] = []
    for links in planned.links.values():
        texts = {key: text_of(key, by_id[key], sketches[key]) for link in links for key in link[:2]}
        edges += verify_cell(texts, links, settings, rules or shipped_rules())
    return sorted(edges, key=lambda edge: (edge.a, edge.b))


class VerifyStored(beam.DoFn):
    """list of (item_id, TextRecord) -> Edge: a batch against the stored articles that share a band.

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

    def process(self, batch: Sequence[tuple[str, TextRecord]]) -> Iterator[Edge]:
        partners = {
            item.item_id: stored_partners(item, self._candidates, self._settings)
            for item in sketches_of(batch, self._settings)
        }
        wanted = sorted({partner for found in partners.values() for partner in found})
        if not wanted:
            return
        stored = {
            key: Text(key, title, text, "".join(rest[:1]))
            for key, title, text, *rest in self._texts(wanted)
        }
        views: dict[str, TextView] = {}
        for key, record in batch:
            ours = view_of(text_of(key, record), self._rules)
            for partner in partners[key]:
                if partner not in stored:
                    continue
                if partner not in views:
                    views[partner] = view_of(stored[partner], self._rules)
                verdict = same_text(ours, views[partner], self._settings)
                if verdict.same:
                    yield make_edge(key, partner, verdict.similarity, verdict.method)


def stored_partners(
    item: Sketch, candidates: StoreCandidates, settings: DeduplicateSettings
) -> list[str]:
    """Return the stored articles to compare with: within the horizon, likeliest first, bounded."""
    if not item.bands:
        return []
    horizon = timedelta(days=settings.horizon_days)
    shared: Counter[str] = Counter()
    times: dict[str, datetime] = {}
    for article_id, published_at in candidates(item.bands, item.published_at, horizon):
        if abs(published_at - item.published_at) <= horizon and article_id != item.item_id:
            shared[article_id] += 1
            times[article_id] = published_at
    order = sorted(shared, key=lambda found: (-shared[found], times[found], found))
    return order[: settings.max_bucket]
