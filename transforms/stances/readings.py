"""What the grammar finds at one predicate, before status and speaker are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from transforms.records import Mention

Kind = Literal["act", "statement", "relation"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One directed stance: `sign` +1, -1 or 0 (neutral, leaning by `lean` -1..1), `weight` 0..1.

    `predicate` is the token whose negation, modality and speaker apply; `trigger` are the tokens
    that show the stance. `accusation` marks deeds that are blame when someone reports them.
    `denied` is the sign that the predicate's negation would state, `group` the lexicon's group.
    `cancelled` says that the words themselves leave nothing ("rejected an alliance with").
    """

    source: Mention
    target: Mention
    sign: int
    kind: Kind
    weight: float
    predicate: int
    trigger: tuple[int, ...]
    accusation: bool = False
    cancelled: bool = False
    hypothetical: bool = False
    words_of_source: bool = True
    lean: float = 0.0
    denied: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """Something blameworthy (sign -1) or praiseworthy (+1) that a clause says of an actor.

    It is a stance only of whoever says it: "A said that B was lying". `settled`: its modality and
    negation are part of what is said ("A said that B cannot be trusted").
    """

    actor: Mention
    sign: int
    weight: float
    predicate: int
    trigger: tuple[int, ...]
    settled: bool = False
