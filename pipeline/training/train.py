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
from pipeline.training.fit import Readable, Recipe, fit, logits, prepare
from pipeline.training.mpnet import NEARNESS
from pipeline.training.network import EncoderError, PairClassifier, load_encoder
from pipeline.training.package import FROZEN_LAYERS, Inputs, label_figures, write_model
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
        # Generated sentences have labels that need no second opinion.
        only = replace(lessons, made=[])
        first = replace(recipe, epochs=TEACHER_EPOCHS, runs=1, rate=TEACHER_RATE)
        teacher, reference, metrics["teacher"] = _learn(
            inputs.teacher, vocabulary, -TEACHER_LAYERS, only, first, None, report
        )
        opinions = torch.from_numpy(logits(teacher, reference)).softmax(-1)
    network, _, metrics["float32"] = _learn(
        inputs.encoder, vocabulary, FROZEN_LAYERS, lessons, recipe, opinions, report
    )
    metrics["minutes"] = round((time.monotonic() - began) / 60, 1)
    metrics |= write_model(network, tokenizer, inputs, lessons.held, nlp, lexicon, recipe, out)
    (out / METRICS).write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    return metrics


def _learn(
    encoder: Path,
    vocabulary: dict[str, int],
    frozen: int,
    lessons: Lessons,
    recipe: Recipe,
    opinions: Tensor | None,
    report: Callable[[str], None],
) -> tuple[PairClassifier, Readable, dict[str, Any]]:
    """Train one network; return it, the reference as it reads it, and its figures."""
    torch.manual_seed(recipe.seed)
    network = PairClassifier(load_encoder(encoder), vocabulary, frozen)
    held = prepare(network, lessons.held)
    reference = replace(prepare(network, lessons.reference), opinions=opinions)
    extra = prepare(network, lessons.made)
    labels = np.array([example.label for example in lessons.held if example.masked is not None])
    history: list[dict[str, Any]] = []

    def watch(run: int, epoch: int, trained: PairClassifier) -> None:
        figures = label_figures(logits(trained, held).argmax(1), labels)
        history.append({"run": run, "epoch": epoch, **figures})
        report(f"{encoder.name}, run {run} epoch {epoch}: {figures}")

    fit(network, reference, extra, recipe, watch, report)
    whole = label_figures(logits(network, held).argmax(1), labels)
    report(f"{encoder.name}, the mean of the runs: {whole}")
    return network, reference, {**whole, "history": history}


def _open_tokenizer(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise EncoderError(f"{path}: not a tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
