"""Exact twins whose stand-in is revised: the stories are those of a fresh batch all the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations, pairwise, permutations
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_store import CODING, MemoryStore
from near_copy_texts import ORIGINALS
from test_stories import START, item

from transforms.identity import stored_dates
from transforms.inherited_edges import Version, VersionEdge, inherited
from transforms.near_pairs import CompareSplit, VerifyStored, find_edges, sketch_records
from transforms.settings import DeduplicateSettings
from transforms.split_stories import split_links
from transforms.store_view import Edge
from transforms.stories import plan_batch
from transforms.text_rules import shipped_rules

SETTINGS = DeduplicateSettings()
OLD = ORIGINALS["lane"]


class Arrival(NamedTuple):
    """One version of an article; times in hours. It has what deduplication reads of an article."""

    name: str
    text: str
    hours: float
    modified: float | None = None
    title: str = "A headline"
    outlet: str = "Evening Ledger"

    @property
    def published_at(self) -> datetime:
        return START + timedelta(hours=self.hours)

    @property
    def fetched_at(self) -> datetime:
        return self.published_at


class Archive:
    """Runs batches over a store in memory, from texts to stories."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.texts: dict[str, Arrival] = {}
        self.members: dict[int, list[tuple[int, str, datetime]]] = {}

    def candidates(
        self, bands: Sequence[int], since: datetime, until: datetime
    ) -> list[tuple[int, str, datetime]]:
        found = [member for band in bands for member in self.members.get(band, ())]
        return [member for member in found if since <= member[2] <= until]

    def read(self, ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
        found = ((key, self.texts[key]) for key in ids)
        return ((key, one.title, one.text, one.outlet) for key, one in found)

    def run(self, arrivals: Sequence[Arrival]) -> None:
        metas = [item(a.name, a.hours, (a.text,), modified=a.modified) for a in arrivals]
        records = [(m.item_id, a) for m, a in zip(metas, arrivals, strict=True)]
        sketched = sketch_records(records, SETTINGS, stored_dates(metas, self.store))
        step = VerifyStored(SETTINGS, shipped_rules(), self.candidates, self.read)
        pairs = [
            *find_edges(records, SETTINGS),
            *step.process([sketched]),
        ]
        compare = CompareSplit(SETTINGS, shipped_rules(), self.read)
        self.store.apply(plan_batch(metas, pairs, self.store, CODING, compare=compare))
        for meta, arrival in zip(metas, arrivals, strict=True):
            key = self.store.keys[meta.identity_keys[0]]
            if self.store.stored[key].content_hash == meta.content_hash:
                self.texts[key] = arrival
        self.members = defaultdict(list)
        dates = {key: self.store.stored[key].published_at for key in self.texts}
        for sketch in sketch_records(sorted(self.texts.items()), SETTINGS, dates).sketches:
            for band in sketch.bands:
                self.members[band].append((band, sketch.item_id, sketch.published_at))

    def stories(self) -> set[frozenset[str]]:
        found = defaultdict(set)
        for article in self.store.stored.values():
            found[article.story_id].add(article.identity_keys[0])
        return {frozenset(names) for names in found.values()}


def stored(twins: int, near: int) -> list[Arrival]:
    """Articles of equal words, and some that differ from them by a paragraph each."""
    equal = [Arrival(f"twin{n}", OLD, n) for n in range(twins)]
    added = [" ".join(f"More words, number {n}{m}." for m in range(n + 1)) for n in range(near)]
    return equal + [Arrival(f"near{n}", f"{OLD}\n\n{more}", 10 + n) for n, more in enumerate(added)]


def revised(articles: Sequence[Arrival]) -> list[Arrival]:
    """Every other one gets the same new text, the rest another."""
    texts = ORIGINALS["strike"], ORIGINALS["harvest"]
    return [a._replace(text=texts[n % 2], modified=50.0) for n, a in enumerate(articles)]


def afresh(versions: Sequence[Arrival]) -> set[frozenset[str]]:
    """Return the stories of the articles' last versions, all in one batch."""
    archive = Archive()
    archive.run(list({version.name: version for version in versions}.values()))
    return archive.stories()


COPY = Arrival("copy", OLD, 20.0)


@pytest.mark.parametrize(("twins", "near"), [(2, 0), (2, 2), (2, 3), (3, 0), (3, 1), (4, 2)])
def test_a_copy_of_a_text_that_its_run_replaces_finds_its_story(twins: int, near: int) -> None:
    before = stored(twins, near)
    for count in range(1, twins + 1):
        for chosen in combinations(before[:twins], count):
            archive, later = Archive(), [*revised(chosen), COPY]
            archive.run(before)
            archive.run(later)
            assert archive.stories() == afresh([*before, *later]), chosen


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4), st.integers(0, 3), st.integers(1, 4), st.booleans(), st.data())
def test_stories_hang_neither_on_the_order_nor_on_the_batches(
    twins: int, near: int, batches: int, copied: bool, data: st.DataObject
) -> None:
    before = stored(twins, near)
    chosen = data.draw(st.lists(st.sampled_from(before), unique=True))
    versions = [*before, *revised(chosen), *([COPY] if copied else [])]
    order = data.draw(st.permutations(versions))
    archive = Archive()
    for number in range(batches):
        archive.run(order[number::batches])
    assert archive.stories() == afresh(versions)


def edge(one: Version, other: Version, method: str = "jaccard") -> VersionEdge:
    return VersionEdge(one, other, 1.0 if method == "exact" else 0.9, method)


def test_edges_pass_within_the_horizon_only_and_never_to_the_article_itself() -> None:
    gone, twin, far = Version("gone", True), Version("twin", False), Version("far", False)
    near = Version("near", False)
    hours = {"gone": 100.0, "twin": 0.0, "near": 160.0, "far": 200.0}
    published = {name: START + timedelta(hours=at) for name, at in hours.items()}
    edges = [edge(gone, twin, "exact"), edge(gone, near), edge(gone, far)]
    found = list(inherited(edges, published, timedelta(hours=168)))
    assert found == [Edge("near", "twin", 0.9, "jaccard")]
    assert not list(inherited([edge(twin, near)], published, timedelta(hours=168)))
    assert not list(inherited([edge(gone, near)], published, timedelta(hours=168)))


def test_a_later_version_s_date_leaves_the_stories_as_its_first_one_made_them() -> None:
    late = 24.0 * 9
    first = Arrival("a", OLD, 0.0)
    revised = Arrival("a", f"{OLD}\n\nMore words.", late, modified=late)
    others = [
        Arrival("early", f"{OLD}\n\nWords of the next day.", 24.0),
        Arrival("late", f"{OLD}\n\nWords of the other week.", late),
    ]
    found = set()
    for order in permutations([first, revised, *others]):
        if order.index(first) < order.index(revised):
            archive = Archive()
            for arrival in order:
                archive.run([arrival])
            found.add(frozenset(archive.stories()))
    assert found == {frozenset({frozenset({"u:a", "u:early"}), frozenset({"u:late"})})}


def hubs_and_copies(copies: int) -> list[Arrival]:
    """Two texts, and copies that differ from each other by more than from these."""
    tails = [" ".join(f"Added {n}{m} by the desk {n}." for m in range(6)) for n in range(copies)]
    hubs = [Arrival("hub0", OLD, 0), Arrival("hub1", f"{OLD} More.", 1)]
    return hubs + [Arrival(f"copy{n}", f"{OLD}\n\n{tail}", 2 + n) for n, tail in enumerate(tails)]


@pytest.mark.parametrize("cut", [6, 3, 1])
def test_copies_stay_one_story_when_those_that_they_were_joined_with_are_revised(cut: int) -> None:
    before = hubs_and_copies(4)
    archive, later = Archive(), revised(before[:2])
    for start in range(0, len(before), cut):
        archive.run(before[start : start + cut])
    archive.run(later)
    assert archive.stories() == afresh([*before, *later])
    assert len(archive.stories()) == 3


def test_only_what_hangs_together_no_more_is_compared_anew_and_not_pairwise() -> None:
    members = [(START + timedelta(minutes=n), f"{n:04}") for n in range(2_000)]
    chain = [Edge(one, other, 0.9, "jaccard") for (_, one), (_, other) in pairwise(members)]
    horizon = timedelta(hours=20)
    assert not len(split_links([members], chain, horizon, SETTINGS.max_bucket))
    links = split_links([members, members[:1]], [], horizon, SETTINGS.max_bucket)
    assert len(members) < len(links) <= 5 * len(members)
    assert max(links.times[links.second] - links.times[links.first]) <= 20 * 3600 * 1_000_000
    two = [edge for edge in chain if edge.b != "0050"]
    links = split_links([members[:100]], two, horizon, SETTINGS.max_bucket)
    assert len(links) and {(a < "0050", b < "0050") for a, b in links.pairs()} == {(True, False)}
