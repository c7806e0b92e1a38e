"""The choices that options offer; apart from what uses them, so that --help loads nothing heavy."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pipeline.errors import UserError


class Format(StrEnum):
    """The forms that a result can take."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Granularity(StrEnum):
    """The length of a publication window; weeks are ISO weeks from Monday, UTC."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


class Level(StrEnum):
    """Actors as named, or the states and organisations that they roll up to."""

    ACTOR = "actor"
    ROLLUP = "rollup"


class Voices(StrEnum):
    """Whose evidence counts: the outlet's and the source's own, or third parties' claims too."""

    DIRECT = "direct"
    ALL = "all"


class Stance(StrEnum):
    """What a source takes toward a target."""

    SUPPORTIVE = "supportive"
    OPPOSED = "opposed"
    NEUTRAL = "neutral"


# What `transforms.stances.evidence` counts; here, since importing it would load spaCy. A test
# holds the two together.
COUNTED_FACTUALITY = ("asserted", "planned")


class Reference(StrEnum):
    """The annotated references that actors and stances are measured against."""

    SEED = "seed"
    EVENT_CODING = "event-coding"
    DIRECTED_SENTIMENT = "directed-sentiment"
    GOLD = "gold"
    PHENOMENA = "phenomena"
    CASES = "cases"
    SWAP = "swap"
    ACTORS = "actors"
    OFFICE_HOLDERS = "office-holders"


class LogFormat(StrEnum):
    """How a process says what it does: lines for people, or one JSON object a line."""

    TEXT = "text"
    JSON = "json"


class Unit(StrEnum):
    """What can keep a schedule running."""

    SYSTEMD = "systemd"
    CRON = "cron"
    KUBERNETES = "kubernetes"


_FORMAT_OF_SUFFIX = {
    ".csv": Format.CSV,
    ".json": Format.JSON,
    ".jsonl": Format.JSON,
    ".ndjson": Format.JSON,
    ".parquet": Format.PARQUET,
    ".txt": Format.TABLE,
}


def choose_format(wanted: Format | None, to: Path | None, json: bool = False) -> Format:
    """Return the format that was asked for, else the one that the file's name says, else a table.

    Raises UserError where two flags disagree or the file's name says nothing.
    """
    if json and wanted not in (None, Format.JSON):
        raise UserError(f"--json and --format {wanted}: name one of them")
    if json:
        return Format.JSON
    if wanted or to is None:
        return wanted or Format.TABLE
    found = _FORMAT_OF_SUFFIX.get(to.suffix.lower())
    if found is None:
        raise UserError(f"--to {to}: name a --format, or end the name in .csv, .jsonl or .parquet")
    return found
