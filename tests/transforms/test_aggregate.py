"""From evidence to counts: a story once per dyad, windows that add up, order that can't matter."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.aggregate import (
    aggregate_row,
    comention_keys,
    contributions,
    coverage_keys,
    monday,
    story_stance,
    window_start,
)
from transforms.aggregate_windows import TOGETHER_BYTES, plan_weeks

ALL = ("hour", "day", "week")
SUNDAY = datetime(2026, 11, 8, 23, 30, tzinfo=UTC)


def evidence(story: str = "s", **over: Any) -> dict[str, Any]:
    row = {
        "stance_id": f"{story}-{random.random()}",
        "story_id": story,
        "published_at": SUNDAY,
        "source_actor": "vladimir-putin",
        "source_rollup": "RUS",
        "target_actor": "CHN",
        "target_rollup": "CHN",
        "stance": "supportive",
        "voice": "outlet",
        "score": 0.8,
        "confidence": 0.7,
        "counted": True,
        "story_articles": 2,
        "story_outlets": ["a", "b"],
        "coding_version": "v1",
    }
    return {**row, **over}


def totals(
    rows: list[dict[str, Any]], granularities: tuple[str, ...] = ALL
) -> list[dict[str, Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in contributions(rows, granularities, 0.2):
        groups[key].append(value)
    return [aggregate_row(key, values)[1] for key, values in sorted(groups.items())]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([(0.8, 0.7, "supportive")], "supportive"),
        ([(-0.8, 0.7, "opposed")], "opposed"),
        ([(0.0, 0.7, "neutral")], "neutral"),
        ([(0.8, 0.7, "supportive"), (-0.8, 0.7, "opposed")], "mixed"),
        ([(0.8, 0.9, "supportive"), (-0.8, 0.2, "opposed")], "supportive"),
        ([(0.1, 0.5, "supportive"), (0.0, 0.9, "neutral")], "neutral"),
        ([], "neutral"),
        ([(0.0, 0.0, "supportive")], "neutral"),
    ],
)
def test_a_story_s_stance(pieces: list[tuple[float, float, str]], expected: str) -> None:
    assert story_stance(pieces, 0.2) == expected


def test_windows_start_in_utc_and_weeks_on_monday() -> None:
    assert window_start(SUNDAY, "hour") == SUNDAY.replace(minute=0)
    assert window_start(SUNDAY, "day") == datetime(2026, 11, 8, tzinfo=UTC)
    assert window_start(SUNDAY, "week") == datetime(2026, 11, 2, tzinfo=UTC)
    assert monday("2026-11-08") == "2026-11-02"


def test_a_story_counts_once_however_much_evidence_and_however_many_copies() -> None:
    rows = [evidence(), evidence(), evidence("other", story_articles=1, story_outlets=["c"])]
    day = next(
        r for r in totals(rows, ("day",)) if (r["level"], r["voice"]) == ("rollup", "direct")
    )
    assert (day["supportive"], day["opposed"], day["net"], day["stories"]) == (2, 0, 2, 2)
    assert (day["articles"], day["outlets"], day["mentions"]) == (3, 3, 3)
    assert day["window_end"] - day["window_start"] == timedelta(days=1)


def test_levels_and_voices() -> None:
    rows = [evidence(voice="third_party")]
    assert {(r["level"], r["voice"], r["source"]) for r in totals(rows, ("day",))} == {
        ("actor", "all", "vladimir-putin"),
        ("rollup", "all", "RUS"),
    }


def test_uncounted_and_internal_evidence_gives_nothing_at_that_level() -> None:
    assert totals([evidence(counted=False)]) == []
    internal = totals([evidence(target_rollup="RUS", target_actor="dmitry-peskov")], ("day",))
    assert {row["level"] for row in internal} == {"actor"}


STORIES = st.lists(
    st.tuples(
        st.integers(0, 20 * 24),
        st.sampled_from(["supportive", "opposed", "neutral"]),
        st.sampled_from(["outlet", "third_party"]),
        st.sampled_from(["CHN", "USA"]),
    ),
    max_size=25,
)


@settings(max_examples=50, deadline=None)
@given(STORIES)
def test_days_and_hours_add_up_to_weeks(stories: list[tuple[int, str, str, str]]) -> None:
    rows = [
        evidence(
            f"s{n}",
            published_at=SUNDAY + timedelta(hours=hours),
            stance=stance,
            score={"supportive": 0.7, "opposed": -0.7, "neutral": 0.0}[stance],
            voice=voice,
            target_rollup=target,
        )
        for n, (hours, stance, voice, target) in enumerate(stories)
    ]
    made = totals(rows)
    shuffled = rows[:]
    random.Random(3).shuffle(shuffled)
    assert totals(shuffled) == made
    sums: dict[str, dict[Any, int]] = {name: defaultdict(int) for name in ALL}
    for row in made:
        for count in ("supportive", "opposed", "mixed", "neutral", "net", "stories", "mentions"):
            week = window_start(row["window_start"], "week")
            key = (week, row["level"], row["voice"], row["source"], row["target"], count)
            sums[row["granularity"]][key] += row[count]
    assert sums["hour"] == sums["day"] == sums["week"]


def test_comentions_count_stories_by_their_canonical_article() -> None:
    base = {"published_at": SUNDAY, "story_articles": 3, "coding_version": "v"}
    rows = [
        {**base, "is_canonical": True, "story_actors": ["b", "a"], "story_rollups": ["R"]},
        {**base, "is_canonical": False, "story_actors": ["x", "y"], "story_rollups": None},
    ]
    found = list(comention_keys(rows, ("day",)))
    assert [(k.actor_a, k.actor_b, v) for k, v in found] == [("a", "b", (1, 3, "v"))]
    _, row = aggregate_row(found[0][0], [v for _, v in found])
    assert (row["stories"], row["articles"]) == (1, 3)


def test_comentions_of_windows_are_the_sums_of_their_stories() -> None:
    chance = random.Random(7)
    rows = [
        {
            "published_at": SUNDAY - timedelta(hours=chance.randrange(24)),
            "is_canonical": chance.random() < 0.8,
            "story_articles": chance.randrange(1, 5),
            "coding_version": chance.choice("vw"),
            "story_actors": chance.sample("abcde", chance.randrange(5)),
            "story_rollups": chance.sample("RST", chance.randrange(4)),
        }
        for _ in range(300)
    ]
    wanted: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in (row for row in rows if row["is_canonical"]):
        for level, names in (("actor", row["story_actors"]), ("rollup", row["story_rollups"])):
            for pair in combinations(sorted(names), 2):
                for name in ALL:
                    start = window_start(row["published_at"], name)
                    wanted[(name, start, level, *pair)].append(row)
    found = dict(comention_keys(rows, ALL))
    assert found == {
        key: (
            len(group),
            sum(row["story_articles"] for row in group),
            max(row["coding_version"] for row in group),
        )
        for key, group in wanted.items()
    }


def test_coverage_counts_articles_and_rejects() -> None:
    article = {
        "published_at": SUNDAY,
        "outlet": "o",
        "feed_url": None,
        "language": "en",
        "analysed": True,
        "is_canonical": True,
        "story_id": "s",
    }
    reject = {"at": SUNDAY, "outlet": "o", "feed_url": None}
    copy = {**article, "is_canonical": False, "analysed": False}
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in coverage_keys([article, copy], [reject], ("day",)):
        groups[key].append(value)
    rows = [aggregate_row(key, values)[1] for key, values in groups.items()]
    counts = {
        r["language"]: (r["fetched"], r["analysed"], r["copies"], r["stories"], r["rejects"])
        for r in rows
    }
    assert counts == {"en": (2, 1, 1, 1, 0), "und": (0, 0, 0, 0, 1)}


def test_touched_days_rewrite_themselves_and_their_monday() -> None:
    (task,) = plan_weeks(["2026-11-04"], lambda day: 1)
    assert task.own == ("2026-11-02", "2026-11-04")
    assert task.read == [f"2026-11-{day:02d}" for day in range(2, 9)]
    assert plan_weeks([], lambda day: 1) == []


def test_weeks_are_counted_together_up_to_a_size() -> None:
    days = ["2026-11-04", "2026-11-12", "2026-11-19"]
    (together,) = plan_weeks(days, lambda day: 1)
    assert together.mondays == ("2026-11-02", "2026-11-09", "2026-11-16")
    assert set(days) < set(together.own)
    assert [t.mondays for t in plan_weeks(days, lambda day: TOGETHER_BYTES // 10)] == [
        ("2026-11-02",), ("2026-11-09",), ("2026-11-16",)
    ]  # fmt: skip
