"""Titles and roles in a text: "Russian President …", "…, the foreign minister of Veldania".

A role phrase is found by the last word of its title; the words before it, and an "of" after it,
say whose office it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from transforms.actor_spans import ActorSpan, TextView

POSSESSIVES = ("'s", "’s", "'", "’")
DETERMINERS = ("the", "a", "an", "his", "her", "its", "their", "this", "that", "our")
ORG_TYPES = frozenset({"state", "organisation", "bloc", "group", "party", "company", "media"})
_SERVING = ("adviser", "advisor", "aide")
_MAX_LEFT = 9
_MAX_PLAIN_WORDS = 3
_FEMALE = ("spokeswoman", "queen", "chairwoman", "congresswoman", "princess", "empress")
_MALE = ("spokesman", "king", "emperor", "chairman", "congressman", "prince", "emir", "sultan")


@dataclass(slots=True)
class RolePhrase:
    """A title with whose it is: tokens [first, last], the title's own last word at `head`.

    `against` marks opposition, rebels and the like; `past` marks former holders; `definite` says
    that a definite article or a possessor stands before it.
    """

    first: int
    last: int
    head: int
    role: str
    title: str
    org: ActorSpan | None = None
    against: bool = False
    past: bool = False
    definite: bool = False

    @property
    def gender(self) -> str:
        """Return "f" or "m" where the title says so, else ""."""
        last = self.title.rpartition(" ")[2]
        return "f" if last in _FEMALE else "m" if last in _MALE else ""


def find_roles(view: TextView, at: dict[int, ActorSpan]) -> list[RolePhrase]:
    """Return the role phrases of a text in order; `at` maps tokens to the spans that hold them."""
    words = view.catalog.words
    roles: list[RolePhrase] = []
    for index, lower in enumerate(view.lower):
        sizes = words.title_ends.get(lower)
        if sizes is None or index in at:
            continue
        for size in sizes:
            first = index - size + 1
            if first < 0:
                continue
            title = " ".join(view.lower[first : index + 1])
            role = words.titles.get(title)
            if role is None or not _is_title(view, index):
                continue
            while roles and roles[-1].head >= first:
                roles.pop()
            phrase = RolePhrase(first, index, index, role, title)
            _extend_left(view, at, phrase)
            _extend_right(view, at, phrase)
            roles.append(phrase)
            break
    return roles


def _is_title(view: TextView, index: int) -> bool:
    token = view.tokens[index]
    if token.pos_ in ("NOUN", "PROPN") or token.text[:1].isupper():
        return True
    # "IAEA chief Rafael Grossi": the tagger takes "chief" and the like for adjectives.
    after = view.tokens[index + 1] if index + 1 < len(view.tokens) else None
    return token.pos_ == "ADJ" and after is not None and after.pos_ == "PROPN"


def _extend_left(view: TextView, at: dict[int, ActorSpan], phrase: RolePhrase) -> None:
    words = view.catalog.words
    index, plain = phrase.first - 1, 0
    floor = max(view.sentences[view.sentence_of(phrase.first)][0], phrase.first - _MAX_LEFT)
    while index >= floor:
        span = at.get(index)
        lower = view.lower[index]
        if span is not None:
            if phrase.org is not None or span.type not in ORG_TYPES:
                break
            phrase.org = span
            phrase.definite = view.lower[span.last + 1] in POSSESSIVES or _is_subject(view, phrase)
            index = span.first - 1
            phrase.first = span.first
            continue
        if lower in POSSESSIVES and at.get(index - 1) is not None and phrase.org is None:
            index -= 1
            continue
        if plain and phrase.org is None and lower in DETERMINERS:
            # Common words before a title belong to it only where they lead on to whose it is.
            break
        if lower in DETERMINERS and view.tokens[index].pos_ in ("DET", "PRON"):
            phrase.first = index
            phrase.definite = lower not in ("a", "an")
            break
        if view.tokens[index].pos_ in ("VERB", "AUX") and view.tokens[index].tag_ != "VBN":
            break
        if words.has("titles.against", lower):
            phrase.against = True
        elif words.has("titles.past", lower):
            phrase.past = True
        elif not words.has("titles.before", lower) and lower not in words.title_words:
            if not _plain_modifier(view, index) or plain == _MAX_PLAIN_WORDS:
                break
            plain += 1
            index -= 1
            continue
        phrase.first = index
        index -= 1


def _is_subject(view: TextView, phrase: RolePhrase) -> bool:
    """Return whether the title acts: headlines drop the article ("US president condemns …")."""
    return view.tokens[phrase.head].dep_ in ("nsubj", "nsubjpass")


def _plain_modifier(view: TextView, index: int) -> bool:
    token, lower = view.tokens[index], view.lower[index]
    if token.text == "-":
        return True
    if token.text[:1].isupper():
        return view.catalog.words.has("context.institutions", lower)
    return token.pos_ in ("ADJ", "NOUN", "ADV")


def _extend_right(view: TextView, at: dict[int, ActorSpan], phrase: RolePhrase) -> None:
    index = phrase.last + 1
    if phrase.org is not None or index >= len(view.tokens):
        return
    preposition = view.lower[index]
    speaks = preposition == "for" and phrase.role == "spokesperson"
    serves = preposition == "to" and phrase.title.rpartition(" ")[2] in _SERVING
    if preposition != "of" and not speaks and not serves:
        return
    index += 1
    while index < len(view.tokens) and (
        view.lower[index] == "the" or view.catalog.words.has("titles.before", view.lower[index])
    ):
        index += 1
    span = at.get(index)
    if span is None or span.first != index:
        return
    if span.type not in ORG_TYPES and not (serves and span.rollup):
        return
    # "the president of Gondor's council" is not the president of Gondor.
    if preposition == "of" and index_after(view, span):
        return
    phrase.org, phrase.last = span, span.last


def index_after(view: TextView, span: ActorSpan) -> bool:
    """Return whether a possessive mark follows the span."""
    after = span.last + 1
    return after < len(view.tokens) and view.lower[after] in POSSESSIVES


def holder_of(view: TextView, phrase: RolePhrase, org: str) -> str | None:
    """Return the catalog's person who holds the phrase's office on the article's day, if known."""
    catalog, on = view.catalog, view.on
    if phrase.past or phrase.against:
        return None
    is_state = catalog.type_of(org) == "state"
    if not is_state:
        # An organisation's president, chief or secretary general are one office in the catalog.
        if phrase.role in ("head_of_state", "head_of_government", "leader"):
            return catalog.holder("leader", org, on)
        if phrase.role in ("foreign_minister", "spokesperson"):
            return catalog.holder(phrase.role, org, on)
        return None
    if phrase.role in ("head_of_state", "head_of_government", "foreign_minister"):
        return catalog.holder(phrase.role, org, on)
    if phrase.role == "defence_minister":
        return catalog.holder(phrase.role, org, on)
    if phrase.role == "leader" and phrase.title in ("leader", "ruler", "strongman", "boss"):
        return state_leader(view, org)
    if phrase.role == "spokesperson" and phrase.org is not None and phrase.org.kind == "seat":
        return _spokesperson(view, phrase, org)
    return None


def _spokesperson(view: TextView, phrase: RolePhrase, state: str) -> str | None:
    """Return who speaks for a state's seat of government; None where several people could."""
    catalog, words = view.catalog, view.catalog.words
    current = {
        actor
        for tenure, actor in catalog.holders.get((phrase.role, state), ())
        if tenure.holds(view.on)
    }
    wanted = phrase.gender
    fitting = [
        actor
        for actor in current
        if words.gender_of(catalog.actor(actor).name) in ("", wanted or "") or not wanted
    ]
    return fitting[0] if len(fitting) == 1 else None


def state_leader(view: TextView, state: str) -> str | None:
    """Return whom a text means by a state's "leader"; None where two people could be meant."""
    catalog, on = view.catalog, view.on
    named = catalog.holder("leader", state, on)
    if named is not None:
        return named
    both = {
        catalog.holder("head_of_state", state, on),
        catalog.holder("head_of_government", state, on),
    } - {None}
    return both.pop() if len(both) == 1 else None
