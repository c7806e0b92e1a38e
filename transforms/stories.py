"""The one step that sees a whole batch: which articles form which story, and what must be redone.

Only metadata comes here, never text. The final clustering depends on the articles and their
verified pairs alone, not on the order in which they arrived: the stories that a batch touches are
rebuilt from all of their members and edges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from transforms.clusters import connected
from transforms.identity import Identity, ItemMeta, identify
from transforms.ids import stable_id
from transforms.inherited_edges import Version, VersionEdge, inherited
from transforms.settings import DeduplicateSettings
from transforms.store_view import Edge, StoredArticle, StoreView, make_edge

# Stories, as times and ids of articles that keep their text, and the edges that are left: the edges
# that a comparison adds between those that hang together no more.
Compare = Callable[[Sequence[Sequence[tuple[datetime, str]]], Sequence[Edge]], Iterable[Edge]]

_HORIZON: Final = timedelta(days=DeduplicateSettings().horizon_days)


@dataclass(frozen=True, slots=True)
class StoryFacts:
    """A story as every row about it states it: its canonical article's date, and how loud it is."""

    story_id: str
    canonical_id: str
    published_at: datetime
    articles: int
    outlets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArticlePlan:
    """What becomes of one article: its identity, its story, and whether it must be analysed.

    `item_id` names the batch's item that carries the text; where it is None the row (and text) is
    read back from the partition `stored_date`. `write` is False where its row stays as it is.
    `own` holds the indexes of the sentences that this article is the story's first to carry.
    """

    article_id: str
    item_id: str | None
    stored_date: str | None
    identity: Identity | None
    stored: StoredArticle | None
    meta: ItemMeta | None
    story: StoryFacts
    own: tuple[int, ...]
    analyse: bool
    write: bool
    joins: tuple[Edge, ...]

    @property
    def is_canonical(self) -> bool:
        """Whether this is its story's first article."""
        return self.story.canonical_id == self.article_id


@dataclass(slots=True)
class Plan:
    """Everything that one batch changes.

    `cleared` maps a stances partition (date) to the stories whose rows there are replaced;
    `carried` maps it to {article id: (its story now, its revision)}, the articles whose evidence
    there is kept and moves with its story. `dropped_edges` names articles whose old edges went.
    """

    articles: list[ArticlePlan] = field(default_factory=list)
    cleared: dict[str, set[str]] = field(default_factory=dict)
    carried: dict[str, dict[str, tuple[StoryFacts, int]]] = field(default_factory=dict)
    kept_actors: dict[str, tuple[set[str], set[str]]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    dropped_aliases: set[str] = field(default_factory=set)
    edges: list[Edge] = field(default_factory=list)
    dropped_edges: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of a touched story in its state after the batch."""

    article_id: str
    published_at: datetime
    outlet: str
    analysed: bool
    sentences: tuple[str, ...]
    identity: Identity | None
    stored: StoredArticle | None


def day_of(moment: datetime) -> str:
    """Return the UTC date of a moment, YYYY-MM-DD."""
    return moment.astimezone(UTC).date().isoformat()


def plan_batch(
    items: Sequence[ItemMeta],
    pairs: Iterable[Edge],
    view: StoreView,
    coding_version: str,
    horizon: timedelta = _HORIZON,
    compare: Compare | None = None,
) -> Plan:
    """Return what a batch of cleaned items and their verified pairs changes in the store.

    `pairs` name items by item id and stored articles by article id. Articles whose analysis was
    made by another coding version are analysed again when their story is touched. `compare` is
    asked about stories of which a text is revised.
    """
    identities = identify(items, view)
    plan = Plan()
    changed = [identity for identity in identities if identity.status != "unchanged"]
    by_item = {i.item.item_id: i.article_id for i in identities if i.item is not None}
    plan.dropped_edges = {i.article_id for i in changed if i.status == "revised"}
    found = _version_edges(pairs, by_item, plan.dropped_edges, items)
    edges = _article_edges(found)
    members, stated, old_stories = _touched(changed, found, view)
    old_edges = [e for e in stated if not {e.a, e.b} & plan.dropped_edges]
    if plan.dropped_edges or any(edge.one.replaced or edge.other.replaced for edge in found):
        before = [_of_versions(edge, plan.dropped_edges) for edge in stated]
        published = {meta.item_id: meta.published_at or meta.fetched_at for meta in items}
        published |= {member.article_id: member.published_at for member in members.values()}
        known = [edge for edge in (*before, *found) if _is_among(edge, published)]
        edges = _with_inherited(edges, old_edges, inherited(known, published, horizon))
    edges = [edge for edge in edges if _are_near(edge, members, horizon)]
    if compare is not None and plan.dropped_edges:
        parts = _kept_texts(members, plan.dropped_edges)
        edges = _with_inherited(edges, old_edges, compare(parts, [*old_edges, *edges]))
    plan.edges = edges
    found_now = frozenset(edges)
    components = _components(members, [*old_edges, *edges])
    joins: dict[str, list[Edge]] = defaultdict(list)
    for edge in {(e.a, e.b): e for e in [*old_edges, *edges]}.values():
        later = max((members[edge.a], members[edge.b]), key=_order)
        joins[later.article_id].append(edge)

    stories: dict[str, StoryFacts] = {}
    for component in components:
        story = _story(component)
        owned = _ownership(component)
        for member in component:
            stories[member.article_id] = story
            joined = tuple(joins.get(member.article_id, ()))
            grew = not found_now.isdisjoint(joined)
            own = owned[member.article_id]
            _plan_member(plan, member, story, own, joined, grew, coding_version)
    _plan_evidence(plan, members, stories)
    _plan_aliases(plan, old_stories, members, stories, view)
    plan.articles.sort(key=lambda article: article.article_id)
    plan.counts = _counts(items, identities, members, stories)
    return plan


def plan_recode(
    stored: Iterable[StoredArticle], joins: Mapping[str, Sequence[Edge]], coding_version: str
) -> Plan:
    """Return a plan that reads stories anew and leaves them as they are: all of their articles.

    `stored` holds every article of each story; `joins` the edges that each article's row states.
    """
    plan = Plan()
    groups: dict[str, list[_Member]] = defaultdict(list)
    for article in stored:
        groups[article.story_id].append(
            _Member(
                article.article_id,
                article.published_at,
                article.outlet,
                article.analysed,
                article.sentences,
                None,
                article,
            )
        )
    for story_id in sorted(groups):
        component = sorted(groups[story_id], key=_order)
        story = _story(component)
        owned = _ownership(component)
        plan.cleared.setdefault(day_of(story.published_at), set()).add(story_id)
        plan.articles += [
            ArticlePlan(
                article_id=member.article_id,
                item_id=None,
                stored_date=day_of(member.published_at),
                identity=None,
                stored=member.stored,
                meta=None,
                story=story,
                own=owned[member.article_id],
                analyse=bool(owned[member.article_id]),
                write=True,
                joins=tuple(joins.get(member.article_id, ())),
            )
            for member in component
        ]
    plan.articles.sort(key=lambda article: article.article_id)
    analysed = sum(article.analyse for article in plan.articles)
    plan.counts = {"articles": len(plan.articles), "stories": len(groups), "analysed": analysed}
    return plan


def _version_edges(
    pairs: Iterable[Edge],
    by_item: Mapping[str, str],
    revised: Collection[str],
    items: Sequence[ItemMeta],
) -> list[VersionEdge]:
    """Return the pairs as those of articles; an item left out is a replaced text of its own."""
    item_ids = {meta.item_id for meta in items}

    def version(end: str) -> Version:
        if end not in item_ids:
            return Version(end, end in revised)
        return Version(by_item[end], False) if end in by_item else Version(end, True)

    return [
        VersionEdge(version(pair.a), version(pair.b), pair.similarity, pair.method)
        for pair in pairs
    ]


def _article_edges(found: Iterable[VersionEdge]) -> list[Edge]:
    """Return the edges of current texts, the best for each pair of articles, in order."""
    best: dict[tuple[str, str], Edge] = {}
    for one, other, similarity, method in found:
        if one.replaced or other.replaced or one.article_id == other.article_id:
            continue
        edge = make_edge(one.article_id, other.article_id, similarity, method)
        old = best.get((edge.a, edge.b))
        if old is None or (edge.similarity, edge.method) > (old.similarity, old.method):
            best[(edge.a, edge.b)] = edge
    return [best[key] for key in sorted(best)]


def _are_near(edge: Edge, members: Mapping[str, _Member], horizon: timedelta) -> bool:
    """Return whether two articles were published within the horizon.

    A comparison goes by the dates of items, but a later version's date moves no article.
    """
    return abs(members[edge.a].published_at - members[edge.b].published_at) <= horizon


def _of_versions(edge: Edge, revised: set[str]) -> VersionEdge:
    """Return a stored edge as one of the texts that were stored."""
    one, other = Version(edge.a, edge.a in revised), Version(edge.b, edge.b in revised)
    return VersionEdge(one, other, edge.similarity, edge.method)


def _is_among(edge: VersionEdge, articles: Collection[str]) -> bool:
    return edge.one.article_id in articles and edge.other.article_id in articles


def _kept_texts(
    members: Mapping[str, _Member], revised: Collection[str]
) -> list[list[tuple[datetime, str]]]:
    """Return the stories of revised texts, each as those of its articles whose text stays."""
    stories: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    shaken = set()
    for article_id, member in members.items():
        if member.stored is None:
            continue
        if article_id in revised:
            shaken.add(member.stored.story_id)
        else:
            stories[member.stored.story_id].append((member.published_at, article_id))
    return [sorted(stories[story]) for story in sorted(shaken & stories.keys())]


def _with_inherited(
    edges: Sequence[Edge], old_edges: Iterable[Edge], more: Iterable[Edge]
) -> list[Edge]:
    """Return the batch's edges and those inherited that aren't known, in order."""
    known = {(edge.a, edge.b) for edge in old_edges}
    found = {(edge.a, edge.b): edge for edge in edges}
    for edge in sorted(more, key=lambda edge: (edge.similarity, edge.method), reverse=True):
        if (edge.a, edge.b) not in known:
            found.setdefault((edge.a, edge.b), edge)
    return [found[key] for key in sorted(found)]


def _touched(
    changed: Sequence[Identity], found: Sequence[VersionEdge], view: StoreView
) -> tuple[dict[str, _Member], list[Edge], set[str]]:
    fresh = {identity.article_id: identity for identity in changed}
    versions = {version for edge in found for version in (edge.one, edge.other)}
    ends = {version.article_id for version in versions if not version.replaced}
    direct = view.articles((ends | set(fresh)) - {i.article_id for i in changed if not i.stored})
    old_stories = {article.story_id for article in direct.values()}
    ids = {a for group in view.members(old_stories).values() for a in group} | set(direct)
    stored = dict(view.articles(ids))
    members = {
        article_id: _Member(
            article_id,
            article.published_at,
            article.outlet,
            article.analysed,
            article.sentences,
            fresh.get(article_id),
            article,
        )
        for article_id, article in stored.items()
    }
    for identity in changed:
        item = identity.item
        if item is not None:
            members[identity.article_id] = _Member(
                identity.article_id,
                identity.published_at,
                item.outlet,
                item.analysed,
                item.sentences,
                identity,
                identity.stored,
            )
    return members, list(view.edges(ids)), old_stories


def _order(member: _Member) -> tuple[datetime, str]:
    return member.published_at, member.article_id


def _components(members: Mapping[str, _Member], edges: Sequence[Edge]) -> list[list[_Member]]:
    roots = connected([(e.a, e.b) for e in edges if e.a in members and e.b in members], members)
    groups: dict[str, list[_Member]] = defaultdict(list)
    for article_id in sorted(members):
        groups[roots[article_id]].append(members[article_id])
    return [sorted(group, key=_order) for group in groups.values()]


def _story(component: Sequence[_Member]) -> StoryFacts:
    canonical = component[0]
    return StoryFacts(
        story_id=stable_id("story", canonical.article_id),
        canonical_id=canonical.article_id,
        published_at=canonical.published_at,
        articles=len(component),
        outlets=tuple(sorted({member.outlet for member in component})),
    )


def _ownership(component: Sequence[_Member]) -> dict[str, tuple[int, ...]]:
    """Return the sentences that each member is the first to carry; members come in order."""
    shown: set[str] = set()
    owned: dict[str, tuple[int, ...]] = {}
    for member in component:
        own = []
        if member.analysed:
            for index, sentence in enumerate(member.sentences):
                if sentence not in shown:
                    shown.add(sentence)
                    own.append(index)
        owned[member.article_id] = tuple(own)
    return owned


def _plan_member(
    plan: Plan,
    member: _Member,
    story: StoryFacts,
    own: tuple[int, ...],
    joined: tuple[Edge, ...],
    grew: bool,
    coding_version: str,
) -> None:
    """Add what becomes of a member; `joined` are its edges, `grew` says if one is new."""
    stored, identity = member.stored, member.identity
    item = identity.item if identity is not None else None
    analyse = bool(own) and (
        item is not None
        or stored is None
        or stored.own != own
        or stored.coding_version != coding_version
    )
    write = (
        stored is None
        or identity is not None
        or analyse
        or story.canonical_id == member.article_id
        or stored.story_id != story.story_id
        or stored.own != own
        or grew
    )
    plan.articles.append(
        ArticlePlan(
            article_id=member.article_id,
            item_id=item.item_id if item is not None else None,
            stored_date=day_of(stored.published_at) if stored is not None else None,
            identity=identity,
            stored=stored,
            meta=item,
            story=story,
            own=own,
            analyse=analyse,
            write=write,
            joins=joined,
        )
    )
    actors, rollups = plan.kept_actors.setdefault(story.story_id, (set(), set()))
    if stored is not None and own and not analyse:
        actors.update(stored.actors)
        rollups.update(stored.rollups)


def _plan_evidence(
    plan: Plan, members: Mapping[str, _Member], stories: Mapping[str, StoryFacts]
) -> None:
    """Clear the old rows of every touched story; carry over those that are not read anew."""
    old_dates: dict[str, str] = {}
    for member in members.values():
        stored = member.stored
        if stored is not None and stable_id("story", stored.article_id) == stored.story_id:
            old_dates[stored.story_id] = day_of(stored.published_at)
    for article in plan.articles:
        stored = article.stored
        if stored is None or stored.story_id not in old_dates:
            continue
        day = old_dates[stored.story_id]
        plan.cleared.setdefault(day, set()).add(stored.story_id)
        if article.own and not article.analyse:
            revision = article.identity.revision if article.identity else len(stored.content_hashes)
            plan.carried.setdefault(day, {})[article.article_id] = (article.story, revision)


def _plan_aliases(
    plan: Plan,
    old_stories: set[str],
    members: Mapping[str, _Member],
    stories: Mapping[str, StoryFacts],
    view: StoreView,
) -> None:
    current = {story.story_id for story in stories.values()}
    canonical_of = {
        stable_id("story", article_id): story.story_id for article_id, story in stories.items()
    }
    known = view.aliases(old_stories | current)
    plan.dropped_aliases = {alias for alias in known if alias in current}
    # A story whose first article was pruned lives on with the earliest of those that are left.
    heirs: dict[str, str] = {}
    for member in sorted(members.values(), key=_order):
        if member.stored is not None:
            heirs.setdefault(member.stored.story_id, stories[member.article_id].story_id)
    for old in old_stories - current:
        plan.aliases[old] = canonical_of.get(old) or heirs[old]
    for alias in known:
        if alias not in current:
            plan.aliases[alias] = canonical_of.get(alias, known[alias])
    for alias, target in plan.aliases.items():
        plan.aliases[alias] = plan.aliases.get(target, target)


def _counts(
    items: Sequence[ItemMeta],
    identities: Sequence[Identity],
    members: Mapping[str, _Member],
    stories: Mapping[str, StoryFacts],
) -> dict[str, int]:
    counts = {"items": len(items), "articles": len(identities)}
    for status in ("new", "revised", "noted", "unchanged"):
        counts[status] = sum(identity.status == status for identity in identities)
    fresh = [i.article_id for i in identities if i.status in ("new", "revised")]
    counts["stories"] = len({stories[article_id].story_id for article_id in fresh})
    counts["copies"] = sum(stories[a].canonical_id != a for a in fresh)
    return counts
