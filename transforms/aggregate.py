"""From evidence to counts: what a story says of a dyad, and what a window's stories add up to.

Jobs count many dates at a time by the same rules in SQL (`transforms.count_sql`); a test holds
the two to the same rows.

The rule: a story counts once per dyad. Its stance is the mean of its evidence's scores weighted by
confidence; where both signs occur and the mean lies within the dead band it is `mixed`; where only
one sign occurs and neutral evidence pulls the mean into the band it is `neutral`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any, Literal, NamedTuple

from transforms.parquet_io import Row

Granularity = Literal["hour", "day", "week"]
LEVELS = ("actor", "rollup")
DIRECT_VOICES = frozenset({"outlet", "source"})
SPAN = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


class DyadKey(NamedTuple):
    """One dyad at one level and voice in one window; the key of an `alignments` row."""

    granularity: str
    window_start: datetime
    level: str
    voice: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one story adds to one dyad: exactly one of the four stances."""

    stance: str
    articles: int
    outlets: frozenset[str]
    mentions: int
    min_confidence: float
    published_at: datetime
    coding_version: str


def window_start(moment: datetime, granularity: str) -> datetime:
    """Return the UTC start of the window that holds `moment`; weeks start on Monday (ISO 8601)."""
    moment = moment.astimezone(UTC)
    if granularity == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday()) if granularity == "week" else day


def monday(day: str) -> str:
    """Return the Monday of a date's ISO week; both are written YYYY-MM-DD."""
    value = date.fromisoformat(day)
    return (value - timedelta(days=value.weekday())).isoformat()


def story_stance(evidence: Sequence[tuple[float, float, str]], dead_band: float) -> str:
    """Return supportive, opposed, mixed or neutral for (score, confidence, stance) triples.

    Scores lie in -1..1. The triples must come in a fixed order, since the mean is a float sum.
    """
    signs = {stance for _, _, stance in evidence} & {"supportive", "opposed"}
    if not signs:
        return "neutral"
    weight = sum(confidence for _, confidence, _ in evidence)
    total = sum(score * confidence for score, confidence, _ in evidence)
    mean = total / weight if weight > 0 else 0.0
    if abs(mean) <= dead_band:
        return "mixed" if len(signs) == 2 else "neutral"
    return "supportive" if mean > 0 else "opposed"


def contributions(
    rows: Iterable[Row], granularities: Sequence[str], dead_band: float
) -> Iterator[tuple[DyadKey, Contribution]]:
    """Yield what the stories of one stances partition add to each window's dyads.

    `rows` are rows of `stances`; all evidence of a story lies in one partition.
    """
    groups: dict[tuple[str, str, str, str, str], list[Row]] = {}
    for row in rows:
        if not row["counted"]:
            continue
        voices = ("direct", "all") if row["voice"] in DIRECT_VOICES else ("all",)
        for level in LEVELS:
            source, target = row[f"source_{level}"], row[f"target_{level}"]
            if source == target:
                continue
            for voice in voices:
                key = (row["story_id"], level, voice, source, target)
                groups.setdefault(key, []).append(row)
    for (_, level, voice, source, target), group in sorted(groups.items()):
        group.sort(key=lambda row: str(row["stance_id"]))
        first = group[0]
        contribution = Contribution(
            stance=story_stance(
                [(row["score"], row["confidence"], row["stance"]) for row in group], dead_band
            ),
            articles=first["story_articles"],
            outlets=frozenset(first["story_outlets"]),
            mentions=len(group),
            min_confidence=min(row["confidence"] for row in group),
            published_at=first["published_at"],
            coding_version=max(row["coding_version"] for row in group),
        )
        for granularity in granularities:
            start = window_start(first["published_at"], granularity)
            yield DyadKey(granularity, start, level, voice, source, target), contribution


def alignment_row(key: DyadKey, stories: Iterable[Contribution]) -> Row:
    """Return the `alignments` row of one dyad in one window from its stories, in any order."""
    counts = dict.fromkeys(("supportive", "opposed", "mixed", "neutral"), 0)
    outlets: set[str] = set()
    articles = mentions = total = 0
    confidences: list[float] = []
    published: list[datetime] = []
    versions: set[str] = set()
    for story in stories:
        counts[story.stance] += 1
        outlets |= story.outlets
        articles += story.articles
        mentions += story.mentions
        total += 1
        confidences.append(story.min_confidence)
        published.append(story.published_at)
        versions.add(story.coding_version)
    return {
        **_window(key),
        "level": key.level,
        "voice": key.voice,
        "source": key.source,
        "target": key.target,
        **counts,
        "net": counts["supportive"] - counts["opposed"],
        "stories": total,
        "articles": articles,
        "outlets": len(outlets),
        "mentions": mentions,
        "min_confidence": min(confidences),
        "first_published": min(published),
        "last_published": max(published),
        "coding_version": max(versions),
    }


class PairKey(NamedTuple):
    """One unordered pair of actors at one level in one window; `actor_a` < `actor_b`."""

    granularity: str
    window_start: datetime
    level: str
    actor_a: str
    actor_b: str


class Comentions(NamedTuple):
    """How many stories name a pair, the articles of these, and the last of their codings."""

    stories: int
    articles: int
    coding_version: str


Pairs = dict[tuple[str, str], list[Any]]


def comention_keys(
    rows: Iterable[Row], granularities: Sequence[str]
) -> Iterator[tuple[PairKey, Comentions]]:
    """Yield what the stories of one date add to each window's pairs, each pair of a window once.

    `rows` are rows of `articles`. Days and weeks are added up from hours: a story may have
    hundreds of pairs, and lies in one hour.
    """
    hours: dict[tuple[str, datetime], Pairs] = {}
    for row in rows:
        if not row["is_canonical"]:
            continue
        hour = window_start(row["published_at"], "hour")
        articles, version = row["story_articles"], row["coding_version"]
        for level, column in (("actor", "story_actors"), ("rollup", "story_rollups")):
            pairs = hours.setdefault((level, hour), {})
            for pair in combinations(sorted(set(row[column] or ())), 2):
                _add_pair(pairs, pair, 1, articles, version)
    for granularity in granularities:
        windows: dict[tuple[str, datetime], Pairs] = {}
        if granularity == "hour":
            windows = hours
        else:
            for (level, hour), pairs in hours.items():
                whole = windows.setdefault((level, window_start(hour, granularity)), {})
                for pair, found in pairs.items():
                    _add_pair(whole, pair, *found)
        for (level, start), pairs in windows.items():
            for (first, second), found in pairs.items():
                yield PairKey(granularity, start, level, first, second), Comentions(*found)


def _add_pair(
    pairs: Pairs, pair: tuple[str, str], stories: int, articles: int, version: str
) -> None:
    held = pairs.get(pair)
    if held is None:
        pairs[pair] = [stories, articles, version]
        return
    held[0] += stories
    held[1] += articles
    if version > held[2]:
        held[2] = version


def _sum_parts(parts: Iterable[Comentions]) -> Comentions:
    found = list(parts)
    return Comentions(
        sum(part.stories for part in found),
        sum(part.articles for part in found),
        max(part.coding_version for part in found),
    )


def comention_row(key: PairKey, parts: Iterable[Comentions]) -> Row:
    """Return the `comentions` row of one pair in one window from its dates' parts."""
    return {
        **_window(key),
        "level": key.level,
        "actor_a": key.actor_a,
        "actor_b": key.actor_b,
        **_sum_parts(parts)._asdict(),
    }


class CoverageKey(NamedTuple):
    """One outlet, feed and language in one window."""

    granularity: str
    window_start: datetime
    outlet: str
    feed_url: str
    language: str


def coverage_keys(
    articles: Iterable[Row], rejects: Iterable[Row], granularities: Sequence[str]
) -> Iterator[tuple[CoverageKey, tuple[str, bool, bool]]]:
    """Yield (key, (story id, analysed, is copy)) per article and (key, ("", False, False)) per
    reject; a reject counts in the window of its `at`, an article in that of its publication.
    """
    for row in articles:
        value = (row["story_id"], bool(row["analysed"]), not row["is_canonical"])
        for granularity in granularities:
            start = window_start(row["published_at"], granularity)
            yield (
                CoverageKey(
                    granularity, start, row["outlet"], row["feed_url"] or "", row["language"]
                ),
                value,
            )
    for row in rejects:
        for granularity in granularities:
            start = window_start(row["at"], granularity)
            yield (
                CoverageKey(granularity, start, row["outlet"] or "", row["feed_url"] or "", "und"),
                ("", False, False),
            )


def coverage_row(key: CoverageKey, seen: Iterable[tuple[str, bool, bool]]) -> Row:
    """Return the `coverage` row of one outlet, feed and language in one window."""
    stories: set[str] = set()
    fetched = analysed = copies = rejects = 0
    for story_id, was_analysed, is_copy in seen:
        if not story_id:
            rejects += 1
            continue
        stories.add(story_id)
        fetched += 1
        analysed += was_analysed
        copies += is_copy
    return {
        **_window(key),
        "outlet": key.outlet,
        "feed_url": key.feed_url,
        "language": key.language,
        "fetched": fetched,
        "analysed": analysed,
        "copies": copies,
        "stories": len(stories),
        "rejects": rejects,
    }


Key = DyadKey | PairKey | CoverageKey
AGGREGATES: dict[type[Any], tuple[str, Any]] = {
    DyadKey: ("alignments", alignment_row),
    PairKey: ("comentions", comention_row),
    CoverageKey: ("coverage", coverage_row),
}


def _window(key: Key) -> Row:
    """Return the columns that say which window a row is of."""
    return {
        "window_start": key.window_start,
        "window_end": key.window_start + SPAN[key.granularity],
        "granularity": key.granularity,
    }


def aggregate_row(key: Key, values: Iterable[Any]) -> tuple[str, Row]:
    """Return the dataset and the row of one key from what its stories add, in any order."""
    name, make = AGGREGATES[type(key)]
    return name, make(key, values)
