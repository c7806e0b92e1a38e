"""`newsalign train-stance` without the command line: data in, a model folder out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from pipeline.training.examples import Example, make_examples
from pipeline.training.fit import Readable, Recipe, fit, log_probabilities, logits, prepare
from pipeline.training.mpnet import NEARNESS
from pipeline.training.network import EncoderError, PairClassifier, load_encoder
from pipeline.training.package import Inputs, label_figures, write_model
from pipeline.training.synthetic import generate
from transforms.stances.model_files import TOKENIZER

if TYPE_CHECKING:
    from spacy.language import Language

    from transforms.stances.lexicon import Lexicon

METRICS = "metrics.json"
# A teacher's layers that learn, and how fast: all twelve of an MPNet would take an hour an epoch.
TEACHER_LAYERS = 4
TEACHER_RATE = 5e-5
TEACHER_EPOCHS = 3


@dataclass(frozen=True, slots=True)
class Lessons:
    """Examples: the reference's, the generated ones, and those held out for figures."""

    reference: list[Example]
    made: list[Example]
    held: list[Example]


@dataclass(frozen=True, slots=True)
class Learned:
    """Networks that are asked together, the reference as they read it, and their figures."""

    networks: list[PairClassifier]
    reference: Readable
    figures: dict[str, Any]


def train_stance(
    inputs: Inputs,
    recipe: Recipe,
    nlp: Language,
    lexicon: Lexicon,
    out: Path,
    report: Callable[[str], None],
) -> dict[str, Any]:
    """Train, calibrate and write a model folder that `LearnedReader` reads; return its metrics.

    The same inputs, recipe and machine type give the same files. One core is used. Raises
    EncoderError for an encoder that can't be used, BadReferenceError for rows that can't.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    began = time.monotonic()
    tokenizer = _open_tokenizer(inputs.encoder / TOKENIZER)
    if NEARNESS in load_encoder(inputs.encoder):
        raise EncoderError(f"{inputs.encoder}: an MPNet can only be a teacher")
    report(f"reading {len(inputs.train)} + {len(inputs.valid)} sentences")
    made = list(generate(inputs.synthetic, recipe.seed, lexicon)) if inputs.synthetic else []
    lessons = Lessons(
        list(make_examples(inputs.train, nlp, tokenizer)),
        list(make_examples(made, nlp, tokenizer)),
        list(make_examples(inputs.valid, nlp, tokenizer)),
    )
    vocabulary = tokenizer.get_vocab()
    metrics: dict[str, Any] = {}
    opinions = None
    if inputs.teacher is not None:
        alone = replace(recipe, runs=1, members=1)
        # Generated sentences have labels that need no second opinion.
        only = replace(lessons, made=[])
        longer = replace(alone, epochs=TEACHER_EPOCHS, rate=TEACHER_RATE)
        teachers = [
            _learn(inputs.teacher, vocabulary, -TEACHER_LAYERS, only, longer, None, report),
            # The two err apart: together they are better than either.
            _learn(inputs.encoder, vocabulary, None, lessons, alone, None, report),
        ]
        metrics["teachers"] = [each.figures for each in teachers]
        found = [log_probabilities(each.networks, each.reference) for each in teachers]
        opinions = torch.stack(found).mean(0).softmax(-1)
    learned = _learn(inputs.encoder, vocabulary, None, lessons, recipe, opinions, report)
    metrics["float32"] = learned.figures
    metrics["minutes"] = round((time.monotonic() - began) / 60, 1)
    metrics |= write_model(
        learned.networks, tokenizer, inputs, lessons.held, nlp, lexicon, recipe, out
    )
    (out / METRICS).write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    return metrics


def _learn(
    encoder: Path,
    vocabulary: dict[str, int],
    frozen: int | None,
    lessons: Lessons,
    recipe: Recipe,
    opinions: Tensor | None,
    report: Callable[[str], None],
) -> Learned:
    """Train the recipe's networks, which begin alike."""
    networks = [_begin(encoder, vocabulary, frozen, recipe) for _ in range(recipe.members)]
    held = prepare(networks[0], lessons.held)
    reference = replace(prepare(networks[0], lessons.reference), opinions=opinions)
    extra = prepare(networks[0], lessons.made)
    labels = np.array([example.label for example in lessons.held if example.masked is not None])
    history: list[dict[str, Any]] = []

    def watch(run: int, epoch: int, trained: PairClassifier) -> None:
        figures = label_figures(logits(trained, held).argmax(1), labels)
        history.append({"run": run, "epoch": epoch, **figures})
        report(f"{encoder.name}, run {run} epoch {epoch}: {figures}")

    for number, network in enumerate(networks):
        fit(network, reference, extra, recipe, watch, report, number * recipe.runs)
    whole = label_figures(log_probabilities(networks, held).numpy().argmax(1), labels)
    report(f"{encoder.name}, all together: {whole}")
    return Learned(networks, reference, {**whole, "history": history})


def _begin(
    encoder: Path, vocabulary: dict[str, int], frozen: int | None, recipe: Recipe
) -> PairClassifier:
    torch.manual_seed(recipe.seed)
    return PairClassifier(load_encoder(encoder), vocabulary, frozen)


def _open_tokenizer(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise EncoderError(f"{path}: not a tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
