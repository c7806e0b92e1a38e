"""Faults in a catalog that loading forgives: clashes, cycles, overlaps, duplicates, with lines.

`check_catalog` reads files one by one and reports everything it finds; loading stops at the first
fault that makes a file unusable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Literal

from transforms.actor_words import ActorWords
from transforms.catalog_files import (
    WORDS_FILE,
    CatalogError,
    RawActor,
    Tenure,
    catalog_files,
    find_line,
    read_actors,
    read_catalog_text,
)
from transforms.country_names import country_names
from transforms.name_table import name_key

Severity = Literal["error", "warning"]
FindingKind = Literal["unreadable", "clash", "cycle", "overlap", "duplicate", "unknown", "dates"]

# Offices that one person holds at a time in most states; an overlap is then worth a look.
_SINGLE_OFFICES = ("head_of_government", "foreign_minister", "defence_minister")
# Offices that one person can't hold twice at once ("minister" and "other" are many offices).
_OWN_OFFICES = ("head_of_state", "leader", "spokesperson")
_MIN_OVERLAP_DAYS = 31
_FAR_PAST, _FAR_FUTURE = date(1, 1, 1), date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: how bad, of which kind, where, and in words. `line` counts from 1."""

    severity: Severity
    kind: FindingKind
    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.severity}: {self.message}"


@dataclass(frozen=True, slots=True)
class _Named:
    """A name with whose it is and where it stands."""

    name: str
    actor: str
    ambiguous: bool
    path: Path
    line: int
    level: int
    typed: bool = True


def check_catalog(paths: Sequence[Path]) -> list[Finding]:
    """Return every fault of these catalog files and folders, in the order of file and line.

    Later paths may override the names of earlier ones, so names only clash within one path.
    """
    findings: list[Finding] = []
    actors: list[tuple[int, RawActor]] = []
    words_files: list[Path] = []
    try:
        groups = catalog_files([Path(path) for path in paths])
    except CatalogError as error:
        return [Finding("error", "unreadable", Path(paths[0]), 1, str(error))]
    for level, files in enumerate(groups):
        for path in files:
            if path.name == WORDS_FILE:
                words_files.append(path)
                continue
            try:
                actors.extend((level, actor) for actor in read_actors(path))
            except CatalogError as error:
                findings.append(Finding("error", "unreadable", path, _line_in(error), str(error)))
    try:
        senses = set(ActorWords.load(words_files).senses)
    except CatalogError as error:
        senses = set()
        findings.append(Finding("error", "unreadable", words_files[0], _line_in(error), str(error)))
    findings.extend(_duplicate_ids(actors))
    findings.extend(_name_faults(actors, senses))
    findings.extend(_unknown_rollups(actors))
    findings.extend(_cycles(actors))
    findings.extend(_tenure_faults(actors))
    return sorted(findings, key=lambda f: (str(f.path), f.line, f.kind, f.message))


def _line_in(error: CatalogError) -> int:
    for part in str(error).split(":"):
        if part.strip().isdigit():
            return int(part)
    return 1


def _duplicate_ids(actors: Iterable[tuple[int, RawActor]]) -> Iterator[Finding]:
    """An id may stand in several files that add to each other, but says its type only once."""
    first: dict[tuple[int, str], RawActor] = {}
    for level, actor in actors:
        earlier = first.setdefault((level, actor.id), actor)
        if earlier is actor or (actor.tenures and earlier.tenures and actor.path == earlier.path):
            if earlier is not actor and actor.name != earlier.name:
                yield Finding(
                    "warning",
                    "duplicate",
                    actor.path,
                    actor.line,
                    f"{actor.id} is called {actor.name!r} here and {earlier.name!r} "
                    f"in line {earlier.line}",
                )
            continue
        if actor.type == earlier.type == "person":
            continue
        yield Finding(
            "error",
            "duplicate",
            actor.path,
            actor.line,
            f"{actor.id} stands already in {earlier.path}:{earlier.line}",
        )


def _names_of(level: int, actor: RawActor, lines: Sequence[str]) -> Iterator[_Named]:
    ambiguous = {name_key(name) for name in actor.ambiguous}
    listed = [name for name in (actor.name, *actor.names, *actor.aliases) if name]
    listed += [*actor.demonyms, *actor.capital, *actor.seats]
    listed += [name for name, _, _ in actor.former]
    for name in listed:
        yield _Named(
            name,
            actor.id,
            name_key(name) in ambiguous,
            actor.path,
            find_line(lines, actor.line, name),
            level,
        )
    toml_country = actor.path.suffix == ".toml" and actor.type in (None, "state")
    known = country_names(actor.id) if toml_country else None
    for name in known.names if known else ():
        yield _Named(
            name, actor.id, name_key(name) in ambiguous, actor.path, actor.line, level, False
        )


def _name_faults(actors: Iterable[tuple[int, RawActor]], senses: set[str]) -> Iterator[Finding]:
    by_key: dict[tuple[int, str], list[_Named]] = {}
    texts: dict[Path, list[str]] = {}
    for level, actor in actors:
        if actor.path not in texts:
            texts[actor.path] = read_catalog_text(actor.path).splitlines()
        seen: dict[str, _Named] = {}
        for named in _names_of(level, actor, texts[actor.path]):
            key = name_key(named.name)
            if not key:
                yield Finding(
                    "error",
                    "duplicate",
                    named.path,
                    named.line,
                    f"{named.actor}: the name {named.name!r} has no letter or digit",
                )
                continue
            if key not in seen:
                seen[key] = named
                by_key.setdefault((level, key), []).append(named)
            elif named.typed and named.name == seen[key].name:
                lines = texts[actor.path]
                yield Finding(
                    "warning",
                    "duplicate",
                    named.path,
                    find_line(lines, min(seen[key].line + 1, len(lines)), named.name),
                    f"{named.actor}: {named.name!r} stands already in line {seen[key].line}",
                )
    for (_, key), group in by_key.items():
        owners = {entry.actor for entry in group}
        if len(owners) < 2 or key in senses or all(entry.ambiguous for entry in group):
            continue
        for entry in group[1:]:
            if entry.actor != group[0].actor:
                yield Finding(
                    "warning",
                    "clash",
                    entry.path,
                    entry.line,
                    f"{entry.name!r} names {entry.actor} and {group[0].actor} "
                    f"({group[0].path}:{group[0].line}); list it under ambiguous, or give "
                    f"it an [ambiguous] rule in {WORDS_FILE}",
                )


def _unknown_rollups(actors: Sequence[tuple[int, RawActor]]) -> Iterator[Finding]:
    known = {actor.id for _, actor in actors}
    for _, actor in actors:
        targets = [(actor.rollup, actor.line)] if actor.rollup else []
        targets += [(tenure.rollup, tenure.line) for tenure in actor.tenures]
        for target, line in targets:
            if target and target not in known:
                yield Finding(
                    "warning",
                    "unknown",
                    actor.path,
                    line or actor.line,
                    f"{actor.id} rolls up to {target}, which no file defines",
                )


def _cycles(actors: Sequence[tuple[int, RawActor]]) -> Iterator[Finding]:
    """A roll-up that leads back to where it began at some date."""
    edges: dict[str, set[str]] = {}
    where: dict[str, RawActor] = {}
    for _, actor in actors:
        where.setdefault(actor.id, actor)
        targets = {tenure.rollup for tenure in actor.tenures}
        if actor.rollup:
            targets.add(actor.rollup)
        edges.setdefault(actor.id, set()).update(targets - {actor.id})
        if actor.id in targets:
            yield Finding(
                "error", "cycle", actor.path, actor.line, f"{actor.id} rolls up to itself"
            )
    done: set[str] = set()
    for start in edges:
        path = _find_cycle(start, edges, done)
        if path:
            actor = where[path[0]]
            yield Finding(
                "error",
                "cycle",
                actor.path,
                actor.line,
                "roll-ups run in a circle: " + " -> ".join([*path, path[0]]),
            )


def _find_cycle(start: str, edges: dict[str, set[str]], done: set[str]) -> list[str]:
    """Return one cycle reachable from `start` through ids that no earlier walk has finished."""
    trail: list[str] = []
    on_trail: set[str] = set()
    stack: list[tuple[str, bool]] = [(start, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            trail.pop()
            on_trail.discard(node)
            done.add(node)
            continue
        if node in on_trail:
            done.update(trail)
            return trail[trail.index(node) :]
        if node in done:
            continue
        trail.append(node)
        on_trail.add(node)
        stack.append((node, True))
        stack.extend((target, False) for target in sorted(edges.get(node, ())))
    return []


def _tenure_faults(actors: Sequence[tuple[int, RawActor]]) -> Iterator[Finding]:
    offices: dict[tuple[str, str], list[tuple[Tenure, RawActor]]] = {}
    own: dict[tuple[str, str, str], list[Tenure]] = {}
    for _, actor in actors:
        for tenure in actor.tenures:
            if tenure.start and tenure.end and tenure.end < tenure.start:
                yield Finding(
                    "error",
                    "dates",
                    actor.path,
                    tenure.line,
                    f"{actor.id}: ends ({tenure.end}) before it begins ({tenure.start})",
                )
                continue
            if tenure.role not in _SINGLE_OFFICES and tenure.role not in _OWN_OFFICES:
                continue
            mine = own.setdefault((actor.id, tenure.rollup, tenure.role), [])
            for other in mine:
                if _overlap_days(other, tenure) > 1:
                    yield Finding(
                        "error",
                        "overlap",
                        actor.path,
                        tenure.line,
                        f"{actor.id} is {tenure.role} of {tenure.rollup} twice at once "
                        f"(line {other.line})",
                    )
            mine.append(tenure)
            if tenure.role in _SINGLE_OFFICES:
                offices.setdefault((tenure.rollup, tenure.role), []).append((tenure, actor))
    for (rollup, role), rows in offices.items():
        rows.sort(key=lambda row: (row[0].start or _FAR_PAST, row[1].id))
        for (earlier, first), (later, second) in pairwise(rows):
            if first.id != second.id and _overlap_days(earlier, later) > _MIN_OVERLAP_DAYS:
                yield Finding(
                    "warning",
                    "overlap",
                    second.path,
                    later.line,
                    f"{first.id} (line {earlier.line}) and {second.id} are both {role} of "
                    f"{rollup} from {later.start}",
                )


def _overlap_days(first: Tenure, second: Tenure) -> int:
    start = max(first.start or _FAR_PAST, second.start or _FAR_PAST)
    end = min(first.end or _FAR_FUTURE, second.end or _FAR_FUTURE)
    return (end - start).days + 1
