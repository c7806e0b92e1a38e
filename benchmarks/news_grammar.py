"""A grammar of invented news: endless articles about invented people in invented states."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from random import Random
from typing import Any, Final

GRAMMAR: Final[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("news_grammar.toml").read_text(encoding="utf-8")
)
STATES: Final[list[str]] = GRAMMAR["states"]
CITIES: Final[list[str]] = GRAMMAR["cities"]
FIRST: Final[list[str]] = GRAMMAR["first_names"]
LAST: Final[list[str]] = GRAMMAR["last_names"]
DAYS: Final[list[str]] = GRAMMAR["days"]
SPELLINGS: Final[list[list[str]]] = GRAMMAR["spellings"]
TEMPLATES: Final[dict[str, dict[str, str]]] = GRAMMAR["templates"]

_RULES: Final[dict[str, list[str]]] = GRAMMAR["rules"]
_SMALL: Final = "two three four five six seven eight nine eleven twelve"
_SLOT: Final = re.compile(r"\{(\w+)\}")


class Writer:
    """Writes sentences about one event: two states, a few people and places that recur."""

    def __init__(self, random: Random) -> None:
        self.random = random
        one, other = random.sample(STATES, 2)
        self.fixed = {"A": one, "B": other}
        self.people = [f"{random.choice(FIRST)} {random.choice(LAST)}" for _ in range(4)]

    def write(self, symbol: str) -> str:
        """Return one expansion of a rule."""
        return self.fill(self.random.choice(_RULES[symbol]))

    def fill(self, pattern: str) -> str:
        """Return the pattern with every slot expanded."""
        return _SLOT.sub(lambda match: self._slot(match.group(1)), pattern)

    def _slot(self, name: str) -> str:
        random = self.random
        if name in self.fixed:
            return self.fixed[name]
        if name.endswith("_c"):
            return _capital(self._slot(name[:-2]))
        plain = {
            "P": lambda: random.choice(self.people),
            "LAST": lambda: random.choice(LAST),
            "state": lambda: random.choice(STATES),
            "city": lambda: random.choice(CITIES),
            "day": lambda: random.choice(DAYS),
            "n": lambda: f"{random.randint(12, 9_800):,}",
            "pct": lambda: str(random.randint(2, 88)),
            "year": lambda: str(random.randint(1970, 2024)),
            "small": lambda: random.choice(_SMALL.split()),
        }
        return plain[name]() if name in plain else self.write(name)

    def sentence(self, symbol: str) -> str:
        """Return one sentence, capitalised."""
        return _capital(self.write(symbol))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
