"""What a pod's schedule needs of this machine: files travel in a ConfigMap, or not at all."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from pipeline.config import Config, ConfigError
from pipeline.schedule.units import CONFIG_FOLDER, DATA, Flags
from transforms.catalog_files import catalog_files
from transforms.resources import config_dir, resolve_config_path

MAX_BYTES = 900_000  # Kubernetes takes 1 MiB, names and all


@dataclass(slots=True)
class _Files:
    """The texts of a ConfigMap, by their names in it."""

    texts: dict[str, str] = field(default_factory=dict)

    def add(self, path: Path) -> str:
        """Take a file along; returns its path in the pod."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: can't be read: {error}") from None
        name = re.sub(r"[^\w.-]", "-", path.name, flags=re.ASCII)
        if self.texts.setdefault(name, text) != text:
            raise ConfigError(f"{path}: two files of one name can't go into a ConfigMap")
        return f"{CONFIG_FOLDER}/{name}"


def pack_for_pod(
    flags: Flags, config: Config, base: Path | None = None
) -> tuple[Flags, dict[str, str]]:
    """Return the command line as a pod takes it, and the texts that it finds in `CONFIG_FOLDER`.

    Config, feed lists, catalog, lexicon, outlets and cleaning rules come along where they aren't
    the shipped ones. Raises ConfigError for what can't: articles on this machine, a spaCy pipeline
    in a folder, more than a ConfigMap holds.
    """
    _check_paths(config)
    files = _Files()
    settings = list(flags.settings)

    def say(key: str, value: str | list[str]) -> None:
        settings.append(f"{key}={json.dumps(value, ensure_ascii=False)}")

    def name_anew(key: str, name: str, base: Path | None) -> None:
        (inside,) = _places(files, name, base)
        if inside != name:
            say(key, inside)

    feeds = [files.add(Path(name)) for name in config.input.feed_lists]
    if feeds and not flags.feeds:
        say("input.feed_lists", feeds)
    actors = [place for name in config.actors.catalog for place in _places(files, name, base)]
    if actors != list(config.actors.catalog):
        say("actors.catalog", actors)
    name_anew("stances.lexicon", config.stances.lexicon, base)
    name_anew("input.outlets", config.input.outlets, base)
    name_anew("clean.rules", config.clean.rules, None)
    packed = replace(
        flags,
        config=files.add(Path(flags.config)) if flags.config else None,
        feeds=feeds if flags.feeds else (),
        settings=settings,
    )
    if sum(len(text.encode()) for text in files.texts.values()) > MAX_BYTES:
        raise ConfigError(
            "the files are too large for a ConfigMap: put feeds into the registry with newsalign"
            " feeds import, other files into the image"
        )
    return packed, files.texts


def _check_paths(config: Config) -> None:
    for name in config.input.paths:
        if "://" not in name and not PurePosixPath(name).is_relative_to(DATA):
            raise ConfigError(
                f"{name}: a pod doesn't see this machine's files; name a folder below {DATA}, its"
                " volume, or an s3:// or gs:// address"
            )
    if Path(config.actors.spacy_model).is_dir():
        raise ConfigError(
            f"actors.spacy_model: {config.actors.spacy_model}: a folder of this machine; install"
            " the pipeline in the image and give its name"
        )


def _places(files: _Files, name: str, base: Path | None) -> list[str]:
    """Return where a pod finds what a config names; a shipped file by its name."""
    path, shipped = resolve_config_path(name, base).resolve(), config_dir().resolve()
    if path.is_relative_to(shipped):
        return [path.relative_to(shipped).as_posix()]
    return [files.add(file) for group in catalog_files([path]) for file in group]
