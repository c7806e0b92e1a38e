"""Whose forces, whose government: nouns that act for the state or organisation beside them.

"Russian forces", "Ethiopia's army", "soldiers from Gondor", "lawmakers in Fornost and Gondor" give
a mention of the state whose head is that noun. "Russian rebels" give a group of their own.
"""

from __future__ import annotations

from transforms.actor_spans import ActorSpan, TextView
from transforms.persons import token_map
from transforms.roles import DETERMINERS, POSSESSIVES, index_after

_MAX_RUN = 6
_MAX_LIST = 40
_RUN_POS = frozenset({"ADJ", "NOUN", "PROPN", "NUM"})
_PEOPLE_CONFIDENCE = 0.6
_AGAINST_CONFIDENCE = 0.7
_INDIVIDUAL_CONFIDENCE = 0.5
_HEADED = frozenset({"state", "organisation", "bloc", "group", "party"})
# "envoys" and "troops" after an unknown name are tagged as verbs, yet parsed as nouns.
_NOMINAL = frozenset({"nsubj", "nsubjpass", "dobj", "pobj", "attr", "appos"})
_SUBJECTS = ("nsubj", "nsubjpass")
_PREPOSITIONS = ("of", "from", "in")


def group_id(actor: str, noun: str) -> str:
    """Return the ad-hoc id of a group that belongs to no government: "group:syr-rebel"."""
    return f"group:{actor.lower()}-{noun}"


def attach_heads(view: TextView, spans: list[ActorSpan]) -> None:
    """Give each span of a state or organisation the noun that acts for it, in place."""
    at = token_map(spans)
    for span in spans:
        if span.type != "person" and span.kind != "role":
            continue
        if span.rollup and span.kind != "role" and not span.has_role:
            _take_government(view, span)
        _take_voice(view, at, span)
    for span in sorted(spans, key=lambda span: span.first):
        if span.type in _HEADED and span.form != "title":
            run = _run_after(view, at, span)
            if run:
                _take_run(view, span, run)
            else:
                _take_preceding(view, at, span)
                _soften_individual(view, span)
    _share_heads(view, spans, at)


def _take_government(view: TextView, span: ActorSpan) -> None:
    """Read "the Trump administration" as the state that the person leads."""
    index = span.last + 1
    if index < len(view.tokens) and view.lower[index] in POSSESSIVES:
        index += 1
    catalog = view.catalog
    if index >= len(view.tokens) or span.rollup not in catalog.actors:
        return
    if not catalog.words.has("heads.personal", view.tokens[index].lemma_.lower()):
        return
    span.actor, span.type, span.name = (
        span.rollup,
        catalog.type_of(span.rollup),
        catalog.actor(span.rollup).name,
    )
    span.form = "title"
    _cover(view, span, index)


def _take_voice(view: TextView, at: dict[int, ActorSpan], span: ActorSpan) -> None:
    """Read "the president's office" and "Macron's spokeswoman" as who they speak for."""
    index = span.last + 2
    if index >= len(view.tokens) or index in at or view.lower[index - 1] not in POSSESSIVES:
        return
    if view.catalog.words.has("heads.voice", view.tokens[index].lemma_.lower()):
        _cover(view, span, index)


def _share_heads(view: TextView, spans: list[ActorSpan], at: dict[int, ActorSpan]) -> None:
    """Give each of "US, British and French officials" the noun that the last of them has."""
    for span in sorted(spans, key=lambda span: -span.first):
        after = span.last + 1
        if span.head > span.last or span.type not in _HEADED or after + 1 >= len(view.tokens):
            continue
        modifies = span.kind in ("demonym", "acronym") or (
            view.tokens[span.head].dep_ in ("amod", "compound", "nmod")
        )
        if not modifies or view.lower[after] not in ("and", "or", ","):
            continue
        if view.lower[after] == "," and view.lower[after + 1] == "and":
            after += 1
        other = at.get(after + 1)
        if other is None or other.type not in _HEADED or other.kind != "demonym":
            continue
        beyond = other.head > view.token_at(other.start)
        if beyond and view.tokens[other.head].tag_ in ("NNS", "NNPS"):
            span.head, span.plural = other.head, True
            span.confidence = min(span.confidence, other.confidence)


def _run_after(view: TextView, at: dict[int, ActorSpan], span: ActorSpan) -> list[int]:
    """Return the rest of the noun phrase that the span opens, ending in a noun."""
    tokens = view.tokens
    index = span.last + 1
    possessive = index < len(tokens) and view.lower[index] in POSSESSIVES
    if possessive:
        index += 1
    elif span.kind not in ("demonym",) and not _modifies(view, span):
        return []
    run: list[int] = []
    while index < len(tokens) and len(run) < _MAX_RUN:
        token = tokens[index]
        if index in at or not (
            token.pos_ in _RUN_POS
            or (not run and token.dep_ in _NOMINAL and _acts(view, index))
            or token.text == "-"
            or (token.tag_ in ("VBN", "VBG") and token.dep_ == "amod")
            or (token.pos_ == "ADV" and token.head.i > index and token.dep_ == "advmod")
        ):
            break
        run.append(index)
        if _acts(view, index) and not _noun_follows(view, at, index):
            break
        index += 1
    while run and tokens[run[-1]].pos_ not in ("NOUN", "PROPN") and not _acts(view, run[-1]):
        run.pop()
    return run


def _modifies(view: TextView, span: ActorSpan) -> bool:
    """Return whether a bare name modifies the noun after it ("Gondor soldiers")."""
    after = span.last + 1
    if after >= len(view.tokens):
        return False
    token = view.tokens[after]
    head = view.tokens[span.head]
    if head.dep_ in ("compound", "amod", "nmod", "poss") and head.head.i > span.last:
        return True
    return (token.pos_ in ("NOUN", "PROPN") or token.dep_ in _NOMINAL) and _acts(view, after)


def _noun_follows(view: TextView, at: dict[int, ActorSpan], index: int) -> bool:
    after = index + 1
    return (
        after < len(view.tokens)
        and after not in at
        and view.tokens[after].pos_ in ("NOUN", "PROPN")
        and view.tokens[index].dep_ == "compound"
    )


def _acts(view: TextView, index: int) -> bool:
    words = view.catalog.words
    lemma, lower = view.tokens[index].lemma_.lower(), view.lower[index]
    return words.is_head(lemma) or words.is_head(lower) or words.has("heads.against", lemma)


def _take_run(view: TextView, span: ActorSpan, run: list[int]) -> None:
    words = view.catalog.words
    head = run[-1]
    lemma, lower = view.tokens[head].lemma_.lower(), view.lower[head]
    against = next(
        (
            view.tokens[index].lemma_.lower()
            for index in reversed(run)
            if words.has(
                "heads.against" if index == head else "titles.against",
                view.tokens[index].lemma_.lower(),
            )
        ),
        None,
    )
    if against is not None and _is_attitude(view, head):
        return
    if against is not None:
        if span.type == "state":
            span.actor, span.type = group_id(span.actor, against), "group"
            span.rollup = span.actor
            span.name = view.text[span.start : view.end_of(head)]
            span.confidence = _AGAINST_CONFIDENCE
        _cover(view, span, head)
        return
    if words.has("heads.agents", lemma) or words.has("heads.agents", lower):
        _cover(view, span, head)
        span.form = "demonym" if span.kind == "demonym" else span.form
    elif words.has("heads.people", lemma) or words.has("heads.people", lower):
        _cover(view, span, head)
        span.confidence = min(span.confidence, _PEOPLE_CONFIDENCE)


def _is_attitude(view: TextView, head: int) -> bool:
    """ "Turkey's opposition to the plan" is Turkey's; "opposition to boycott vote" is a group."""
    after = head + 1
    return (
        after < len(view.tokens)
        and view.tokens[after].lower_ == "to"
        and view.tokens[after].tag_ == "IN"
        and view.catalog.words.has("heads.attitudes", view.tokens[head].lemma_.lower())
    )


def _cover(view: TextView, span: ActorSpan, head: int) -> None:
    span.last, span.end, span.head = head, view.end_of(head), head
    span.plural = view.tokens[head].tag_ in ("NNS", "NNPS")


def _take_preceding(view: TextView, at: dict[int, ActorSpan], span: ActorSpan) -> None:
    """Join "soldiers from Gondor"; in a list, each place shares the noun before the first."""
    if index_after(view, span):
        return
    before, direct = _list_start(view, at, span)
    if before is None or view.lower[before] not in _PREPOSITIONS:
        return
    noun = before - 1
    if noun < 0 or view.tokens[noun].pos_ not in ("NOUN", "PROPN"):
        return
    words, lemma = view.catalog.words, view.tokens[noun].lemma_.lower()
    preposition = view.lower[before]
    allowed = {
        "of": words.has("heads.of", lemma),
        "from": words.has("heads.of", lemma) or words.has("heads.people", lemma),
        "in": words.has("heads.located", lemma),
    }[preposition]
    holder = at.get(noun)
    if not allowed or (holder is not None and holder.actor != span.actor):
        return
    attached = view.tokens[before].head.i == noun or view.tokens[noun].dep_ in _SUBJECTS
    if preposition == "from" and direct and not attached:
        # "withdrew forces from Syria"
        return
    if _owned(view, at, noun) or words.has("titles.past", view.lower[max(noun - 1, 0)]):
        return
    span.head = noun
    span.plural = view.tokens[noun].tag_ in ("NNS", "NNPS")
    if words.has("heads.people", lemma):
        span.confidence = min(span.confidence, _PEOPLE_CONFIDENCE)
    if direct:
        span.first, span.start = noun, view.starts[noun]


def _list_start(
    view: TextView, at: dict[int, ActorSpan], span: ActorSpan
) -> tuple[int | None, bool]:
    """Return the token before the list of names with the span, and whether it is the first."""
    index, direct = span.first - 1, True
    floor = max(0, span.first - _MAX_LIST)
    while index >= floor:
        lower = view.lower[index]
        if lower in ("the", "both"):
            index -= 1
        elif lower in (",", "and", "or") and index > 0:
            earlier = at.get(index - 1) or (at.get(index - 2) if index > 1 else None)
            if earlier is None or earlier.type != span.type:
                return None, False
            index, direct = min(earlier.first, index) - 1, False
            # The first of the list may already reach back over its noun.
            if view.lower[earlier.first] not in _PREPOSITIONS and earlier.head < earlier.last:
                for token in range(earlier.head + 1, earlier.last):
                    if view.lower[token] in _PREPOSITIONS:
                        return token, False
        else:
            return index, direct
    return None, False


def _owned(view: TextView, at: dict[int, ActorSpan], noun: int) -> bool:
    """Return whether the noun already belongs to someone: "US officials in Moscow"."""
    index = noun - 1
    while index >= 0 and view.tokens[index].pos_ in ("ADJ", "NOUN", "PROPN"):
        if index in at:
            return True
        index -= 1
    return index in at or (index >= 0 and view.lower[index] in POSSESSIVES)


def _soften_individual(view: TextView, span: ActorSpan) -> None:
    """ "A Russian" is someone, "Russians" and "the Chinese" are the nation."""
    if span.kind != "demonym":
        return
    before = view.lower[span.first - 1] if span.first else ""
    if before in ("a", "an", "one", "another"):
        span.confidence = min(span.confidence, _INDIVIDUAL_CONFIDENCE)
    span.plural = before not in DETERMINERS[1:] and span.head == span.last
