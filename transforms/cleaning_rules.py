"""The patterns and word lists of `configs/cleaning.toml`, validated and compiled once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from transforms.resources import resolve_config_path
from transforms.settings import Positive, Section

# Separate patterns where a text is searched: the engine skips to a pattern's first letters only
# where there is one alternative.
Patterns = tuple[re.Pattern[str], ...]

DEFAULT_RULES = "cleaning.toml"


class RulesError(ValueError):
    """A cleaning file that can't be used; the message names the file and the key."""


class _Urls(Section):
    tracking_parameters: tuple[str, ...]
    tracking_prefixes: tuple[str, ...]
    mobile_labels: tuple[str, ...]


class _Text(Section):
    max_words: Positive
    paragraphs: tuple[str, ...]
    tails: tuple[str, ...]
    datelines: tuple[str, ...]


class _Stubs(Section):
    max_words: Positive
    paywall: tuple[str, ...]
    consent: tuple[str, ...]


class _Languages(Section):
    candidates: tuple[str, ...]


class _File(Section):
    urls: _Urls
    text: _Text
    stubs: _Stubs
    languages: _Languages


@dataclass(frozen=True)
class CleaningRules:
    """Compiled rules; plain data and patterns, so that a runner can pickle them."""

    tracking_parameters: frozenset[str]
    tracking_prefixes: tuple[str, ...]
    mobile_labels: frozenset[str]
    boilerplate_max_words: int
    boilerplate: re.Pattern[str]
    tails: Patterns
    datelines: Patterns
    stub_max_words: int
    paywall: Patterns
    consent: Patterns
    languages: tuple[str, ...]


@lru_cache(maxsize=8)
def load_rules(name: str = DEFAULT_RULES) -> CleaningRules:
    """Return the rules of a file named by a path or by the name of a shipped config.

    Raises FileNotFoundError where there is none and RulesError where it isn't valid.
    """
    path = resolve_config_path(name)
    try:
        found = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RulesError(f"{path}: {key}: {first['msg']}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulesError(f"{path}: {error}") from None
    return CleaningRules(
        tracking_parameters=frozenset(name.lower() for name in found.urls.tracking_parameters),
        tracking_prefixes=tuple(prefix.lower() for prefix in found.urls.tracking_prefixes),
        mobile_labels=frozenset(label.lower() for label in found.urls.mobile_labels),
        boilerplate_max_words=found.text.max_words,
        boilerplate=_any_of(_compiled(path, "text.paragraphs", found.text.paragraphs)),
        tails=_compiled(path, "text.tails", found.text.tails, end=r"\s*\Z"),
        datelines=_compiled(path, "text.datelines", found.text.datelines),
        stub_max_words=found.stubs.max_words,
        paywall=_compiled(path, "stubs.paywall", found.stubs.paywall),
        consent=_compiled(path, "stubs.consent", found.stubs.consent),
        languages=found.languages.candidates,
    )


def _compiled(path: Path, key: str, patterns: tuple[str, ...], end: str = "") -> Patterns:
    """Compile a key's patterns; the error names the one that is wrong."""
    compiled = []
    for index, pattern in enumerate(patterns):
        try:
            compiled.append(re.compile(f"(?:{pattern}){end}" if end else pattern))
        except re.error as error:
            raise RulesError(f"{path}: {key}[{index}]: {error}: {pattern}") from None
    return tuple(compiled)


def _any_of(patterns: Patterns) -> re.Pattern[str]:
    """Join alternatives for matching a whole text; no patterns match nothing, not everything."""
    return re.compile("|".join(f"(?:{pattern.pattern})" for pattern in patterns) or r"(?!)")
