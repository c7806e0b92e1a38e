"""Whether sentences are read, or names: actors swapped for random ones of their type.

Sentences with two marked entities (directed sentiment) have these swapped; texts (phenomena, the
sentences of a gold folder in which a stance was read) have every mention of the two actors of an
edge swapped, in its form: name, demonym, capital, person for person. The stand-ins come from the
catalog, so that they differ in length and in what a model may know of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from spacy.tokens import Doc

from pipeline.evaluation.directed import (
    actor_type,
    label,
    parse_marked,
    predict,
    predict_parsed,
    unmark,
)
from pipeline.evaluation.gold import read_documents
from pipeline.evaluation.intervals import with_intervals
from pipeline.evaluation.phenomena import PUBLISHED
from pipeline.evaluation.reference import BadReferenceError, read_lines
from pipeline.evaluation.scores import DIGITS
from pipeline.evaluation.seed import edge_of
from pipeline.evaluation.stand_ins import StandIns, replace_spans
from transforms.actor_spans import FORMS
from transforms.analyse import Analyser
from transforms.mentions import find_mentions
from transforms.name_table import NameMatch, split_pieces
from transforms.nlp import parse_documents
from transforms.records import Document, Mention

SEED: Final = 1
_NEUTRAL: Final = "neutral"
# Forms of mentions that can be put into another actor's words; pronouns and such are left.
_NAMING: Final = frozenset({"name", "acronym", "demonym", "capital", "short_name"})
_PERSON: Final = "person"
_SUFFIXES: Final = ("'s", "’s", "'", "’")


@dataclass(frozen=True, slots=True)
class Swapped:
    """One sentence (or the pair of an edge) before and after: "neutral" says that none was read."""

    reference: str
    before: str
    after: str
    text: str
    swapped: str


def evaluate_swap(
    paths: Sequence[Path], analyser: Analyser
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the share of stances and directions that stay as they were, and each sentence.

    `paths` are references: a split of directed sentiment, a file of phenomena, a gold folder.
    `edges` are those read before the swap, `unchanged` the share of them read the same after it;
    `all_unchanged` counts sentences in which nothing was read as well.
    """
    stand_ins = StandIns(analyser.catalog, PUBLISHED.date())
    items: list[Swapped] = []
    for path in paths:
        items += _swapped(path, analyser, stand_ins, Random(SEED))
    rows = [
        {
            "reference": item.reference,
            "text": item.text,
            "swapped": item.swapped,
            "before": item.before,
            "after": item.after,
            "unchanged": item.before == item.after,
        }
        for item in items
    ]
    return with_intervals(items, _report), rows


def _report(items: Sequence[Swapped]) -> dict[str, Any]:
    references = sorted({item.reference for item in items})
    return {
        **_shares(items),
        "by_reference": {
            name: _shares([item for item in items if item.reference == name]) for name in references
        },
    }


def _shares(items: Sequence[Swapped]) -> dict[str, Any]:
    edges = [item for item in items if item.before != _NEUTRAL]
    return {
        "edges": len(edges),
        "unchanged": _share(edges),
        "sentences": len(items),
        "all_unchanged": _share(items),
    }


def _share(items: Sequence[Swapped]) -> float:
    same = sum(item.before == item.after for item in items)
    return round(same / len(items), DIGITS) if items else 0.0


def _swapped(
    path: Path, analyser: Analyser, stand_ins: StandIns, chance: Random
) -> Iterator[Swapped]:
    name = str(path)
    if path.is_dir() and (path / "gold.jsonl").is_file():
        documents = read_documents(path)
        read = analyser.analyse(documents)
        sentences = dict.fromkeys(e.sentence for a in read for e in a.evidence if e.counted)
        yield from _texts(name, list(sentences), analyser, stand_ins, chance)
        return
    rows = list(read_lines(path / "valid.jsonl" if path.is_dir() else path))
    if rows and "sentence" in rows[0]:
        yield from _marked(name, rows, analyser, stand_ins, chance)
    elif rows and "text" in rows[0]:
        yield from _texts(name, [row["text"] for row in rows], analyser, stand_ins, chance)
    else:
        raise BadReferenceError(f"{path}: neither marked sentences nor texts nor a gold folder")


def _marked(
    name: str,
    rows: list[dict[str, Any]],
    analyser: Analyser,
    stand_ins: StandIns,
    chance: Random,
) -> Iterator[Swapped]:
    marked = [unmark(row) for row in rows]
    tried = []
    for row, item, doc in zip(rows, marked, parse_marked(marked, analyser.nlp), strict=True):
        spans = [
            (start, end, f"[{_other_name(doc, start, end, stand_ins, chance)}]")
            for start, end in (item.p, item.q)
        ]
        other = {**row, "sentence": replace_spans(item.text, spans)}
        # Where neither entity is a name of a type that the catalog has, nothing is tried.
        if row != other:
            tried.append((row, other, item, doc))
    rows, others = [row for row, _, _, _ in tried], [other for _, other, _, _ in tried]
    own, docs = [item for _, _, item, _ in tried], [doc for _, _, _, doc in tried]
    before = predict_parsed(own, docs, analyser.engine)
    after = predict(others, analyser.nlp, analyser.engine)
    for row, other, one, two in zip(rows, others, before, after, strict=True):
        yield Swapped(name, label(one), label(two), row["sentence"], other["sentence"])


def _other_name(doc: Doc, start: int, end: int, stand_ins: StandIns, chance: Random) -> str:
    """Return a stand-in's words for a marked entity, its own where it is no name at all."""
    original = str(doc.text[start:end])
    span = doc.char_span(start, end, alignment_mode="expand")
    if span is None or not original[:1].isupper():
        return original
    uses = stand_ins.catalog.names.lookup(original)
    kind = stand_ins.catalog.type_of(uses[0].actor) if uses else actor_type(span)
    form = "name"
    if any(token.ent_type_ == "NORP" for token in span):
        form = "demonym"
    elif kind == "person" and " " not in original:
        form = "short_name"
    stand_in = stand_ins.draw(kind, chance, frozenset({form}))
    if stand_in is None:
        return original
    suffix = next((s for s in _SUFFIXES if original.endswith(s)), "")
    bare = original.removesuffix(suffix)
    return stand_in.words(form, bare) + suffix


def _texts(
    name: str, texts: list[str], analyser: Analyser, stand_ins: StandIns, chance: Random
) -> Iterator[Swapped]:
    documents = [_document(text) for text in texts]
    cases: list[tuple[str, str, frozenset[str], dict[str, str]]] = []
    befores: list[str] = []
    docs = parse_documents(analyser.nlp, ((text, None) for text in texts))
    for text, doc, analysis in zip(texts, docs, analyser.analyse(documents), strict=True):
        mentions = find_mentions(doc, analyser.catalog, PUBLISHED.date(), analyser.actor_settings)
        edges = {edge_of(e) for e in analysis.evidence if e.counted and e.stance != _NEUTRAL}
        for pair in sorted({frozenset(edge[:2]) for edge in edges}, key=sorted):
            case = _swap_pair(text, mentions, sorted(pair), analyser, stand_ins, chance)
            if case is not None:
                cases.append((text, case[0], pair, case[1]))
                befores.append(_signs(edges, {actor: actor for actor in pair}))
    after = analyser.analyse([_document(swapped) for _, swapped, _, _ in cases])
    for (text, swapped, _, actors), before, analysis in zip(cases, befores, after, strict=True):
        edges = {edge_of(e) for e in analysis.evidence if e.counted and e.stance != _NEUTRAL}
        original = {new: old for old, new in actors.items()}
        yield Swapped(name, before, _signs(edges, original), text, swapped)


def _document(text: str) -> Document:
    return Document("", "", text, PUBLISHED)


def _signs(edges: Iterable[tuple[str, str, str]], original: Mapping[str, str]) -> str:
    """Return the edges between two actors under their original names, as one string."""
    told = sorted(
        f"{original[source]}>{original[target]} {stance}"
        for source, target, stance in edges
        if source in original and target in original
    )
    return ", ".join(told) or _NEUTRAL


def _swap_pair(
    text: str,
    mentions: Sequence[Mention],
    pair: Sequence[str],
    analyser: Analyser,
    stand_ins: StandIns,
    chance: Random,
) -> tuple[str, dict[str, str]] | None:
    """Return the text with two actors swapped, and who became whom; None where it can't be done.

    It can't where an actor is named in a way that can't be put into another's words.
    """
    spans: list[tuple[int, int, str]] = []
    actors: dict[str, str] = {}
    names = analyser.catalog.names.find(text, split_pieces(text))
    for rollup in pair:
        own = [_name_of(m, names) for m in mentions if m.rollup == rollup and m.form in _NAMING]
        named = [name for name in own if name is not None]
        if not named or len(named) < len(own):
            return None
        forms = frozenset(form for _, _, form in named)
        taken = {*pair, *actors.values()}
        new = stand_ins.draw(analyser.catalog.type_of(rollup), chance, forms, taken)
        if new is None:
            return None
        actors[rollup] = new.actor
        person = chance.choice(new.persons) if _PERSON in forms else ""
        for start, end, form in named:
            words = new.words(form, text[start:end])
            if form == _PERSON:
                words = person if " " in text[start:end] else person.split()[-1]
            spans.append((start, end, words))
    return replace_spans(text, spans), actors


def _name_of(mention: Mention, names: Sequence[NameMatch]) -> tuple[int, int, str] | None:
    """Return where the name of a mention stands and its form; None where the catalog has none.

    A mention may be more than its name: "the government in Suva", "Kenyan troops".
    """
    if mention.actor_type == "person" and mention.actor != mention.rollup:
        return mention.start, mention.end, _PERSON
    for name in names:
        if mention.start <= name.start and name.end <= mention.end:
            for use in name.uses:
                if use.actor == mention.actor:
                    return name.start, name.end, FORMS[use.kind]
    return None
