"""The order of arrival makes no difference: whole jobs over one corpus, cut and mixed otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.config import load_config
from pipeline.run import run
from pipeline.warm import WarmJobs

pytestmark = pytest.mark.job

DAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
PACT = [
    "Veldania condemned Torrin on Monday over the closure of the northern fishing lane, which had "
    "been open to the boats of both countries since the treaty of 1974.",
    "The Veldanian government said that the closure had cost its crews a month of income and that "
    "it would ask the regional court for an order before the end of the season.",
    "Arvena supports Torrin, its foreign ministry said in a short note, because the cod stocks had "
    "fallen to a level at which no fleet should be allowed to work the lane at all.",
    "Harbour officials in Port Sarn counted sixty boats at their moorings on Monday evening, and "
    "the auction hall, which feeds most of the town, stayed shut for a third day.",
]
ADDED = "Maskel praised Veldania for its patience and offered to lend the crews its own licences."
HARVEST = [
    "Torrin accused Arvena on Tuesday of holding back the water of the upper river, which fills "
    "the canals of the southern plain from which nearly all of its barley comes.",
    "Engineers measured the flow at a third of what it was in the same week of last year, and the "
    "farmers' league asked for the sluices to be opened for ten days at least.",
    "Arvena rejected the claim and said that the winter had been the driest since the records of "
    "the dam began, so that there was little water that anybody could have held back.",
]
OTHER = [sentence.replace("Torrin", "Maskel") for sentence in HARVEST]

# Article: hours after DAY, and text. Stories are written by their first letter.
ARTICLES: dict[str, tuple[float, str]] = {
    "pact-0": (0, "\n\n".join(PACT)),
    "pact-1": (3, "PORT SARN (Harbour Wire) - " + "\n\n".join(PACT)),
    "pact-2": (30, "\n\n".join(PACT[:3])),
    "pact-3": (50, "\n\n".join([*PACT, ADDED])),
    # Too late for the first two, but for the one between.
    "pact-4": (180, "\n\n".join([PACT[0], PACT[2], PACT[1], PACT[3]])),
    # Ten days after the last of its copies: the same words, and another story.
    "late-0": (400, "\n\n".join(PACT)),
    "water-0": (20, "\n\n".join(HARVEST)),
    "water-1": (26, "\n\n".join([*HARVEST, "Read the evening edition for more."])),
    "other-0": (22, "\n\n".join(OTHER)),
}
TITLES = ["Lane closed", "Boats stay at home", "A quarrel at sea", "Court to hear of lane"]


def write(path: Path, names: Sequence[str]) -> Path:
    lines = []
    for name in names:
        hours, text = ARTICLES[name]
        article = {
            "id": name,
            "url": f"https://{name}.example/{name}",
            "outlet": f"{name}.example",
            "title": TITLES[int(name[-1]) % len(TITLES)],
            "text": text,
            "published_at": (DAY + timedelta(hours=hours)).isoformat(),
        }
        lines.append(json.dumps(article))
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def jobs() -> Iterator[WarmJobs]:
    with WarmJobs() as warm:
        yield warm


def arrive(folder: Path, batches: Sequence[Sequence[str]], jobs: WarmJobs) -> Path:
    """Run the program once a batch, into one store."""
    store = folder / "out"
    actors = Path(__file__).parents[1] / "data" / "invented_actors.json"
    for names in batches:
        overrides: dict[str, Any] = {
            "input.paths": [str(write(folder / f"{names[0]}.jsonl", names))],
            "output.path": str(store),
            "actors.catalog": [str(actors)],
            "runner.workers": 1,
            "run.now": (DAY + timedelta(days=30)).isoformat(),
        }
        run(load_config(None, overrides), jobs=jobs)
    return store


def articles(store: Path) -> dict[str, dict[str, Any]]:
    """Return what is settled of each article, by the name that its input gave it."""
    columns = ["outlet", "article_id", "story_id", "is_canonical", "own_sentences",
               "story_articles", "published_at"]  # fmt: skip
    table = pl.read_parquet(store / "articles" / "**" / "*.parquet", hive_partitioning=False)
    rows = table.select(columns).to_dicts()
    return {row["outlet"].removesuffix(".example"): row for row in rows}


def results(store: Path) -> dict[str, bytes]:
    return {
        path.relative_to(store).as_posix(): path.read_bytes()
        for name in ("stances", "alignments", "comentions")
        for path in sorted((store / name).rglob("*.parquet"))
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, jobs: WarmJobs) -> Path:
    return arrive(tmp_path_factory.mktemp("whole"), [list(ARTICLES)], jobs)


def test_copies_are_one_story_within_the_horizon(whole: Path) -> None:
    found = articles(whole)
    groups: dict[str, set[str]] = {}
    for name, row in found.items():
        groups.setdefault(row["story_id"], set()).add(name)
    assert sorted(map(sorted, groups.values())) == [
        ["late-0"],
        ["other-0"],
        ["pact-0", "pact-1", "pact-2", "pact-3", "pact-4"],
        ["water-0", "water-1"],
    ]
    firsts = {name for name, row in found.items() if row["is_canonical"]}
    assert firsts == {"pact-0", "late-0", "water-0", "other-0"}


def test_only_what_its_story_lacked_is_analysed_of_a_copy(whole: Path) -> None:
    found = articles(whole)
    stances = pl.read_parquet(whole / "stances" / "**" / "*.parquet", hive_partitioning=False)
    read = set(stances["article_id"])
    names = {name for name, row in found.items() if row["article_id"] in read}
    assert {"pact-0", "pact-3", "water-0"} <= names
    assert not names & {"pact-1", "pact-2", "pact-4", "water-1"}
    of_copy = stances.filter(pl.col("article_id") == found["pact-3"]["article_id"])
    assert set(of_copy["sentence"]) == {ADDED}


def test_another_order_gives_the_same_bytes(whole: Path, jobs: WarmJobs, tmp_path: Path) -> None:
    """Two stories that a later batch joins, then a new first article, in a window of its own."""
    batches = [
        ["late-0", "pact-4", "other-0", "water-1", "pact-1"],
        ["pact-3", "pact-2"],
        ["water-0", "pact-0"],
    ]
    assert sorted(name for batch in batches for name in batch) == sorted(ARTICLES)
    store = arrive(tmp_path, batches[:1], jobs)
    apart = articles(store)
    assert apart["pact-1"]["story_id"] != apart["pact-4"]["story_id"]
    arrive(tmp_path, batches[1:], jobs)
    assert articles(store) == articles(whole)
    assert results(store) == results(whole)
    aliases = pl.read_parquet(store / "story_aliases" / "*.parquet")
    assert {apart[name]["story_id"] for name in ("pact-1", "pact-4", "water-1")} <= set(
        aliases["alias"]
    )
    assert set(aliases["story_id"]) <= {row["story_id"] for row in articles(store).values()}
