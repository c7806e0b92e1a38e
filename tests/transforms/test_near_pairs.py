from __future__ import annotations

import json
import random
import tracemalloc
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st
from near_copy_texts import EDITS, ORIGINALS, SHORT_DIFFERENT, TEMPLATES

from transforms import near_pairs, pair_verdicts
from transforms.buckets import DAY_US, SHARDS, Chunk, Links, pack, shard_links
from transforms.cell_texts import CellTexts, Text
from transforms.cells import CELL_ARTICLES, EDGES_EACH, plan_cells, verify_cell
from transforms.clusters import connected
from transforms.columns import component_roots
from transforms.hashed_texts import hash_texts
from transforms.near_pairs import (
    NearPairs,
    SketchArticles,
    VerifyStored,
    find_edges,
    find_stories,
    sketch_records,
)
from transforms.pair_verdicts import METHODS, TextPairs
from transforms.prepare import Prepare
from transforms.records import Article
from transforms.same_text import same_text
from transforms.settings import DeduplicateSettings
from transforms.signatures import BATCH
from transforms.store_view import Edge
from transforms.stored_links import stored_links
from transforms.text_rules import shipped_rules
from transforms.text_view import TextView

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


def bucket(size: int, distinct: bool, band: int = 5 * SHARDS) -> Chunk:
    """A bucket of `size` articles, one a second, of as many texts or of one."""
    texts = np.arange(1, size + 1) if distinct else np.full(size, band)
    return Chunk(
        ids=tuple(f"{number:06}" for number in range(size)),
        times=(np.arange(size, dtype="<i8") * 1_000_000).tobytes(),
        texts=texts.astype("<i8").tobytes(),
        joins=bytes([1]) * size,
        bands=np.full(size, band, dtype="<i8").tobytes(),
        rows=np.arange(size, dtype="<i4").tobytes(),
    )


@pytest.mark.parametrize("size", [100, 1_000, 100_000])
def test_a_crowded_bucket_costs_a_fixed_number_of_pairs_an_article(size):
    links = shard_links([bucket(size, distinct=True)], SETTINGS)
    assert len(links) <= 5 * size
    assert len(links.ids) == size
    assert not component_roots(links.first, links.second, size).any()


def test_a_small_bucket_is_compared_pairwise():
    size = SETTINGS.max_bucket
    links = shard_links([bucket(size, distinct=True)], SETTINGS)
    assert len(links) == size * (size - 1) / 2


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.frozensets(st.integers(0, 30), min_size=1, max_size=24), min_size=1, max_size=5),
    st.lists(st.integers(0, 4), min_size=1, max_size=12),
)
def test_buckets_of_the_same_texts_make_the_pairs_of_one(members, copies):
    """Each band has one of a few sets of texts, so that many are equal."""
    names = tuple(f"{number:02}" for number in range(31))

    def linked(buckets):
        chunk = Chunk(
            ids=names,
            times=np.arange(31, dtype="<i8").tobytes(),
            texts=np.arange(1, 32, dtype="<i8").tobytes(),
            joins=bytes([1]) * 31,
            bands=np.repeat(np.arange(len(buckets)), [len(b) for b in buckets]).tobytes(),
            rows=np.concatenate([np.array(sorted(b), dtype="<i4") for b in buckets]).tobytes(),
        )
        return shard_links([chunk], SETTINGS, shards=1).pairs()

    buckets = [members[number % len(members)] for number in copies]
    assert linked(buckets) == sorted({pair for bucket in buckets for pair in linked([bucket])})


def test_equal_texts_are_chained_and_compared_with_another_text_once():
    other = bucket(1, distinct=True)._replace(ids=("other",))
    links = shard_links([bucket(5_000, distinct=False), other], SETTINGS)
    assert (~links.exact).sum() == 1
    assert links.exact.sum() == 4_999 + 4_998


def test_equal_texts_are_linked_through_the_two_closest_in_time():

    one = bucket(2, distinct=False)._replace(times=np.array([0, 9 * DAY_US], "<i8").tobytes())
    other = bucket(1, distinct=True)._replace(
        ids=("other",), times=np.array([10 * DAY_US], "<i8").tobytes()
    )
    links = shard_links([one, other], SETTINGS)
    assert links.pairs() == [("000001", "other")]


def in_batches(records, size=BATCH):
    return [
        sketch_records(records[start : start + size], SETTINGS)
        for start in range(0, len(records), size)
    ]


def shards_of(records, size=BATCH):
    shards = defaultdict(list)
    for batch in in_batches(records, size):
        for shard, chunk in pack(batch.sketches, SETTINGS):
            shards[shard].append(chunk)
    return shards


def test_an_adversarial_corpus_that_shares_every_band_stays_linear():
    size = 2_000
    texts = [f"{ORIGINALS['lane']}\n\nSeen by {number} readers." for number in range(size)]
    records = [(f"{n:05}", article(f"{n:05}", text)) for n, text in enumerate(texts)]
    shards = shards_of(records)
    links = {pair for chunks in shards.values() for pair in shard_links(chunks, SETTINGS).pairs()}
    assert len(links) <= 12 * size


def test_ten_thousand_copies_come_in_cells_of_bounded_size():
    links = shard_links([bucket(10_000, distinct=True)], SETTINGS)
    cells = plan_cells([links])
    held = defaultdict(set)
    for node, needed in cells.needs().items():
        for cell in needed:
            held[cell].add(node)
    assert max(map(len, held.values())) <= CELL_ARTICLES + 16
    assert sum(len(found) for found in cells.links.values()) == len(links)


def test_a_cell_takes_its_links_without_a_look_at_all_others():
    size = 400_000
    links = shard_links([bucket(size, distinct=True)], SETTINGS)
    tracemalloc.start()
    few = links.take(np.array([7, size]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert few.pairs() == [links.pairs()[7], links.pairs()[size]]
    assert peak < size


@pytest.fixture
def compared(monkeypatch):
    """The number of pairs that each comparison was asked for."""
    sizes = []
    real = TextPairs.compare

    def counting(self, ones, others):
        sizes.append(len(ones))
        return real(self, ones, others)

    monkeypatch.setattr(TextPairs, "compare", counting)
    return sizes


def test_a_cell_compares_no_more_than_holds_its_story_together(compared):
    size = 40
    texts = {
        f"{n:02}": Text(f"{n:02}", "", f"{ORIGINALS['lane']} {'And so on. ' * n}", "")
        for n in range(size)
    }
    links = Links.of([((a, f"{a:02}"), (b, f"{b:02}")) for b in range(size) for a in range(b)])
    edges = list(verify_cell(texts, links, SETTINGS, shipped_rules()))
    assert len(set(connected([(e.a, e.b) for e in edges]).values())) == 1
    assert sum(compared) <= 2 * size


def test_a_story_of_many_copies_costs_a_fixed_number_of_comparisons_an_article(compared):
    size = 1_500
    texts = [f"{ORIGINALS['lane']}\n\n{'And so on. ' * (number % 500)}" for number in range(size)]
    records = [(f"{n:05}", article(f"{n:05}", text)) for n, text in enumerate(texts)]
    edges = find_edges(records, SETTINGS)
    assert len(stories(records, edges)) == 1
    assert sum(compared) <= 3 * size


def test_look_alikes_that_share_a_band_cost_a_fixed_number_of_comparisons_an_article(compared):
    """An adversary's bucket: every text has the same lead, and is another text after it."""
    lead = " ".join(ORIGINALS["lane"].split()[:30])
    shuffler = random.Random(5)
    words = ORIGINALS["harvest"].split() + ORIGINALS["strike"].split()
    records = [
        (f"{n:05}", article(f"{n:05}", f"{lead} {' '.join(shuffler.sample(words, 60))}"))
        for n in range(400)
    ]
    assert len(stories(records, find_edges(records, SETTINGS))) == len(records)
    assert sum(compared) <= 12 * len(records)


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 7))
def test_chunks_may_come_in_any_order_and_any_cut(shuffler, cut):
    records = corpus()
    whole = shards_of(records)
    shuffler.shuffle(records)
    parts = shards_of(records, cut)
    for shard, chunks in whole.items():
        one, other = shard_links(parts[shard], SETTINGS), shard_links(chunks, SETTINGS)
        assert one.pairs() == other.pairs()
        assert one.exact.tolist() == other.exact.tolist()


def test_links_go_from_the_earlier_to_the_later_article():
    links = shard_links([bucket(50, distinct=True)], SETTINGS)
    assert (links.first < links.second).all()
    assert (np.diff(links.times) >= 0).all()
    assert timedelta(days=1) / timedelta(microseconds=1) == DAY_US


def all_pairs(texts):
    return TextPairs(CellTexts.of(texts), np.arange(len(texts)), SETTINGS, shipped_rules())


def test_stories_are_what_edges_join():
    records = corpus()
    random.Random(3).shuffle(records)
    edges = find_edges(records, SETTINGS)
    roots = connected([(e.a, e.b) for e in edges], [key for key, _ in records])
    assert find_stories(records, SETTINGS) == [roots[key] for key, _ in records]
    assert find_stories([], SETTINGS) == []


def check_verdicts(columns, single):
    rows = zip(columns.same, columns.similarity, columns.method, strict=True)
    for at, ((same, similarity, method), one) in enumerate(zip(rows, single, strict=True)):
        found = bool(same), round(float(similarity), 4), METHODS[method]
        assert found == (one.same, one.similarity, one.method), (at, one)


def test_the_columns_say_what_single_comparisons_say():
    records = corpus()
    texts = [text for batch in in_batches(records) for text in batch.texts()]
    one, other = np.triu_indices(len(texts), 1)
    verdicts = all_pairs(texts).compare(one, other)
    views = [TextView(text.id, text.title, text.text, text.outlet) for text in texts]
    pairs = zip(one, other, strict=True)
    check_verdicts(verdicts, [same_text(views[a], views[b], SETTINGS) for a, b in pairs])


PIECES = (
    "the The not said Veldania Torrin U.S. 3 four Monday Feb. 12 . \n \u201c \u201d ( ) - supports "
    "opposes of lane \u4e2d\u6587 \u00df \u0130 b2b can't covid19 A.I. 1,234 1,567 "
    "Evening Ledger Ledger's O'Ledger Ledger'Bay Ledger\u00aa Ledger24 Monday-Ledger Reuters "
    "ap Bay -3 $5 \u20ac5 5% 1.234 minus and or Israel Times Israel's Niger Nigerian Presse France"
)
EDITED = st.lists(
    st.tuples(st.integers(0, 400), st.lists(st.sampled_from(PIECES.split(" ")), max_size=4)),
    max_size=6,
)
# Passages that a text repeats: from where, how many words, to where, and whether it moves.
MOVED = st.lists(
    st.tuples(st.integers(0, 60), st.integers(3, 12), st.integers(0, 60), st.booleans()), max_size=3
)


def with_moves(words, moves):
    """The words with some passages repeated or moved."""
    words = list(words)
    for start, size, to, leaves in moves:
        passage = words[start : start + size]
        if leaves:
            del words[start : start + size]
        words[to:to] = passage
    return words


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(ORIGINALS)),
    st.lists(st.tuples(EDITED, MOVED), min_size=2, max_size=4),
    st.lists(
        st.sampled_from(("Evening Ledger", "Times of Israel", "bay.co.uk", "")),
        min_size=4,
        max_size=4,
    ),
)
def test_the_columns_say_what_single_comparisons_say_of_edited_texts(name, edits, outlets):
    texts = []
    for number, (edited, moves) in enumerate(edits):
        words = with_moves(ORIGINALS[name].split(" "), moves)
        for place, pieces in edited:
            words[place : place + len(pieces)] = pieces
        texts.append(Text(str(number), "A headline", " ".join(words), outlets[number]))
    one, other = np.triu_indices(len(texts), 1)
    verdicts = all_pairs(texts).compare(one, other)
    views = [TextView(text.id, text.title, text.text, text.outlet) for text in texts]
    pairs = zip(one, other, strict=True)
    check_verdicts(verdicts, [same_text(views[a], views[b], SETTINGS) for a, b in pairs])


# The first three are sure to differ, the others are the same or left to be read.
SWAPPED = ("4,231|7,812", "12|13", "Torrin|Maskel",
           "3.5|3.50", "1,204|1204", "Torrin|Torrinian", "4-3|2-1")  # fmt: skip


@pytest.fixture
def read(monkeypatch):
    """The pairs of texts, by number, whose gaps were read word by word."""
    pairs = set()
    real = pair_verdicts.contradiction

    def noting(first, second, *rest):
        pairs.add(tuple(sorted((int(first.title), int(second.title)))))
        return real(first, second, *rest)

    monkeypatch.setattr(pair_verdicts, "contradiction", noting)
    return pairs


@pytest.mark.parametrize("swap", SWAPPED)
@pytest.mark.parametrize("place", [6, 20, 38, 42, 90])
def test_a_swap_without_doubt_is_refused_as_single_comparisons_refuse_it(swap, place, read):
    words = [f"w{number}" for number in range(600)]
    bodies = [" ".join([*words[:place], fact, *words[place:]]) for fact in swap.split("|")]
    # Passages that the other text repeats later, with its own fact.
    bodies += [f"{body} {' '.join(words[place - 3 : place])} {fact} {words[place]}"
               for body, fact in zip(bodies, reversed(swap.split("|")), strict=True)]  # fmt: skip
    texts = [Text(str(n), str(n), body, "") for n, body in enumerate(bodies)]
    one, other = np.triu_indices(len(texts), 1)
    verdicts = all_pairs(texts).compare(one, other)
    views = [TextView(text.id, text.title, text.text, text.outlet) for text in texts]
    check_verdicts(
        verdicts,
        [same_text(views[a], views[b], SETTINGS) for a, b in zip(one, other, strict=True)],
    )
    sure = place <= SETTINGS.lead_words and swap in SWAPPED[:3]
    assert sure == ((0, 1) not in read)


# Against a store.


class Stored:
    """A store of articles kept in memory: both callables that NearPairs asks."""

    def __init__(self, records) -> None:
        self.records = dict(records)
        self.bands = defaultdict(list)
        for batch in in_batches(records):
            for item in batch.sketches:
                for band in item.bands:
                    self.bands[band].append((band, item.item_id, item.published_at))

    def candidates(self, bands, since, until):
        found = [member for band in bands for member in self.bands.get(band, ())]
        return [member for member in found if since <= member[2] <= until]

    def texts(self, ids):
        return [(key, self.records[key].title, self.records[key].text) for key in ids]


def run(records, check, store=None, mode="in_memory"):
    options = PipelineOptions(["--direct_running_mode", mode, "--direct_num_workers", "2"])
    step = NearPairs(SETTINGS, store.candidates, store.texts) if store else NearPairs(SETTINGS)
    with beam.Pipeline(runner=FnApiRunner(), options=options) as pipeline:
        created = pipeline | beam.Create(records, reshuffle=False)
        assert_that(created | SketchArticles(SETTINGS) | step, check)


@pytest.mark.parametrize(
    "mode", ["in_memory", pytest.param("multi_processing", marks=pytest.mark.job)]
)
def test_the_beam_steps_find_what_plain_calls_find(mode):
    records = corpus()
    run(records, equal_to(find_edges(records, SETTINGS)), mode=mode)


def test_one_sketch_of_an_article_serves_metadata_pairs_and_store(monkeypatch):
    from transforms import near_pairs

    records = corpus()
    sketched = []
    real = near_pairs.sketch_batch

    def counting(articles, settings):
        sketched.extend(article.item_id for article in articles)
        return real(articles, settings)

    monkeypatch.setattr(near_pairs, "sketch_batch", counting)
    store = Stored([])
    options = PipelineOptions(["--direct_running_mode", "in_memory"])
    with beam.Pipeline(runner=FnApiRunner(), options=options) as pipeline:
        batches = pipeline | beam.Create(records, reshuffle=False) | SketchArticles(SETTINGS)
        names = batches | Prepare() | beam.Map(lambda meta: meta.item_id)
        assert_that(names, equal_to([key for key, _ in records]), "metas")
        edges = batches | NearPairs(SETTINGS, store.candidates, store.texts)
        assert_that(edges, equal_to(find_edges(records, SETTINGS)), "edges")
    wanted = sorted(key for key, _ in records)
    # Once in the job, once in the plain call above.
    assert sorted(sketched) == sorted([*wanted, *wanted])


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
        found += find_edges(batch, SETTINGS)
        found += step.process(in_batches(batch))
        stored += batch
    assert stories(records, found) == expected(records)


def test_a_stored_text_that_can_no_longer_be_read_is_passed_over():
    store = Stored([("old", article("old", ORIGINALS["lane"]))])
    store.records.clear()
    store.texts = lambda ids: []
    longer = article("new", ORIGINALS["lane"] + " More.")
    run([("new", longer)], equal_to([]), store)


def test_equal_words_in_the_store_are_joined_unread():
    store = Stored([(name, article(name, ORIGINALS["lane"])) for name in ("a", "b", "c")])
    store.texts = lambda ids: [] if not ids else pytest.fail(f"{ids} were read")
    wanted = [Edge(name, "new", 1.0, "exact") for name in ("a", "b")]
    run([("new", article("new", ORIGINALS["lane"]))], equal_to(wanted), store)


def test_a_short_text_is_read_although_its_words_are_stored():
    text = "Maskel said on Monday that the union supports the fee."
    store = Stored([("old", article("old", text, title="Maskel backs the fee"))])
    new = article("new", text, title="Something else that happened")
    found = find_edges([("old", store.records["old"]), ("new", new)], SETTINGS)
    run([("new", new)], equal_to(found), store)


def test_a_copy_of_a_stored_text_leaves_what_that_one_has_met():
    near = {f"near{n}": article(f"near{n}", ORIGINALS["lane"] + " More." * n) for n in range(1, 9)}
    far = article("far", ORIGINALS["lane"] + " Later.", hours=24 * 9)
    old = article("old", ORIGINALS["lane"], hours=24)
    store = Stored([*near.items(), ("far", far), ("old", old)])
    new = [("new", article("new", ORIGINALS["lane"], hours=24 * 4))]
    asked = [batch.sketches for batch in in_batches(new)]
    links = stored_links(asked, store.candidates, SETTINGS)
    names = {one if other == "new" else other for one, other in links.pairs()}
    # `far` came later than the horizon of `old`, which can't speak for it.
    others = {"old", "far"}
    assert others <= names and len(names) == len(others) + EDGES_EACH


def test_stored_candidates_are_bounded_and_the_likeliest_come_first():
    sketches = in_batches([("new", article("new", ORIGINALS["lane"]))])[0].sketches
    published, whole = sketches.published_at[0], sketches.text_hashes[0]

    def candidates(bands, since, until):
        bands = [band for band in bands if band != whole]
        members = [(f"{number:03}", published, 2) for number in range(200)]
        members += [("often", published, 5), ("late", published + timedelta(days=8), 9)]
        return [(band, name, at) for name, at, count in members for band in bands[:count]]

    links = stored_links([sketches], candidates, SETTINGS)
    names = {one if other == "new" else other for one, other in links.pairs()}
    assert "often" in names and "late" not in names
    assert len(links) == SETTINGS.max_bucket


def test_the_store_is_asked_about_the_time_around_each_article_only():
    asked = []

    def candidates(bands, since, until):
        asked.append((since, until))
        return []

    records = [
        (name, article(name, ORIGINALS["lane"], hours=hours))
        for name, hours in (("a", 0), ("b", 5), ("c", 24 * 400))
    ]
    assert not len(stored_links([in_batches(records)[0].sketches], candidates, SETTINGS))
    horizon = timedelta(days=SETTINGS.horizon_days)
    assert [until - since <= 3 * horizon for since, until in asked] == [True, True]


def test_texts_of_the_store_are_hashed_a_cell_at_a_time(monkeypatch):
    hashed = []

    def counting(texts, width):
        hashed.append(len(texts))
        return hash_texts(texts, width)

    monkeypatch.setattr(pair_verdicts, "hash_texts", counting)
    monkeypatch.setattr(near_pairs, "plan_cells", partial(plan_cells, articles_each=2))
    old = [(f"{name} old", article(f"{name} old", text)) for name, text in ORIGINALS.items()]
    new = [(name, article(name, f"{text} More.")) for name, text in ORIGINALS.items()]
    store = Stored(old)
    step = VerifyStored(SETTINGS, shipped_rules(), store.candidates, store.texts)
    assert len(list(step.process(in_batches(new)))) == len(old)
    assert sum(hashed) == len(old) and max(hashed) == 1


def test_a_store_needs_both_callables():
    with pytest.raises(ValueError, match="go together"):
        NearPairs(SETTINGS, store_candidates=lambda bands, since, until: [])


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
