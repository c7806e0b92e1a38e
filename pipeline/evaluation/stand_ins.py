"""Random actors of a type from the catalog, to stand in for those of a sentence."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

from transforms.catalog import ActorEntry, Catalog

# States whose names take an article would need more of the sentence rewritten than the name.
_WITH_ARTICLE: Final = re.compile(
    r"States|Kingdom|Emirates|Republic|Islands?\b|Netherlands|Philippines|Bahamas|Gambia|Maldives"
    r"|Comoros|Seychelles|Territor|Vatican"
)
_VOWEL: Final = re.compile(r"[aeiouAEIO]")
_ARTICLE: Final = re.compile(r"\b([Aa])n? $")
_THE: Final = re.compile(r"\b[Tt]he $")


@dataclass(frozen=True, slots=True)
class StandIn:
    """An actor and how a text may name it; a form that it lacks is empty."""

    actor: str
    name: str
    demonym: str = ""
    people: str = ""
    capital: str = ""
    persons: tuple[str, ...] = ()

    def words(self, form: str, original: str) -> str:
        """Return the stand-in's words for a mention of a form; "" where it has none."""
        if form == "demonym":
            return (self.people if original.endswith("s") else "") or self.demonym
        if form == "capital":
            return self.capital
        if form == "short_name":
            return self.name.split()[-1]
        return self.name


class StandIns:
    """The actors of a catalog that a text can name without doubt, by type, on one day."""

    def __init__(self, catalog: Catalog, on: date) -> None:
        self.catalog, self.on = catalog, on
        self._people: dict[str, list[str]] = {}
        for entry in catalog.actors.values():
            holds = any(tenure.holds(on) for tenure in entry.tenures)
            if holds and entry.type == "person" and self._clear(entry, entry.name):
                self._people.setdefault(catalog.rollup(entry.id, on), []).append(entry.name)
        self._by_type: dict[str, list[StandIn]] = {}
        for entry in catalog.actors.values():
            for stand_in in self._made(entry):
                self._by_type.setdefault(entry.type, []).append(stand_in)

    def draw(
        self,
        kind: str,
        chance: Random,
        needs: frozenset[str] = frozenset(),
        without: Collection[str] = (),
    ) -> StandIn | None:
        """Return a random actor of a type that can be named in every form of `needs`.

        Forms are those of mentions, and "person" for one who rolls up to it. None if there is none
        beside the actors `without`.
        """
        fitting = [
            stand_in
            for stand_in in self._by_type.get(kind, [])
            if stand_in.actor not in without and all(_has(stand_in, form) for form in needs)
        ]
        return chance.choice(fitting) if fitting else None

    def _made(self, entry: ActorEntry) -> Iterator[StandIn]:
        if entry.type == "state":
            demonyms = [word for word in entry.demonyms if self._clear(entry, word)]
            if not self._clear(entry, entry.name) or _WITH_ARTICLE.search(entry.name):
                return
            yield StandIn(
                entry.id,
                entry.name,
                next(iter(demonyms), ""),
                next((word for word in demonyms if word.endswith("s")), ""),
                next((word for word in entry.capitals if self._clear(entry, word)), ""),
                tuple(self._people.get(entry.id, ())),
            )
        elif self._clear(entry, entry.name):
            yield StandIn(entry.id, entry.name, persons=tuple(self._people.get(entry.id, ())))

    def _clear(self, entry: ActorEntry, name: str) -> bool:
        """A name that is this actor's alone, and that the catalog doesn't hold for ambiguous."""
        uses = self.catalog.names.lookup(name)
        rolled = self.catalog.rollup(entry.id, self.on)
        return (
            (" " in name or entry.type != "person")
            and bool(uses)
            and {use.actor for use in uses} == {entry.id}
            and not any(use.ambiguous for use in uses)
            and (entry.type == "person" or rolled == entry.id)
        )


def replace_spans(text: str, spans: list[tuple[int, int, str]]) -> str:
    """Return the text with [start, end) replaced by words, articles before them put right.

    "the United States" becomes "Norway", "an Iranian ship" "a Polish ship".
    """
    done, at = "", 0
    for start, end, words in sorted(spans):
        before = text[at:start]
        if not text[start:end].lower().startswith("the ") and _WITH_ARTICLE.search(text[start:end]):
            before = _THE.sub("", before)
        article = "n " if _VOWEL.match(words) else " "
        before = _ARTICLE.sub(rf"\g<1>{article}", before)
        done += before + words
        at = end
    return done + text[at:]


def _has(stand_in: StandIn, form: str) -> bool:
    return bool(stand_in.persons) if form == "person" else bool(stand_in.words(form, ""))
