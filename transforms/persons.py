"""People in a text: named by spaCy or after a title, joined with the offices beside them."""

from __future__ import annotations

from collections.abc import Iterable

from transforms.actor_spans import ActorSpan, TextView
from transforms.name_table import fold, name_key, split_pieces
from transforms.roles import ORG_TYPES, POSSESSIVES, RolePhrase

_PARTICLES = frozenset(
    {"al", "el", "bin", "ibn", "bint", "abu", "ben", "ul", "ur", "von", "van", "de", "der", "den"}
    | {"da", "di", "du", "la", "le", "dos", "das", "do", "e", "y"}
)
_JOINERS = frozenset("-'’.‑")
_NO_JOINERS = str.maketrans("", "", "-'’.‑")
_MAX_NAME_TOKENS = 6
_ADHOC_CONFIDENCE = 0.85
_TITLED_CONFIDENCE = 0.9
_MAX_BETWEEN = 4
_MAX_UNKNOWN_NAMES = 2
_MAX_NAME_CHARS = 60


def find_persons(
    view: TextView, at: dict[int, ActorSpan], roles: Iterable[RolePhrase]
) -> list[ActorSpan]:
    """Return people whom the catalog didn't match: from entities, and after or before titles."""
    found: dict[int, ActorSpan] = {}

    def add(first: int, last: int) -> None:
        if not any(index in at or index in found for index in range(first, last + 1)):
            span = _person(view, first, last)
            for index in range(first, last + 1):
                found[index] = span

    for role in roles:
        run = _name_run(view, at, role.last + 1, 1)
        if run is not None and _is_named(view, role, run):
            add(run[0], _entity_end(view, at, run))
    titled = {role.last + 1 for role in roles}
    for entity in view.entities:
        if entity.label_ != "PERSON":
            continue
        trimmed = _trim(view, at, entity.start, entity.end - 1)
        if trimmed is None:
            continue
        first, last = trimmed
        if last > first or first in titled:
            add(first, last)
    for role in roles:
        if role.first >= 2 and view.lower[role.first - 1] == ",":
            run = _name_run(view, at, role.first - 2, -1)
            if run is not None and run[1] > run[0]:
                add(*run)
    return list({span.first: span for span in found.values()}.values())


def _entity_end(view: TextView, at: dict[int, ActorSpan], run: tuple[int, int]) -> int:
    """Return the last token of a run, or of the person's entity that it begins."""
    entity = view.entity_at.get(run[1])
    if entity is None or entity.label_ != "PERSON":
        return run[1]
    trimmed = _trim(view, at, run[0], entity.end - 1)
    return max(run[1], trimmed[1]) if trimmed is not None else run[1]


def _is_named(view: TextView, role: RolePhrase, run: tuple[int, int]) -> bool:
    """Return whether the words after a title are a person: not a day, nor "Ambassador Bridge"."""
    entity = view.entity_at.get(run[0])
    label = entity.label_ if entity is not None else ""
    if label in ("DATE", "TIME"):
        return False
    return run[1] > run[0] or label == "PERSON" or role.org is not None


def _trim(
    view: TextView, at: dict[int, ActorSpan], first: int, last: int
) -> tuple[int, int] | None:
    """Return the name inside an entity without titles and possessives, or None if it's no name."""
    words = view.catalog.words
    while first <= last:
        lower = view.lower[first].rstrip(".")
        in_title = lower in words.title_words or words.has("titles.before", lower)
        if first in at or in_title or words.has("titles.honorific", lower) or lower == "the":
            first += 1
        else:
            break
    while last >= first and (
        view.lower[last] in POSSESSIVES or not view.tokens[last].text[:1].isalpha()
    ):
        last -= 1
    if first > last or last - first >= _MAX_NAME_TOKENS:
        return None
    if all(_name_word(view, index) for index in range(first, last + 1)):
        return first, last
    return None


def _name_word(view: TextView, index: int) -> bool:
    text = str(view.tokens[index].text)
    if text in _JOINERS or view.lower[index].rstrip(".") in _PARTICLES:
        return True
    return text[0].isupper() and text.translate(_NO_JOINERS).isalpha()


def _name_run(
    view: TextView, at: dict[int, ActorSpan], index: int, step: int
) -> tuple[int, int] | None:
    """Return the run of capitalised words that starts (or ends) at a token, for a titled person."""
    words = view.catalog.words
    start = index
    while 0 <= index < len(view.tokens) and abs(index - start) < _MAX_NAME_TOKENS:
        token, lower = view.tokens[index], view.lower[index]
        joiner = token.text == "-" or lower in _PARTICLES
        if index in at or words.has("context.institutions", lower) or lower in words.title_words:
            break
        if not joiner and (
            token.pos_ != "PROPN" or not token.text[:1].isupper() or not _name_word(view, index)
        ):
            break
        index += step
    first, last = (start, index - 1) if step > 0 else (index + 1, start)
    while first <= last and not view.tokens[last].text[:1].isupper():
        last -= 1
    while first <= last and not view.tokens[first].text[:1].isupper():
        first += 1
    return (first, last) if first <= last else None


def _person(view: TextView, first: int, last: int) -> ActorSpan:
    start, end = view.starts[first], view.end_of(last)
    name = " ".join(view.text[start:end].split())[:_MAX_NAME_CHARS]
    known = _known_person(view, name)
    actor = known or person_id(name)
    return ActorSpan(
        first,
        last,
        start,
        end,
        view.root(first, last),
        actor,
        "person",
        "name",
        _ADHOC_CONFIDENCE,
        view.catalog.actor(known).name if known else name,
        "entity" if known is None else "name",
        rollup=view.catalog.rollup(known, view.on) if known else "",
    )


def person_id(name: str) -> str:
    """Return the ad-hoc id of a person: "person:ilsa-brandt"."""
    return "person:" + name_key(name).replace(" ", "-")


def _known_person(view: TextView, name: str) -> str | None:
    """Return the catalog's person that a fuller or shorter form of the name means."""
    parts = [piece.folded for piece in split_pieces(name)]
    if len(parts) < 2:
        return None
    for use in view.catalog.names.uses.get(parts[-1], ()):
        if use.kind in ("short_name", "surname"):
            listed = name_key(view.catalog.actor(use.actor).name).split(" ")
            if listed[0] == parts[0] or listed[-1] == parts[0]:
                return use.actor
    return None


def _known_by_office(view: TextView, name: str, rollup: str) -> str | None:
    """Return the catalog's person of that surname who belongs to the office's state."""
    if " " in name:
        return None
    uses = view.catalog.names.uses.get(name_key(name), ())
    fitting = {
        use.actor
        for use in uses
        if use.kind in ("short_name", "surname")
        and view.catalog.rollup(use.actor, view.on) == rollup
    }
    current = {a for a in fitting if view.catalog.role(a, view.on) not in ("", "former")}
    best = current or fitting
    return best.pop() if len(best) == 1 else None


def join_roles(
    view: TextView, spans: list[ActorSpan], roles: list[RolePhrase]
) -> tuple[list[ActorSpan], list[RolePhrase]]:
    """Return the spans with people and their titles made one mention, and the roles left over."""
    starts = {span.first: span for span in spans if span.type == "person"}
    ends = {span.last: span for span in spans if span.type == "person"}
    left: list[RolePhrase] = []
    swallowed: set[int] = set()
    for role in roles:
        person = _person_beside(view, role, starts, ends)
        if person is None:
            left.append(role)
            continue
        _apply(view, person, role)
        if role.org is not None:
            swallowed.add(id(role.org))
        _stretch(view, person, role.first, role.last)
        starts[person.first] = ends[person.last] = person
    at = token_map(spans)
    for person in [span for span in spans if span.type == "person"]:
        if not person.rollup or person.kind == "entity":
            org = _of_org(view, at, person)
            if org is not None and not person.rollup:
                person.rollup = view.catalog.rollup(org.actor, view.on)
                _stretch(view, person, person.first, org.last)
                swallowed.add(id(org))
    return [span for span in spans if id(span) not in swallowed], left


def token_map(spans: Iterable[ActorSpan]) -> dict[int, ActorSpan]:
    """Return which span holds each token."""
    return {index: span for span in spans for index in range(span.first, span.last + 1)}


def _person_beside(
    view: TextView,
    role: RolePhrase,
    starts: dict[int, ActorSpan],
    ends: dict[int, ActorSpan],
) -> ActorSpan | None:
    after = role.last + 1
    for skipped in range(_MAX_UNKNOWN_NAMES + 1):
        # "Minister Lyonpo Kinzang Dorji": the catalog knows him without the first name.
        if after + skipped in starts:
            return starts[after + skipped]
        if after + skipped >= len(view.tokens) or not _name_word(view, after + skipped):
            break
        if view.tokens[after + skipped].pos_ != "PROPN":
            break
    if after < len(view.tokens) and view.catalog.words.has(
        "titles.honorific", view.lower[after].rstrip(".")
    ):
        person = starts.get(after + 1)
        if person is not None:
            return person
    if role.first >= 2 and view.lower[role.first - 1] in (",", "(", "—", "–"):
        person = ends.get(role.first - 2)
        if person is not None and _agrees(view, person, role):
            return person
    if role.org is not None and after < len(view.tokens) and view.lower[after] == ",":
        person = starts.get(after + 1)
        if person is not None and _agrees(view, person, role) and _closes(view, person):
            return person
    return None


def _closes(view: TextView, person: ActorSpan) -> bool:
    """An apposition after a role ends in a comma or a stop; a list of people goes on."""
    after = person.last + 1
    return after >= len(view.tokens) or view.lower[after] in (",", ".", ";", ")", "—", "–")


def _agrees(view: TextView, person: ActorSpan, role: RolePhrase) -> bool:
    if not person.rollup or role.org is None:
        return True
    return person.rollup == view.catalog.rollup(role.org.actor, view.on)


def _apply(view: TextView, person: ActorSpan, role: RolePhrase) -> None:
    catalog, on = view.catalog, view.on
    person.has_role = True
    person.gender = person.gender or role.gender
    if role.org is None or role.against:
        return
    stated = catalog.rollup(role.org.actor, on)
    if person.kind == "entity":
        known = _known_by_office(view, person.name, stated)
        if known is not None:
            person.actor, person.kind = known, "name"
            person.name, person.rollup = catalog.actor(known).name, stated
    listed = person.rollup
    in_office = catalog.role(person.actor, on) not in ("", "former")
    # Who is called leader of a people may lead a movement: there the catalog knows better.
    says_office = role.role not in ("leader", "other") or not in_office
    if not listed or (says_office and not role.past):
        person.rollup = stated
    person.form = "title"
    person.confidence = max(person.confidence, _TITLED_CONFIDENCE)


def _stretch(view: TextView, person: ActorSpan, first: int, last: int) -> None:
    person.first = min(person.first, first)
    person.last = max(person.last, last)
    person.start = view.starts[person.first]
    person.end = view.end_of(person.last)


def _of_org(view: TextView, at: dict[int, ActorSpan], person: ActorSpan) -> ActorSpan | None:
    after = person.last + 1
    if after + 1 >= len(view.tokens) or view.lower[after] not in ("of", "from"):
        return None
    if view.lower[after] == "from" and person.has_role is False:
        return None
    after += 1
    if view.lower[after] == "the":
        after += 1
    org = at.get(after)
    return org if org is not None and org.type in ORG_TYPES else None


def _owner_before(
    view: TextView, at: dict[int, ActorSpan], span: ActorSpan
) -> tuple[ActorSpan | None, int]:
    """Return the state whose name qualifies a span, and how many common nouns stand between."""
    index, plain = span.first - 1, 0
    while index > 0 and plain < _MAX_BETWEEN and index not in at:
        token = view.tokens[index]
        if view.lower[index] in view.catalog.words.title_words:
            index -= 1
            continue
        if token.pos_ not in ("NOUN", "ADJ") or not token.text.islower() or not token.is_alpha:
            break
        index, plain = index - 1, plain + 1
    possessive = view.lower[index] in POSSESSIVES and index > 0
    owner = at.get(index - 1 if possessive else index)
    if owner is None or owner.type != "state":
        return None, plain
    adjacent_person = span.type == "person" and plain == 0
    if not possessive and owner.kind != "demonym" and not adjacent_person:
        return None, plain
    return owner, plain


def absorb_owners(view: TextView, spans: list[ActorSpan]) -> list[ActorSpan]:
    """Return the spans with "Ukraine's Zelensky" and "Lebanese Hezbollah" made one mention each.

    A state's name right before someone's is whose they are, not who acts; it also gives people
    whom nobody else places their roll-up.
    """
    at = token_map(spans)
    gone: set[int] = set()
    for span in spans:
        if span.type in ("state", "bloc") or span.kind == "role" or span.first == 0:
            continue
        owner, plain = _owner_before(view, at, span)
        if owner is None or id(owner) in gone:
            continue
        gone.add(id(owner))
        span.first, span.start = owner.first, owner.start
        # "Russian activist X" is of Russia and doesn't speak for it.
        if span.type == "person" and not span.rollup and plain == 0:
            span.rollup = view.catalog.rollup(owner.actor, view.on)
    return [span for span in spans if id(span) not in gone]


def short_names(view: TextView, spans: list[ActorSpan]) -> list[ActorSpan]:
    """Return mentions by surname of people whom the text names in full elsewhere."""
    by_surname: dict[str, ActorSpan | None] = {}
    for span in spans:
        if span.type != "person" or span.form not in ("name", "title"):
            continue
        pieces = split_pieces(span.name)
        if len(pieces) < 2:
            continue
        surname = pieces[-1].folded
        other = by_surname.get(surname)
        # Two people of one surname: it names neither.
        by_surname[surname] = (
            span if surname not in by_surname or (other and other.actor == span.actor) else None
        )
    if not by_surname:
        return []
    at = token_map(spans)
    found: list[ActorSpan] = []
    for piece in view.pieces:
        person = by_surname.get(piece.folded)
        if person is None or not view.text[piece.start].isupper():
            continue
        index = view.token_at(piece.start)
        holder = at.get(index)
        if holder is not None and not _yields(holder, piece.start, piece.end):
            continue
        if holder is None and not _stands_alone(view, index):
            continue
        if holder is not None:
            spans.remove(holder)
            for token in range(holder.first, holder.last + 1):
                at.pop(token, None)
        found.append(
            ActorSpan(
                index,
                index,
                piece.start,
                piece.end,
                index,
                person.actor,
                "person",
                "short_name",
                _ADHOC_CONFIDENCE,
                person.name,
                "short_name",
                rollup=person.rollup,
                gender=person.gender,
                has_role=person.has_role,
            )
        )
    return found


def _yields(holder: ActorSpan, start: int, end: int) -> bool:
    """A state's bare name after "Dana Jordan" is Dana; a person's own mention stays."""
    return (
        (holder.type != "person" or holder.kind == "surname")
        and holder.start == start
        and holder.end == end
    )


def _stands_alone(view: TextView, index: int) -> bool:
    """Return whether no other part of a name stands beside the token ("Anna Brandt")."""
    token = view.tokens[index]
    if token.pos_ not in ("PROPN", "NOUN", "ADJ") and not view.is_upper(index, index):
        return False
    for beside in (index - 1, index + 1):
        if 0 <= beside < len(view.tokens):
            other = view.tokens[beside]
            if (
                other.pos_ == "PROPN"
                and other.text[:1].isupper()
                and other.text.isalpha()
                and other.ent_type_ == "PERSON"
                and fold(other.text) not in view.catalog.words.title_words
            ):
                return False
    return True
