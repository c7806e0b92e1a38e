"""The records that flow between steps; every field is plain data, so that any runner can pickle it.

Times are timezone-aware UTC datetimes. Ids are lower-case hex strings made by `transforms.ids`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Stance = Literal["supportive", "opposed", "neutral"]
Kind = Literal["act", "statement", "relation"]
Voice = Literal["outlet", "source", "third_party"]
Factuality = Literal["asserted", "negated", "planned", "hypothetical"]
MentionForm = Literal[
    "name", "title", "demonym", "capital", "acronym", "short_name", "description", "pronoun"
]


@dataclass(frozen=True, slots=True)
class RawItem:
    """One item as it arrived, decoded to text but not cleaned; what the journal keeps.

    `origin` names the place a person would look: a feed URL or a path relative to the input root,
    with `#N` for the N-th entry or line. `body` is markup when `body_is_html`, else plain text.
    `summary` is the feed's teaser (markup allowed). Dates stay as the strings that were found.
    """

    origin: str
    fetched_at: datetime
    feed_url: str | None = None
    outlet: str | None = None
    guid: str | None = None
    guid_unique: bool = True
    url: str | None = None
    base_url: str | None = None
    title: str | None = None
    author: str | None = None
    language: str | None = None
    published: str | None = None
    modified: str | None = None
    summary: str | None = None
    body: str | None = None
    body_is_html: bool = False
    is_page: bool = False
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reject:
    """One input that could not be used: where it fell out, why, and enough of it to find it."""

    stage: str
    reason: str
    detail: str
    origin: str
    excerpt: str
    at: datetime
    outlet: str | None = None
    feed_url: str | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """One cleaned article, before it has an identity in the store.

    `published_at` is None where nothing dated it; the store then uses the first time it was seen.
    `identity_keys` are the strings by which the same article is known again, best first
    (canonical URL, guid where usable, origin, content hash). `language` is ISO 639-1 or "und".
    """

    item_id: str
    origin: str
    identity_keys: tuple[str, ...]
    outlet: str
    title: str
    text: str
    text_source: str
    language: str
    analysed: bool
    published_at: datetime | None
    published_at_source: str
    fetched_at: datetime
    content_hash: str
    word_count: int
    feed_url: str | None = None
    url: str | None = None
    canonical_url: str | None = None
    guid: str | None = None
    author: str | None = None
    modified_at: datetime | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """A span of text that names an actor. Character offsets are into the parsed document.

    `head` is the token whose syntactic role the mention plays ("forces" in "Russian forces").
    `rollup` is the state or organisation the actor belongs to at the article's date, else itself.
    `related` is set for mentions that stand near an actor without being it ("Iranian-backed
    militia"): such a mention never takes part in a dyad.
    """

    start: int
    end: int
    head: int
    actor: str
    rollup: str
    actor_type: str
    form: MentionForm
    confidence: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One stance read from one sentence; character offsets are into `sentence`."""

    source_actor: str
    source_rollup: str
    target_actor: str
    target_rollup: str
    stance: Stance
    kind: Kind
    voice: Voice
    speaker_actor: str | None
    quoted: bool
    factuality: Factuality
    is_background: bool
    score: float
    confidence: float
    p_supportive: float
    p_opposed: float
    p_neutral: float
    grammar_vote: str | None
    learned_vote: str | None
    trigger: str
    path: str
    sentence: str
    sentence_hash: str
    source_start: int
    source_end: int
    target_start: int
    target_end: int
    trigger_start: int
    trigger_end: int
    counted: bool


@dataclass(frozen=True, slots=True)
class Document:
    """What analysis reads: a title, a text, and which of their sentences are this article's own.

    `own` holds indexes into `transforms.sentences.split_document(title, text)`; None means all.
    """

    id: str
    title: str
    text: str
    published_at: datetime
    outlet: str = ""
    own: tuple[int, ...] | None = None


@dataclass(slots=True)
class Analysis:
    """What analysis found in one document: evidence, the actors mentioned, and ad-hoc actors."""

    id: str
    evidence: list[Evidence] = field(default_factory=list)
    actors: list[str] = field(default_factory=list)
    rollups: list[str] = field(default_factory=list)
    actor_rows: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
