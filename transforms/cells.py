"""Candidate pairs packed into cells: units of comparison that hold few texts and share them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from transforms.buckets import Link
from transforms.clusters import Forest, connected
from transforms.same_text import MIN_SHARED, same_text
from transforms.settings import DeduplicateSettings
from transforms.signatures import estimate_jaccard
from transforms.store_view import Edge
from transforms.text_rules import TextRules
from transforms.text_view import TextView

# Articles whose pairs are compared in one cell; its guests (earlier partners) come on top.
CELL_ARTICLES: Final = 512
# An article that is already in its story is compared on until it has this many edges: if one of
# its partners is revised and leaves, the story must not fall apart.
EDGES_EACH: Final = 2


class Text(NamedTuple):
    """An article's text on its way to a comparison; `signature` and `shingles` as in its sketch."""

    id: str
    title: str
    text: str
    outlet: str
    signature: bytes = b""
    shingles: int = 0


@dataclass(slots=True)
class Cells:
    """Which cells need an article's text, and the links that each cell compares."""

    needs: dict[str, list[int]] = field(default_factory=dict)
    links: dict[int, list[Link]] = field(default_factory=dict)


def plan_cells(links: Iterable[Link], articles_each: int = CELL_ARTICLES) -> Cells:
    """Divide the candidate pairs among cells, the later article's cell taking the pair.

    Articles that hang together come into one cell where they fit; those of a larger group are cut
    by time. The result depends on the set of links alone.
    """
    chosen: dict[tuple[str, str], Link] = {}
    for link in links:
        known = chosen.get(link[:2])
        if known is None or link.exact:
            chosen[link[:2]] = link
    times: dict[str, int] = {}
    for link in chosen.values():
        times[link.second] = link.time
    # A group's first article has no link in which it is the second; the group follows it.
    least = min(times.values(), default=0) - 1
    roots = connected(chosen, key=lambda node: (times.get(node, least), node))
    order = sorted(roots, key=lambda node: (roots[node], times.get(node, least), node))
    cell_of = {node: index // articles_each for index, node in enumerate(order)}
    cells = Cells()
    needs: dict[str, set[int]] = defaultdict(set)
    for key in sorted(chosen):
        link = chosen[key]
        cell = cell_of[link.second]
        cells.links.setdefault(cell, []).append(link)
        if not link.exact:
            needs[link.first].add(cell)
            needs[link.second].add(cell)
    cells.needs = {node: sorted(found) for node, found in needs.items()}
    return cells


def verify_cell(
    texts: Mapping[str, Text],
    links: Iterable[Link],
    settings: DeduplicateSettings,
    rules: TextRules,
) -> Iterator[Edge]:
    """Yield the cell's verified pairs, as many as hold its stories together.

    A pair whose ends already hang together adds nothing to the clustering, whatever a comparison
    would say, so it is compared only while the later article has fewer than EDGES_EACH edges.
    """
    views: dict[str, TextView] = {}
    forest: Forest[str] = Forest()
    edges: dict[str, int] = defaultdict(int)
    for link in sorted(
        links, key=lambda link: (link.time, link.second, not link.exact, link.first)
    ):
        if link.exact:
            verdict = (1.0, "exact")
        elif forest.together(link.first, link.second) and edges[link.second] >= EDGES_EACH:
            continue
        else:
            if link.first not in texts or link.second not in texts:
                continue
            if unlike(texts[link.first], texts[link.second]):
                continue
            for name in link[:2]:
                if name not in views:
                    views[name] = view_of(texts[name], rules)
            found = same_text(views[link.first], views[link.second], settings)
            if not found.same:
                continue
            verdict = (found.similarity, found.method)
        forest.join(link.first, link.second)
        edges[link.first] += 1
        edges[link.second] += 1
        yield make_edge(link.first, link.second, *verdict)


def unlike(first: Text, second: Text) -> bool:
    """Return whether the signatures leave no doubt that the wording differs.

    A signature of n values estimates Jaccard with a standard error of sqrt(J (1 - J) / n). Refused
    is what stays four errors below the similarity that MIN_SHARED of the shorter text makes.
    """
    sizes = first.shingles, second.shingles
    if not first.signature or not second.signature:
        return False
    needed = MIN_SHARED * min(sizes)
    estimate = estimate_jaccard(first.signature, second.signature)
    # One value more, so that an estimate of nothing at all has an error too.
    count = len(first.signature) // 4 + 1
    smoothed = (estimate * (count - 1) + 1) / count
    error = (smoothed * (1 - smoothed) / count) ** 0.5
    return bool(smoothed + 4 * error < needed / (sum(sizes) - needed))


def view_of(text: Text, rules: TextRules) -> TextView:
    """Return a text as it is compared."""
    return TextView(text.id, text.title, text.text, text.outlet, rules)


def make_edge(one: str, other: str, similarity: float, method: str) -> Edge:
    """Return the edge with its ends in order."""
    return Edge(min(one, other), max(one, other), similarity, method)
