"""How much of a reading's weight stays, by who vouches for it and how it is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# By the verb of saying (`speech` in the lexicon); what others say is no blame of its own.
BLAME: Mapping[str, float] = {"neutral": 0.8, "accusing": 0.95, "according": 0.6, "judging": 0.8}


@dataclass(frozen=True, slots=True)
class Factors:
    """The lexicon's `factors`, each 0..1; these are the values of a lexicon that has none.

    `blame` is how sure one may be that whoever reports a deed blames its doer, by the verb of
    saying.
    """

    third_party: float = 0.8
    unknown_speaker: float = 0.85
    alleged: float = 0.5
    hypothetical: float = 0.45
    blame: Mapping[str, float] = field(default_factory=lambda: dict(BLAME))
