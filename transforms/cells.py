"""Candidate pairs packed into cells: units of comparison that hold few texts and share them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.buckets import Links
from transforms.cell_texts import CellTexts, Text
from transforms.columns import Flags, Integers, component_roots, distinct, distinct_rows, id_columns
from transforms.pair_verdicts import METHODS, TextPairs
from transforms.same_text import MIN_SHARED
from transforms.settings import DeduplicateSettings
from transforms.store_view import Edge, make_edge
from transforms.text_rules import TextRules

# Articles whose pairs are compared in one cell; its guests (earlier partners) come on top.
CELL_ARTICLES: Final = 1_024
# An article that is already in its story is compared on until it has this many edges: if one of
# its partners is revised and leaves, the story must not fall apart.
EDGES_EACH: Final = 2
# Pairs whose signatures are compared at once; bounds the memory of it.
SIGNATURE_PAIRS: Final = 4_096

Fractions = npt.NDArray[np.float64]


class Verified(NamedTuple):
    """Verified pairs by column: rows of their cell's links, and how alike they are.

    `similarity` isn't rounded yet; `method` is a place in METHODS.
    """

    first: Integers
    second: Integers
    similarity: Fractions
    method: Integers

    def edges(self, ids: Sequence[str]) -> Iterator[Edge]:
        """Yield each as an edge; `ids` are those of the cell's links."""
        rows = zip(*(column.tolist() for column in self), strict=True)
        for one, other, similarity, method in rows:
            yield make_edge(ids[one], ids[other], round(similarity, 4), METHODS[method])


@dataclass(frozen=True, slots=True)
class Cells:
    """The links that each cell compares."""

    links: dict[int, Links]

    def needs(self) -> dict[str, list[int]]:
        """Return which cells need an article's text."""
        found: dict[str, list[int]] = {}
        for cell, links in sorted(self.links.items()):
            ids, read = links.ids, ~links.exact
            for row in distinct(np.concatenate((links.first[read], links.second[read]))).tolist():
                found.setdefault(ids[row], []).append(cell)
        return found


def plan_cells(links: Iterable[Links], articles_each: int = CELL_ARTICLES) -> Cells:
    """Divide the candidate pairs among cells, the later article's cell taking the pair.

    Articles that hang together come into one cell where they fit; those of a larger group are cut
    by time. The result depends on the set of links alone.
    """
    whole = merge_links(list(links))
    if not len(whole):
        return Cells({})
    count = len(whole.times)
    roots = component_roots(whole.first, whole.second, count)
    cell_of = np.empty(count, dtype=np.int64)
    cell_of[np.argsort(roots, kind="stable")] = np.arange(count) // articles_each
    cell = cell_of[whole.second]
    order = np.argsort(cell, kind="stable")
    parts = np.split(order, np.flatnonzero(distinct_rows(cell[order]))[1:])
    return Cells({int(cell[part[0]]): whole.take(part) for part in parts})


def merge_links(parts: Sequence[Links]) -> Links:
    """Return all links as one, each pair once, exact where any part says so; sorted if several."""
    if len(parts) == 1:
        return parts[0]
    ids = list(chain.from_iterable(part.ids for part in parts))
    if not ids:
        none = np.empty(0, dtype=np.int64)
        return Links((), none, none, none, none, np.empty(0, dtype=np.bool_))
    coded = id_columns(ids)
    times = np.concatenate([part.times for part in parts])
    by_id = np.lexsort((times, *coded))
    fresh = distinct_rows(*(column[by_id] for column in coded))
    kept = by_id[fresh]
    by_time = np.lexsort((*(column[kept] for column in coded), times[kept]))
    row_of = np.empty(len(kept), dtype=np.int64)
    row_of[by_time] = np.arange(len(kept))
    rows = np.empty(len(ids), dtype=np.int64)
    rows[by_id] = row_of[np.cumsum(fresh) - 1]
    kept = kept[by_time]
    starts = np.cumsum([0, *(len(part.times) for part in parts)]).tolist()
    one, other = (
        np.concatenate([rows[getattr(p, side) + at] for p, at in zip(parts, starts, strict=False)])
        for side in ("first", "second")
    )
    first, second = np.minimum(one, other), np.maximum(one, other)
    exact = np.concatenate([part.exact for part in parts])
    order = np.lexsort((~exact, second, first))
    order = order[distinct_rows(first[order], second[order])]
    return Links(
        known=ids,
        places=kept,
        times=times[kept],
        first=first[order],
        second=second[order],
        exact=exact[order],
    )


def verify_cell(
    texts: Mapping[str, Text],
    links: Links,
    settings: DeduplicateSettings,
    rules: TextRules,
) -> Iterator[Edge]:
    """Yield the cell's verified pairs, as many as hold its stories together."""
    ids = links.ids
    columns = CellTexts.of([texts.get(item) for item in ids])
    for found in verified(columns, links, settings, rules):
        yield from found.edges(ids)


def verified(
    texts: CellTexts,
    links: Links,
    settings: DeduplicateSettings,
    rules: TextRules,
    edges_each: int = EDGES_EACH,
) -> Iterator[Verified]:
    """Yield the same by column; there is a text for each of the links' ids.

    A pair whose ends already hang together adds nothing to the clustering, whatever a comparison
    would say, so it is compared only while the later article has fewer than `edges_each` edges.
    Pairs come in rounds, the likeliest of each article first, and ever more of those that fail.
    """
    count = len(links.times)
    exact = np.flatnonzero(links.exact)
    yield Verified(
        links.first[exact],
        links.second[exact],
        np.ones(len(exact)),
        np.full(len(exact), METHODS.index("exact")),
    )
    edges = np.zeros(count, dtype=np.int64)
    joined: list[tuple[Integers, Integers]] = []

    def join(first: Integers, second: Integers) -> None:
        joined.append((first, second))
        np.add.at(edges, np.concatenate((first, second)), 1)

    join(links.first[exact], links.second[exact])
    readable = texts.readable()
    open_pairs = ~links.exact & readable[links.first] & readable[links.second]
    first, second = links.first[open_pairs], links.second[open_pairs]
    likeness, unlike = compare_signatures(texts, first, second)
    likely = np.flatnonzero(~unlike)
    first, second = first[likely], second[likely]
    order = np.lexsort((first, -likeness[likely], second))
    first, second = first[order], second[order]
    if not len(first):
        return
    used, place = np.unique(np.concatenate((first, second)), return_inverse=True)
    pairs = TextPairs(texts, used, settings, rules)
    numbers = place[: len(first)], place[len(first) :]
    waiting = np.arange(len(first))
    each = edges_each
    while len(waiting):
        ones, others = (np.concatenate(side) for side in zip(*joined, strict=True))
        root = component_roots(ones, others, count)
        apart = root[first[waiting]] != root[second[waiting]]
        waiting = waiting[apart | (edges[second[waiting]] < edges_each)]
        rank = np.arange(len(waiting)) - np.searchsorted(second[waiting], second[waiting])
        chosen, waiting = waiting[rank < each], waiting[rank >= each]
        each *= 2
        verdicts = pairs.compare(numbers[0][chosen], numbers[1][chosen])
        same = chosen[verdicts.same]
        join(first[same], second[same])
        yield Verified(
            first[same],
            second[same],
            verdicts.similarity[verdicts.same],
            verdicts.method[verdicts.same],
        )


def compare_signatures(
    texts: CellTexts, first: Integers, second: Integers
) -> tuple[Fractions, Flags]:
    """Return each pair's estimated Jaccard similarity, and whether the wording surely differs.

    n values that one of two signatures has at least estimate Jaccard with a standard error of
    sqrt(J (1 - J) / n). Sure is what stays four errors below the similarity that MIN_SHARED of the
    shorter text makes. A text without a signature is like none and unlike none.
    """
    values = texts.signatures
    width = values.shape[1]
    has = texts.shingles > 0
    estimate = np.zeros(len(first))
    if not has.any():
        return estimate, np.zeros(len(first), dtype=np.bool_)
    empty = np.packbits(values == 0, axis=1)
    both = has[first] & has[second]
    told = np.full(len(first), float(width))
    for start in range(0, len(first), SIGNATURE_PAIRS):
        part = slice(start, start + SIGNATURE_PAIRS)
        one, other = first[part], second[part]
        unfilled = np.bitwise_count(empty[one] & empty[other]).sum(axis=1)
        told[part] -= unfilled
        equal = np.count_nonzero(values[one] == values[other], axis=1)
        estimate[part] = (equal - unfilled) / np.maximum(told[part], 1.0)
    estimate[~both] = 0.0
    sizes = texts.shingles[first], texts.shingles[second]
    needed = MIN_SHARED * np.minimum(*sizes)
    # One value more, so that an estimate of nothing at all has an error too.
    smoothed = (estimate * told + 1) / (told + 1)
    error = np.sqrt(smoothed * (1 - smoothed) / (told + 1))
    reachable = needed / np.maximum(1.0, sizes[0] + sizes[1] - needed)
    return estimate, both & (smoothed + 4 * error < reachable)
