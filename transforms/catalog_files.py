"""Catalog files to raw entries: TOML, CSV and JSON, each error with its file, line and key.

The formats are described in `configs/actors/README.md`.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

ActorType = Literal["state", "organisation", "bloc", "group", "party", "company", "media", "person"]
Role = Literal[
    "head_of_state",
    "head_of_government",
    "foreign_minister",
    "defence_minister",
    "spokesperson",
    "leader",
    "minister",
    "envoy",
    "other",
]
ACTOR_TYPES: tuple[str, ...] = get_args(ActorType)
ROLES: tuple[str, ...] = get_args(Role)
WORDS_FILE = "titles.toml"
MAX_FILE_BYTES = 50_000_000

_LIST_KEYS = ("names", "demonyms", "capital", "seats", "aliases", "ambiguous", "kind_noun")
_TEXT_KEYS = ("type", "name", "rollup", "cameo", "iso2", "iso3")
_PERSON_HEADER = ("id", "name", "aliases", "rollup", "role", "from", "to")
_DATE = re.compile(r"^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$")


class CatalogError(ValueError):
    """A catalog file that cannot be used; the message names file, line and key."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """One stretch of time for which an actor belongs to another; `end` None while it lasts.

    Both ends are inclusive; an end given as a year or month ends with that year or month.
    """

    rollup: str
    role: str
    start: date | None
    end: date | None
    line: int = 0

    def holds(self, on: date) -> bool:
        """Return whether the tenure covers the day."""
        return (self.start is None or self.start <= on) and (self.end is None or on <= self.end)


@dataclass(slots=True)
class RawActor:
    """One actor as one file has it."""

    id: str
    path: Path
    line: int
    type: str | None = None
    name: str | None = None
    rollup: str | None = None
    cameo: str | None = None
    iso2: str | None = None
    iso3: str | None = None
    names: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    demonyms: list[str] = field(default_factory=list)
    capital: list[str] = field(default_factory=list)
    seats: list[str] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)
    kind_noun: list[str] = field(default_factory=list)
    former: list[tuple[str, date | None, date | None]] = field(default_factory=list)
    tenures: list[Tenure] = field(default_factory=list)
    derive_demonyms: bool = False
    is_country: bool = False


def catalog_files(paths: Sequence[Path]) -> list[list[Path]]:
    """Return the files of each given path, in order; a folder gives its TOML, CSV and JSON files.

    Raises CatalogError for a path that does not exist or a folder without any catalog file.
    """
    groups: list[list[Path]] = []
    for path in paths:
        if path.is_dir():
            files = sorted(
                found
                for pattern in ("*.toml", "*.csv", "*.json")
                for found in path.rglob(pattern)
                if found.is_file()
            )
            if not files:
                raise CatalogError(f"{path}: no catalog file (.toml, .csv, .json) in this folder")
            groups.append(files)
        elif path.is_file():
            groups.append([path])
        else:
            raise CatalogError(f"{path}: no such file or folder")
    return groups


def read_actors(path: Path) -> Iterator[RawActor]:
    """Yield the actors of one file, in its order; raises CatalogError for any fault in it."""
    text = read_catalog_text(path)
    suffix = path.suffix.lower()
    if suffix == ".toml":
        yield from _read_toml(path, text)
    elif suffix == ".csv":
        yield from _read_csv(path, text)
    elif suffix == ".json":
        yield from _read_json(path, text)
    else:
        raise CatalogError(f"{path}: unknown kind of catalog file (want .toml, .csv or .json)")


def read_catalog_text(path: Path) -> str:
    """Return the file's text; raises CatalogError if it is too large or not UTF-8."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CatalogError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CatalogError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise CatalogError(f"{path}: {error.strerror}") from error


def parse_bound(value: str, *, end: bool) -> date | None:
    """Return the day of YYYY, YYYY-MM or YYYY-MM-DD; None for "". Raises ValueError."""
    value = value.strip()
    if not value:
        return None
    found = _DATE.match(value)
    if found is None:
        raise ValueError(f"{value!r} is not YYYY, YYYY-MM or YYYY-MM-DD")
    year, month, day = found.groups()
    if day:
        return date(int(year), int(month), int(day))
    if month:
        return _last_day(int(year), int(month)) if end else date(int(year), int(month), 1)
    return date(int(year), 12, 31) if end else date(int(year), 1, 1)


def _last_day(year: int, month: int) -> date:
    following = date(year + month // 12, month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def table_lines(text: str) -> dict[str, int]:
    """Return the line number (from 1) of each top-level TOML table header."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        found = re.match(r"\s*\[\s*(?:\"([^\"]+)\"|'([^']+)'|([^\]\s]+))\s*\]", line)
        if found:
            lines.setdefault(next(g for g in found.groups() if g), number)
    return lines


def line_of(text: str, start: int, wanted: str) -> int:
    """Return the line (from 1) at or after line `start` that holds `wanted`, else `start`.

    The search ends at the next TOML table.
    """
    return find_line(text.splitlines(), start, wanted)


def find_line(lines: Sequence[str], start: int, wanted: str) -> int:
    """Return what `line_of` does, for a text that is cut into lines already."""
    for number in range(start, len(lines) + 1):
        line = lines[number - 1]
        if wanted in line:
            return number
        if number > start and line.startswith("["):
            break
    return start


def _read_toml(path: Path, text: str) -> Iterator[RawActor]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"{path}: {error}") from error
    lines = table_lines(text)
    for actor_id, table in tables.items():
        line = lines.get(actor_id, 1)
        if not isinstance(table, dict):
            raise CatalogError(f"{path}:{line_of(text, 1, actor_id)}: {actor_id}: not a table")
        yield _actor_from_table(path, text, line, actor_id, table)


def _actor_from_table(
    path: Path, text: str, line: int, actor_id: str, table: Mapping[str, Any]
) -> RawActor:
    def fail(key: str, why: str) -> CatalogError:
        return CatalogError(f"{path}:{line_of(text, line, key)}: {actor_id}.{key}: {why}")

    actor = RawActor(actor_id, path, line)
    for key, value in table.items():
        if key in _LIST_KEYS:
            values = [value] if isinstance(value, str) else value
            if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
                raise fail(key, "want a list of strings")
            if any(not v.strip() for v in values):
                raise fail(key, "has an empty string")
            getattr(actor, key).extend(values)
        elif key in _TEXT_KEYS:
            if not isinstance(value, str) or not value.strip():
                raise fail(key, "want a string that isn't empty")
            if key == "type" and value not in ACTOR_TYPES:
                raise fail(key, f"{value!r} is none of {', '.join(ACTOR_TYPES)}")
            setattr(actor, key, value)
        elif key == "former":
            actor.former.extend(_former(value, fail))
        elif key == "rollups":
            actor.tenures.extend(_tenures(value, fail, line))
        else:
            known = ", ".join((*_LIST_KEYS, *_TEXT_KEYS, "former", "rollups"))
            raise fail(key, f"unknown key (known: {known})")
    return actor


def _former(value: Any, fail: Any) -> Iterator[tuple[str, date | None, date | None]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise fail("former", "want a list of tables with name, from, to")
    for item in value:
        if not isinstance(item.get("name"), str) or set(item) - {"name", "from", "to"}:
            raise fail("former", "want name, and from or to")
        try:
            start = parse_bound(str(item.get("from", "")), end=False)
            end = parse_bound(str(item.get("to", "")), end=True)
        except ValueError as error:
            raise fail("former", str(error)) from error
        yield item["name"], start, end


def _tenures(value: Any, fail: Any, line: int) -> Iterator[Tenure]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise fail("rollups", "want a list of tables with rollup, role, from, to")
    for item in value:
        if not isinstance(item.get("rollup"), str):
            raise fail("rollups", "want rollup")
        role = str(item.get("role", "other"))
        if role not in ROLES:
            raise fail("rollups", f"role {role!r} is none of {', '.join(ROLES)}")
        try:
            start = parse_bound(str(item.get("from", "")), end=False)
            end = parse_bound(str(item.get("to", "")), end=True)
        except ValueError as error:
            raise fail("rollups", str(error)) from error
        yield Tenure(item["rollup"], role, start, end, line)


def _read_csv(path: Path, text: str) -> Iterator[RawActor]:
    rows = csv.reader(io.StringIO(text))
    try:
        header = [column.strip() for column in next(rows, [])]
        if header[:2] == ["code", "name"]:
            yield from _read_code_csv(path, rows, header)
        elif tuple(header) == _PERSON_HEADER:
            yield from _read_people(path, rows)
        else:
            raise CatalogError(
                f"{path}:1: header is {','.join(header)}; "
                f"want {','.join(_PERSON_HEADER)} or code,name,aliases"
            )
    except csv.Error as error:
        raise CatalogError(f"{path}:{rows.line_num}: {error}") from error


def _read_code_csv(path: Path, rows: Any, header: list[str]) -> Iterator[RawActor]:
    for row in rows:
        if not row:
            continue
        values = dict(zip(header, (cell.strip() for cell in row), strict=False))
        if not values.get("code") or not values.get("name"):
            raise CatalogError(f"{path}:{rows.line_num}: code and name must not be empty")
        yield RawActor(
            values["code"],
            path,
            rows.line_num,
            name=values["name"],
            aliases=_split_aliases(values.get("aliases", "")),
            type=values.get("type") or None,
            rollup=values.get("rollup") or None,
            derive_demonyms=True,
        )


def _read_people(path: Path, rows: Any) -> Iterator[RawActor]:
    for row in rows:
        if not row:
            continue
        line = rows.line_num
        if len(row) != len(_PERSON_HEADER):
            raise CatalogError(
                f"{path}:{line}: {len(row)} cells where the header has {len(_PERSON_HEADER)}"
            )
        cells = [cell.strip() for cell in row]
        actor_id, name, aliases, rollup, role, start, end = cells
        for key, value in (("id", actor_id), ("name", name), ("rollup", rollup)):
            if not value:
                raise CatalogError(f"{path}:{line}: {key} is empty")
        if role not in ROLES:
            raise CatalogError(f"{path}:{line}: role {role!r} is none of {', '.join(ROLES)}")
        try:
            tenure = Tenure(
                rollup, role, parse_bound(start, end=False), parse_bound(end, end=True), line
            )
        except ValueError as error:
            raise CatalogError(f"{path}:{line}: {actor_id}: {error}") from error
        yield RawActor(
            actor_id,
            path,
            line,
            type="person",
            name=name,
            aliases=_split_aliases(aliases),
            tenures=[tenure],
        )


def _split_aliases(cell: str) -> list[str]:
    return [alias.strip() for alias in cell.split("|") if alias.strip()]


def _read_json(path: Path, text: str) -> Iterator[RawActor]:
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise CatalogError(f"{path}:{error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise CatalogError(f"{path}: nested too deeply") from error
    if not isinstance(entries, list):
        raise CatalogError(f"{path}:1: want a list of {{id, names}} objects")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise CatalogError(f"{path}: entry {number}: want an object with id and names")
        actor_id, names = entry.get("id"), entry.get("names")
        line = line_of(text, 1, f'"{actor_id}"')
        if not isinstance(actor_id, str) or not actor_id:
            raise CatalogError(f"{path}: entry {number}: id is no string")
        if not isinstance(names, list) or not names:
            raise CatalogError(f"{path}:{line}: {actor_id}.names: want a list of strings")
        if not all(isinstance(name, str) and name.strip() for name in names):
            raise CatalogError(f"{path}:{line}: {actor_id}.names: want strings that aren't empty")
        kind = entry.get("type")
        if kind is not None and kind not in ACTOR_TYPES:
            raise CatalogError(f"{path}:{line}: {actor_id}.type: {kind!r} is unknown")
        rollup = entry.get("rollup")
        if rollup is not None and not isinstance(rollup, str):
            raise CatalogError(f"{path}:{line}: {actor_id}.rollup: want a string")
        yield RawActor(
            actor_id,
            path,
            line,
            type=kind,
            names=list(names),
            rollup=rollup,
            derive_demonyms=True,
        )
