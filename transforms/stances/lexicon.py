"""The stance lexicon: the words that `configs/stances.toml` lists, validated and indexed by lemma.

Words are matched by their first word's lemma; the words after it (a particle, an adverb, a
preposition) must hang below it in the parse. A phrase that ends in a preposition takes that
preposition's object as its target.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from transforms.ids import stable_id
from transforms.stances.factors import BLAME, Factors

FORMAT = 1
PREPOSITIONS = frozenset(
    {
        *(
            "about",
            "across",
            "against",
            "alongside",
            "amid",
            "among",
            "around",
            "as",
            "at",
            "behind",
        ),
        *("between", "by", "for"),
        *("from", "in", "into", "like", "of", "off", "on", "onto", "out", "over", "through", "to"),
        *("toward", "towards", "under", "up", "upon", "with", "within"),
    }
)
ROLES = frozenset({"object", "recipient", "subject", "holder", "possessor", "modifier"})
SIGNS = {"supportive": 1, "opposed": -1, "neutral": 0}
KINDS = ("act", "statement", "relation")
RECIPROCAL = ("", "joint", "always")
FRAME_KEYS = frozenset(
    {
        "lemmas",
        "stance",
        "kind",
        "weight",
        "target",
        "source",
        "source_at",
        "needs",
        "without",
        "reciprocal",
        "accusation",
        "lean",
        "denied",
    }
)
WORKING = ("carry", "raise", "receive", "end", "cancel", "exchange")
OPERATORS = ("cancel", "hedge", "commit", "cause", "object_control")
SPEECH = ("neutral", "accusing", "denying", "judging")
WORDS = (
    "bad",
    "good",
    "warm",
    "cold",
    "quantity",
    "set_nouns",
    "examples",
    "report_nouns",
    "private",
    "history",
    "exchange",
    "first_person",
    "copulas",
    "traits",
    "messages",
    "purposes",
    "speakers",
    "officials",
    "times",
    "views",
    "desist",
    "sport",
    "bloodshed",
    "organs",
    "sites",
    "figurative",
    "doubtful",
    "hearsay",
    "press",
    "lapses",
    "impositions",
    "attempts",
    "conditional_threats",
    "negative_adverbs",
    "wars",
    "rates",
    "former",
    "formerly",
    "sport_counts",
    "ballots",
)
FACTORS = tuple(field.name for field in fields(Factors) if field.name != "blame")

Reciprocal = Literal["", "joint", "always"]


class LexiconError(ValueError):
    """A lexicon that cannot be used; the message names the file, the entry and the key."""


@dataclass(frozen=True, slots=True)
class Frame:
    """How one word or phrase relates its arguments.

    `sign`: +1 supportive, -1 opposed, 0 neutral; `weight` in 0..1. `lean`, -1..1, says which way a
    neutral frame leans (a meeting is rather friendly); a neutral frame without lean says nothing
    by itself. `denied` is the sign that its denial states ("will never accept"), 0 for none. `rest`
    holds the words after the first. `target` and `source` list where the arguments stand, in order
    of preference.
    """

    group: str
    lemma: str
    rest: tuple[str, ...]
    sign: int
    kind: Literal["act", "statement", "relation"]
    weight: float
    target: tuple[str, ...]
    source: tuple[str, ...]
    needs: frozenset[str]
    without: frozenset[str]
    reciprocal: Reciprocal
    accusation: bool
    lean: float | None = None
    denied: int = 0

    @property
    def phrase(self) -> str:
        """Return the whole phrase."""
        return " ".join((self.lemma, *self.rest))


@dataclass(frozen=True, slots=True)
class Phrase:
    """A listed word or phrase without arguments of its own: an operator, a working verb."""

    lemma: str
    rest: tuple[str, ...]
    group: str


Frames = dict[str, tuple[Frame, ...]]
Phrases = dict[str, tuple[Phrase, ...]]


@dataclass(frozen=True)
class Lexicon:
    """All word lists, indexed by the first word's lemma. Plain data: pickles by value."""

    verbs: Frames
    nouns: Frames
    adjectives: Frames
    working: Phrases
    operators: Phrases
    object_control: Phrases
    speech: Phrases
    words: dict[str, frozenset[str]]
    lemma_fixes: dict[str, str]
    factors: Factors
    fingerprint: str

    @classmethod
    def load(cls, path: str | Path) -> Lexicon:
        """Read and validate a lexicon file.

        Raises LexiconError, naming file, entry and key, for anything that is not as documented.
        """
        path = Path(path)
        try:
            raw = path.read_bytes()
            data = tomllib.loads(raw.decode("utf-8"))
        except OSError as error:
            raise LexiconError(f"{path}: cannot be read: {error.strerror}") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise LexiconError(f"{path}: not TOML: {error}") from error
        return _Reader(path).lexicon(data, stable_id("lexicon", raw.decode("utf-8")))


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, entry: str, key: str, why: str) -> LexiconError:
        return LexiconError(f"{self.path}: [{entry}] {key}: {why}")

    def lexicon(self, data: dict[str, Any], fingerprint: str) -> Lexicon:
        sections = {"verbs", "nouns", "adjectives", "working", "operators", "speech", "classes"}
        for key in data:
            if key not in sections | {"format", "words", "lemma_fixes", "factors"}:
                raise self.fail(key, key, "unknown section")
        if data.get("format") != FORMAT:
            raise self.fail("top", "format", f"must be {FORMAT}")
        classes = {
            name: frozenset(self.strings("classes", name, value))
            for name, value in self.table(data, "classes").items()
        }
        words = self.table(data, "words")
        for name in words:
            if name not in WORDS:
                raise self.fail("words", name, f"unknown list; known: {', '.join(WORDS)}")
        fixes = self.table(data, "lemma_fixes")
        for wrong, lemma in fixes.items():
            if not isinstance(lemma, str) or not lemma:
                raise self.fail("lemma_fixes", wrong, "must be a non-empty string")
        operators = self.phrases(data, "operators", OPERATORS)
        return Lexicon(
            verbs=self.frames(data, "verbs", classes),
            nouns=self.frames(data, "nouns", classes),
            adjectives=self.frames(data, "adjectives", classes),
            working=self.phrases(data, "working", WORKING),
            operators=_select(operators, set(OPERATORS) - {"object_control"}),
            object_control=_select(operators, {"object_control"}),
            speech=self.phrases(data, "speech", SPEECH),
            words={
                name: frozenset(self.strings("words", name, words.get(name, []))) for name in WORDS
            },
            lemma_fixes=dict(fixes),
            factors=self.factors(data),
            fingerprint=fingerprint,
        )

    def factors(self, data: dict[str, Any]) -> Factors:
        given = dict(self.table(data, "factors"))
        blame = given.pop("blame", {})
        if not isinstance(blame, dict):
            raise self.fail("factors", "blame", "must be a table")
        for entry, table, known in (
            ("factors", given, FACTORS),
            ("factors.blame", blame, tuple(BLAME)),
        ):
            for key, value in table.items():
                if key not in known:
                    raise self.fail(entry, key, f"unknown key; known: {', '.join(known)}")
                table[key] = self.fraction(entry, key, value)
        return Factors(**given, blame={**BLAME, **blame})

    def fraction(self, entry: str, key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fail(entry, key, "must be a number from 0 to 1")
        if not 0 <= value <= 1:
            raise self.fail(entry, key, f"{value} is not between 0 and 1")
        return float(value)

    def table(self, data: dict[str, Any], name: str) -> dict[str, Any]:
        value = data.get(name, {})
        if not isinstance(value, dict):
            raise self.fail(name, name, "must be a table")
        return value

    def strings(self, entry: str, key: str, value: Any) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise self.fail(entry, key, "must be a list of non-empty strings")
        seen: set[str] = set()
        for item in value:
            if item in seen:
                raise self.fail(entry, key, f"{item!r} is listed twice")
            seen.add(item)
        return list(value)

    def phrases(self, data: dict[str, Any], section: str, known: tuple[str, ...]) -> Phrases:
        index: dict[str, list[Phrase]] = {}
        for group, table in self.table(data, section).items():
            if group not in known:
                raise self.fail(section, group, f"unknown group; known: {', '.join(known)}")
            entry = f"{section}.{group}"
            if not isinstance(table, dict) or set(table) != {"lemmas"}:
                raise self.fail(entry, "lemmas", "must be the only key")
            for text in self.strings(entry, "lemmas", table["lemmas"]):
                first, *rest = text.split()
                index.setdefault(first, []).append(Phrase(first, tuple(rest), group))
        return {lemma: tuple(sorted(found, key=_longest)) for lemma, found in index.items()}

    def frames(
        self, data: dict[str, Any], section: str, classes: dict[str, frozenset[str]]
    ) -> Frames:
        index: dict[str, list[Frame]] = {}
        for group, table in self.table(data, section).items():
            entry = f"{section}.{group}"
            if not isinstance(table, dict):
                raise self.fail(section, group, "must be a table")
            for key in table:
                if key not in FRAME_KEYS:
                    raise self.fail(entry, key, f"unknown key; known: {sorted(FRAME_KEYS)}")
            for frame in self.group_frames(entry, table, classes):
                index.setdefault(frame.lemma, []).append(frame)
        return {lemma: tuple(sorted(found, key=_most_specific)) for lemma, found in index.items()}

    def group_frames(
        self, entry: str, table: dict[str, Any], classes: dict[str, frozenset[str]]
    ) -> list[Frame]:
        stance = self.choice(entry, "stance", table.get("stance"), tuple(SIGNS))
        kind = self.choice(entry, "kind", table.get("kind"), KINDS)
        weight = self.fraction(entry, "weight", table.get("weight"))
        lean = table.get("lean")
        number = isinstance(lean, int | float) and not isinstance(lean, bool)
        if lean is not None and not (number and -1 <= lean <= 1):
            raise self.fail(entry, "lean", "must be a number from -1 to 1")
        if lean is not None and stance != "neutral":
            raise self.fail(entry, "lean", "is for neutral groups only")
        denied = self.choice(entry, "denied", table.get("denied", "neutral"), tuple(SIGNS))
        accusation = table.get("accusation", False)
        if not isinstance(accusation, bool):
            raise self.fail(entry, "accusation", "must be true or false")
        target = self.places(entry, "target", table.get("target", ["object"]))
        if "source" in table and "source_at" in table:
            raise self.fail(entry, "source_at", "give either source or source_at")
        source_key = "source_at" if "source_at" in table else "source"
        source = self.places(entry, source_key, table.get(source_key, ["subject"]))
        frames = []
        for text in self.strings(entry, "lemmas", table.get("lemmas")):
            first, *rest = text.split()
            governed = rest and rest[-1] in PREPOSITIONS and target
            frames.append(
                Frame(
                    group=entry,
                    lemma=first,
                    rest=tuple(rest),
                    sign=SIGNS[stance],
                    kind=kind,  # type: ignore[arg-type]
                    weight=weight,
                    target=_phrase_target(rest, target) if governed else target,
                    source=source,
                    needs=self.members(entry, "needs", table, classes),
                    without=self.members(entry, "without", table, classes),
                    reciprocal=self.choice(  # type: ignore[arg-type]
                        entry, "reciprocal", table.get("reciprocal", ""), RECIPROCAL
                    ),
                    accusation=accusation,
                    lean=None if lean is None else float(lean),
                    denied=SIGNS[denied],
                )
            )
        return frames

    def choice(self, entry: str, key: str, value: Any, known: tuple[str, ...]) -> str:
        if value not in known:
            raise self.fail(entry, key, f"must be one of {', '.join(k for k in known if k)}")
        return str(value)

    def places(self, entry: str, key: str, value: Any) -> tuple[str, ...]:
        places = self.strings(entry, key, value)
        for place in places:
            if place not in ROLES | PREPOSITIONS:
                raise self.fail(entry, key, f"{place!r} is neither a role nor a preposition")
        return tuple(places)

    def members(
        self, entry: str, key: str, table: dict[str, Any], classes: dict[str, frozenset[str]]
    ) -> frozenset[str]:
        found: set[str] = set()
        for name in self.strings(entry, key, table.get(key, [])):
            if name not in classes:
                raise self.fail(entry, key, f"{name!r} is not one of [classes]")
            found |= classes[name]
        return frozenset(found)


def _phrase_target(rest: list[str], target: tuple[str, ...]) -> tuple[str, ...]:
    """Return a phrase's target: its own preposition, unless that is a particle of a transitive."""
    particle = rest[-1] in {"up", "out", "off", "over", "down"}
    return target if particle else (rest[-1],)


def _select(phrases: Phrases, groups: set[str]) -> Phrases:
    kept = {lemma: tuple(p for p in found if p.group in groups) for lemma, found in phrases.items()}
    return {lemma: found for lemma, found in kept.items() if found}


def _longest(phrase: Phrase) -> int:
    return -len(phrase.rest)


def _most_specific(frame: Frame) -> tuple[int, bool]:
    return -len(frame.rest), not frame.needs
