"""`newsalign train-stance` without the command line: data in, a model folder out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tokenizers import Tokenizer

from pipeline.training.examples import make_examples
from pipeline.training.fit import Recipe, fit, logits, prepare
from pipeline.training.network import EncoderError, PairClassifier, load_encoder
from pipeline.training.package import FROZEN_LAYERS, Inputs, label_figures, write_model
from pipeline.training.synthetic import generate
from transforms.stances.model_files import TOKENIZER

if TYPE_CHECKING:
    from spacy.language import Language

    from transforms.stances.lexicon import Lexicon

METRICS = "metrics.json"


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
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    tokenizer = _open_tokenizer(inputs.encoder / TOKENIZER)
    network = PairClassifier(
        load_encoder(inputs.encoder), tokenizer.get_vocab(), frozen=FROZEN_LAYERS
    )
    report(f"reading {len(inputs.train)} + {len(inputs.valid)} sentences")
    made = list(generate(inputs.synthetic, recipe.seed, lexicon)) if inputs.synthetic else []
    valid = list(make_examples(inputs.valid, nlp, tokenizer))
    reference = prepare(network, list(make_examples(inputs.train, nlp, tokenizer)))
    extra = prepare(network, list(make_examples(made, nlp, tokenizer)))
    held = prepare(network, valid)
    labels = np.array([example.label for example in valid if example.masked is not None])
    history: list[dict[str, Any]] = []

    def watch(run: int, epoch: int, trained: PairClassifier) -> None:
        figures = label_figures(logits(trained, held).argmax(1), labels)
        history.append({"run": run, "epoch": epoch, **figures})
        report(f"run {run} epoch {epoch}: {figures}")

    began = time.monotonic()
    fit(network, reference, extra, recipe, watch, report)
    minutes = round((time.monotonic() - began) / 60, 1)
    whole = label_figures(logits(network, held).argmax(1), labels)
    report(f"the mean of the runs: {whole}")
    found = write_model(network, tokenizer, inputs, valid, nlp, lexicon, recipe, out)
    metrics = {"float32": whole, **found, "history": history, "minutes": minutes}
    (out / METRICS).write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    return metrics


def _open_tokenizer(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise EncoderError(f"{path}: not a tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
