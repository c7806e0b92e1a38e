"""Near copies as Beam steps: sketches -> shared bands -> candidate pairs -> verified pairs.

Articles are sketched once, in batches that `transforms.prepare` reads too. Candidate pairs, which
are few and hold no text, are divided into cells; only the texts that a cell compares travel to it,
once each, however many partners they have.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any, Final, Protocol

import apache_beam as beam
import numpy as np

from transforms.buckets import Links, pack, shard_links
from transforms.cell_texts import CellTexts, Readable, Text
from transforms.cells import CELL_ARTICLES, merge_links, plan_cells, verified, verify_cell
from transforms.columns import Integers, component_roots
from transforms.hashed_texts import HashedTexts, join_texts
from transforms.identity import stored_dates
from transforms.settings import DeduplicateSettings
from transforms.signatures import BATCH, Sketches, SketchInput, sketch_batch
from transforms.split_stories import split_links
from transforms.store_view import Edge, StoreView
from transforms.stored_links import StoreCandidates, stored_links
from transforms.text_rules import TextRules, shipped_rules

StoreTexts = Callable[[Sequence[str]], Iterable[tuple[str, ...]]]

# Batches that the store is asked about at once: neighbours in its tables are read together, and a
# stored text once for all its copies. They wait in memory with their texts.
ASKED_BATCHES: Final = 32
# Articles whose hashed texts are kept as one; of more, its columns don't stay in cache.
BLOCK: Final = 16 * BATCH
# Articles of a cell whose texts needn't travel to it: fewer calls, each for more pairs.
LARGE_CELL: Final = 4_096


class TextRecord(Readable, Protocol):
    """What deduplication reads of an article; `transforms.records.Article` has it."""

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
    """PCollection[(key, TextRecord)] -> PCollection[SketchedBatch].

    With a store, records are `transforms.records.Article` under their item ids, and one that the
    store has is compared by its stored date, whatever date its new version has.
    """

    def __init__(self, settings: DeduplicateSettings, view: StoreView | None = None) -> None:
        super().__init__()
        self._settings = settings
        self._view = view

    def expand(self, records: beam.PCollection[tuple[str, Any]]) -> beam.PCollection[SketchedBatch]:
        settings, view = self._settings, self._view

        def sketched(records: Sequence[tuple[str, Any]]) -> SketchedBatch:
            dates = stored_dates([article for _, article in records], view) if view else {}
            return sketch_records(records, settings, dates)

        return (
            records
            | "Batch" >> beam.BatchElements(min_batch_size=BATCH, max_batch_size=BATCH)
            | "Sketch" >> beam.Map(sketched)
        )


def sketch_records(
    records: Sequence[tuple[str, TextRecord]],
    settings: DeduplicateSettings,
    dates: Mapping[str, datetime] | None = None,
) -> SketchedBatch:
    """Return at most `BATCH` keyed articles with their sketches.

    `dates` are the publication times that are known better than the records do.
    """
    known = dates or {}
    inputs = [
        SketchInput(
            key,
            record.title,
            record.text,
            known.get(key) or record.published_at or record.fetched_at,
        )
        for key, record in records
    ]
    return SketchedBatch(tuple(records), sketch_batch(inputs, settings))


class NearPairs(beam.PTransform):
    """PCollection[SketchedBatch] -> PCollection[Edge], a < b, of verified near copies.

    An edge needs publication times within `horizon_days`; an article without one counts as
    published when it was fetched. Edges come once, in no order. Which articles they join depends on
    their texts and times alone; which pairs of a story are among them, on who else was compared.
    With a store, both callables are given and must be picklable:

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
                | "Gather"
                >> beam.BatchElements(min_batch_size=ASKED_BATCHES, max_batch_size=ASKED_BATCHES)
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
    compiled = rules or shipped_rules()
    edges = [
        edge
        for _, texts, links in _cells_of(records, settings, CELL_ARTICLES)
        for found in verified(texts, links, settings, compiled)
        for edge in found.edges(links.ids)
    ]
    return sorted(edges, key=lambda edge: (edge.a, edge.b))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python's garbage collector from walking through all that the caller holds, again and
    again, for work that leaves no cycles behind. Other threads' garbage waits, too.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_uncollected()
def find_stories(
    records: Sequence[tuple[str, TextRecord]],
    settings: DeduplicateSettings,
    rules: TextRules | None = None,
) -> list[str]:
    """Return the least key of each record's story: what `find_edges` joins; keys differ.

    One edge joins an article for good, since nothing is revised here. No edge becomes an object,
    nor does a text that isn't compared just now: a million objects kept alive cost Python's garbage
    collector more than all comparisons of theirs.
    """
    compiled = rules or shipped_rules()
    first, second = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for rows, texts, links in _cells_of(records, settings, LARGE_CELL):
        for found in verified(texts, links, settings, compiled, edges_each=1):
            first.append(rows[found.first])
            second.append(rows[found.second])
    ends = np.concatenate(first), np.concatenate(second)
    roots = component_roots(*ends, len(records)).tolist()
    least: dict[int, str] = {}
    for (key, _), root in zip(records, roots, strict=True):
        least[root] = min(key, least.get(root, key))
    return [least[root] for root in roots]


def _cells_of(
    records: Sequence[tuple[str, TextRecord]], settings: DeduplicateSettings, articles_each: int
) -> Iterator[tuple[Integers, CellTexts, Links]]:
    """Yield the cells of some records: their places, their texts, and the candidate pairs."""
    if not records:
        return
    blocks = [
        _sketch_block(records[start : start + BLOCK], settings)
        for start in range(0, len(records), BLOCK)
    ]
    batches = [sketches for made, _, _ in blocks for sketches in made]
    chunks = [chunk for sketches in batches for _, chunk in pack(sketches, settings, shards=1)]
    links = shard_links(chunks, settings, shards=1)
    del chunks
    signatures = np.concatenate([sketches.signatures for sketches in batches])
    shingles = np.concatenate([sketches.shingles for sketches in batches])
    groups, row = [texts for _, texts, _ in blocks], np.concatenate([rows for *_, rows in blocks])
    # Those without words have no bands, so that they aren't packed.
    packed = np.flatnonzero(np.concatenate([np.diff(made.band_bounds) for made in batches]))
    for cell in plan_cells([links], articles_each).links.values():
        chosen = packed[cell.places]
        read = [records[at][1] for at in chosen.tolist()]
        group = chosen // BLOCK
        texts = CellTexts(read, signatures[chosen], shingles[chosen], groups, group, row[chosen])
        yield chosen, texts, cell


def _sketch_block(
    records: Sequence[tuple[str, TextRecord]], settings: DeduplicateSettings
) -> tuple[list[Sketches], HashedTexts, Integers]:
    """Return the sketches of at most `BLOCK` records, what they are made of, and each one's row
    in that.
    """
    made, groups, rows, texts = [], [], [], 0
    for start in range(0, len(records), BATCH):
        sketches = sketch_records(records[start : start + BATCH], settings).sketches
        if sketches.hashed is not None:
            hashed, row = sketches.hashed
            groups.append(hashed)
            rows.append(row + texts)
            texts += len(hashed)
        made.append(replace(sketches, hashed=None))
    return made, join_texts(groups), np.concatenate(rows)


class CompareSplit:
    """Compares articles of stored stories that revisions split, as `stories.plan_batch` asks."""

    def __init__(self, settings: DeduplicateSettings, rules: TextRules, texts: StoreTexts) -> None:
        self._settings = settings
        self._rules = rules
        self._texts = texts

    def __call__(
        self, stories: Sequence[Sequence[tuple[datetime, str]]], edges: Sequence[Edge]
    ) -> Iterator[Edge]:
        settings = self._settings
        horizon = timedelta(days=settings.horizon_days)
        links = split_links(stories, edges, horizon, settings.max_bucket)
        for cell in plan_cells([links]).links.values():
            texts = {
                key: Text(key, title, text, "".join(rest[:1]))
                for key, title, text, *rest in self._texts(cell.ids)
            }
            yield from verify_cell(texts, cell, settings, self._rules)


class VerifyStored(beam.DoFn):
    """Sequence[SketchedBatch] -> Edge: batches against the stored articles that share a band.

    Texts of the store are read once for all of them, for their candidates only, and not where equal
    words are known already.
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

    def process(self, batches: Sequence[SketchedBatch]) -> Iterator[Edge]:
        links = stored_links([b.sketches for b in batches], self._candidates, self._settings)
        planned = plan_cells([links])
        needed = planned.needs()
        texts = {
            text.id: text
            for batch in batches
            if not needed.keys().isdisjoint(batch.sketches.item_ids)
            for text in batch.hashed_texts()
        }
        # Hashed they take ten times the memory, so that is left to each cell.
        for key, title, text, *rest in self._texts([key for key in needed if key not in texts]):
            texts[key] = Text(key, title, text, "".join(rest[:1]))
        for cell in planned.links.values():
            yield from verify_cell(texts, cell, self._settings, self._rules)
