"""From a trained classifier to the folder that the learned reader loads, with its figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pipeline.evaluation.calibration import calibration_error
from pipeline.evaluation.directed import CLASSES, mentions_of, unmark
from pipeline.evaluation.scores import class_figures, macro_f1
from pipeline.training.combination import Held, fit_combination, fit_temperature
from pipeline.training.examples import Example
from pipeline.training.fit import Recipe
from pipeline.training.gate import choose_threshold, fit_gate
from pipeline.training.network import PairClassifier
from pipeline.training.onnx_graph import export
from transforms.nlp import parse_documents
from transforms.stances.both import hints_by_pair
from transforms.stances.combine import Hints, combine
from transforms.stances.evidence import best_per_dyad
from transforms.stances.gate import Gate, slots
from transforms.stances.grammar import Grammar
from transforms.stances.learned import raw_logits
from transforms.stances.model_files import CARD, FORMAT, GATE, MODEL, TOKENIZER
from transforms.stances.tree import Tree
from transforms.stances.vote import softmax

if TYPE_CHECKING:
    from spacy.language import Language
    from tokenizers import Tokenizer

    from transforms.stances.lexicon import Lexicon

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a training reads: rows in the reference's format, and folders of encoders.

    `teacher` is trained first, and its opinions teach `encoder`; None: labels alone do.
    """

    train: Sequence[dict[str, Any]]
    valid: Sequence[dict[str, Any]]
    encoder: Path
    synthetic: int
    teacher: Path | None = None


def write_model(
    networks: Sequence[PairClassifier],
    tokenizer: Tokenizer,
    inputs: Inputs,
    valid: Sequence[Example],
    nlp: Language,
    lexicon: Lexicon,
    recipe: Recipe,
    out: Path,
) -> dict[str, Any]:
    """Write graph, tokenizer, gate and card; return the figures of what was written.

    `valid` are the examples of `inputs.valid`, on which temperature, combination and the gate's
    threshold are fitted.
    """
    out.mkdir(parents=True, exist_ok=True)
    export(networks, out / MODEL)
    tokenizer.save(str(out / TOKENIZER))
    labels = np.array([example.label for example in valid if example.masked is not None])
    found = raw_logits(out / MODEL, [e.masked for e in valid if e.masked is not None])
    temperature = fit_temperature(torch.tensor(found), torch.tensor(labels))
    weights, threshold = _gate(inputs, nlp, lexicon, recipe.seed)
    np.save(out / GATE, weights)
    gate = Gate(weights, threshold)
    pairs = _held(found / temperature, gate, valid, inputs.valid, nlp, lexicon)
    card = {
        "format": FORMAT,
        "temperature": temperature,
        "combination": asdict(fit_combination(pairs)),
        "gate_threshold": threshold,
        "classes": list(CLASSES),
        "recipe": {
            **asdict(recipe),
            "frozen": networks[0].frozen,
            "synthetic": inputs.synthetic,
            "teacher": inputs.teacher is not None,
        },
    }
    (out / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return {
        "int8": label_figures(found.argmax(1), labels),
        "calibration_error": _error(pairs),
        "both_readers_cross_validated": _cross_validated(pairs),
    }


def label_figures(found: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return macro-F1, accuracy and each class's F1 of class numbers against the right ones."""
    pairs = [(CLASSES[w], CLASSES[f]) for w, f in zip(labels, found, strict=True)]
    classes = class_figures(pairs)
    return {
        "macro_f1": macro_f1(classes, CLASSES),
        "accuracy": round(float((found == labels).mean()), 4) if len(labels) else 0.0,
        "f1": {name: figures["f1"] for name, figures in classes.items()},
    }


def _held(
    scaled: np.ndarray[Any, Any],
    gate: Gate,
    examples: Sequence[Example],
    rows: Sequence[dict[str, Any]],
    nlp: Language,
    lexicon: Lexicon,
) -> list[Held]:
    """Return the held-out pairs as both readers see them; unreadable ones are left out."""
    marked = [unmark(row) for row in rows]
    texts = [(item.text, [(0, len(item.text))]) for item in marked]
    votes = iter(scaled.tolist())
    found = []
    docs = parse_documents(nlp, texts)
    for example, item, doc in zip(examples, marked, docs, strict=True):
        if example.masked is None:
            continue
        mentions = list(mentions_of(doc, item))
        tree = Tree(doc, lemma_fixes=lexicon.lemma_fixes)
        stated = best_per_dyad(Grammar(tree, lexicon, mentions, None).read_sentence(0))
        hints = next(iter(hints_by_pair(stated).values()), Hints())
        odds = gate.score(tree, *(mention.head for mention in mentions))
        found.append(Held(softmax(next(votes)), replace(hints, odds=odds), example.label))
    return found


def _gate(
    inputs: Inputs, nlp: Language, lexicon: Lexicon, seed: int
) -> tuple[np.ndarray[Any, Any], float]:
    splits = []
    for rows in (inputs.train, inputs.valid):
        marked = [unmark(row) for row in rows]
        texts = [(item.text, [(0, len(item.text))]) for item in marked]
        features, stances = [], []
        for row, item, doc in zip(rows, marked, parse_documents(nlp, texts), strict=True):
            mentions = list(mentions_of(doc, item))
            if len(mentions) == 2:
                tree = Tree(doc, lemma_fixes=lexicon.lemma_fixes)
                Grammar(tree, lexicon, mentions, None)  # repairs the tree
                features.append(slots(tree, *(mention.head for mention in mentions)))
                stances.append(row["stance"] != "neutral")
        splits.append((features, stances))
    weights = fit_gate(*splits[0], seed)
    return weights, choose_threshold(weights, *splits[1])


def _cross_validated(pairs: Sequence[Held]) -> dict[str, Any]:
    """Return the figures of the combination, each fold scored with weights fitted on the others."""
    found = [0] * len(pairs)
    for fold in range(FOLDS):
        weights = fit_combination([p for i, p in enumerate(pairs) if i % FOLDS != fold])
        for i in range(fold, len(pairs), FOLDS):
            common = combine(pairs[i].vote, pairs[i].hints, weights)
            chances = common.chances()
            found[i] = max(range(len(chances)), key=chances.__getitem__)
    return label_figures(np.array(found), np.array([pair.label for pair in pairs]))


def _error(pairs: Sequence[Held]) -> float:
    """Return the expected calibration error of the learned reader's likeliest class."""
    chances = [pair.vote.chances() for pair in pairs]
    best = [max(range(len(row)), key=row.__getitem__) for row in chances]
    right = [found == pair.label for found, pair in zip(best, pairs, strict=True)]
    return calibration_error([max(row) for row in chances], right)
