"""A sentence as the learned reader sees it: word pieces, with every actor's name taken out.

The two actors of the pair become a P and a Q, in the order of the text, all other named entities an
O, each with no more than its type; so the reader can't know whose stance it reads. Training and
inference both go through here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from transforms.stances.tree import Tree

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from tokenizers import Tokenizer

Role = Literal["P", "Q", "O"]

TYPES: Final = ("person", "place", "organisation")
ROLES: Final[tuple[Role, ...]] = ("P", "Q", "O")
# Ids that BERT's vocabulary leaves unused, one for each role and type.
MARKS: Final[Mapping[tuple[str, str], int]] = {
    (role, kind): 1 + i * len(TYPES) + j
    for i, role in enumerate(ROLES)
    for j, kind in enumerate(TYPES)
}
CLS: Final = 101
SEP: Final = 102
# Pieces kept on either side of the pair, and the most that one reading may hold.
WINDOW: Final = 14
MAX_PIECES: Final = 96

# What spaCy's named entities are taken for; of the catalog's actors, all but these are
# organisations. A demonym ("Russian forces") names the state, as the catalog has it.
ENTITY_TYPES: Final[Mapping[str, str]] = {
    "PERSON": "person",
    "GPE": "place",
    "LOC": "place",
    "FAC": "place",
    "NORP": "place",
    "ORG": "organisation",
}
ACTOR_TYPES: Final[Mapping[str, str]] = {"person": "person", "state": "place"}
OTHER_ACTORS: Final = "organisation"


@dataclass(frozen=True, slots=True)
class Pieces:
    """The word pieces of one sentence: their ids, and the document's token that each starts in."""

    ids: Sequence[int]
    tokens: Sequence[int]


@dataclass(frozen=True, slots=True)
class Named:
    """Tokens `first` up to but without `last` that name somebody of this type."""

    first: int
    last: int
    type: str


@dataclass(frozen=True, slots=True)
class Masked:
    """One pair's input: piece ids, 1.0 on the way through the parse between the two, and where
    P and Q stand."""

    ids: list[int]
    path: list[float]
    p: int
    q: int


def split_sentence(tokenizer: Tokenizer, tree: Tree, number: int) -> Pieces:
    """Return the word pieces of one of the tree's sentences."""
    first, last = tree.bounds[number]
    encoded = tokenizer.encode(tree.text(first, last - 1), add_special_tokens=False)
    base, starts = tree.start[first], tree.start[first:last]
    tokens = [first + max(0, bisect_right(starts, base + at) - 1) for at, _ in encoded.offsets]
    return Pieces(encoded.ids, tokens)


def named_entities(doc: Doc, first: int, last: int) -> list[Named]:
    """Return the named entities within a range of tokens that may be actors."""
    return [
        Named(entity.start, entity.end, ENTITY_TYPES[entity.label_])
        for entity in doc[first:last].ents
        if entity.label_ in ENTITY_TYPES
    ]


def mask_pair(
    pieces: Pieces, p: Named, q: Named, others: Iterable[Named], path: Collection[int]
) -> Masked | None:
    """Return the pair's input, or None where the two overlap or stand too far apart.

    `p` comes before `q` in the text; others that overlap them are left out. `path` are the tokens
    on the way between the two.
    """
    if p.last > q.first:
        return None
    marks: dict[int, int] = {}
    starts: dict[int, tuple[str, Named]] = {}
    pair = [("P", p), ("Q", q)]
    apart = [("O", o) for o in others if o.last <= p.first or o.first >= q.last]
    apart += [("O", o) for o in others if p.last <= o.first and o.last <= q.first]
    for role, named in (*pair, *apart):
        if any(token in marks for token in range(named.first, named.last)):
            continue
        starts[named.first] = (role, named)
        marks.update(dict.fromkeys(range(named.first, named.last), named.first))
    ids: list[int] = []
    flags: list[float] = []
    places = {"P": -1, "Q": -1}
    done: set[int] = set()
    for piece, token in zip(pieces.ids, pieces.tokens, strict=True):
        start = marks.get(token)
        if start is None:
            ids.append(piece)
            flags.append(float(token in path))
        elif start not in done:
            done.add(start)
            role, named = starts[start]
            if role in places:
                places[role] = len(ids)
            ids.append(MARKS[role, named.type])
            flags.append(float(any(t in path for t in range(named.first, named.last))))
    low, high = places["P"], places["Q"]
    if low < 0 or high < 0 or high - low > MAX_PIECES - 3:
        return None
    spare = min(2 * WINDOW, MAX_PIECES - 3 - (high - low))
    begin = max(0, low - min(WINDOW, spare // 2))
    end = min(len(ids), high + 1 + min(WINDOW, spare - spare // 2))
    return Masked(
        [CLS, *ids[begin:end], SEP],
        [0.0, *flags[begin:end], 0.0],
        low - begin + 1,
        high - begin + 1,
    )


def way_between(heads: Sequence[int], a: int, b: int) -> set[int]:
    """Return the tokens on the way through the parse from `a` to `b`, both included.

    `heads` are the tokens' heads; a root is its own.
    """
    up, down = _to_root(heads, a), _to_root(heads, b)
    meet = next((i for i in up if i in down), None)
    if meet is None:
        return {*up, *down}
    return {*up[: up.index(meet) + 1], *down[: down.index(meet)]}


def _to_root(heads: Sequence[int], token: int) -> list[int]:
    way = [token]
    while heads[way[-1]] != way[-1]:
        way.append(heads[way[-1]])
    return way
