"""Near copies as Beam steps: sketches -> shared bands -> candidate pairs -> verified pairs.

Texts travel only for articles that have a candidate partner, once per pair at most: the earlier
article's text goes to the later one's key, so that the first copy of a story of thousands, which
all others meet, never has their texts in one list.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

import apache_beam as beam

from transforms.buckets import Chunk, Link, pack, shard_links
from transforms.same_text import same_text
from transforms.settings import DeduplicateSettings
from transforms.signatures import Sketch, SketchInput, sketch_many
from transforms.store_view import Edge
from transforms.text_rules import TextRules, shipped_rules
from transforms.text_view import TextView

# Articles sketched at once: enough to share numpy's call costs, few enough to stay in cache.
BATCH = 128
# Words that a worker keeps tokenised for the next comparison; about 100 bytes each.
CACHED_WORDS = 500_000

StoreCandidates = Callable[[Sequence[int]], Iterable[tuple[str, datetime]]]
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


class Text(NamedTuple):
    """An article's text on its way to a comparison."""

    id: str
    title: str
    text: str
    outlet: str


class NearPairs(beam.PTransform):
    """PCollection[(item_id, TextRecord)] -> PCollection[Edge], a < b, of verified near copies.

    An edge needs publication times within `horizon_days`; an article without one counts as
    published when it was fetched. Edges come once, in no order, and depend on the two articles
    alone. With a store, both callables are given and must be picklable:

    - `store_candidates(bands)` returns (article_id, published_at) of stored articles that share
      any of the bands, once per shared band (how often tells the likely ones from the rest);
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
        links = (
            batches
            | "Sketch" >> beam.FlatMap(lambda batch: pack(sketches_of(batch, settings), settings))
            | "GroupShards" >> beam.GroupByKey()
            | "Link" >> beam.FlatMap(lambda shard: shard_links(shard[1], settings))
            | "ByFirst" >> beam.Map(lambda link: (link.first, link))
        )
        texts = records | "Texts" >> beam.MapTuple(lambda key, record: (key, text_of(key, record)))
        routed = (
            {"texts": texts, "links": links}
            | "JoinFirst" >> beam.CoGroupByKey()
            | "Route" >> beam.FlatMap(route).with_outputs("exact", "compare")
        )
        found = [
            routed.exact,
            {"texts": texts, "firsts": routed.compare}
            | "JoinSecond" >> beam.CoGroupByKey()
            | "Verify" >> beam.ParDo(_VerifyBatch(settings, rules)),
        ]
        candidates, stored_texts = self._store
        if candidates is not None and stored_texts is not None:
            found.append(
                batches
                | "VerifyStored"
                >> beam.ParDo(_VerifyStored(settings, rules, candidates, stored_texts))
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


def text_of(key: str, record: TextRecord) -> Text:
    """Return the part of an article that a comparison needs."""
    return Text(key, record.title, record.text, record.outlet)


def route(group: tuple[str, dict[str, Iterable[Any]]]) -> Iterator[Any]:
    """Yield edges that need no text, and (second id, first's text) for those that do."""
    links: set[Link] = set(group[1]["links"])
    if not links:
        return
    first = next(iter(group[1]["texts"]))
    exact = {link.second for link in links if link.exact}
    for second in sorted(exact):
        yield beam.pvalue.TaggedOutput("exact", make_edge(group[0], second, 1.0, "exact"))
    for second in sorted({link.second for link in links} - exact):
        yield beam.pvalue.TaggedOutput("compare", (second, first))


def find_edges(
    records: Sequence[tuple[str, TextRecord]],
    settings: DeduplicateSettings,
    rules: TextRules | None = None,
) -> list[Edge]:
    """Return what `NearPairs` would without a store, computed here and now, sorted."""
    shards: dict[int, list[Chunk]] = defaultdict(list)
    for start in range(0, len(records), BATCH):
        for shard, chunk in pack(sketches_of(records[start : start + BATCH], settings), settings):
            shards[shard].append(chunk)
    links = {link for chunks in shards.values() for link in shard_links(chunks, settings)}
    proven = {link[:2] for link in links if link.exact}
    edges = [make_edge(*pair, 1.0, "exact") for pair in proven]
    texts = dict(records)
    views = Views(rules or shipped_rules())
    for first, second in sorted({link[:2] for link in links} - proven, key=lambda pair: pair[::-1]):
        one, two = (views.of(text_of(key, texts[key])) for key in (first, second))
        verdict = same_text(one, two, settings)
        if verdict.same:
            edges.append(make_edge(first, second, verdict.similarity, verdict.method))
    return sorted(edges, key=lambda edge: (edge.a, edge.b))


def make_edge(one: str, other: str, similarity: float, method: str) -> Edge:
    """Return the edge with its ends in order."""
    return Edge(min(one, other), max(one, other), similarity, method)


@dataclass
class Views:
    """Tokenised texts, remembered by id up to a number of words: hubs come again and again."""

    rules: TextRules
    limit: int = CACHED_WORDS

    def __post_init__(self) -> None:
        self._kept: OrderedDict[Text, TextView] = OrderedDict()
        self._words = 0

    def of(self, text: Text) -> TextView:
        """Return the view of a text."""
        view = self._kept.get(text)
        if view is not None:
            self._kept.move_to_end(text)
            return view
        view = TextView(text.id, text.title, text.text, text.outlet, self.rules)
        self._kept[text] = view
        self._words += len(view)
        while self._words > self.limit and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._words -= len(dropped)
        return view


class _VerifyBatch(beam.DoFn):
    """Compares one article with the earlier ones that it may copy."""

    def __init__(self, settings: DeduplicateSettings, rules: TextRules) -> None:
        self._settings = settings
        self._rules = rules

    def setup(self) -> None:
        self._views = Views(self._rules)

    def process(self, element: tuple[str, dict[str, Iterable[Any]]]) -> Iterator[Edge]:
        second, parts = element
        view: TextView | None = None
        for first in parts["firsts"]:
            if view is None:
                view = self._views.of(next(iter(parts["texts"])))
            verdict = same_text(self._views.of(first), view, self._settings)
            if verdict.same:
                yield make_edge(first.id, second, verdict.similarity, verdict.method)


class _VerifyStored(beam.DoFn):
    """Compares a batch's articles with the stored ones that share a band."""

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

    def setup(self) -> None:
        self._views = Views(self._rules)

    def process(self, batch: Sequence[tuple[str, TextRecord]]) -> Iterator[Edge]:
        partners = {
            item.item_id: stored_partners(item, self._candidates, self._settings)
            for item in sketches_of(batch, self._settings)
        }
        wanted = sorted({partner for found in partners.values() for partner in found})
        if not wanted:
            return
        stored = {row[0]: Text(*(*row, "")[:4]) for row in self._texts(wanted)}
        for key, record in batch:
            for partner in partners[key]:
                if partner not in stored:
                    continue
                ours, theirs = self._views.of(text_of(key, record)), self._views.of(stored[partner])
                verdict = same_text(ours, theirs, self._settings)
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
    for article_id, published_at in candidates(item.bands):
        if abs(published_at - item.published_at) <= horizon and article_id != item.item_id:
            shared[article_id] += 1
            times[article_id] = published_at
    order = sorted(shared, key=lambda found: (-shared[found], times[found], found))
    return order[: settings.max_bucket]
