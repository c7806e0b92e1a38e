from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st
from near_copy_texts import EDITS, ORIGINALS, SHORT_DIFFERENT, TEMPLATES

from transforms.buckets import DAY_US, Link, Member, bucket_links, pack, shard_links
from transforms.cells import CELL_ARTICLES, Text, plan_cells, verify_cell
from transforms.clusters import connected
from transforms.near_pairs import NearPairs, VerifyStored, find_edges, sketches_of, stored_partners
from transforms.records import Article
from transforms.settings import DeduplicateSettings
from transforms.text_rules import shipped_rules

SETTINGS = DeduplicateSettings()
START = datetime(2026, 2, 4, tzinfo=UTC)
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "cases.jsonl"


def article(item_id: str, text: str, title: str = "", hours: float = 0.0) -> Article:
    published = START + timedelta(hours=hours)
    return Article(
        item_id=item_id, origin=item_id, identity_keys=(item_id,), outlet="Evening Ledger",
        title=title or f"Headline {item_id}", text=text, text_source="body", language="en",
        analysed=True, published_at=published, published_at_source="feed", fetched_at=START,
        content_hash=item_id, word_count=len(text.split()),
    )  # fmt: skip


def corpus() -> list[tuple[str, Article]]:
    """Every original with every edit, every template's fillings, and the short look-alikes."""
    articles = [
        article(f"{name}-{number:02}", edit(text), hours=number)
        for name, text in ORIGINALS.items()
        for number, edit in enumerate(EDITS.values())
    ]
    for name, (frame, *fillings) in TEMPLATES.items():
        articles += [
            article(f"{name}-{number}", frame.format(*filling), title=name)
            for number, filling in enumerate(fillings)
        ]
    for name, pair in SHORT_DIFFERENT.items():
        articles += [
            article(f"short {name}-{number}", text, title=title)
            for number, (title, text) in enumerate(pair)
        ]
    return [(item.item_id, item) for item in articles]


def stories(records, edges) -> set[frozenset[str]]:
    groups = defaultdict(set)
    for node, root in connected([(e.a, e.b) for e in edges], [key for key, _ in records]).items():
        groups[root].add(node)
    return {frozenset(group) for group in groups.values()}


def expected(records) -> set[frozenset[str]]:
    whole = [frozenset(k for k, _ in records if k.startswith(f"{name}-")) for name in ORIGINALS]
    joined = frozenset().union(*whole)
    # "Maskel ... supports the fee" is printed twice under one headline: one story.
    twice = frozenset({"short opposite-0", "short actor-0"})
    alone = {frozenset({key}) for key, _ in records if key not in joined | twice}
    return {*whole, twice, *alone}


def test_copies_join_and_look_alikes_do_not():
    records = corpus()
    assert stories(records, find_edges(records, SETTINGS)) == expected(records)


@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_arrival_makes_no_difference(shuffler):
    records = corpus()
    edges = find_edges(records, SETTINGS)
    shuffler.shuffle(records)
    assert find_edges(records, SETTINGS) == edges


def test_edges_are_ordered_distinct_and_in_range():
    edges = find_edges(corpus(), SETTINGS)
    assert all(edge.a < edge.b and 0 < edge.similarity <= 1 for edge in edges)
    assert len({(edge.a, edge.b) for edge in edges}) == len(edges)
    assert {edge.method for edge in edges} == {"exact", "jaccard", "containment", "short"}


def test_articles_further_apart_than_the_horizon_are_no_pair():
    text = ORIGINALS["lane"]
    near = [("a", article("a", text)), ("b", article("b", text + " More.", hours=24 * 7))]
    far = [("a", article("a", text)), ("b", article("b", text + " More.", hours=24 * 7 + 1))]
    assert find_edges(near, SETTINGS) and not find_edges(far, SETTINGS)
    far_exact = [("a", article("a", text)), ("b", article("b", text, hours=24 * 7 + 1))]
    assert not find_edges(far_exact, SETTINGS)


def test_copies_within_the_horizon_of_each_other_carry_a_story_past_it():
    text = ORIGINALS["lane"]
    days = [(f"d{day}", article(f"d{day}", text, hours=24 * day)) for day in (0, 5, 10, 15)]
    assert len(stories(days, find_edges(days, SETTINGS))) == 1


def test_an_undated_article_counts_as_published_when_it_was_fetched():
    undated = article("a", ORIGINALS["lane"])
    object.__setattr__(undated, "published_at", None)
    edges = find_edges([("a", undated), ("b", article("b", ORIGINALS["lane"], hours=20))], SETTINGS)
    assert [(edge.a, edge.b) for edge in edges] == [("a", "b")]


def test_a_story_keeps_together_when_its_first_article_goes():
    records = [(k, r) for k, r in corpus() if k.startswith("harvest-")]
    edges = find_edges(records, SETTINGS)
    first = records[0][0]
    rest = [edge for edge in edges if first not in (edge.a, edge.b)]
    assert len(stories(records[1:], rest)) == 1


# Big buckets: the work is counted, not timed.


def members(size: int, distinct: bool) -> list[Member]:
    return [Member(n * 1_000_000, f"{n:06}", n if distinct else 0, True) for n in range(size)]


@pytest.mark.parametrize("size", [100, 1_000, 10_000])
def test_a_crowded_bucket_costs_a_fixed_number_of_pairs_an_article(size):
    links = list(bucket_links(members(size, distinct=True), SETTINGS))
    assert len(links) <= 5 * size
    assert len(set(connected([link[:2] for link in links]).values())) == 1
    assert len(connected([link[:2] for link in links])) == size


def test_a_small_bucket_is_compared_pairwise():
    size = SETTINGS.max_bucket
    assert len(list(bucket_links(members(size, distinct=True), SETTINGS))) == size * (size - 1) / 2


def test_equal_texts_are_compared_with_another_text_once():
    people = [*members(5_000, distinct=False), Member(7, "other", 1, True)]
    assert len(list(bucket_links(sorted(people), SETTINGS))) == 1


def test_an_adversarial_corpus_that_shares_every_band_stays_linear():
    size = 2_000
    texts = [f"{ORIGINALS['lane']}\n\nSeen by {number} readers." for number in range(size)]
    records = [(f"{n:05}", article(f"{n:05}", text)) for n, text in enumerate(texts)]
    shards = defaultdict(list)
    for shard, chunk in pack(sketches_of(records, SETTINGS), SETTINGS):
        shards[shard].append(chunk)
    links = {link[:2] for chunks in shards.values() for link in shard_links(chunks, SETTINGS)}
    assert len(links) <= 12 * size


def test_ten_thousand_copies_come_in_cells_of_bounded_size():
    size = 10_000
    links = list(bucket_links(members(size, distinct=True), SETTINGS))
    cells = plan_cells(links)
    held = defaultdict(set)
    for node, needed in cells.needs.items():
        for cell in needed:
            held[cell].add(node)
    assert max(map(len, held.values())) <= CELL_ARTICLES + 16
    assert sum(len(found) for found in cells.links.values()) == len({link[:2] for link in links})


def test_a_cell_compares_no_more_than_holds_its_story_together(monkeypatch):
    compared = []
    from transforms import cells

    real = cells.same_text

    def counting(first, second, settings):
        compared.append((first.id, second.id))
        return real(first, second, settings)

    monkeypatch.setattr(cells, "same_text", counting)
    size = 40
    texts = {f"{n:02}": Text(f"{n:02}", "", f"{ORIGINALS['lane']} {n}", "") for n in range(size)}
    links = [Link(f"{a:02}", f"{b:02}", False, b) for b in range(size) for a in range(b)]
    edges = list(verify_cell(texts, links, SETTINGS, shipped_rules()))
    assert len(set(connected([(e.a, e.b) for e in edges]).values())) == 1
    assert len(compared) <= 2 * size


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 7))
def test_chunks_may_come_in_any_order_and_any_cut(shuffler, cut):
    records = corpus()
    made = sketches_of(records, SETTINGS)
    whole = defaultdict(list)
    for shard, chunk in pack(made, SETTINGS):
        whole[shard].append(chunk)
    shuffler.shuffle(made)
    parts = defaultdict(list)
    for start in range(0, len(made), cut):
        for shard, chunk in pack(made[start : start + cut], SETTINGS):
            parts[shard].append(chunk)
    for shard, chunks in whole.items():
        assert list(shard_links(parts[shard], SETTINGS)) == list(shard_links(chunks, SETTINGS))


def test_links_go_from_the_earlier_to_the_later_article():
    for link in bucket_links(members(50, distinct=True), SETTINGS):
        assert link.first < link.second and link.time == int(link.second) * 1_000_000
    assert timedelta(days=1) / timedelta(microseconds=1) == DAY_US


# Against a store.


class Stored:
    """A store of articles kept in memory: both callables that NearPairs asks."""

    def __init__(self, records) -> None:
        self.records = dict(records)
        self.bands = defaultdict(list)
        for item in sketches_of(records, SETTINGS):
            for band in item.bands:
                self.bands[band].append((item.item_id, item.published_at))

    def candidates(self, bands, around, within):
        return [found for band in bands for found in self.bands.get(band, ())]

    def texts(self, ids):
        return [(key, self.records[key].title, self.records[key].text) for key in ids]


def run(records, check, store=None, mode="in_memory"):
    options = PipelineOptions(["--direct_running_mode", mode, "--direct_num_workers", "2"])
    step = NearPairs(SETTINGS, store.candidates, store.texts) if store else NearPairs(SETTINGS)
    with beam.Pipeline(runner=FnApiRunner(), options=options) as pipeline:
        assert_that(pipeline | beam.Create(records, reshuffle=False) | step, check)


@pytest.mark.parametrize(
    "mode", ["in_memory", pytest.param("multi_processing", marks=pytest.mark.job)]
)
def test_the_beam_steps_find_what_plain_calls_find(mode):
    records = corpus()
    run(records, equal_to(find_edges(records, SETTINGS)), mode=mode)


def test_an_empty_batch_has_no_pairs():
    run([], equal_to([]))


def test_batches_against_the_store_give_the_stories_of_one_batch():
    records = corpus()
    random.Random(1).shuffle(records)
    stored, batch = records[: len(records) // 2], records[len(records) // 2 :]
    known, wanted = find_edges(stored, SETTINGS), expected(records)

    def check(edges):
        found = stories(records, [*known, *edges])
        if found != wanted:
            raise AssertionError(f"{found ^ wanted}")

    run(batch, check, Stored(stored))


@settings(max_examples=8, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(2, 12))
def test_any_cut_into_batches_gives_the_same_stories(shuffler, batches):
    records = corpus()
    shuffler.shuffle(records)
    found, stored = [], []
    for number in range(batches):
        batch = records[number::batches]
        store = Stored(stored)
        step = VerifyStored(SETTINGS, shipped_rules(), store.candidates, store.texts)
        found += [*find_edges(batch, SETTINGS), *step.process(batch)]
        stored += batch
    assert stories(records, found) == expected(records)


def test_a_stored_text_that_can_no_longer_be_read_is_passed_over():
    store = Stored([("old", article("old", ORIGINALS["lane"]))])
    store.records.clear()
    store.texts = lambda ids: []
    run([("new", article("new", ORIGINALS["lane"]))], equal_to([]), store)


def test_stored_candidates_are_bounded_and_the_likeliest_come_first():
    sketch = sketches_of([("new", article("new", ORIGINALS["lane"]))], SETTINGS)[0]
    many = [(f"{number:03}", sketch.published_at) for number in range(200)] * 2
    often = [("often", sketch.published_at)] * 5
    late = [("late", sketch.published_at + timedelta(days=8))] * 9
    found = stored_partners(sketch, lambda bands, around, within: [*many, *often, *late], SETTINGS)
    assert found[0] == "often" and "late" not in found
    assert len(found) == SETTINGS.max_bucket


def test_a_store_needs_both_callables():
    with pytest.raises(ValueError, match="go together"):
        NearPairs(SETTINGS, store_candidates=lambda bands, around, within: [])


def test_the_shared_wire_copy_case():
    if not CASES.exists():
        pytest.skip(f"{CASES} is absent: the shared cases are not part of the project")
    cases = (json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines())
    case = next(item for item in cases if item["id"] == "dedup-near-duplicate-wire-copy")
    records = []
    for entry in case["input"]:
        content = json.loads(entry["content"])
        name = entry["name"].removesuffix(".json")
        records.append((name, article(name, content["text"], content["title"])))
    wanted = {frozenset(cluster) for cluster in case["expected"]["clusters"]}
    assert stories(records, find_edges(records, SETTINGS)) == wanted
