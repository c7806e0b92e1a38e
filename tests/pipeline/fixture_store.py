"""A small store of every dataset, written with the program's own writers, for tests to query."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from transforms.aggregate import alignment_row, comention_keys, comention_row, contributions
from transforms.ids import stable_id
from transforms.parquet_io import Row, partition_date, partition_path, write_rows
from transforms.schemas import DATASETS

GRANULARITIES = ("hour", "day", "week")
DEAD_BAND = 0.2
MIN_CONFIDENCE = 0.5
VERSION = "c0ffee00c0ffee00"

STATES = {
    "RUS": ("Russia", "RU", ["Russia", "Russian Federation", "Kremlin", "Moscow"]),
    "UKR": ("Ukraine", "UA", ["Ukraine", "Kyiv", "Kiev"]),
    "USA": ("United States", "US", ["United States", "Washington", "America"]),
    "CHN": ("China", "CN", ["China", "Beijing"]),
    "TUR": ("Türkiye", "TR", ["Türkiye", "Turkey", "Ankara"]),
    "IRN": ("Iran", "IR", ["Iran", "Tehran"]),
}

# One line a piece of evidence: story, source, target, stance, voice, score, confidence, and what
# differs from a plain asserted statement.
SENTENCES: list[tuple[str, str, str, str, str, float, float, str, str, dict[str, Any]]] = [
    ("grain", "RUS", "UKR", "opposed", "outlet", -0.8, 0.9, "condemned",
     "Russia condemned Ukraine over the grain blockade.", {}),
    ("grain", "USA", "UKR", "supportive", "source", 0.7, 0.8, "backs",
     "Washington backs Ukraine, the envoy said.", {}),
    ("grain", "RUS", "UKR", "supportive", "outlet", 0.6, 0.3, "thanked",
     "Russia thanked Ukraine for the corridor.", {"counted": False}),
    ("pact", "CHN", "RUS", "supportive", "outlet", 0.9, 0.95, "signed a pact with",
     "China signed a pact with Russia on Monday.", {}),
    ("pact", "CHN", "RUS", "opposed", "outlet", -0.8, 0.9, "criticised",
     "China criticised Russia over the delays.", {}),
    ("pact", "USA", "CHN", "opposed", "third_party", -0.5, 0.7, "threatens",
     "Russia said the United States threatens China.", {"speaker_actor": "RUS"}),
    ("talks", "vladimir-putin", "USA", "opposed", "source", -0.6, 0.85, "accused",
     "Putin accused the United States of meddling.", {"source_rollup": "RUS", "quoted": True}),
    ("talks", "USA", "RUS", "neutral", "outlet", 0.0, 0.6, "met",
     "The United States met Russia in Geneva.", {}),
    ("talks", "USA", "RUS", "opposed", "outlet", -0.9, 0.9, "had sanctioned",
     "The United States had sanctioned Russia in 2014.", {"is_background": True, "counted": False}),
    ("talks", "USA", "RUS", "supportive", "outlet", 0.8, 0.9, "did not praise",
     "The United States did not praise Russia.", {"factuality": "negated", "counted": False}),
    ("drill", "CHN", "USA", "opposed", "outlet", -0.7, 0.55, "warned",
     "China warned America against the drill.", {}),
]  # fmt: skip

STORIES = {
    "grain": (datetime(2026, 11, 1, 9, tzinfo=UTC), ["Harbour Wire", "Northern Post"]),
    "pact": (datetime(2026, 11, 2, 12, 30, tzinfo=UTC), ["Harbour Wire"]),
    "talks": (datetime(2026, 11, 2, 12, 45, tzinfo=UTC), ["Northern Post"]),
    "drill": (datetime(2026, 11, 8, 23, 59, tzinfo=UTC), ["Gulf Ledger"]),
}


def build_store(root: Path) -> Path:
    """Write every dataset but `rejects` and `story_aliases` under `root` and return it."""
    stances = stance_rows()
    rows: dict[str, list[Row]] = {
        "stances": stances,
        "articles": article_rows(),
        "alignments": list(_alignments(stances)),
        "actors": actor_rows(),
        "outlets": [
            {"outlet": name, "name": name, "domain": None, "country": None, "language": "en"}
            for name in sorted({o for _, outlets in STORIES.values() for o in outlets})
        ],
        "coverage": coverage_rows(),
        "runs": [run_row()],
    }
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in comention_keys(rows["articles"], GRANULARITIES):
        groups[key].append(value)
    rows["comentions"] = [comention_row(key, values) for key, values in groups.items()]
    for name, found in rows.items():
        write_dataset(root, name, found)
    return root


def write_dataset(root: Path, name: str, rows: list[Row]) -> None:
    """Write rows of one dataset, one file a partition."""
    dataset = DATASETS[name]
    parts: dict[str | None, list[Row]] = defaultdict(list)
    for row in rows:
        parts[partition_date(dataset, row)].append(row)
    for day, part in parts.items():
        write_rows(dataset, part, partition_path(root, dataset, day))


def _story_id(story: str) -> str:
    return stable_id("story", story)


def stance_rows() -> list[Row]:
    """Return the rows of `stances`."""
    return [_stance(number, *line) for number, line in enumerate(SENTENCES)]


def _stance(
    number: int,
    story: str,
    source: str,
    target: str,
    stance: str,
    voice: str,
    score: float,
    confidence: float,
    trigger: str,
    sentence: str,
    other: dict[str, Any],
) -> Row:
    published, outlets = STORIES[story]
    trigger_start = sentence.index(trigger)
    source_end = trigger_start - 1
    target_start = trigger_start + len(trigger) + 1
    return {
        "stance_id": stable_id("stance", str(number)),
        "article_id": stable_id("article", story, outlets[0]),
        "story_id": _story_id(story),
        "article_revision": 1,
        "published_at": published,
        "article_published_at": published,
        "outlet": outlets[0],
        "url": f"https://{outlets[0].lower().replace(' ', '-')}.example/{story}",
        "source_actor": source,
        "source_rollup": source,
        "target_actor": target,
        "target_rollup": target,
        "stance": stance,
        "kind": "statement",
        "voice": voice,
        "speaker_actor": None,
        "quoted": False,
        "factuality": "asserted",
        "is_background": False,
        "score": score,
        "confidence": confidence,
        "p_supportive": max(score, 0.0),
        "p_opposed": max(-score, 0.0),
        "p_neutral": 1 - abs(score),
        "grammar_vote": stance,
        "learned_vote": None,
        "trigger": trigger,
        "path": "nsubj-dobj",
        "sentence": sentence,
        "sentence_hash": stable_id(sentence),
        "source_start": 0,
        "source_end": source_end,
        "target_start": target_start,
        "target_end": len(sentence) - 1,
        "trigger_start": trigger_start,
        "trigger_end": trigger_start + len(trigger),
        "counted": True,
        "story_articles": len(outlets),
        "story_outlets": outlets,
        "coding_version": VERSION,
    } | other


def _alignments(stances: list[Row]) -> list[Row]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in contributions(stances, GRANULARITIES, DEAD_BAND):
        groups[key].append(value)
    return [alignment_row(key, values) for key, values in groups.items()]


def article_rows() -> list[Row]:
    """Return the rows of `articles`: one a story and outlet, the first canonical."""
    rows = []
    for story, (published, outlets) in STORIES.items():
        lines = [line for line in SENTENCES if line[0] == story]
        actors = sorted({a for line in lines for a in (line[1], line[2])})
        rollups = sorted({"RUS" if a == "vladimir-putin" else a for a in actors})
        for number, outlet in enumerate(outlets):
            moment = published + timedelta(hours=number)
            rows.append(
                {
                    "article_id": stable_id("article", story, outlet),
                    "story_id": _story_id(story),
                    "is_canonical": number == 0,
                    "revision": 1,
                    "url": f"https://{outlet.lower().replace(' ', '-')}.example/{story}",
                    "canonical_url": None,
                    "guid": None,
                    "feed_url": None,
                    "origin": f"feeds/{story}.xml#{number + 1}",
                    "outlet": outlet,
                    "title": f"The {story} story",
                    "author": None,
                    "language": "en",
                    "published_at": moment,
                    "published_at_source": "feed",
                    "modified_at": None,
                    "first_seen_at": moment + timedelta(minutes=5),
                    "text": " ".join(line[8] for line in lines),
                    "text_source": "feed",
                    "word_count": 42,
                    "content_hash": stable_id(story),
                    "signature": bytes(range(8)),
                    "flags": ["recovered"] if number else [],
                    "analysed": True,
                    "own_sentences": [0, 1],
                    "actors": actors,
                    "rollups": rollups,
                    "story_published_at": published,
                    "story_articles": len(outlets),
                    "story_outlets": outlets,
                    "story_actors": actors,
                    "story_rollups": rollups,
                    "coding_version": VERSION,
                }
            )
    return rows


def actor_rows() -> list[Row]:
    """Return the rows of `actors`: six states and one person who belongs to one of them."""
    rows: list[Row] = [
        {
            "actor": iso3,
            "type": "state",
            "name": name,
            "names": names,
            "iso2": iso2,
            "iso3": iso3,
            "cameo": iso3,
            "rollups": [],
            "in_catalog": True,
        }
        for iso3, (name, iso2, names) in STATES.items()
    ]
    rows.append(
        {
            "actor": "vladimir-putin",
            "type": "person",
            "name": "Vladimir Putin",
            "names": ["Vladimir Putin", "Putin"],
            "iso2": None,
            "iso3": None,
            "cameo": None,
            "rollups": [{"rollup": "RUS", "from": "2012-05-07", "to": None}],
            "in_catalog": True,
        }
    )
    return rows


def coverage_rows() -> list[Row]:
    """Return one day's `coverage` of one outlet."""
    start = datetime(2026, 11, 1, tzinfo=UTC)
    return [
        {
            "window_start": start,
            "window_end": start + timedelta(days=1),
            "granularity": "day",
            "outlet": "Harbour Wire",
            "feed_url": "",
            "language": "en",
            "fetched": 1,
            "analysed": 1,
            "copies": 0,
            "stories": 1,
            "rejects": 0,
        }
    ]


def run_row() -> Row:
    """Return the one row of `runs`."""
    start = datetime(2026, 11, 9, 6, tzinfo=UTC)
    return {
        "run_id": stable_id("run"),
        "started_at": start,
        "finished_at": start + timedelta(seconds=12),
        "status": "done",
        "command": "newsalign run",
        "config_hash": "0" * 16,
        "coding_version": VERSION,
        "versions": [("newsalign", "0.1.0")],
        "counts": [("articles", 5), ("stances", 11)],
    }
