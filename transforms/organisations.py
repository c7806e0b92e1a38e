"""Organisations beyond the catalog, and the acronyms that a text defines for itself."""

from __future__ import annotations

from collections.abc import Iterable

from transforms.actor_spans import ActorSpan, TextView
from transforms.name_table import name_key, split_pieces
from transforms.persons import person_id, token_map

_ADHOC_CONFIDENCE = 0.7
_MIN_ACRONYM, _MAX_ACRONYM = 2, 8
_MAX_NAME_TOKENS = 8
_SMALL = frozenset({"of", "the", "and", "for", "in", "on", "&", "-", "'s", "’s", "de", "to"})


def find_organisations(view: TextView, at: dict[int, ActorSpan]) -> list[ActorSpan]:
    """Return organisations that spaCy names and the catalog lacks, where the name is good."""
    found: list[ActorSpan] = []
    for entity in view.entities:
        if entity.label_ != "ORG":
            continue
        first, last = entity.start, entity.end - 1
        if view.lower[first] in ("the", "a", "an"):
            first += 1
        while last >= first and view.lower[last] in ("'s", "’s", "'", "’"):
            last -= 1
        if first > last or any(index in at for index in range(first, last + 1)):
            continue
        if _good_name(view, first, last):
            span = _organisation(view, first, last)
            if _is_person(view, first, last):
                span.actor, span.type = person_id(span.name), "person"
            found.append(span)
    return found


def _is_person(view: TextView, first: int, last: int) -> bool:
    """ "Denzel Washington" is no organisation: two words, one of them a given name or surname."""
    words = view.catalog.words
    pair = [view.lower[index] for index in (first, last)]
    return (
        last == first + 1
        and any(words.has("context.given_names", word) for word in pair)
        and not any(words.has("context.institutions", word) for word in pair)
        and not any(words.has("context.name_heads", word) for word in pair)
    )


def _good_name(view: TextView, first: int, last: int) -> bool:
    """A name of two or more words, each capitalised, that isn't made of common words alone."""
    words = view.catalog.words
    if not 1 <= last - first < _MAX_NAME_TOKENS:
        return False
    telling = 0
    for index in range(first, last + 1):
        token, lower = view.tokens[index], view.lower[index]
        if lower in _SMALL:
            continue
        if not token.text[:1].isupper() or not token.text.replace(".", "").isalpha():
            return False
        common = (
            words.has("context.institutions", lower)
            or words.is_head(token.lemma_.lower())
            or lower in words.title_words
        )
        if token.pos_ == "PROPN" and not common:
            telling += 1
    return telling > 0 and not view.is_upper(first, last)


def _organisation(view: TextView, first: int, last: int) -> ActorSpan:
    start, end = view.starts[first], view.end_of(last)
    name = " ".join(view.text[start:end].split())
    return ActorSpan(
        first,
        last,
        start,
        end,
        view.root(first, last),
        "org:" + name_key(name).replace(" ", "-"),
        "organisation",
        "name",
        _ADHOC_CONFIDENCE,
        name,
        "entity",
    )


def define_acronyms(view: TextView, spans: list[ActorSpan]) -> list[ActorSpan]:
    """Return the spans with "Name (ACR)" made one mention and each later ACR a mention of Name."""
    if "(" not in view.text:
        return spans
    defined: dict[str, ActorSpan] = {}
    gone: set[int] = set()
    at = token_map(spans)
    for span in sorted(spans, key=lambda span: span.first):
        opening = span.last + 1
        if opening + 2 >= len(view.tokens) or view.lower[opening] != "(":
            continue
        if view.lower[opening + 2] != ")" or span.type == "person":
            continue
        acronym = view.tokens[opening + 1].text
        inner = at.get(opening + 1)
        same = inner is not None and inner.actor == span.actor
        if not same and not _fits(acronym, span.name, view.text[span.start : span.end]):
            continue
        if inner is not None and inner is not span:
            gone.add(id(inner))
        span.last, span.end = opening + 2, view.end_of(opening + 2)
        defined[acronym] = span
    if not defined:
        return spans
    kept = [span for span in spans if id(span) not in gone]
    return [*_without(kept, defined), *_uses(view, kept, defined)]


def _fits(acronym: str, *names: str) -> bool:
    letters = acronym.replace(".", "")
    if not (_MIN_ACRONYM <= len(letters) <= _MAX_ACRONYM) or not letters.isupper():
        return False
    for name in names:
        initials = "".join(piece.folded[0] for piece in split_pieces(name))
        telling = "".join(
            piece.folded[0] for piece in split_pieces(name) if piece.folded not in _SMALL
        )
        if letters.lower() in (initials, telling):
            return True
    # Some keep a letter of their own language; the first must agree and the rest stand in order.
    return any(_in_order(letters.lower(), name.lower()) for name in names)


def _in_order(letters: str, name: str) -> bool:
    position = 0
    words = name.split()
    if not words or words[0][:1] != letters[0] or len(words) < _MIN_ACRONYM:
        return False
    for letter in letters:
        position = name.find(letter, position) + 1
        if position == 0:
            return False
    return True


def _without(spans: Iterable[ActorSpan], defined: dict[str, ActorSpan]) -> list[ActorSpan]:
    """Return the spans less those whose whole text is an acronym that the text defined anew."""
    return [
        span
        for span in spans
        if span.kind != "acronym"
        or span.name not in defined
        or defined[span.name].actor == span.actor
    ]


def _uses(view: TextView, spans: list[ActorSpan], defined: dict[str, ActorSpan]) -> list[ActorSpan]:
    at = token_map(spans)
    found: list[ActorSpan] = []
    for index, token in enumerate(view.tokens):
        owner = defined.get(token.text)
        if owner is None or index in at:
            continue
        found.append(
            ActorSpan(
                index,
                index,
                view.starts[index],
                view.end_of(index),
                index,
                owner.actor,
                owner.type,
                "acronym",
                owner.confidence,
                owner.name,
                "acronym",
                rollup=owner.rollup,
            )
        )
    return found
