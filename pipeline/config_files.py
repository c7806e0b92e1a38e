"""Whether the files that a config names can be used, found out before a run needs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import Config, ConfigError

if TYPE_CHECKING:
    from transforms.catalog import Catalog


def read_files(config: Config, base: Path | None = None) -> Catalog:
    """Read catalog, lexicon, outlets, cleaning rules and feed lists; returns the catalog.

    The spaCy pipeline is looked for too, and not loaded. Raises ConfigError for the first fault.
    """
    from pipeline.run import feed_urls
    from transforms.catalog import Catalog, CatalogError
    from transforms.cleaning_rules import RulesError, load_rules
    from transforms.nlp_package import PipelineMissingError, check_installed
    from transforms.outlets import OutletsError, load_outlets
    from transforms.stances.lexicon import Lexicon, LexiconError

    try:
        catalog = Catalog.load(config.catalog_paths(base))
        Lexicon.load(config.lexicon_path(base))
        load_outlets(config.outlets_path(base))
        load_rules.cache_clear()  # the file may have changed since this process read it
        load_rules(config.clean.rules)
        check_installed(config.actors.spacy_model)
        feed_urls(config)
    except FileNotFoundError as error:
        raise ConfigError(f"clean.rules: {error}") from None
    except OSError as error:
        raise ConfigError(f"{error.filename}: can't be read: {error.strerror}") from None
    except (CatalogError, LexiconError, OutletsError, RulesError, PipelineMissingError) as error:
        raise ConfigError(str(error)) from None
    return catalog
