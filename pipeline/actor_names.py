"""From the name that a person types to the actor ids that the store holds."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from pipeline.errors import UserError, say_note

if TYPE_CHECKING:
    from transforms.catalog import Catalog

# Similarity (difflib ratio, 0..1) from which a name is worth suggesting: one typo in five letters.
_LIKE = 0.8


@dataclass(frozen=True)
class KnownActor:
    """An actor as names are looked up: everything that a person could call it, and its roll-ups."""

    id: str
    name: str
    names: tuple[str, ...]
    rollups: tuple[str, ...]

    def called(self) -> Iterator[str]:
        """Yield the id, then every name, folded for comparison."""
        yield fold(self.id)
        yield fold(self.name)
        for name in self.names:
            yield fold(name)


def fold(name: str) -> str:
    """Return a name without case, a leading article or superfluous white space."""
    words = name.casefold().split()
    return " ".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


def actors_in_store(connection: duckdb.DuckDBPyConnection) -> list[KnownActor]:
    """Return the actors that occurred, from the `actors` dataset."""
    rows = connection.execute(
        "SELECT actor, name, names, iso2, iso3, cameo, rollups FROM actors"
    ).fetchall()
    return [
        KnownActor(
            actor,
            name or actor,
            tuple(filter(None, [*(names or []), iso2, iso3, cameo])),
            tuple(dict.fromkeys(r["rollup"] for r in rollups or [] if r["rollup"])),
        )
        for actor, name, names, iso2, iso3, cameo, rollups in rows
    ]


def known_actors(catalog: Catalog) -> list[KnownActor]:
    """Return every actor of a catalog."""
    return [
        KnownActor(
            entry.id,
            entry.name,
            tuple(
                filter(
                    None,
                    [
                        *entry.names,
                        *entry.capitals,
                        *entry.seats,
                        entry.iso2,
                        entry.iso3,
                        entry.cameo,
                    ],
                )
            ),
            tuple(dict.fromkeys(filter(None, [*(t.rollup for t in entry.tenures), entry.rollup]))),
        )
        for entry in catalog.actors.values()
    ]


class ActorFinder:
    """Finds actors among those that occurred, then in the catalog, which is read only when needed.

    `catalog` loads the catalog.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, catalog: Callable[[], Catalog]
    ) -> None:
        self._in_store = actors_in_store(connection)
        self._load_catalog = catalog
        self._in_catalog: list[KnownActor] | None = None

    def find(self, name: str) -> KnownActor:
        """Return the actor that is called `name`; raises UserError with the nearest names."""
        found = resolve(name, self._in_store)
        if found is not None:
            return found
        if self._in_catalog is None:
            self._in_catalog = known_actors(self._load_catalog())
        found = resolve(name, self._in_catalog)
        if found is not None:
            say_note(f"{found.name} ({found.id}) is in the catalog but not in this store")
            return found
        close = nearest(name, [*self._in_store, *self._in_catalog])
        guess = " or ".join(f"{actor.name} ({actor.id})" for actor in close)
        hint = f"did you mean {guess}?" if guess else "'newsalign actors search WORD' finds some"
        raise UserError(f"no actor is called '{name}'; {hint}")

    def ids(self, names: Sequence[str], rolled_up: bool) -> list[str]:
        """Return the ids to look for; `rolled_up` replaces an actor by what it counts under."""
        ids: list[str] = []
        for name in names:
            actor = self.find(name)
            if rolled_up and actor.rollups:
                say_note(
                    f"{actor.name} counts under {', '.join(actor.rollups)} at roll-up level; "
                    "--level actor shows it alone"
                )
                ids += actor.rollups
            else:
                ids.append(actor.id)
        return ids


def resolve(name: str, actors: Iterable[KnownActor]) -> KnownActor | None:
    """Return the actor that is called `name`: by id first, then by name; None if there is none.

    Raises UserError where several actors carry the name and none of them carries it as its own.
    """
    wanted = fold(name)
    known = list(actors)
    for matches in (
        [a for a in known if fold(a.id) == wanted],
        [a for a in known if fold(a.name) == wanted],
        [a for a in known if wanted in a.called()],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            choices = ", ".join(f"{a.id} ({a.name})" for a in matches[:8])
            raise UserError(f"'{name}' could be: {choices}; use the id")
    return None


def nearest(name: str, actors: Iterable[KnownActor], count: int = 3) -> list[KnownActor]:
    """Return the actors whose names are most like `name`, best first."""
    by_name: dict[str, KnownActor] = {}
    for actor in actors:
        for called in actor.called():
            by_name.setdefault(called, actor)
    close = difflib.get_close_matches(fold(name), by_name, n=count * 4, cutoff=_LIKE)
    found = {by_name[called].id: by_name[called] for called in close}
    return list(found.values())[:count]
