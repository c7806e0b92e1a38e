"""Names for the actors of synthetic sentences: invented or drawn at random, by type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

TYPES: Final = ("state", "person", "organisation", "company", "group", "party")
# What stands around a name; * is the name itself.
_STATE_PHRASES: Final = ("*", "*", "*", "*", "*’s government", "*’s parliament")
_ADJECTIVE_PHRASES: Final = (
    *("the * government", "the * foreign ministry", "the * parliament", "the * army"),
    *("the * leadership", "the * president", "the * foreign minister"),
)
_OFFICES: Final = (
    *("Prime Minister", "President", "Foreign Minister", "Senator", "Governor", "Mayor", "Judge"),
    *("Defence Secretary", "Ambassador", "Mr.", "Ms.", "Dr.", "opposition leader", "party leader"),
    *("lawmaker", "campaigner", "coach", "director", "columnist", "former minister"),
)


_IT: Final = {"it": "it", "its": "its", "itself": "itself", "who": "which", "whom": "which"}
_HE: Final = {"it": "he", "its": "his", "itself": "himself", "who": "who", "whom": "whom"}
_SHE: Final = {"it": "she", "its": "her", "itself": "herself", "who": "who", "whom": "whom"}


@dataclass(frozen=True, slots=True)
class Name:
    """An actor's name: `text` with what stands before and after it, and its pronouns."""

    type: str
    text: str
    pronouns: Mapping[str, str]
    before: str = ""
    after: str = ""


def draw_name(kind: str, words: Mapping[str, str], chance: Random) -> Name:
    """Return a name of a type, made of the grammar's name parts."""
    return {
        "state": _state,
        "person": _person,
        "organisation": _organisation,
        "company": _company,
        "group": _group,
        "party": _party,
    }[kind](words, chance)


def _state(words: Mapping[str, str], chance: Random) -> Name:
    pool = words["invented"] if chance.random() < 0.5 else words["real"]
    name, _, adjective = chance.choice(pool.split()).partition("=")
    if chance.random() < 0.6:
        return _around(chance.choice(_STATE_PHRASES), name, "state", _IT)
    phrase = chance.choice(_ADJECTIVE_PHRASES)
    minister = phrase.endswith(("president", "minister"))
    return _around(phrase, adjective, "state", chance.choice((_HE, _SHE)) if minister else _IT)


def _person(words: Mapping[str, str], chance: Random) -> Name:
    first, last = chance.choice(words["first"].split()), chance.choice(words["last"].split())
    pronouns = chance.choice((_HE, _SHE))
    style = chance.random()
    if style < 0.35:
        return Name("person", f"{first} {last}", pronouns)
    if style < 0.6:
        return Name("person", last, pronouns)
    office = chance.choice(_OFFICES)
    shown = last if office.endswith(".") else f"{first} {last}"
    if office in ("Mr.", "Ms."):
        pronouns = _HE if office == "Mr." else _SHE
    return Name("person", shown, pronouns, f"{office} ")


def _organisation(words: Mapping[str, str], chance: Random) -> Name:
    parts = [words[f"org_{part}"].split("|") for part in ("adjectives", "domains", "kinds")]
    full = " ".join(chance.choice(part) for part in parts)
    if chance.random() < 0.25:
        full = "".join(word[0] for word in full.split()) + chance.choice(("", "U", "C"))
    return Name("organisation", full, _IT, "the ")


def _company(words: Mapping[str, str], chance: Random) -> Name:
    stem = chance.choice(words["company_stems"].split("|"))
    kind = chance.choice(words["company_kinds"].split("|"))
    return Name("company", stem if chance.random() < 0.3 else f"{stem} {kind}", _IT)


def _group(words: Mapping[str, str], chance: Random) -> Name:
    head = chance.choice(words["group_heads"].split("|"))
    tail = chance.choice(words["group_tails"].split("|"))
    return Name("group", f"{head} of {tail}", _IT, "the ")


def _party(words: Mapping[str, str], chance: Random) -> Name:
    head = chance.choice(words["party_heads"].split("|"))
    return Name("party", f"{head} Party", _IT, "the ")


def _around(phrase: str, text: str, kind: str, pronouns: Mapping[str, str]) -> Name:
    before, _, after = phrase.partition("*")
    return Name(kind, text, pronouns, before, after)
