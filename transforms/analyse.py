"""Analysis of documents: from text to actors and stances, in batches, one result per document.

Only a document's own sentences and a little context before each are parsed: a near copy pays for
what it adds. A document's result never depends on the batch it came in.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spacy.tokens import Doc

from transforms.catalog import Catalog
from transforms.mentions import find_mentions
from transforms.name_table import split_pieces
from transforms.nlp import load_pipeline, parse_documents
from transforms.records import Analysis, Document, Evidence, Mention
from transforms.sentences import SentenceSpan, compose, split_document
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.engine import StanceEngine, sentence_starts
from transforms.stances.headlines import headline_words, lower_headline
from transforms.stances.lexicon import Lexicon
from transforms.stances.repeats import drop_repeats

_LOG = logging.getLogger(__name__)
# Between sentences that don't follow each other in the document.
_GAP = "\n\n"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The part of a document that is parsed, and where its sentences lie in it.

    `spans` are character offsets into `text`, `sentences` what stood there, `own` which of them
    are reported, by position.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    sentences: tuple[SentenceSpan, ...]
    own: frozenset[int]


class Analyser:
    """Analyses documents with one catalog, lexicon and spaCy pipeline; one a process is enough."""

    def __init__(
        self,
        catalog: Catalog,
        lexicon: Lexicon,
        actor_settings: ActorSettings,
        stance_settings: StanceSettings,
    ) -> None:
        self.catalog = catalog
        self.actor_settings = actor_settings
        self.stance_settings = stance_settings
        self.nlp = load_pipeline(actor_settings.spacy_model)
        self.engine = StanceEngine(lexicon, stance_settings)
        self._headline_words = headline_words(lexicon)

    def analyse(self, documents: Sequence[Document]) -> list[Analysis]:
        """Return one analysis per document, in order; a document that fails has `error` set."""
        results = [Analysis(document.id) for document in documents]
        excerpts: list[tuple[int, Excerpt]] = []
        for position, document in enumerate(documents):
            try:
                excerpt = self.excerpt(document)
            except Exception as error:
                results[position].error = _describe(error)
                continue
            if excerpt.own:
                excerpts.append((position, excerpt))
        parsed = self._parse([excerpt for _, excerpt in excerpts])
        for (position, excerpt), doc in zip(excerpts, parsed, strict=True):
            try:
                if isinstance(doc, Exception):
                    raise doc
                self._fill(results[position], documents[position], excerpt, doc)
            except Exception as error:
                _LOG.warning("document %s: %s", documents[position].id, _describe(error))
                results[position] = Analysis(documents[position].id, error=_describe(error))
        return results

    def excerpt(self, document: Document) -> Excerpt:
        """Return the document's own sentences with the context before each."""
        whole = compose(document.title, document.text)
        sentences = split_document(document.title, document.text)
        every = range(len(sentences))
        own = set(every if document.own is None else document.own) & set(every)
        context = self.stance_settings.context_sentences
        kept = sorted({i for o in own for i in range(max(0, o - context), o + 1)})
        pieces: list[str] = []
        spans: list[tuple[int, int]] = []
        size = 0
        last = -1
        for i in kept:
            sentence = sentences[i]
            if last >= 0:
                follows = i == last + 1
                gap = whole[sentences[last].end : sentence.start] if follows else _GAP
                pieces.append(gap)
                size += len(gap)
            readable = self._readable(sentence)
            pieces.append(readable)
            spans.append((size, size + len(readable)))
            size += len(readable)
            last = i
        return Excerpt(
            "".join(pieces),
            tuple(spans),
            tuple(sentences[i] for i in kept),
            frozenset(position for position, i in enumerate(kept) if i in own),
        )

    def _readable(self, sentence: SentenceSpan) -> str:
        """Return a headline in sentence case, anything else as it is; the length is the same."""
        if not sentence.is_title and not sentence.text.isupper():
            return sentence.text
        names = [
            (match.start, match.end)
            for match in self.catalog.names.find(sentence.text, split_pieces(sentence.text))
        ]
        return lower_headline(sentence.text, self._headline_words, names)

    def _parse(self, excerpts: Sequence[Excerpt]) -> list[Doc | Exception]:
        texts = [(excerpt.text, excerpt.spans) for excerpt in excerpts]
        try:
            return list(parse_documents(self.nlp, texts))
        except Exception:
            # One bad document ends the whole pipe: read them one by one to find it.
            return [self._parse_one(text) for text in texts]

    def _parse_one(self, text: tuple[str, Sequence[tuple[int, int]] | None]) -> Doc | Exception:
        try:
            return next(iter(parse_documents(self.nlp, [text])))
        except Exception as error:
            return error

    def _fill(self, result: Analysis, document: Document, excerpt: Excerpt, doc: Doc) -> None:
        day = document.published_at.date()
        mentions = find_mentions(doc, self.catalog, day, self.actor_settings)
        starts = sentence_starts(doc)
        numbers = _positions(starts, excerpt)
        own = [number for number, position in enumerate(numbers) if position in excerpt.own]
        found: list[Evidence] = []
        seen: set[str] = set()
        for number, evidence in self.engine.read_sentences(doc, mentions, own, day):
            position = numbers[number]
            if excerpt.sentences[position].hash in seen:
                continue
            seen.add(excerpt.sentences[position].hash)
            shift = excerpt.spans[position][0] - starts[number]
            found += [_in_original(e, excerpt.sentences[position], shift) for e in evidence]
        result.evidence = drop_repeats(found)
        inside = [
            m
            for m in mentions
            if any(excerpt.spans[p][0] <= m.start < excerpt.spans[p][1] for p in excerpt.own)
        ]
        result.actors = sorted({m.actor for m in inside})
        result.rollups = sorted({m.rollup for m in inside})
        result.actor_rows = self._actor_rows(inside)

    def _actor_rows(self, mentions: Iterable[Mention]) -> list[dict[str, Any]]:
        names: dict[str, str] = {}
        for mention in mentions:
            names.setdefault(mention.actor, mention.name)
            names.setdefault(mention.rollup, "")
        return [self._actor_row(actor, names[actor]) for actor in sorted(names)]

    def _actor_row(self, actor: str, name: str) -> dict[str, Any]:
        entry = self.catalog.actors.get(actor)
        if entry is None:
            return {
                "actor": actor,
                "type": self.catalog.type_of(actor),
                "name": name or actor,
                "names": [name] if name else [],
                "iso2": None,
                "iso3": None,
                "cameo": None,
                "rollups": [],
                "in_catalog": False,
            }
        return {
            "actor": actor,
            "type": entry.type,
            "name": entry.name,
            "names": list(entry.names),
            "iso2": entry.iso2 or None,
            "iso3": entry.iso3 or None,
            "cameo": entry.cameo or None,
            "rollups": [
                {
                    "rollup": tenure.rollup,
                    "from": tenure.start.isoformat() if tenure.start else None,
                    "to": tenure.end.isoformat() if tenure.end else None,
                }
                for tenure in entry.tenures
            ],
            "in_catalog": True,
        }


def _positions(starts: Sequence[int], excerpt: Excerpt) -> list[int]:
    """Return, for each parsed sentence, the position in the excerpt of the one it starts in."""
    spans = [start for start, _ in excerpt.spans]
    return [max(0, bisect_right(spans, start) - 1) for start in starts]


def _in_original(evidence: Evidence, sentence: SentenceSpan, shift: int) -> Evidence:
    """Return evidence as it stands in the document's own spelling; `shift` corrects offsets."""
    size = len(sentence.text)

    def inside(offset: int) -> int:
        return min(max(offset - shift, 0), size)

    start, end = inside(evidence.trigger_start), inside(evidence.trigger_end)
    return replace(
        evidence,
        sentence=sentence.text,
        sentence_hash=sentence.hash,
        trigger=sentence.text[start:end],
        source_start=inside(evidence.source_start),
        source_end=inside(evidence.source_end),
        target_start=inside(evidence.target_start),
        target_end=inside(evidence.target_end),
        trigger_start=start,
        trigger_end=end,
    )


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
