"""Who is meant where: the mentions of actors in one parsed text."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date

from spacy.tokens import Doc, Token

from transforms.catalog import Catalog
from transforms.name_table import NameMatch, split_pieces
from transforms.records import Mention, MentionForm
from transforms.settings import ActorSettings

_FORMS: dict[str, MentionForm] = {
    "name": "name",
    "demonym": "demonym",
    "capital": "capital",
    "seat": "capital",
    "short_name": "short_name",
    "acronym": "acronym",
}
_CONFIDENCE = {"name": 0.95, "acronym": 0.95, "demonym": 0.9, "capital": 0.85, "seat": 0.85}


def find_mentions(
    doc: Doc, catalog: Catalog, published_at: date, settings: ActorSettings | None = None
) -> list[Mention]:
    """Return the mentions of actors in `doc`, sorted by start.

    None overlap, save that a plural description or pronoun ("the two countries") gives one mention
    per actor on the same span. `published_at` picks office holders and roll-ups.
    """
    text = doc.text
    starts = [token.idx for token in doc]
    mentions: list[Mention] = []
    for match in catalog.names.find(text, split_pieces(text)):
        first = bisect_right(starts, match.start) - 1
        last = bisect_right(starts, match.end - 1) - 1
        mentions.append(_mention(doc, first, last, match, catalog, published_at))
    return mentions


def _mention(
    doc: Doc, first: int, last: int, match: NameMatch, catalog: Catalog, on: date
) -> Mention:
    use = match.uses[0]
    head = doc[first : last + 1].root
    start, end = match.start, match.end
    if use.kind != "short_name":
        agent = _agent_head(head, catalog)
        if agent is not None and agent.i > last:
            head, end = agent, agent.idx + len(agent)
    return Mention(
        start,
        end,
        head.i,
        use.actor,
        catalog.rollup(use.actor, on),
        catalog.type_of(use.actor),
        _FORMS[use.kind],
        _CONFIDENCE.get(use.kind, 0.9),
        catalog.actor(use.actor).name,
    )


def _agent_head(token: Token, catalog: Catalog) -> Token | None:
    if token.dep_ not in ("amod", "compound", "poss", "nmod"):
        return None
    head = token.head
    lemma = head.lemma_.lower()
    if catalog.words.has("heads.agents", lemma) or catalog.words.has("heads.people", lemma):
        return head
    return None
