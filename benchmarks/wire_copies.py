"""Corpora of wire copies of any size with known truth.

A story is one original and its copies, each edited as outlets do; story sizes are heavy-tailed.
Originals are written by a grammar, but for some that are the articles in `seeds/`, each once.
Distractors must not join anything: articles about the same event, filled-in templates (markets,
weather, matches, statements, live blogs), round-ups that quote the leads of several stories.
`python -m benchmarks.wire_copies --articles 1000` prints one as JSON lines; `--rate NAME=NUMBER`
changes one of `Rates`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.news_grammar import (
    CITIES,
    DAYS,
    FIRST,
    LAST,
    SPELLINGS,
    STATES,
    TEMPLATES,
    Writer,
)
from transforms.ids import stable_id
from transforms.settings import CleanSettings, ReadSettings

SEEDS: Final = Path(__file__).resolve().parents[1] / "seeds"
EPOCH: Final = datetime(2026, 2, 2, tzinfo=UTC)  # a Monday
OUTLETS: Final = tuple(
    f"{first} {second}"
    for first in ("Daily", "Evening", "Morning", "National", "Coastal", "Northern", "Free", "Metro")
    for second in (
        "Courier",
        "Ledger",
        "Observer",
        "Tribune",
        "Beacon",
        "Gazette",
        "Record",
        "Mail",
    )
)
AGENCY: Final = "Harbour Wire"


@dataclass(frozen=True, slots=True)
class Rates:
    """How often a copy carries each edit, and what share of stories are of each kind (0 to 1).

    `samples` is the share whose original is an article of `seeds/`, while there are any left;
    `templates`, `same_event` and `round_ups` are distractors. Sizes of stories are Pareto's, with
    `tail_index` and cut at `max_story`.
    """

    headline: float = 0.8
    cut_tail: float = 0.35
    added: float = 0.2
    dateline: float = 0.6
    intro: float = 0.12
    reordered: float = 0.1
    light: float = 0.4
    credit: float = 0.3
    templates: float = 0.12
    same_event: float = 0.05
    round_ups: float = 0.005
    samples: float = 0.01
    tail_index: float = 1.4
    max_story: int = 10_000


RATE_NAMES: Final = tuple(column.name for column in fields(Rates))


@dataclass(frozen=True, slots=True)
class WireArticle:
    """One generated article; `story` is the truth. It has what `NearPairs` reads of an article."""

    item_id: str
    story: str
    outlet: str
    title: str
    text: str
    published_at: datetime
    fetched_at: datetime
    edits: tuple[str, ...]


def corpus(size: int, seed: int = 1, rates: Rates | None = None) -> Iterator[WireArticle]:
    """Yield exactly `size` articles, a function of the arguments alone."""
    rates = rates or Rates()
    # One story shall not be half of a small corpus.
    rates = replace(rates, max_story=min(rates.max_story, max(2, size // 10)))
    random = Random(seed)
    made = 0
    story = 0
    recent: list[WireArticle] = []
    seen: set[str] = set()
    samples = list(sample_articles()) if rates.samples else []
    Random(seed).shuffle(samples)
    while made < size:
        for article in _next_articles(random, rates, story, recent, seen, samples):
            if made == size:
                return
            made += 1
            yield article
        story += 1


def _next_articles(
    random: Random,
    rates: Rates,
    story: int,
    recent: list[WireArticle],
    seen: set[str],
    samples: list[tuple[str, str]],
) -> Iterator[WireArticle]:
    name = f"s{story}"
    chance = random.random()
    if chance < rates.templates:
        original = template_article(random, name)
        while original.item_id in seen:  # two equal fillings would be one story
            original = template_article(random, name)
        seen.add(original.item_id)
    elif chance < rates.templates + rates.same_event and recent:
        original = same_event(random, name, random.choice(recent))
    elif chance < rates.templates + rates.same_event + rates.round_ups and len(recent) > 3:
        yield round_up(random, name, random.sample(recent, 3))
        return  # an outlet's own: nobody copies it
    elif chance >= 1 - rates.samples and samples:
        original = replace(_article(random, name, *samples.pop()), edits=("sample",))
    else:
        original = event_article(random, name)
        recent.append(original)
        del recent[:-200]
    yield original
    for copy in range(story_size(random, rates) - 1):
        yield edited_copy(random, original, copy, rates)


@cache
def sample_articles() -> tuple[tuple[str, str], ...]:
    """Return the (title, text) of one article of each story in `seeds/`, the longest it has."""
    from pipeline.evaluation.gold import latest_articles
    from pipeline.evaluation.reference import read_lines

    articles = latest_articles(SEEDS, ReadSettings(), CleanSettings())
    longest: dict[str, tuple[str, str]] = {}
    for row in read_lines(SEEDS / "gold.jsonl"):
        found = articles.get(row["key"]) if row["kind"] == "article" and row["analysed"] else None
        if found and len(found.text) > len(longest.get(row["story"], ("", ""))[1]):
            longest[row["story"]] = found.title, found.text
    return tuple(longest[story] for story in sorted(longest))


def story_size(random: Random, rates: Rates) -> int:
    """Return a story's number of articles: Pareto-tailed, so that few stories have most copies."""
    return min(rates.max_story, int(random.paretovariate(rates.tail_index)))


def event_article(random: Random, story: str) -> WireArticle:
    """Return an original article of 8 to 20 sentences."""
    writer = Writer(random)
    sentences = [writer.sentence("lead")]
    sentences += [writer.sentence("body_sentence") for _ in range(random.randint(7, 19))]
    return _article(random, story, writer.sentence("headline"), _paragraphs(random, sentences))


def same_event(random: Random, story: str, other: WireArticle) -> WireArticle:
    """Return another outlet's own article on the same event: it shares a quote, not the text."""
    own = event_article(random, story)
    shared = random.choice(other.text.split("\n\n"))
    paragraphs = own.text.split("\n\n")
    paragraphs.insert(random.randint(1, len(paragraphs)), shared)
    return replace(
        own,
        title=other.title,
        text="\n\n".join(paragraphs),
        published_at=other.published_at + timedelta(hours=random.uniform(0, 12)),
        edits=("same event",),
    )


def round_up(random: Random, story: str, others: list[WireArticle]) -> WireArticle:
    """Return a round-up: the first paragraphs of several stories under one headline."""
    parts = ["\n\n".join(other.text.split("\n\n")[:2]) for other in others]
    text = "\n\n".join(["Here is what you need to know this morning.", *parts])
    return replace(
        _article(random, story, "Morning briefing", text),
        published_at=max(other.published_at for other in others),
        edits=("round-up",),
    )


def template_article(random: Random, story: str) -> WireArticle:
    """Return one filling of a template; each is a story of its own."""
    name = random.choice(tuple(TEMPLATES))
    title, text = TEMPLATES[name]["title"], TEMPLATES[name]["text"]
    states, cities = random.sample(STATES, 2), random.sample(CITIES, 2)
    people = [f"{random.choice(FIRST)} {random.choice(LAST)}" for _ in range(3)]
    numbers = {name: f"{random.uniform(0.1, 9.9):.1f}" for name in ("p", "p2", "p3", "p4", "x")}
    wholes = {
        name: str(random.randint(1, 59))
        for name in ("t", "t2", "t3", "w", "m", "m2", "min", "min2")
    }
    values = {
        **numbers,
        **wholes,
        "S": states[0],
        "S2": states[1],
        "city": cities[0],
        "city2": cities[1],
        "P": people[0],
        "P2": people[1],
        "P3": people[2],
        "co": f"{random.choice(LAST)} Steel",
        "co2": f"{random.choice(LAST)} Lines",
        "day": random.choice(DAYS),
        "dir": random.choice(("higher", "lower")),
        "dir2": random.choice(("up", "down")),
        "big": f"{random.uniform(1_000, 9_999):,.2f}",
        "n": f"{random.randint(1_000, 60_000):,}",
        "fx": f"{random.uniform(0.5, 30):.3f}",
        "sky": random.choice(("sunny", "cloudy", "overcast", "rainy", "foggy")),
        "wind": random.choice(("north", "south", "east", "west")),
        "p0": str(random.randint(0, 100)),
        "h": str(random.randint(4, 9)),
        "h2": str(random.randint(16, 21)),
        "g": str(random.randint(0, 6)),
        "g2": str(random.randint(0, 6)),
        "verb": random.choice(("condemning", "welcoming")),
        "verb2": random.choice(("supports", "opposes")),
        "thing": random.choice(("toll", "embargo", "tariff", "inspection regime", "fishing ban")),
    }
    made = _article(random, story, title.format(**values), text.format(**values))
    return replace(made, edits=(f"template {name}",))


def edited_copy(random: Random, original: WireArticle, number: int, rates: Rates) -> WireArticle:
    """Return a copy of an original under each edit at its rate."""
    outlet = random.choice(OUTLETS)
    paragraphs = original.text.split("\n\n")
    title, edits = original.title, []
    if random.random() < rates.headline:
        title = Writer(random).sentence("headline")
        edits.append("headline")
    if random.random() < rates.light:
        paragraphs = light_edits(random, paragraphs, original, outlet)
        edits.append("light")
    if random.random() < rates.cut_tail and len(paragraphs) > 2:
        keep = max(2, round(len(paragraphs) * random.uniform(0.4, 0.9)))
        paragraphs = paragraphs[:keep]
        edits.append("cut")
    if random.random() < rates.added and len(original.text) > 1_000:
        paragraphs += added_paragraphs(random)
        edits.append("added")
    if random.random() < rates.reordered and len(paragraphs) > 3:
        middle = paragraphs[1:]
        random.shuffle(middle)
        paragraphs = [paragraphs[0], *middle]
        edits.append("reordered")
    if random.random() < rates.dateline:
        paragraphs[0] = f"{dateline(random)} {paragraphs[0]}"
        edits.append("dateline")
    if random.random() < rates.intro and len(original.text) > 600:
        paragraphs.insert(0, house_intro(random, outlet))
        edits.append("intro")
    if random.random() < rates.credit:
        paragraphs.append(credit(random))
        edits.append("credit")
    published = original.published_at + timedelta(hours=min(random.expovariate(1 / 8), 120))
    return WireArticle(
        item_id=stable_id("wire", original.story, str(number), original.item_id),
        story=original.story,
        outlet=outlet,
        title=title,
        text="\n\n".join(paragraphs),
        published_at=published,
        fetched_at=published + timedelta(minutes=5),
        edits=(*original.edits, *edits),
    )


def light_edits(
    random: Random, paragraphs: list[str], original: WireArticle, outlet: str
) -> list[str]:
    """Return the paragraphs with other spellings, dates for weekdays, or the outlet's name."""
    edited = list(paragraphs)
    if random.random() < 0.6:
        for british, american in SPELLINGS:
            edited = [part.replace(british, american) for part in edited]
    if random.random() < 0.5:
        for ahead, day in enumerate(DAYS):
            when = EPOCH + timedelta(days=ahead)
            edited = [part.replace(f"on {day}", f"on {when:%b}. {when.day}") for part in edited]
    if random.random() < 0.5:
        edited = [part.replace("told reporters", f"told the {outlet}") for part in edited]
    if random.random() < 0.3:
        edited = [part.replace("\u201c", '"').replace("\u201d", '"') for part in edited]
    return edited


def added_paragraphs(random: Random) -> list[str]:
    """Return one or two paragraphs that only this outlet has."""
    writer = Writer(random)
    return [
        " ".join(writer.sentence("body_sentence") for _ in range(random.randint(1, 3)))
        for _ in range(random.randint(1, 2))
    ]


def dateline(random: Random) -> str:
    """Return one of the forms in which outlets say where a text comes from."""
    city = random.choice(CITIES)
    return random.choice(
        (
            f"{city.upper()} ({AGENCY}) -",
            f"{city.upper()} \u2014",
            f"{city.upper()}, Feb. 3 ({AGENCY}) --",
            f"{city} ({AGENCY}) \u2013",
            f"({AGENCY}) -",
        )
    )


def house_intro(random: Random, outlet: str) -> str:
    """Return what an outlet puts before another's text."""
    return random.choice(
        (
            f"The {outlet} brings you this report from its partners abroad.",
            f"The {outlet} republishes this story with permission from its first publisher.",
            f"Good evening from the {outlet}. Our editors chose this report for you today.",
        )
    )


def credit(random: Random) -> str:
    """Return who wrote it, as agencies put it under a text."""
    one, other = (f"{random.choice(FIRST)[0]}. {random.choice(LAST)}" for _ in range(2))
    return random.choice(
        (
            f"(Reporting by {one}; editing by {other})",
            f"(Additional reporting by {one} in {random.choice(CITIES)})",
            f"[Edited by {other}]",
        )
    )


def _paragraphs(random: Random, sentences: list[str]) -> str:
    parts, start = [], 0
    while start < len(sentences):
        size = random.randint(1, 3)
        parts.append(" ".join(sentences[start : start + size]))
        start += size
    return "\n\n".join(parts)


def _article(random: Random, story: str, title: str, text: str) -> WireArticle:
    published = EPOCH + timedelta(minutes=random.uniform(0, 20 * 24 * 60))
    return WireArticle(
        item_id=stable_id("wire", text),
        story=story,
        outlet=random.choice(OUTLETS),
        title=title,
        text=text,
        published_at=published,
        fetched_at=published + timedelta(minutes=5),
        edits=(),
    )


def add_corpus_options(parser: argparse.ArgumentParser, articles: int) -> None:
    """Add the options that say which corpus is made; `articles` is the default size."""
    parser.add_argument("--articles", type=int, default=articles)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--rate",
        type=rate,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help=f"repeatable: {', '.join(RATE_NAMES)}",
    )


def rate(given: str) -> tuple[str, Any]:
    """Return the name and value of a rate given as NAME=NUMBER."""
    name, _, number = given.partition("=")
    if name not in RATE_NAMES:
        raise argparse.ArgumentTypeError(f"no rate {name!r}; there are {', '.join(RATE_NAMES)}")
    of_sizes = name in ("tail_index", "max_story")
    value = int(number) if name == "max_story" else float(number)
    if not (value > 0 if of_sizes else 0 <= value <= 1):
        raise argparse.ArgumentTypeError(f"{given}: {'over 0' if of_sizes else '0 to 1'} is wanted")
    return name, value


def corpus_of(options: argparse.Namespace) -> list[WireArticle]:
    """Return the corpus that the options ask for."""
    return list(corpus(options.articles, options.seed, replace(Rates(), **dict(options.rate))))


def main() -> None:
    """Write a corpus as JSON lines to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_corpus_options(parser, 1_000)
    options = parser.parse_args()
    for article in corpus_of(options):
        sys.stdout.write(json.dumps(asdict(article), default=str, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
