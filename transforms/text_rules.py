"""The word lists behind `same_text` and sentence splitting, read from `configs/same_text.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from transforms.resources import resolve_config_path

DEFAULT_RULES = "same_text.toml"


class _RulesFile(BaseModel):
    """The file's shape: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agencies: tuple[str, ...]
    titles: frozenset[str]
    function_words: frozenset[str]
    negations: frozenset[str]
    opposites: tuple[tuple[frozenset[str], frozenset[str]], ...]
    weekdays: tuple[str, ...]
    relative_days: frozenset[str]
    months: tuple[tuple[str, ...], ...]
    abbreviations: frozenset[str]
    numeric_abbreviations: frozenset[str]
    open_abbreviations: frozenset[str]
    sentence_starters: frozenset[str]
    speech_verbs: frozenset[str]
    numbers: dict[str, str]
    name_endings: frozenset[str]
    different_names: tuple[tuple[frozenset[str], frozenset[str]], ...]
    joining_words: frozenset[str]
    second_names: frozenset[str]
    same_names: tuple[tuple[str, ...], ...]
    spellings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class TextRules:
    """The word lists, compiled; plain data that travels to workers by value, and is its own key
    where something is kept by rules.

    `opposites` maps a word to the words that turn its meaning around. `different_names`
    maps a name to those that only look like it, `same_names` one to the first of its group;
    `actor_names` are all of these. `months` maps a month's name to "01".."12".
    """

    agencies: frozenset[str]
    titles: frozenset[str]
    function_words: frozenset[str]
    negations: frozenset[str]
    opposites: dict[str, frozenset[str]]
    weekdays: frozenset[str]
    relative_days: frozenset[str]
    months: dict[str, str]
    abbreviations: frozenset[str]
    numeric_abbreviations: frozenset[str]
    open_abbreviations: frozenset[str]
    sentence_starters: frozenset[str]
    speech_verbs: frozenset[str]
    numbers: dict[str, str]
    name_endings: frozenset[str]
    different_names: dict[str, frozenset[str]]
    joining_words: frozenset[str]
    second_names: frozenset[str]
    same_names: dict[str, str]
    actor_names: frozenset[str]
    spellings: tuple[tuple[str, str], ...]

    def respell(self, word: str) -> str:
        """Return a form that the British and the American spelling of a word share."""
        return _respelt(word, self.spellings)


@lru_cache(maxsize=1 << 16)
def _respelt(word: str, spellings: tuple[tuple[str, str], ...]) -> str:
    for one, other in spellings:
        word = word.replace(one, other)
    return word


def load_rules(path: Path) -> TextRules:
    """Read a rules file; raises FileNotFoundError, tomllib.TOMLDecodeError or ValidationError."""
    found = _RulesFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    return TextRules(
        agencies=frozenset(found.agencies),
        titles=found.titles,
        function_words=found.function_words,
        negations=found.negations,
        opposites=_both_ways(found.opposites),
        weekdays=frozenset(found.weekdays),
        relative_days=found.relative_days,
        months={
            name: f"{number:02}" for number, names in enumerate(found.months, 1) for name in names
        },
        abbreviations=found.abbreviations,
        numeric_abbreviations=found.numeric_abbreviations,
        open_abbreviations=found.open_abbreviations,
        sentence_starters=found.sentence_starters,
        speech_verbs=found.speech_verbs,
        numbers=found.numbers,
        name_endings=found.name_endings,
        different_names=_both_ways(found.different_names),
        joining_words=found.joining_words,
        second_names=found.second_names,
        same_names={name: group[0] for group in found.same_names for name in group},
        actor_names=frozenset(name for group in found.same_names for name in group),
        spellings=found.spellings,
    )


def _both_ways(
    pairs: Iterable[tuple[frozenset[str], frozenset[str]]],
) -> dict[str, frozenset[str]]:
    """Return, for each word, the words that stand on the other side of a pair."""
    found: dict[str, frozenset[str]] = {}
    for left, right in pairs:
        for side, other in ((left, right), (right, left)):
            for word in side:
                found[word] = found.get(word, frozenset()) | other
    return found


@cache
def shipped_rules() -> TextRules:
    """Return the rules that travel with the program."""
    return load_rules(resolve_config_path(DEFAULT_RULES))
