"""Stories: one clustering whatever the order of arrival, ids that stay findable, sentences once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_store import CODING, MemoryStore

from transforms.identity import ItemMeta
from transforms.store_view import Edge
from transforms.stories import Plan, plan_batch, plan_recode

START = datetime(2026, 11, 2, 12, tzinfo=UTC)


def item(
    name: str,
    hours: float = 0.0,
    sentences: Sequence[str] = ("s1", "s2"),
    *,
    text: str | None = None,
    modified: float | None = None,
    guid: str | None = None,
    text_source: str = "file",
    fetched: float = 100.0,
    analysed: bool = True,
    dated: bool = True,
) -> ItemMeta:
    text = text or "/".join(sentences)
    keys = (f"u:{name}",) + ((f"g:{guid}",) if guid else ())
    return ItemMeta(
        item_id=f"item-{name}-{text}-{modified}-{fetched}",
        identity_keys=keys,
        outlet=f"outlet-{name[0]}",
        analysed=analysed,
        published_at=START + timedelta(hours=hours) if dated else None,
        published_at_source="feed" if dated else "first_seen",
        modified_at=None if modified is None else START + timedelta(hours=modified),
        fetched_at=START + timedelta(hours=fetched),
        content_hash=f"hash-{text}",
        text_source=text_source,
        word_count=len(sentences),
        sentences=tuple(sentences),
        bands=(),
        signature=b"",
    )


def run(store: MemoryStore, items: Sequence[ItemMeta], pairs: Sequence[tuple[str, str]]) -> Plan:
    """Plan and commit a batch; `pairs` are URL names, of this batch or of the store."""
    ids = {meta.identity_keys[0][2:]: meta.item_id for meta in items}

    def end(name: str) -> str:
        return ids.get(name) or store.keys[f"u:{name}"]

    edges = [Edge(*sorted((end(a), end(b))), 0.9, "jaccard") for a, b in pairs]
    plan = plan_batch(items, edges, store, CODING)
    store.apply(plan)
    return plan


def stories_of(store: MemoryStore) -> dict[str, str]:
    return {a.identity_keys[0][2:]: a.story_id for a in store.stored.values()}


def owned(store: MemoryStore, name: str) -> list[str]:
    article = store.stored[store.keys[f"u:{name}"]]
    return [article.sentences[index] for index in article.own]


def test_a_copy_joins_its_story_and_owns_only_new_sentences() -> None:
    store = MemoryStore()
    run(store, [item("a", 0, ("s1", "s2")), item("b", 1, ("s2", "s3"))], [("a", "b")])
    found = stories_of(store)
    assert found["a"] == found["b"]
    assert owned(store, "a") == ["s1", "s2"]
    assert owned(store, "b") == ["s3"]


def test_an_earlier_article_that_arrives_later_takes_over_id_and_sentences() -> None:
    store = MemoryStore()
    run(store, [item("b", 5, ("s1", "s2"))], [])
    old_id = stories_of(store)["b"]
    plan = run(store, [item("a", 1, ("s1",))], [("a", "b")])
    found = stories_of(store)
    assert found["a"] == found["b"] != old_id
    assert store.alias[old_id] == found["a"]
    assert owned(store, "a") == ["s1"]
    assert owned(store, "b") == ["s2"]
    assert {p.article_id: p.analyse for p in plan.articles} == {
        store.keys["u:a"]: True,
        store.keys["u:b"]: True,
    }
    assert plan.cleared == {"2026-11-02": {old_id}}
    assert plan.carried == {}


def test_a_later_copy_leaves_the_story_s_evidence_but_moves_its_loudness() -> None:
    store = MemoryStore()
    run(store, [item("a", 0)], [])
    plan = run(store, [item("b", 1)], [("a", "b")])
    canonical = store.keys["u:a"]
    carried_story, revision = plan.carried["2026-11-02"][canonical]
    assert (carried_story.articles, carried_story.outlets) == (2, ("outlet-a", "outlet-b"))
    assert revision == 1
    assert not any(p.analyse for p in plan.articles)


def test_merging_two_stories_makes_the_later_id_an_alias() -> None:
    store = MemoryStore()
    run(store, [item("a", 0, ("x",)), item("b", 3, ("y",))], [])
    before = stories_of(store)
    run(store, [item("c", 4, ("x", "y"))], [("a", "c"), ("b", "c")])
    after = stories_of(store)
    assert len(set(after.values())) == 1
    assert after["a"] == before["a"]
    assert store.alias == {before["b"]: before["a"]}


def test_alias_chains_are_flat() -> None:
    store = MemoryStore()
    run(store, [item("c", 9)], [])
    first = stories_of(store)["c"]
    run(store, [item("b", 5)], [("b", "c")])
    second = stories_of(store)["b"]
    run(store, [item("a", 1)], [("a", "b")])
    third = stories_of(store)["a"]
    assert store.alias == {first: third, second: third}


def test_a_revision_that_leaves_its_story_splits_it_and_revives_the_old_id() -> None:
    store = MemoryStore()
    run(store, [item("b", 5, ("s1", "s2"))], [])
    lone_id = stories_of(store)["b"]
    run(store, [item("a", 1, ("s1", "s2"))], [("a", "b")])
    assert store.alias == {lone_id: stories_of(store)["a"]}
    run(store, [item("b", 5, ("n1", "n2"), modified=8)], [])
    found = stories_of(store)
    assert found["a"] != found["b"] == lone_id
    assert store.alias == {}
    assert owned(store, "b") == ["n1", "n2"]


def test_revisions_replace_once_and_old_versions_do_not_come_back() -> None:
    store = MemoryStore()
    original = item("a", 0, ("s1",))
    corrected = item("a", 0, ("s1", "s2"), modified=3)
    run(store, [original], [])
    plan = run(store, [corrected], [])
    assert plan.counts["revised"] == 1
    again = run(store, [item("a", 0, ("s1",), fetched=200)], [])
    assert again.counts["revised"] == 0
    article = store.stored[store.keys["u:a"]]
    assert article.content_hash == corrected.content_hash
    assert len(article.content_hashes) == 2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_both_versions_in_any_order_give_the_same_article(order: tuple[int, int]) -> None:
    versions = [item("a", 0, ("s1",)), item("a", 0, ("s1", "s2"), modified=3)]
    store, together = MemoryStore(), MemoryStore()
    for index in order:
        run(store, [versions[index]], [])
    run(together, [versions[index] for index in order], [])
    one, both = store.stored[store.keys["u:a"]], together.stored[together.keys["u:a"]]
    assert one.content_hash == both.content_hash == versions[1].content_hash
    assert one.content_hashes == both.content_hashes
    assert owned(store, "a") == owned(together, "a") == ["s1", "s2"]


def test_a_summary_never_replaces_the_full_text() -> None:
    store = MemoryStore()
    run(store, [item("a", 0, ("s1", "s2"))], [])
    run(store, [item("a", 0, ("s1",), text_source="summary", fetched=300)], [])
    assert store.stored[store.keys["u:a"]].sentences == ("s1", "s2")


def test_a_rewritten_guid_with_the_same_link_is_the_same_article() -> None:
    store = MemoryStore()
    run(store, [item("vote", guid="101")], [])
    plan = run(store, [item("vote", guid="https://x/vote")], [])
    assert plan.counts["new"] == 0
    assert len(store.stored) == 1


def test_a_guid_reused_for_another_text_is_another_article() -> None:
    store = MemoryStore()
    run(store, [item("s1", 0, ("strike begins", "b"), guid="same")], [])
    run(store, [item("s2", 9, ("strike ends", "e"), guid="same")], [])
    assert len(store.stored) == 2


def test_a_moved_url_with_the_same_guid_and_text_is_the_same_article() -> None:
    store = MemoryStore()
    run(store, [item("old-slug", 0, ("t", "b"), guid="7")], [])
    run(store, [item("new-slug", 0, ("t", "b", "c"), guid="7", fetched=200)], [])
    assert len(store.stored) == 1


def by_id(identifier: str, sentences: Sequence[str], fetched: float = 100.0) -> ItemMeta:
    """An item without a URL, known by an id of its source and by its text."""
    made = item("x", 0, sentences, fetched=fetched)
    keys = (f"g:{identifier}", f"c:{made.content_hash}")
    return replace(made, identity_keys=keys)


def test_an_id_reused_for_another_text_keeps_both_articles_and_a_rerun_knows_them() -> None:
    batch = [by_id("a", ("kenya", "k2")), by_id("a", ("brazil", "b2"))]
    store = MemoryStore()
    store.apply(plan_batch(batch, [], store, CODING))
    assert len(store.stored) == 2
    again = plan_batch([replace(meta) for meta in batch], [], store, CODING)
    assert again.counts["unchanged"] == 2
    assert again.counts["new"] == again.counts["revised"] == 0


def test_an_id_with_an_edited_text_is_a_revision() -> None:
    store = MemoryStore()
    store.apply(plan_batch([by_id("a", ("title", "s1"))], [], store, CODING))
    later = by_id("a", ("title", "s1", "s2"), fetched=200)
    store.apply(plan_batch([later], [], store, CODING))
    assert len(store.stored) == 1
    assert next(iter(store.stored.values())).sentences == ("title", "s1", "s2")


def test_an_undated_article_keeps_its_first_seen_time() -> None:
    store = MemoryStore()
    run(store, [item("a", dated=False, fetched=10)], [])
    run(store, [item("a", dated=False, fetched=50, text="other")], [])
    assert store.stored[store.keys["u:a"]].published_at == START + timedelta(hours=10)


def test_articles_that_are_not_analysed_own_nothing() -> None:
    store = MemoryStore()
    plan = run(store, [item("a", analysed=False)], [])
    assert plan.articles[0].own == ()
    assert not plan.articles[0].analyse


def test_an_unchanged_batch_changes_nothing() -> None:
    store = MemoryStore()
    batch = [item("a", 0), item("b", 1)]
    run(store, batch, [("a", "b")])
    plan = run(store, batch, [("a", "b")])
    assert not any(article.write and not article.is_canonical for article in plan.articles)
    assert not any(article.analyse for article in plan.articles)
    assert plan.counts["unchanged"] == 2


def test_another_coding_version_analyses_touched_stories_again() -> None:
    store = MemoryStore()
    run(store, [item("a", 0)], [])
    second = item("b", 1)
    edge = Edge(*sorted((store.keys["u:a"], second.item_id)), 0.9, "jaccard")
    plan = plan_batch([second], [edge], store, "coding-2")
    assert {p.article_id for p in plan.articles if p.analyse} == {store.keys["u:a"]}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_the_final_state_does_not_depend_on_order_or_batches(seed: int) -> None:
    chance = random.Random(seed)
    names = [f"{chr(97 + n)}{n}" for n in range(9)]
    items = [
        item(n, chance.randrange(40), chance.sample([f"s{k}" for k in range(8)], 4)) for n in names
    ]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[:i] if chance.random() < 0.18]

    def arrive(order: list[int], cuts: list[int]) -> tuple[dict[str, str], dict[str, list[str]]]:
        store = MemoryStore()
        seen: set[str] = set()
        for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True):
            batch = [items[index] for index in order[start:end]]
            seen |= {meta.identity_keys[0][2:] for meta in batch}
            new = {meta.identity_keys[0][2:] for meta in batch}
            run(store, batch, [p for p in pairs if set(p) <= seen and set(p) & new])
        current = set(stories_of(store).values())
        assert not current & set(store.alias)
        assert set(store.alias.values()) <= current
        return stories_of(store), {name: owned(store, name) for name in names}

    order = list(range(len(items)))
    expected = arrive(order, [])
    for _ in range(3):
        chance.shuffle(order)
        cuts = sorted(chance.sample(range(1, len(items)), 3))
        assert arrive(order, cuts) == expected


def test_a_story_whose_first_article_was_pruned_lives_on_with_the_next() -> None:
    store = MemoryStore()
    run(store, [item("a", 0), item("b", 1), item("c", 2)], [("a", "b"), ("b", "c")])
    old_id = stories_of(store)["b"]
    first = store.keys.pop("u:a")
    del store.stored[first]
    store.all_edges = {ends: edge for ends, edge in store.all_edges.items() if first not in ends}
    run(store, [item("d", 3)], [("c", "d")])
    found = stories_of(store)
    assert found["b"] == found["c"] == found["d"] != old_id
    assert store.alias == {old_id: found["b"]}
    assert owned(store, "b") == ["s1", "s2"]


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(2, 9))
def test_coding_anew_leaves_every_story_as_it_is(chance: random.Random, count: int) -> None:
    names = [f"n{number}" for number in range(count)]
    items = [
        item(name, chance.randrange(60), chance.sample(("s1", "s2", "s3", "s4"), 2),
             analysed=chance.random() < 0.8)
        for name in names
    ]  # fmt: skip
    pairs = [(a, b) for a in names for b in names if a < b and chance.random() < 0.2]
    store = MemoryStore()
    run(store, items, pairs)
    before = dict(store.stored)
    joins = {a: [e for e in store.all_edges.values() if a in (e.a, e.b)] for a in before}
    plan = plan_recode(before.values(), joins, "coding-2")
    assert {a.article_id for a in plan.articles if a.write} == set(before)
    assert {a.article_id for a in plan.articles if a.analyse} == {
        a for a, stored in before.items() if stored.own
    }
    firsts = {a.story.story_id: a for a in plan.articles if a.is_canonical}
    cleared = {(day, story) for day, stories in plan.cleared.items() for story in stories}
    assert cleared == {(f"{a.story.published_at:%Y-%m-%d}", story) for story, a in firsts.items()}
    assert plan.counts["stories"] == len(cleared)
    assert {a.article_id: a.joins for a in plan.articles} == {a: (*j,) for a, j in joins.items()}
    assert not (plan.aliases or plan.edges or plan.dropped_edges or plan.carried)
    store.apply(plan)
    assert store.stored == before


def test_a_batch_of_copies_looks_each_edge_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    names = [f"s{number:05}" for number in range(10_000)]
    run(store, [item(name) for name in names], list(pairwise(names)))
    compared = 0
    equal = Edge.__eq__

    def counting(self: Edge, other: object) -> bool:
        nonlocal compared
        compared += 1
        return bool(equal(self, other))

    monkeypatch.setattr(Edge, "__eq__", counting)
    fresh = [f"n{number:05}" for number in range(2_000)]
    plan = run(store, [item(name, 1) for name in fresh], [(names[0], name) for name in fresh])
    assert plan.counts["copies"] == len(fresh)
    assert compared <= 2 * len(fresh)


def test_a_later_version_s_date_joins_no_article_past_the_horizon() -> None:
    store = MemoryStore()
    run(store, [item("a", 0)], [])
    revised = item("a", 24 * 9, ("s1", "s3"), modified=24 * 9)
    plan = run(store, [revised, item("b", 24 * 9)], [("a", "b")])
    assert not plan.edges and len(set(stories_of(store).values())) == 2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_versions_of_one_date_the_one_fetched_last_is_the_text(
    order: tuple[int, int],
) -> None:
    versions = [item("a", 0, ("s1",), fetched=10), item("a", 0, ("s1", "s2"), fetched=20)]
    store, together = MemoryStore(), MemoryStore()
    for index in order:
        run(store, [versions[index]], [])
    run(together, versions, [])
    one, both = store.stored[store.keys["u:a"]], together.stored[together.keys["u:a"]]
    assert one.content_hash == both.content_hash == versions[1].content_hash
    assert one.first_seen_at == both.first_seen_at
