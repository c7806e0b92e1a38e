"""`newsalign evaluate`: how well actors and stances are read, against annotated references."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.choices import Reference
from pipeline.commands.options import (
    CatalogFiles,
    ConfigFile,
    Settings,
    catalog_paths,
    parse_settings,
    read_config,
)
from pipeline.errors import UserError

if TYPE_CHECKING:
    from pipeline.config import Config


def evaluate(
    reference: Annotated[
        Reference,
        typer.Argument(metavar="REFERENCE", show_choices=False, help="What PATH holds."),
    ],
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="The reference file, or the folder it is in; actors and swap: any number of them.",
        ),
    ],
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", metavar="FILE", help="Write predictions as JSON lines."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = (
        False
    ),
    catalog: CatalogFiles = None,
    settings: Settings = None,
    config: ConfigFile = None,
) -> None:
    """Measure precision, recall and F1 on a reference.

    seed: one article and its gold.json. event-coding: records with their own actors.json.
    directed-sentiment: sentences with two bracketed entities. gold: a folder of articles with a
    gold.jsonl. phenomena: sentences with expected and forbidden stances. swap: any of the last
    three, read again with other actors of the same type. cases: reported faults, each with such
    sentences and actors of its own. actors: texts with marked mentions, beside bare spaCy entities.
    office-holders: who governed which state in which years.
    """
    from pipeline.config import ConfigError
    from pipeline.evaluate import BadReferenceError
    from transforms.nlp import PipelineMissingError
    from transforms.stances.model_files import ModelError

    effective = read_config(config, parse_settings(settings))
    files = catalog_paths(effective, config, catalog)
    try:
        report, rows = _evaluate(reference, paths, effective, files, config)
    except (BadReferenceError, ConfigError, PipelineMissingError, ModelError, OSError) as error:
        raise UserError(str(error)) from None
    except (KeyError, TypeError) as error:
        where = ", ".join(map(str, paths))
        raise UserError(f"{where}: no {reference} reference: {error!r}") from None
    if predictions is not None:
        _write_lines(predictions, rows)
    if json:
        print(jsonlib.dumps(report, ensure_ascii=False))
        return
    from pipeline.formats import console
    from pipeline.report_view import print_report

    print_report(console(), report)


def _evaluate(
    reference: Reference,
    paths: list[Path],
    config: Config,
    catalog: list[Path],
    file: Path | None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from pipeline import evaluate as measures
    from pipeline.commands.loading import load_analyser, load_catalog, load_lexicon

    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder")
    if reference is Reference.ACTORS:
        return measures.evaluate_actors(paths, load_catalog(catalog), config.actors)
    if reference is Reference.SWAP:
        return measures.evaluate_swap(paths, load_analyser(config, catalog, file))
    if len(paths) > 1:
        raise UserError(f"{reference} takes one PATH, not {len(paths)}")
    path = paths[0]
    if reference is Reference.OFFICE_HOLDERS:
        return measures.evaluate_office_holders(path, load_catalog(catalog), config.actors)
    with_own_actors = {
        Reference.EVENT_CODING: measures.evaluate_event_coding,
        Reference.DIRECTED_SENTIMENT: measures.evaluate_directed_sentiment,
    }
    if reference in with_own_actors:
        lexicon = load_lexicon(config, file)
        stances = config.stance_settings(file.parent if file else None)
        return with_own_actors[reference](path, lexicon, config.actors, stances)
    analyser = load_analyser(config, catalog, file)
    if reference is Reference.GOLD:
        return measures.evaluate_gold(path, analyser, config.read, config.clean, config.deduplicate)
    if reference is Reference.SEED:
        return measures.evaluate_seed(path, analyser)
    if reference is Reference.CASES:
        return measures.evaluate_cases(path, analyser)
    return measures.evaluate_phenomena(path, analyser)


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    from pipeline.formats import text_sink, to_json

    with text_sink(path, "--predictions") as sink:
        sink.writelines(to_json(row) + "\n" for row in rows)
