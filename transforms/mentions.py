"""Who is meant where: the mentions of actors in one parsed text.

Steps, each in a module of its own: catalog names in context, people and their titles,
organisations and acronyms, offices without a name, heads, short names, then references back.
"""

from __future__ import annotations

from datetime import date

from spacy.tokens import Doc

from transforms.actor_heads import attach_heads, group_id
from transforms.actor_spans import CONFIDENCE, FORMS, ActorSpan, TextView
from transforms.catalog import Catalog
from transforms.coreference import resolve_references
from transforms.name_context import NameContext
from transforms.organisations import define_acronyms, find_organisations
from transforms.persons import absorb_owners, find_persons, join_roles, short_names, token_map
from transforms.records import Mention
from transforms.roles import RolePhrase, find_roles, holder_of
from transforms.settings import ActorSettings

_SENSED_CONFIDENCE = 0.8
_OFFICE_CONFIDENCE = 0.9


def find_mentions(
    doc: Doc, catalog: Catalog, published_at: date, settings: ActorSettings | None = None
) -> list[Mention]:
    """Return the mentions of actors in `doc`, sorted by start.

    None overlap, save that a plural description or pronoun ("the two countries") gives one mention
    per actor on the same span. `published_at` picks office holders and roll-ups.
    """
    if not len(doc):
        return []
    on = published_at.date() if hasattr(published_at, "date") else published_at
    view = TextView.of(doc, catalog, on)
    spans = _names(view)
    roles = find_roles(view, token_map(spans))
    spans += find_persons(view, token_map(spans), roles)
    spans, roles = join_roles(view, spans, roles)
    spans += find_organisations(view, token_map(spans))
    spans = define_acronyms(view, spans)
    spans, open_roles = _offices(view, spans, roles)
    spans = absorb_owners(view, _without_places(view, spans))
    attach_heads(view, spans)
    spans += short_names(view, spans)
    for span in spans:
        span.rollup = span.rollup or catalog.rollup(span.actor, on)
    spans = _apart(spans)
    spans += resolve_references(view, spans, open_roles)
    return [span.mention() for span in sorted(spans, key=lambda s: (s.start, s.end, s.actor))]


def _names(view: TextView) -> list[ActorSpan]:
    catalog = view.catalog
    matches = catalog.names.find(view.text, view.pieces)
    context = NameContext.of(view, matches)
    spans: list[ActorSpan] = []
    for match in matches:
        first, last = view.token_at(match.start), view.token_at(match.end - 1)
        use = context.choose(match, first, last)
        if use is None:
            continue
        confidence = _SENSED_CONFIDENCE if use.ambiguous else CONFIDENCE[use.kind]
        spans.append(
            ActorSpan(
                first,
                last,
                match.start,
                match.end,
                view.root(first, last),
                use.actor,
                catalog.type_of(use.actor),
                FORMS[use.kind],
                confidence,
                catalog.actor(use.actor).name,
                use.kind,
                rollup=catalog.rollup(use.actor, view.on),
            )
        )
    return spans + _combining(view)


def _combining(view: TextView) -> list[ActorSpan]:
    """Return the states of first parts such as "Sino" in "Sino-Russian"."""
    found: list[ActorSpan] = []
    combining = view.catalog.words.combining
    for piece in view.pieces:
        actor = combining.get(piece.folded)
        if actor is None or actor not in view.catalog.actors:
            continue
        if view.text[piece.end : piece.end + 1] != "-" or not view.text[piece.start].isupper():
            continue
        index = view.token_at(piece.start)
        found.append(
            ActorSpan(
                index,
                index,
                piece.start,
                piece.end,
                index,
                actor,
                view.catalog.type_of(actor),
                "demonym",
                _SENSED_CONFIDENCE,
                view.catalog.actor(actor).name,
                "demonym",
            )
        )
    return found


def _offices(
    view: TextView, spans: list[ActorSpan], roles: list[RolePhrase]
) -> tuple[list[ActorSpan], list[RolePhrase]]:
    """Return the spans with offices that stand for their holder, and the roles that name no one."""
    catalog = view.catalog
    gone: set[int] = set()
    made: list[ActorSpan] = []
    unnamed: list[RolePhrase] = []
    for role in roles:
        if _is_modifier(view, role):
            continue
        if role.org is None:
            unnamed.append(role)
            continue
        if id(role.org) in gone:
            continue
        gone.add(id(role.org))
        if role.past:
            continue
        made.append(_office(view, role, role.org))
    for span in made:
        span.rollup = span.rollup or catalog.rollup(span.actor, view.on)
    return [span for span in spans if id(span) not in gone] + made, unnamed


def _is_modifier(view: TextView, role: RolePhrase) -> bool:
    """ "the president's office" and "the NATO chief negotiator" are more than the title."""
    token = view.tokens[role.head]
    return bool(token.dep_ == "compound" and token.head.i == role.head + 1)


def _office(view: TextView, role: RolePhrase, org: ActorSpan) -> ActorSpan:
    catalog = view.catalog
    start, end = view.starts[role.first], view.end_of(role.last)
    if role.against:
        actor, kind = group_id(org.actor, "opposition"), "group"
        name = view.text[start:end]
    else:
        served = org.rollup if org.type == "person" else org.actor
        holder = holder_of(view, role, served) if role.definite else None
        actor = holder or served
        kind = catalog.type_of(actor)
        name = catalog.actor(actor).name if actor in catalog.actors else org.name
    return ActorSpan(
        role.first,
        role.last,
        start,
        end,
        role.head,
        actor,
        kind,
        "title",
        min(_OFFICE_CONFIDENCE, org.confidence),
        name,
        "role",
        gender=role.gender,
        has_role=True,
        rollup=org.rollup if kind == "person" else "",
    )


def _without_places(view: TextView, spans: list[ActorSpan]) -> list[ActorSpan]:
    """Return the spans less the state in "Kuala Lumpur, Malaysia": it only says where."""
    at = token_map(spans)
    kept: list[ActorSpan] = []
    for span in spans:
        before = at.get(span.first - 2)
        if (
            span.kind == "name"
            and before is not None
            and before.actor == span.actor
            and before.kind == "capital"
            and view.lower[span.first - 1] == ","
        ):
            continue
        kept.append(span)
    return kept


def _apart(spans: list[ActorSpan]) -> list[ActorSpan]:
    """Return the spans in order without overlaps: the one that starts first wins, then longer."""
    kept: list[ActorSpan] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept
