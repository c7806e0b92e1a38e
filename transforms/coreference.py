"""References back: pronouns, "the bloc", "the president", "the two countries", "we" in a quotation.

A reference is resolved among the mentions before it by grammar first (the subject of the clause
that governs it), then by the subjects of earlier sentences, then by nearness. Each resolution
carries a confidence that says by which of these it came about.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from spacy.tokens import Token

from transforms.actor_spans import ActorSpan, TextView
from transforms.persons import token_map
from transforms.roles import RolePhrase

_MALE = frozenset({"he", "him", "his", "himself"})
_FEMALE = frozenset({"she", "her", "hers", "herself"})
_NEUTER = frozenset({"it", "its", "itself"})
_PLURAL = frozenset({"they", "them", "their", "theirs", "themselves"})
_FIRST = frozenset({"we", "us", "our", "ours", "i", "me", "my", "ourselves"})
_PRONOUNS = _MALE | _FEMALE | _NEUTER | _PLURAL | _FIRST
_POSSESSIVE = frozenset({"his", "her", "its", "their", "hers", "theirs", "our", "my"})
_IMPERSONAL = frozenset(
    {"rain", "snow", "seem", "appear", "turn", "take", "emerge", "happen", "transpire", "matter"}
)
_REASONS = frozenset({"for", "over", "about"})
_SUBJECTS = ("nsubj", "nsubjpass", "csubj")

# Confidence by how the antecedent was found; a sentence further back costs _DECAY.
_BY_GOVERNOR = 0.85
_BY_SUBJECT = 0.72
_BY_NEARNESS = 0.62
_BY_SPEAKER = 0.75
_BY_DESCRIPTION = 0.75
_WEAK = 0.5
_DECAY = 0.08
_STEP = 0.02
_HORIZON = 3
# Bounds that keep a text of one endless sentence from costing its square.
_MAX_CANDIDATES = 60
_MAX_WINDOW = 80
_DESCRIPTION_HORIZON = 8
_MAX_PLURAL = 4

_QUOTED = re.compile(r"“[^“”]{1,3000}(?:”|\n|$)|\"[^\"\n]{1,3000}(?:\"|\n|$)")


@dataclass(slots=True)
class _Memory:
    """The mentions so far, newest last, with what resolution has learned of each person."""

    view: TextView
    spans: list[ActorSpan]
    at: dict[int, ActorSpan] = field(default_factory=dict)
    genders: dict[str, str] = field(default_factory=dict)
    quotes: list[tuple[int, int]] = field(default_factory=list)
    speakers: dict[tuple[int, int], ActorSpan | None] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)

    def before(self, token: int, horizon: int) -> Iterator[tuple[ActorSpan, int]]:
        """Yield the mentions before a token, newest first, with their distance in sentences."""
        here = self.view.sentence_of(token)
        seen = 0
        for position in range(bisect_left(self.starts, self.view.starts[token]) - 1, -1, -1):
            span = self.spans[position]
            if span.head >= token or span.last >= token:
                continue
            seen += 1
            if seen > _MAX_CANDIDATES:
                return
            distance = here - self.view.sentence_of(span.head)
            if distance > horizon:
                return
            yield span, distance

    def add(self, found: Iterable[ActorSpan]) -> None:
        """Remember resolved references: what was just meant is likely to be meant again."""
        for span in found:
            position = bisect_right(self.starts, span.start)
            self.spans.insert(position, span)
            self.starts.insert(position, span.start)
            self.at.setdefault(span.head, span)


def resolve_references(
    view: TextView, spans: list[ActorSpan], roles: list[RolePhrase]
) -> list[ActorSpan]:
    """Return mentions for the pronouns and descriptions of a text that refer to `spans`.

    `spans` must be sorted and apart; `roles` are offices that name nobody ("the president").
    """
    if not spans:
        return []
    memory = _Memory(view, list(spans), token_map(spans))
    memory.starts = [span.start for span in spans]
    memory.quotes = [m.span() for m in _QUOTED.finditer(view.text)]
    for span in spans:
        gender = span.gender or _gender_of_name(view, span)
        if gender:
            memory.genders.setdefault(span.actor, gender)
    offices = {role.head: role for role in roles}
    found: list[ActorSpan] = []
    for index, lower in enumerate(view.lower):
        if index in memory.at:
            continue
        if lower in _PRONOUNS and not _acronym(view, index):
            new = _pronoun(memory, index, lower)
        elif index in offices:
            new = _office(memory, offices[index])
        elif lower in _noun_set(view):
            new = _description(memory, index)
        else:
            continue
        if new and not _overlaps(memory, new[0]):
            memory.add(new)
            found.extend(new)
    return found


def _gender_of_name(view: TextView, span: ActorSpan) -> str:
    """Return "f" or "m" where a person's given name is one of those listed, else ""."""
    if span.type != "person":
        return ""
    return view.catalog.words.gender_of(span.name)


def _acronym(view: TextView, index: int) -> bool:
    """ "IT workers" and "the US" are no pronouns."""
    text = view.tokens[index].text
    return len(text) > 1 and text.isupper() and not view.is_upper(index, index)


def _noun_set(view: TextView) -> set[str]:
    words = view.catalog.words
    cached = words.reference_nouns
    if not cached:
        cached |= set(words.descriptions) | {
            noun.rpartition(" ")[2] for noun in view.catalog.kind_nouns
        }
        cached |= words.lists.get("descriptions.plural", frozenset())
        cached |= words.lists.get("descriptions.plural_people", frozenset())
    return cached


def _overlaps(memory: _Memory, span: ActorSpan) -> bool:
    return any(index in memory.at for index in range(span.first, span.last + 1))


def _reference(
    view: TextView, first: int, last: int, target: ActorSpan, confidence: float, pronoun: bool
) -> ActorSpan:
    return ActorSpan(
        first,
        last,
        view.starts[first],
        view.end_of(last),
        last,
        target.actor,
        target.type,
        "pronoun" if pronoun else "description",
        min(confidence, target.confidence),
        target.name,
        "reference",
        rollup=target.rollup,
        gender=target.gender,
        has_role=target.has_role,
    )


def _pronoun(memory: _Memory, index: int, lower: str) -> list[ActorSpan]:
    view = memory.view
    if lower in _FIRST:
        return _speaker(memory, index)
    if lower in _PLURAL:
        return _plural_pronoun(memory, index)
    if lower in _NEUTER:
        if _pleonastic(view.tokens[index]) or _means_thing(memory, index):
            return []
        target = _antecedent(memory, index, _is_thing)
    else:
        gender = "m" if lower in _MALE else "f"

        target = _antecedent(memory, index, lambda span: _is_person(memory, span, gender))
        if target is not None and target[0].type == "person":
            memory.genders.setdefault(target[0].actor, gender)
    if target is None:
        return []
    return [_reference(view, index, index, target[0], target[1], True)]


def _is_person(memory: _Memory, span: ActorSpan, gender: str) -> bool:
    if span.type == "person":
        return memory.genders.get(span.actor, gender) == gender
    return span.kind == "role" and span.gender in ("", gender)


def _is_thing(span: ActorSpan) -> bool:
    return (
        span.type != "person"
        and not span.plural
        and not (span.kind == "role" and span.form == "title")
    )


def _pleonastic(token: Token) -> bool:
    """ "It is clear that …", "it rained": an "it" that stands for nothing."""
    if token.dep_ == "expl":
        return True
    verb = token.head
    if verb.lemma_ in _IMPERSONAL:
        return token.dep_ in _SUBJECTS
    if verb.lemma_ != "be" or token.dep_ not in _SUBJECTS:
        return False
    # "It is clear that …", "it was a shame to …": a clause follows, to which "it" points ahead.
    clauses = ("ccomp", "xcomp", "csubj", "advcl", "acl", "relcl")
    said = [child for child in verb.children if child.i > verb.i]
    if any(child.dep_ in clauses for child in said):
        return True
    return any(
        inner.dep_ in clauses
        for child in said
        if child.dep_ in ("acomp", "attr")
        for inner in child.children
    )


def _means_thing(memory: _Memory, index: int) -> bool:
    """Return whether an object "it" has a nearer noun: "rejected the plan … welcomed it"."""
    token = memory.view.tokens[index]
    if token.dep_ in _SUBJECTS or token.dep_ == "poss":
        return False
    view = memory.view
    here = view.sentence_of(index)
    clause = _clause(token)
    own_subject = None if clause is None else _shared_subject(memory, clause)
    floor = max(view.sentences[here][0], index - _MAX_WINDOW)
    for other in reversed(view.tokens[floor:index]):
        span = memory.at.get(other.i)
        if span is not None and not _same_subject(view, span, own_subject):
            return False
        if other.tag_ == "NN" and other.dep_ in ("dobj", "nsubj", "nsubjpass"):
            return True
    if here == 0 or own_subject is None:
        return False
    # Nothing but the subject stands before it here: "Japan backed the text. Iran rejected it."
    start, end = view.sentences[here - 1]
    start = max(start, end - _MAX_WINDOW)
    return any(other.tag_ == "NN" and _is_object(other) for other in view.tokens[start:end])


def _same_subject(view: TextView, span: ActorSpan, subject: ActorSpan | None) -> bool:
    """Return whether the span is the subject or coordinated with it."""
    if subject is None or span is subject:
        return span is subject
    head = view.tokens[span.head]
    return head.dep_ == "conj" and subject.head in {other.i for other in head.conjuncts}


def _is_object(token: Token) -> bool:
    if token.dep_ == "dobj":
        return True
    return bool(token.dep_ == "pobj" and token.head.head.pos_ == "VERB")


def _antecedent(
    memory: _Memory, index: int, fits: Callable[[ActorSpan], bool]
) -> tuple[ActorSpan, float] | None:
    """Return whom a singular pronoun means, with how sure that is; None if nobody fits."""
    view = memory.view
    token = view.tokens[index]
    possessive = token.dep_ == "poss" or view.lower[index] in _POSSESSIVE
    own_clause = None if possessive else _clause(token)
    own_subject = None if own_clause is None else _shared_subject(memory, own_clause)
    as_object = own_clause is not None and token.dep_ not in _SUBJECTS
    for verb in _governors(token):
        if possessive:
            # "thanked Washington for its help": the object's, not the subject's.
            owner = _object_before(memory, verb, token)
            if owner is not None and fits(owner):
                return owner, _BY_SUBJECT
        subject = _subject_span(memory, verb)
        if subject is None or subject.head >= index:
            continue
        if subject is own_subject or (as_object and _coordinate(own_clause, verb)):
            continue
        if fits(subject):
            return subject, _BY_GOVERNOR
    best: tuple[float, ActorSpan] | None = None
    for order, (span, distance) in enumerate(memory.before(index, _HORIZON)):
        if not fits(span):
            continue
        # An object can't be its own clause's subject: "Russia attacked it".
        same = own_subject is not None and span.actor == own_subject.actor
        if same and distance == 0:
            continue
        is_subject = view.tokens[span.head].dep_ in _SUBJECTS
        parallel = is_subject and not as_object
        score = (_BY_SUBJECT if parallel else _BY_NEARNESS) - _DECAY * distance - _STEP * order
        if best is None or score > best[0]:
            best = (score, span)
    return (best[1], best[0]) if best else None


def _coordinate(clause: Token | None, verb: Token) -> bool:
    """Return whether a clause stands beside a verb ("… and …") rather than under it."""
    while clause is not None and clause.i != verb.i:
        if clause.dep_ != "conj":
            return False
        clause = clause.head
    return clause is not None


def _clause(token: Token) -> Token | None:
    """Return the verb of the clause that a token is in."""
    for _ in range(12):
        if token.pos_ in ("VERB", "AUX"):
            return token
        if token.head.i == token.i:
            return None
        token = token.head
    return None


def _governors(token: Token) -> Iterator[Token]:
    """Yield the verbs above a token, innermost first."""
    for _ in range(12):
        if token.head.i == token.i:
            return
        token = token.head
        if token.pos_ in ("VERB", "AUX"):
            yield token


def _object_before(memory: _Memory, verb: Token, pronoun: Token) -> ActorSpan | None:
    """Return a verb's object where the pronoun stands in the reason: "thanked X for its help"."""
    preposition = next(
        (child for child in verb.children if child.dep_ == "prep" and child.is_ancestor(pronoun)),
        None,
    )
    if preposition is None or preposition.lower_ not in _REASONS:
        return None
    for child in verb.children:
        if child.dep_ == "dobj" and child.i < preposition.i:
            return memory.at.get(child.i)
    return None


def _shared_subject(memory: _Memory, verb: Token) -> ActorSpan | None:
    """Return the subject of a verb, its own or that of the verb that it is coordinated with."""
    for _ in range(4):
        subject = _subject_span(memory, verb)
        if subject is not None or verb.dep_ != "conj":
            return subject
        verb = verb.head
    return None


def _subject_span(memory: _Memory, verb: Token) -> ActorSpan | None:
    for child in verb.children:
        if child.dep_ in _SUBJECTS:
            if child.tag_ in ("WP", "WDT") and verb.dep_ == "relcl":
                return memory.at.get(verb.head.i)
            return memory.at.get(child.i)
    return None


def _plural_pronoun(memory: _Memory, index: int) -> list[ActorSpan]:
    view = memory.view
    token = view.tokens[index]
    possessive = token.dep_ == "poss"
    own_clause = None if possessive else _clause(token)
    for verb in _governors(token):
        if own_clause is not None and verb.i == own_clause.i:
            continue
        group = _subject_group(memory, verb, index)
        if len(group) > 1:
            return [_reference(view, index, index, s, _BY_GOVERNOR - 0.1, True) for s in group]
        partner = _partner(memory, verb, group, index)
        if partner is not None:
            pair = (group[0], partner)
            return [_reference(view, index, index, s, _BY_NEARNESS, True) for s in pair]
        if group and (group[0].plural or group[0].type in ("group", "company", "party")):
            return [_reference(view, index, index, group[0], _BY_GOVERNOR, True)]
    seen_sentences: set[int] = set()
    for span, distance in memory.before(index, 2):
        sentence = view.sentence_of(span.head)
        verb_token = _clause(view.tokens[span.head])
        if sentence not in seen_sentences and verb_token is not None and distance > 0:
            seen_sentences.add(sentence)
            root = view.doc[view.sentences[sentence][0] : view.sentences[sentence][1]].root
            group = _subject_group(memory, root, index)
            if len(group) > 1:
                return [
                    _reference(view, index, index, s, _BY_NEARNESS - _DECAY * (distance - 1), True)
                    for s in group
                ]
        if span.plural or span.type == "group":
            confidence = _BY_NEARNESS - _DECAY * distance
            return [_reference(view, index, index, span, confidence, True)]
    return []


def _partner(memory: _Memory, verb: Token, group: list[ActorSpan], before: int) -> ActorSpan | None:
    """Return the object that "they" joins to a single subject: "Xi told Putin that their …"."""
    if len(group) != 1 or group[0].plural:
        return None
    for child in verb.children:
        if child.dep_ in ("dobj", "dative") and child.i < before:
            span = memory.at.get(child.i)
            if span is not None and span.type == group[0].type and not span.plural:
                return span
    return None


def _subject_group(memory: _Memory, verb: Token, before: int) -> list[ActorSpan]:
    """Return the actors coordinated as a verb's subject: "Gondor and Osgiliath have …"."""
    for child in verb.children:
        if child.dep_ in _SUBJECTS and child.i < before:
            group: list[ActorSpan] = []
            for token in (child, *child.conjuncts):
                span = memory.at.get(token.i)
                if span is not None and span.first < before:
                    group.append(span)
            return list({span.actor: span for span in group}.values())[:_MAX_PLURAL]
    return []


def _description(memory: _Memory, index: int) -> list[ActorSpan]:
    view, words = memory.view, memory.view.catalog.words
    lower = view.lower[index]
    if words.has("descriptions.plural", lower) or words.has("descriptions.plural_people", lower):
        plural = _plural_description(memory, index)
        if plural:
            return plural
    first = _article_before(view, index)
    if first is None or _continues(view, index):
        return []
    phrase = " ".join(view.lower[first + 1 : index + 1])
    listed = view.catalog.kind_nouns.get(phrase) or view.catalog.kind_nouns.get(lower)
    types = words.descriptions.get(phrase) or words.descriptions.get(lower) or frozenset()
    if index - first > 1 and phrase not in view.catalog.kind_nouns:
        # "the new alliance" is another one; only adjectives of kind leave the reference.
        return []
    best: tuple[float, ActorSpan] | None = None
    for order, (span, distance) in enumerate(memory.before(index, _DESCRIPTION_HORIZON)):
        for target, penalty in _with_rollup(memory, span):
            if listed is not None and target.actor in listed:
                score = _BY_DESCRIPTION + 0.1
            elif target.type in types and not (listed and target.type not in ("state",)):
                score = _BY_NEARNESS
            else:
                continue
            subject = view.tokens[span.head].dep_ in _SUBJECTS
            score += (0.05 if subject else 0.0) - _DECAY * min(distance, 4) / 2
            score -= 0.005 * order + penalty
            if best is None or score > best[0]:
                best = (score, target)
    if best is None or best[0] < _WEAK - 0.1:
        return []
    return [_reference(view, first, index, best[1], best[0], False)]


def _with_rollup(memory: _Memory, span: ActorSpan) -> Iterator[tuple[ActorSpan, float]]:
    yield span, 0.0
    if span.type == "person" and span.rollup and span.rollup != span.actor:
        entry = memory.view.catalog.actors.get(span.rollup)
        if entry is not None:
            yield (
                ActorSpan(
                    span.first,
                    span.last,
                    span.start,
                    span.end,
                    span.head,
                    entry.id,
                    entry.type,
                    "name",
                    span.confidence,
                    entry.name,
                    "name",
                    rollup=memory.view.catalog.rollup(entry.id, memory.view.on),
                ),
                0.05,
            )


def _article_before(view: TextView, index: int) -> int | None:
    """Return where the "the" of a short noun phrase stands, or None."""
    for back in (1, 2, 3):
        first = index - back
        if first < 0:
            return None
        if view.lower[first] == "the":
            return first
        if (
            view.tokens[first].pos_ not in ("ADJ", "NOUN", "PROPN")
            and view.tokens[first].text != "-"
        ):
            return None
    return None


def _continues(view: TextView, index: int) -> bool:
    """Return whether the noun is only part of a phrase: "the alliance members", "the union of"."""
    if view.tokens[index].dep_ == "compound":
        return True
    after = index + 1
    return after < len(view.tokens) and view.lower[after] in ("of", "between", "that", "which")


def _plural_description(memory: _Memory, index: int) -> list[ActorSpan]:
    view, words = memory.view, memory.view.catalog.words
    if _continues(view, index):
        return []
    number, first = 0, index
    for back in (1, 2, 3):
        if index - back < 0:
            break
        lower = view.lower[index - back]
        if lower in words.numbers:
            number, first = words.numbers[lower], index - back
        elif lower == "the" and number:
            first = index - back
            break
        elif view.tokens[index - back].pos_ != "ADJ":
            break
    if not number:
        return []
    people = words.has("descriptions.plural_people", view.lower[index])
    chosen: dict[str, ActorSpan] = {}
    for span, _ in memory.before(index, _HORIZON):
        wanted = span.type == "person" if people else span.type in ("state", "organisation", "bloc")
        key = span.actor if people else span.rollup
        if wanted and key not in chosen and span.form != "pronoun":
            chosen[key] = span
        if len(chosen) == number:
            break
    if len(chosen) < number:
        return []
    picked = sorted(chosen.values(), key=lambda span: span.start)
    return [_reference(view, first, index, span, _BY_SUBJECT, False) for span in picked]


def _office(memory: _Memory, role: RolePhrase) -> list[ActorSpan]:
    """Resolve "the president" to the last person who was called so, or the last state's."""
    view = memory.view
    if role.past or role.against or view.lower[role.first] != "the":
        return []
    if role.head - role.first > 2 or _continues(view, role.head):
        return []
    for span, distance in memory.before(role.head, _DESCRIPTION_HORIZON):
        if span.type != "person":
            continue
        held = view.catalog.role(span.actor, view.on)
        titled = role.title in view.text[span.start : span.end].lower()
        if titled or _same_office(held, role.role):
            confidence = _BY_DESCRIPTION - _DECAY * min(distance, 3) / 2
            return [_reference(view, role.first, role.head, span, confidence, False)]
    return []


def _same_office(held: str, wanted: str) -> bool:
    """Return whether "the minister" can be a foreign minister, "the leader" a president."""
    if held == wanted:
        return True
    if wanted == "minister":
        return held.endswith("_minister")
    return wanted == "leader" and held in ("head_of_state", "head_of_government")


def _speaker(memory: _Memory, index: int) -> list[ActorSpan]:
    """Resolve "we" and "I" inside a quotation to whoever speaks it."""
    view = memory.view
    char = view.starts[index]
    quote = _quote_at(memory, char)
    if quote is None:
        return []
    if quote not in memory.speakers:
        memory.speakers[quote] = _speaker_of(memory, quote)
    speaker = memory.speakers[quote]
    if speaker is None:
        return []
    return [_reference(view, index, index, speaker, _BY_SPEAKER, True)]


def _quote_at(memory: _Memory, char: int) -> tuple[int, int] | None:
    """Return the quotation that holds a character offset."""
    position = bisect_right(memory.quotes, (char, len(memory.view.text) + 1)) - 1
    if position >= 0 and memory.quotes[position][0] <= char < memory.quotes[position][1]:
        return memory.quotes[position]
    return None


def _speaker_of(memory: _Memory, quote: tuple[int, int]) -> ActorSpan | None:
    """Return the subject of the speech verb nearest to a quotation, outside every quotation."""
    view, words = memory.view, memory.view.catalog.words
    first, last = view.token_at(quote[0]), view.token_at(quote[1] - 1)
    low = view.sentences[max(0, view.sentence_of(first) - 1)][0]
    high = view.sentences[min(len(view.sentences) - 1, view.sentence_of(last) + 1)][1]
    home = (
        view.sentences[view.sentence_of(first)][0],
        view.sentences[view.sentence_of(last)][1],
    )
    best: tuple[int, ActorSpan] | None = None
    for index in range(max(low, first - _MAX_WINDOW), min(high, last + _MAX_WINDOW)):
        if first <= index <= last or not words.has("speech.verbs", view.tokens[index].lemma_):
            continue
        char = view.starts[index]
        if _quote_at(memory, char) is not None:
            continue
        subject = _subject_span(memory, view.tokens[index])
        if subject is None:
            continue
        distance = first - index if index < first else index - last
        distance += 0 if home[0] <= index < home[1] else 50
        if best is None or distance < best[0]:
            best = (distance, subject)
    return best[1] if best else None
