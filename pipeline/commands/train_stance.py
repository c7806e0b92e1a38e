"""`newsalign train-stance`: the learned stance reader's model, from sentences and an encoder."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import ConfigFile, Settings, parse_settings, read_config
from pipeline.errors import UserError, say_note

NEEDED = ("torch", "safetensors", "onnx", "onnxruntime", "tokenizers")


def train_stance(
    train: Annotated[
        Path, typer.Option("--train", metavar="FILE", help="Sentences to learn from, JSON lines.")
    ],
    valid: Annotated[
        Path,
        typer.Option("--valid", metavar="FILE", help="Sentences to calibrate on, JSON lines."),
    ],
    encoder: Annotated[
        Path,
        typer.Option(
            "--encoder",
            metavar="FOLDER",
            help="A BERT encoder: model.safetensors and tokenizer.json.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Where the model is written.")
    ],
    teacher: Annotated[
        Path | None,
        typer.Option(
            "--teacher",
            metavar="FOLDER",
            help="A larger encoder, BERT or MPNet, to be trained first and then learned from.",
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the sentences in a run.")] = 3,
    runs: Annotated[int, typer.Option(min=1, help="Runs whose weights are averaged.")] = 1,
    members: Annotated[
        int, typer.Option(min=1, metavar="N", help="Networks that are asked together.")
    ] = 1,
    rate: Annotated[float, typer.Option(min=0.0, help="How fast it learns, at most.")] = 6e-5,
    synthetic: Annotated[
        int, typer.Option(min=0, metavar="N", help="Generated sentences to add.")
    ] = 800,
    seed: Annotated[int, typer.Option(metavar="N", help="What chance begins with.")] = 1,
    max_steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Stop each run early, to try it out.")
    ] = None,
    settings: Settings = None,
    config: ConfigFile = None,
) -> None:
    """Train the learned stance reader.

    Three epochs over 11,500 sentences take a core about eight minutes with an encoder of six layers
    of 384, fifteen with one of twelve. A teacher the size of MPNet is trained half an hour before,
    and the encoder once by the labels alone, as a second teacher.

    The sentences are in the format of the directed-sentiment reference. Written are stance.onnx,
    tokenizer.json, gate.npy, the card stance.json, and metrics.json.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"training needs {', '.join(missing)}: install newsalign with the extra 'train'"
        )
    from pipeline.commands.loading import load_lexicon
    from pipeline.evaluation.reference import BadReferenceError, read_lines
    from pipeline.training.fit import Recipe
    from pipeline.training.network import EncoderError
    from pipeline.training.package import Inputs
    from pipeline.training.train import train_stance as train_model
    from transforms.nlp import PipelineMissingError, load_pipeline

    effective = read_config(config, parse_settings(settings))
    lexicon = load_lexicon(effective, config)
    try:
        rows = {path: list(read_lines(path)) for path in (train, valid)}
        for path, found in rows.items():
            if not found:
                raise UserError(f"{path}: no sentences")
        inputs = Inputs(rows[train], rows[valid], encoder, synthetic, teacher)
        recipe = Recipe(
            epochs=epochs,
            runs=runs,
            members=members,
            rate=rate,
            seed=seed,
            max_steps=max_steps,
        )
        nlp = load_pipeline(effective.actors.spacy_model)
        figures = train_model(inputs, recipe, nlp, lexicon, out, say_note)
    except (BadReferenceError, EncoderError, PipelineMissingError, OSError) as error:
        raise UserError(str(error)) from None
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{train} or {valid}: not as documented: {error!r}") from None
    print(f"macro-F1 {figures['int8']['macro_f1']}, accuracy {figures['int8']['accuracy']}: {out}")
