"""What the edges of a replaced text prove about its twins, the articles that carry its very words.

Of equal texts one stands for all where another text is compared with them. When that one is
revised its edges go, and whatever was compared with it alone would fall out of the story, although
its twins have the same words still. So an edge of a replaced text passes to the twin closest in
time, and the twins that are left are chained anew.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from transforms.clusters import connected
from transforms.store_view import Edge, make_edge

# Each twin is chained to so many before it, as in a bucket.
CHAINED = 2


class Version(NamedTuple):
    """An article's text: the current one, or one that this batch replaces or passes over."""

    article_id: str
    replaced: bool


class VersionEdge(NamedTuple):
    """A verified pair of two texts."""

    one: Version
    other: Version
    similarity: float
    method: str


def inherited(
    edges: Collection[VersionEdge], published: Mapping[str, datetime], horizon: timedelta
) -> Iterator[Edge]:
    """Yield the edges that current texts have because texts of the same words had them.

    `edges` are all of the touched stories, and the batch's; `published` has each of their ends.
    What comes may be among `edges` already. An edge needs times within `horizon`.
    """
    gone = {end for edge in edges for end in (edge.one, edge.other) if end.replaced}
    if not gone:
        return
    twins = _Twins(edges, published)
    for edge in edges:
        if edge.method == "exact" or not (edge.one.replaced or edge.other.replaced):
            continue
        one = twins.closest(edge.one, published[edge.other.article_id])
        other = one and twins.closest(edge.other, published[one])
        if one and other and one != other and abs(published[one] - published[other]) <= horizon:
            yield make_edge(one, other, edge.similarity, edge.method)
    for members in twins.of(gone):
        for place, (at, later) in enumerate(members):
            for before, earlier in members[max(0, place - CHAINED) : place]:
                if at - before <= horizon:
                    yield make_edge(earlier, later, 1.0, "exact")


class _Twins:
    """Which articles carry the same words now, in order of (time, id)."""

    def __init__(self, edges: Iterable[VersionEdge], published: Mapping[str, datetime]) -> None:
        exact = [(edge.one, edge.other) for edge in edges if edge.method == "exact"]
        self._root = connected(exact)
        self._members: dict[Version, list[tuple[datetime, str]]] = defaultdict(list)
        for version, root in self._root.items():
            if not version.replaced:
                self._members[root].append((published[version.article_id], version.article_id))
        for members in self._members.values():
            members.sort()

    def closest(self, version: Version, moment: datetime) -> str | None:
        """Return who carries a text: its article, or the twin published closest to a moment."""
        if not version.replaced:
            return version.article_id
        members = self._members.get(self._root.get(version, version), [])
        place = bisect_left(members, (moment, ""))
        near = members[max(0, place - 1) : place + 1]
        return min(near, key=lambda member: (abs(member[0] - moment), member))[1] if near else None

    def of(self, versions: Iterable[Version]) -> list[list[tuple[datetime, str]]]:
        """Return the twins of these texts, each group once."""
        roots = {self._root.get(version, version) for version in versions}
        return [self._members[root] for root in sorted(roots) if root in self._members]
