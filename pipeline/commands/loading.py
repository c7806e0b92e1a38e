"""Loading what the config names, with faults as one line that names file, line and key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UserError

if TYPE_CHECKING:
    from pipeline.config import Config
    from transforms.analyse import Analyser
    from transforms.catalog import Catalog
    from transforms.stances.lexicon import Lexicon


def load_catalog(paths: list[Path]) -> Catalog:
    """Return the compiled catalog; raises UserError."""
    from transforms.catalog import Catalog, CatalogError

    try:
        return Catalog.load(paths)
    except CatalogError as error:
        raise UserError(str(error)) from None


def load_lexicon(config: Config, file: Path | None) -> Lexicon:
    """Return the compiled stance lexicon; raises UserError."""
    from pipeline.config import ConfigError
    from transforms.stances.lexicon import Lexicon, LexiconError

    try:
        return Lexicon.load(config.lexicon_path(file.parent if file else None))
    except (ConfigError, LexiconError) as error:
        raise UserError(str(error)) from None


def check_config(config: Config, file: Path | None) -> Catalog:
    """Read a config's files and load its models; returns the catalog. Raises UserError."""
    from pipeline.config import ConfigError
    from pipeline.config_files import read_files
    from transforms.nlp import PipelineMissingError, load_pipeline
    from transforms.stances.model_files import ModelError

    try:
        catalog = read_files(config, file.parent if file else None)
        load_pipeline(config.actors.spacy_model)
        if config.stances.engine != "grammar":
            from transforms.stances.learned import load_reader

            load_reader(config.model_path(file.parent if file else None))
    except (ConfigError, PipelineMissingError, ModelError) as error:
        raise UserError(str(error)) from None
    return catalog


def load_analyser(config: Config, catalog: list[Path], file: Path | None) -> Analyser:
    """Return what reads stances from documents; `catalog` are its files. Raises UserError."""
    from pipeline.config import ConfigError
    from transforms.analyse import Analyser
    from transforms.nlp import PipelineMissingError
    from transforms.stances.model_files import ModelError

    actors, lexicon = load_catalog(catalog), load_lexicon(config, file)
    try:
        stances = config.stance_settings(file.parent if file else None)
        return Analyser(actors, lexicon, config.actors, stances)
    except (ConfigError, PipelineMissingError, ModelError) as error:
        raise UserError(str(error)) from None
