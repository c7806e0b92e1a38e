"""The learned reader: what it reads must not depend on names, nor on what else is read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from transforms.nlp import load_pipeline, make_document
from transforms.records import Evidence, Mention
from transforms.resources import config_dir
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.engine import StanceEngine
from transforms.stances.learned import LearnedReader, load_reader
from transforms.stances.lexicon import Lexicon
from transforms.stances.model_files import (
    CARD,
    FILES,
    MODEL,
    TOKENIZER,
    ModelError,
    model_fingerprint,
    shipped_model,
)
from transforms.stances.tree import Tree
from transforms.stances.vote import Vote

SENTENCES = [
    "{a} condemned {b} over the shelling of the port.",
    "On Tuesday {a} praised {b} for its help after the flood.",
    "{a} was attacked by {b} at dawn.",
    "{a} and {b} share a border of 300 kilometres.",
]


def open_doc(text: str):
    nlp = load_pipeline(ActorSettings().spacy_model)
    doc = make_document(nlp, text, [(0, len(text))])
    for _, pipe in nlp.pipeline:
        doc = pipe(doc)
    return doc


def mention(doc, name: str, kind: str = "state") -> Mention:
    start = doc.text.index(name)
    span = doc.char_span(start, start + len(name), alignment_mode="expand")
    return Mention(start, start + len(name), span.root.i, name, name, kind, "name", 1.0, name)


def read(template: str, a: str = "Norway", b: str = "Belarus") -> Vote:
    doc = open_doc(template.format(a=a, b=b))
    tree = Tree(doc)
    sentence = load_reader().open_sentence(doc, tree, 0, tree.head)
    vote = sentence.read(mention(doc, a), mention(doc, b))
    assert vote is not None
    return vote


def engine(name: str) -> StanceEngine:
    lexicon = Lexicon.load(config_dir() / "stances.toml")
    return StanceEngine(lexicon, StanceSettings(engine=name))


def evidence(name: str, template: str) -> list[Evidence]:
    doc = open_doc(template.format(a="Norway", b="Belarus"))
    return engine(name).read(doc, [mention(doc, "Norway"), mention(doc, "Belarus")])


def test_a_vote_depends_on_nothing_else_that_is_read() -> None:
    forward = [read(template) for template in SENTENCES]
    backward = [read(template) for template in reversed(SENTENCES)]
    assert forward == backward[::-1]


def test_the_order_in_which_two_mentions_are_given_is_no_matter() -> None:
    doc = open_doc(SENTENCES[0].format(a="Norway", b="Belarus"))
    tree = Tree(doc)
    sentence = load_reader().open_sentence(doc, tree, 0, tree.head)
    a, b = mention(doc, "Norway"), mention(doc, "Belarus")
    assert sentence.read(a, b) == sentence.read(b, a)


@pytest.mark.parametrize("template", SENTENCES)
def test_other_names_of_the_same_type_leave_the_vote(template: str) -> None:
    assert read(template) == read(template, "France", "Germany")


def test_plain_praise_and_blame_are_told_apart() -> None:
    blame, praise = read(SENTENCES[0]), read(SENTENCES[1])
    assert blame.negative > blame.positive
    assert praise.positive > praise.negative
    assert max(blame.negative, praise.positive) > read(SENTENCES[3]).negative


def test_probabilities_sum_to_one() -> None:
    assert all(sum(read(template).chances()) == pytest.approx(1) for template in SENTENCES)


def test_overlapping_mentions_and_ones_of_other_sentences_are_not_read() -> None:
    doc = open_doc("Norway condemned Belarus.")
    tree = Tree(doc)
    sentence = load_reader().open_sentence(doc, tree, 0, tree.head)
    a, b = mention(doc, "Norway"), mention(doc, "Belarus")
    assert sentence.read(a, a) is None
    away = Mention(900, 906, 0, "x", "x", "state", "name", 1.0, "x")
    assert sentence.read(b, away) is None


def test_the_engine_setting_says_who_reads() -> None:
    grammar, learned, both = (
        evidence(name, SENTENCES[0]) for name in ("grammar", "learned", "both")
    )
    assert [(e.grammar_vote, e.learned_vote) for e in grammar] == [("opposed", None)]
    assert all(e.grammar_vote is None and e.learned_vote for e in learned)
    assert [(e.grammar_vote, e.learned_vote, e.stance) for e in both] == [
        ("opposed", "opposed", "opposed")
    ]
    assert both[0].p_supportive + both[0].p_opposed + both[0].p_neutral == pytest.approx(1)


def test_the_grammar_alone_needs_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_folder: Path | None) -> None:
        raise AssertionError("loaded a model")

    monkeypatch.setattr("transforms.stances.engine.load_reader", refuse)
    assert evidence("grammar", SENTENCES[0])
    with pytest.raises(AssertionError):
        engine("both")


@pytest.mark.parametrize("name", FILES)
def test_an_absent_file_is_named(name: str, tmp_path: Path) -> None:
    for other in FILES:
        if other != name:
            shutil.copy(shipped_model() / other, tmp_path)
    with pytest.raises(ModelError, match=name):
        LearnedReader(tmp_path)
    with pytest.raises(ModelError, match=name):
        model_fingerprint(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (MODEL, b"not a graph"),
        (TOKENIZER, b"{}"),
        ("gate.npy", b"\x93NUMPY"),
        (CARD, b"{"),
        (CARD, b"[]"),
        (CARD, b'{"format": 99, "temperature": 1}'),
        (CARD, b'{"format": 1, "temperature": 0}'),
        (CARD, b'{"format": 1, "temperature": 1}'),
    ],
)
def test_a_damaged_file_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    for other in FILES:
        shutil.copy(shipped_model() / other, tmp_path)
    before = model_fingerprint(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=str(tmp_path)):
        LearnedReader(tmp_path)
    assert model_fingerprint(tmp_path) != before
