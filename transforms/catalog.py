"""The catalog of actors: who exists, under which names, and what each rolls up to when.

`Catalog.load` reads any number of files, later ones adding to and overriding earlier ones, and
compiles their names. A catalog is plain data: it pickles, and workers get it by value.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from transforms.actor_words import ActorWords
from transforms.catalog_files import (
    WORDS_FILE,
    CatalogError,
    RawActor,
    Tenure,
    catalog_files,
    read_actors,
)
from transforms.country_names import country_names
from transforms.name_table import NameKind, NameTable, NameUse, casing_of, name_key

__all__ = ["ActorEntry", "Catalog", "CatalogError", "Tenure"]

# Endings that make "people of" from a place name when a user's catalog gives no demonyms.
_DEMONYM_ENDINGS = ("i", "n", "an", "ian", "ese", "ish", "s", "ns", "ans", "ians", "is")
_MIN_DERIVED_LETTERS = 4
_MIN_SURNAME_LETTERS = 3
_TOP_ROLES = frozenset(
    {"head_of_state", "head_of_government", "foreign_minister", "defence_minister", "leader"}
)
_MAX_ROLLUP_STEPS = 8


@dataclass(slots=True)
class ActorEntry:
    """One actor of the catalog. `names` starts with the usual name; `tenures` are as listed."""

    id: str
    type: str
    name: str
    names: tuple[str, ...]
    demonyms: tuple[str, ...] = ()
    capitals: tuple[str, ...] = ()
    seats: tuple[str, ...] = ()
    kind_nouns: tuple[str, ...] = ()
    iso2: str = ""
    iso3: str = ""
    cameo: str = ""
    rollup: str = ""
    tenures: tuple[Tenure, ...] = ()
    source: str = ""


@dataclass(slots=True)
class Catalog:
    """Actors by id, their names compiled for matching, and the word lists that go with them."""

    actors: dict[str, ActorEntry]
    names: NameTable
    words: ActorWords
    fingerprint: str
    holders: dict[tuple[str, str], tuple[tuple[Tenure, str], ...]] = field(default_factory=dict)
    kind_nouns: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, paths: Sequence[Path]) -> Catalog:
        """Return the catalog of these files and folders, each adding to those before it.

        Raises CatalogError, whose message names file, line and key.
        """
        raw: dict[str, list[tuple[int, RawActor]]] = {}
        words_files: list[Path] = []
        for level, files in enumerate(catalog_files([Path(path) for path in paths])):
            for path in files:
                if path.name == WORDS_FILE:
                    words_files.append(path)
                    continue
                for actor in read_actors(path):
                    raw.setdefault(actor.id, []).append((level, actor))
        actors: dict[str, ActorEntry] = {}
        uses: list[NameUse] = []
        for actor_id, group in raw.items():
            actors[actor_id] = _merge(actor_id, group)
            for level, actor in group:
                uses.extend(_uses(level, actor, actors[actor_id]))
        uses.extend(_derived_uses(raw, uses))
        words = ActorWords.load(words_files)
        uses.extend(_surnames(raw, actors, words.lists.get("names.family_first", frozenset())))
        return cls(
            actors,
            NameTable.build(uses),
            words,
            _fingerprint(actors, uses, words),
            _holders(actors.values()),
            _kind_nouns(actors.values()),
        )

    def actor(self, actor_id: str) -> ActorEntry:
        """Return the entry of an id; raises KeyError for an id that the catalog doesn't have."""
        return self.actors[actor_id]

    def type_of(self, actor_id: str) -> str:
        """Return the actor's type; ad-hoc ids ("person:...") carry it before the colon."""
        entry = self.actors.get(actor_id)
        if entry is not None:
            return entry.type
        prefix = actor_id.partition(":")[0]
        return {"person": "person", "group": "group"}.get(prefix, "organisation")

    def rollup(self, actor_id: str, on: date) -> str:
        """Return the state or organisation that the actor belongs to on that day, else itself.

        A tenure that holds on the day decides; else the last that ended before it (someone who
        left office still stands for the state); else the first to come.
        """
        current = actor_id
        for _ in range(_MAX_ROLLUP_STEPS):
            entry = self.actors.get(current)
            if entry is None:
                return current
            step = _tenure_on(entry.tenures, on) or entry.rollup
            if not step or step == current:
                return current
            current = step
        return actor_id

    def role(self, actor_id: str, on: date) -> str:
        """Return the actor's role on that day: a role, "former" after office, or ""."""
        entry = self.actors.get(actor_id)
        if entry is None or not entry.tenures:
            return ""
        for tenure in entry.tenures:
            if tenure.holds(on):
                return tenure.role
        return "former" if any(t.end is not None and t.end < on for t in entry.tenures) else ""

    def holder(self, role: str, rollup: str, on: date) -> str | None:
        """Return who holds a role for a state or organisation on that day; None if unknown.

        On the day of a handover the one who came later counts.
        """
        best: tuple[date, str] | None = None
        for tenure, actor_id in self.holders.get((role, rollup), ()):
            if tenure.holds(on):
                start = tenure.start or date.min
                if best is None or start >= best[0]:
                    best = (start, actor_id)
        return best[1] if best else None

    def search(self, text: str, limit: int = 20) -> list[ActorEntry]:
        """Return the entries whose id or a name holds `text`, exact names first."""
        wanted = name_key(text)
        if not wanted:
            return []
        exact = [use.actor for use in self.names.uses.get(wanted, ())]
        partial = [
            use.actor for key, uses in self.names.uses.items() if wanted in key for use in uses
        ]
        partial += [actor_id for actor_id in self.actors if wanted in actor_id.lower()]
        return [self.actors[a] for a in dict.fromkeys([*exact, *partial])][:limit]


def _tenure_on(tenures: Sequence[Tenure], on: date) -> str:
    best: Tenure | None = None
    for tenure in tenures:
        start = tenure.start or date.min
        if tenure.holds(on) and (best is None or start >= (best.start or date.min)):
            best = tenure
    if best is None:
        past = [tenure for tenure in tenures if tenure.end is not None and tenure.end < on]
        if past:
            best = max(past, key=lambda tenure: tenure.end or date.min)
        elif tenures:
            best = min(tenures, key=lambda tenure: tenure.start or date.min)
    return best.rollup if best else ""


def _merge(actor_id: str, group: list[tuple[int, RawActor]]) -> ActorEntry:
    entry = ActorEntry(actor_id, "", "", ())
    names: dict[str, None] = {}
    tenures: dict[tuple[object, ...], Tenure] = {}
    for _, actor in group:
        country = country_names(actor_id) if _looks_like_country(actor) else None
        if country is not None:
            actor.is_country = True
            entry.iso2, entry.iso3 = country.iso2, country.iso3
            entry.type = entry.type or "state"
            entry.name = entry.name or country.names[0]
            names.update(dict.fromkeys(country.names))
        entry.type = actor.type or entry.type
        entry.name = actor.name or entry.name
        entry.rollup = actor.rollup or entry.rollup
        entry.cameo = actor.cameo or entry.cameo
        entry.iso2 = actor.iso2 or entry.iso2
        entry.iso3 = actor.iso3 or entry.iso3
        entry.demonyms = _join(entry.demonyms, actor.demonyms)
        entry.capitals = _join(entry.capitals, actor.capital)
        entry.seats = _join(entry.seats, actor.seats)
        entry.kind_nouns = _join(entry.kind_nouns, actor.kind_noun)
        names.update(dict.fromkeys([*actor.names, *actor.aliases]))
        names.update(dict.fromkeys(name for name, _, _ in actor.former))
        for tenure in actor.tenures:
            tenures[(tenure.rollup, tenure.role, tenure.start, tenure.end)] = tenure
        entry.source = f"{actor.path}:{actor.line}"
    entry.type = entry.type or _default_type(group)
    entry.name = entry.name or next(iter(names), actor_id)
    entry.names = _join((entry.name,), names)
    entry.tenures = tuple(tenures.values())
    return entry


def _join(first: tuple[str, ...], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _looks_like_country(actor: RawActor) -> bool:
    """Only TOML tables keyed by a code ask ISO and CLDR; ids of other formats stay verbatim."""
    return (
        actor.path.suffix.lower() == ".toml"
        and actor.type in (None, "state")
        and len(actor.id) == 3
        and actor.id.isupper()
    )


def _default_type(group: list[tuple[int, RawActor]]) -> str:
    for _, actor in group:
        if actor.is_country or actor.capital or actor.demonyms or actor.derive_demonyms:
            return "state"
    # A state without ISO code ("transnistria") stands in a file of states.
    return "state" if group[0][1].path.stem == "states" else "organisation"


def _uses(level: int, actor: RawActor, entry: ActorEntry) -> Iterator[NameUse]:
    ambiguous = {name_key(name) for name in actor.ambiguous}
    seen: set[tuple[str, str]] = set()

    def use(name: str, kind: NameKind) -> Iterator[NameUse]:
        key = name_key(name)
        if not key or (key, kind) in seen:
            return
        seen.add((key, kind))
        casing = casing_of(name)
        if casing == "upper" and kind == "name":
            kind = "acronym"
        if actor.path.suffix.lower() == ".json":
            casing = "proper"
        yield NameUse(actor.id, kind, name, casing, key in ambiguous, level)

    listed = [name for name in (actor.name, *actor.names, *actor.aliases) if name]
    listed += [name for name, _, _ in actor.former]
    if actor.is_country:
        known = country_names(actor.id)
        listed += known.names if known else ()
    for name in listed:
        short = entry.type == "person" and " " not in name
        yield from use(name, "short_name" if short else "name")
    for name in actor.demonyms:
        yield from use(name, "demonym")
    for name in actor.capital:
        yield from use(name, "capital")
    for name in actor.seats:
        yield from use(name, "seat")
    for name in actor.ambiguous:
        if name_key(name) not in {key for key, _ in seen}:
            yield from use(name, "capital" if name in entry.capitals else "name")


def _surnames(
    raw: dict[str, list[tuple[int, RawActor]]],
    actors: dict[str, ActorEntry],
    family_first: frozenset[str],
) -> Iterator[NameUse]:
    """Yield people's family names; a text's context decides whether one means the office holder."""
    for actor_id, group in raw.items():
        entry = actors[actor_id]
        if entry.type != "person" or not any(t.role in _TOP_ROLES for t in entry.tenures):
            continue
        parts = entry.name.split()
        first = any(tenure.rollup in family_first for tenure in entry.tenures)
        surname = parts[0] if first else parts[-1]
        if len(parts) > 1 and len(surname) >= _MIN_SURNAME_LETTERS and surname[0].isupper():
            yield NameUse(actor_id, "surname", surname, "proper", False, group[-1][0])


def _derived_uses(
    raw: dict[str, list[tuple[int, RawActor]]], uses: Sequence[NameUse]
) -> Iterator[NameUse]:
    """Yield demonyms made by endings for catalogs without any, where no name clashes."""
    if not any(actor.derive_demonyms for group in raw.values() for _, actor in group):
        return
    taken = {name_key(use.surface) for use in uses}
    made: list[tuple[str, NameUse]] = []
    for actor_id, group in raw.items():
        for level, actor in group:
            if not actor.derive_demonyms:
                continue
            listed = [name for name in (actor.name, *actor.names, *actor.aliases) if name]
            for name in listed:
                if len(name) < _MIN_DERIVED_LETTERS or not name.isalpha():
                    continue
                for surface in _demonyms_of(name):
                    key = name_key(surface)
                    if key not in taken:
                        made.append(
                            (key, NameUse(actor_id, "demonym", surface, "proper", False, level))
                        )
    claims = Counter((key, use.actor) for key, use in made)
    actors_by_key = Counter(key for key, _ in claims)
    for key, use in made:
        if actors_by_key[key] == 1:
            yield use


def _demonyms_of(name: str) -> Iterator[str]:
    for ending in _DEMONYM_ENDINGS:
        yield name + ending
    if name[-1] in "aeiouy":
        for ending in ("an", "ian", "ese", "ish", "i", "ans", "ians"):
            yield name[:-1] + ending


def _holders(
    entries: Iterable[ActorEntry],
) -> dict[tuple[str, str], tuple[tuple[Tenure, str], ...]]:
    found: dict[tuple[str, str], list[tuple[Tenure, str]]] = {}
    for entry in entries:
        for tenure in entry.tenures:
            found.setdefault((tenure.role, tenure.rollup), []).append((tenure, entry.id))
    return {key: tuple(rows) for key, rows in found.items()}


def _kind_nouns(entries: Iterable[ActorEntry]) -> dict[str, frozenset[str]]:
    """Return which actors each of the catalog's describing nouns can refer back to."""
    found: dict[str, set[str]] = {}
    for entry in entries:
        for noun in entry.kind_nouns:
            found.setdefault(noun.lower(), set()).add(entry.id)
    return {noun: frozenset(ids) for noun, ids in found.items()}


def _fingerprint(actors: dict[str, ActorEntry], uses: Sequence[NameUse], words: ActorWords) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for entry in sorted(actors.values(), key=lambda e: e.id):
        tenures = sorted(f"{t.rollup}|{t.role}|{t.start}|{t.end}" for t in entry.tenures)
        parts = (entry.id, entry.type, entry.rollup, *sorted(entry.kind_nouns), *tenures)
        digest.update("\x1f".join(parts).encode())
    for line in sorted(f"{u.surface}|{u.actor}|{u.kind}|{u.ambiguous}|{u.level}" for u in uses):
        digest.update(line.encode())
    digest.update(words.fingerprint.encode())
    return digest.hexdigest()
