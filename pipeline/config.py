"""The one config model: a TOML file, flags over it, and errors that name the file and the key."""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field, ValidationError, field_validator

from transforms.resources import config_dir, resolve_config_path
from transforms.settings import (
    ActorSettings,
    AggregateSettings,
    CleanSettings,
    DeduplicateSettings,
    FeedSettings,
    NetworkSettings,
    Positive,
    ReadSettings,
    Section,
    StanceSettings,
)


class ConfigError(Exception):
    """A config that can't be used; its text is one line that names the file and the key."""


class InputSettings(Section):
    """What a run reads: files, folders, globs and feed URLs."""

    paths: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    feed_lists: tuple[str, ...] = ()
    outlets: str = "outlets.toml"
    exclude: tuple[str, ...] = ("README*", "gold.jsonl", ".*", "_*")


class OutputSettings(Section):
    """Where the Parquet store lies."""

    path: str = "out"
    journal_keep_days: Annotated[int, Field(ge=0)] = 7


class RunnerSettings(Section):
    """How Beam runs the graph."""

    name: str = "DirectRunner"
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    options: tuple[str, ...] = ()
    batch_articles: Positive = 20_000
    job_timeout_s: Annotated[float, Field(gt=0)] = 21_600.0


class RunSettings(Section):
    """The clock of a run; pinned for reproducible runs and tests."""

    now: datetime | None = None

    @field_validator("now")
    @classmethod
    def _zone_is_utc(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ScheduleSettings(Section):
    """When `newsalign schedule` starts runs, and where it says how they went."""

    every: str = "15m"
    cron: str = ""
    timezone: str = "UTC"
    jitter_s: Annotated[float, Field(ge=0, le=86_400)] = 30.0
    retry_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    listen: str = ""


class StreamSettings(Section):
    """How `newsalign stream` cuts arrival into batches and looks for news; times in seconds."""

    runner: str = "PrismRunner"
    options: tuple[str, ...] = ()
    prism: str = ""
    window_s: Annotated[float, Field(ge=1)] = 10.0
    tick_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    shards: Positive = 4
    watch_s: Annotated[float, Field(ge=0.1)] = 2.0
    settle_s: Annotated[float, Field(ge=0)] = 2.0
    parts_per_day: Annotated[int, Field(ge=1, le=1_440)] = 144
    listen: str = ""


class Config(Section):
    """The whole configuration; `configs/newsalign.toml` documents every key."""

    input: InputSettings = InputSettings()
    output: OutputSettings = OutputSettings()
    runner: RunnerSettings = RunnerSettings()
    run: RunSettings = RunSettings()
    stream: StreamSettings = StreamSettings()
    network: NetworkSettings = NetworkSettings()
    feeds: FeedSettings = FeedSettings()
    read: ReadSettings = ReadSettings()
    clean: CleanSettings = CleanSettings()
    deduplicate: DeduplicateSettings = DeduplicateSettings()
    actors: ActorSettings = ActorSettings()
    stances: StanceSettings = StanceSettings()
    aggregate: AggregateSettings = AggregateSettings()
    schedule: ScheduleSettings = ScheduleSettings()

    def catalog_paths(self, base: Path | None = None) -> list[Path]:
        """Return the catalog's files and folders; a missing one is a ConfigError."""
        return [_existing("actors.catalog", name, base) for name in self.actors.catalog]

    def lexicon_path(self, base: Path | None = None) -> Path:
        """Return the stance lexicon's file; a missing one is a ConfigError."""
        return _existing("stances.lexicon", self.stances.lexicon, base)

    def model_path(self, base: Path | None = None) -> Path | None:
        """Return the stance model's folder, None for the shipped one; ConfigError if missing."""
        name = self.stances.model
        return _existing("stances.model", name, base).absolute() if name else None

    def stance_settings(self, base: Path | None = None) -> StanceSettings:
        """Return `stances` with the model's whole path, which means the same in any process."""
        folder = self.model_path(base)
        return self.stances.model_copy(update={"model": str(folder or "")})

    def outlets_path(self, base: Path | None = None) -> Path:
        """Return the file that describes outlets; a missing one is a ConfigError."""
        return _existing("input.outlets", self.input.outlets, base)

    def check_files(self, base: Path | None = None) -> None:
        """Raise ConfigError where a file that this names is missing: catalog, lexicon, model…"""
        self.catalog_paths(base)
        self.model_path(base)
        self.lexicon_path(base)
        self.outlets_path(base)

    def fingerprint(self) -> str:
        """Return a hash of every value, 16 hex digits."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()


def _existing(key: str, name: str, base: Path | None) -> Path:
    try:
        return resolve_config_path(name, base)
    except FileNotFoundError as error:
        raise ConfigError(f"{key}: {error}") from None


def default_config_path() -> Path:
    """Return the shipped, documented config."""
    return config_dir() / "newsalign.toml"


def load_config(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Return the validated config of a TOML file (the shipped one by default) and flags over it.

    `overrides` maps dotted keys ("deduplicate.min_jaccard") to values; a string value is read as
    TOML where it parses as TOML and fits, else taken as it is. Raises ConfigError.
    """
    source = path or default_config_path()
    data = _read_toml(source)
    for dotted, value in (overrides or {}).items():
        _set_key(data, dotted, value)
    flags = frozenset(overrides or {})
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_first_line(error, str(source), flags)) from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such config file") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder, not a config file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def _set_key(data: dict[str, Any], dotted: str, value: Any) -> None:
    section, _, key = dotted.partition(".")
    if not key:
        raise ConfigError(f"--set {dotted}: name a key as section.key")
    table = data.setdefault(section, {})
    if not isinstance(table, dict):
        raise ConfigError(f"--set {dotted}: {section} is not a section")
    table[key] = _toml_value(value) if isinstance(value, str) else value


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _first_line(error: ValidationError, source: str, flags: frozenset[str]) -> str:
    problems = error.errors()
    first = problems[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join(path)
    named = {flag for flag in flags if flag == key or flag.split(".")[0] == key}
    where = "command line" if ".".join(path[:2]) in flags or named else source
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(path[-1], _known_keys(path[:-1]), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return f"{where}: {key}: unknown key{hint}{more}"
    message = first["msg"][:1].lower() + first["msg"][1:]
    return f"{where}: {key}: {message}, got {_shown(first['input'])}{more}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _known_keys(path: list[str]) -> list[str]:
    model: type[BaseModel] = Config
    for part in path:
        field = model.model_fields.get(part)
        if field is None:
            return []
        kinds = [field.annotation, *get_args(field.annotation)]
        nested = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)
        if nested is None:
            return []
        model = nested
    return list(model.model_fields)
