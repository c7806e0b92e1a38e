"""The coding version: one hash of everything that can change what is read from a sentence."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import transforms
from pipeline.config import Config
from transforms.catalog import Catalog
from transforms.resources import config_dir
from transforms.stances.lexicon import Lexicon
from transforms.stances.model_files import model_fingerprint

NOT_CODING = frozenset({"newsalign.toml", "outlets.toml"})


def coding_version(
    config: Config, catalog: Catalog, lexicon: Lexicon, base: Path | None = None
) -> str:
    """Return 16 hex digits over code, models, lexicon, catalog, word lists and thresholds.

    Raises transforms.stances.model_files.ModelError where the config wants a stance model that is
    absent.
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in (
        config.actors.model_dump_json(),
        # Where a model lies changes nothing.
        config.stances.model_dump_json(exclude={"model"}),
        config.clean.model_dump_json(),
        config.deduplicate.model_dump_json(),
        config.aggregate.model_dump_json(),
        catalog.fingerprint,
        lexicon.fingerprint,
        _model_version(config.actors.spacy_model),
        "" if config.stances.engine == "grammar" else model_fingerprint(config.model_path(base)),
    ):
        digest.update(part.encode() + b"\x00")
    for path in sorted(_sources(), key=lambda path: (path.name, path.parent.name)):
        digest.update(path.name.encode() + b"\x00" + path.read_bytes() + b"\x00")
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield from Path(transforms.__file__).parent.rglob("*.py")
    for path in config_dir().rglob("*.toml"):
        if path.name not in NOT_CODING:
            yield path


@cache
def _model_version(name: str) -> str:
    try:
        version = importlib.metadata.version(name.replace("_", "-"))
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    return f"{name}=={version};spacy=={importlib.metadata.version('spacy')}"
