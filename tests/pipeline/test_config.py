"""The config: every key documented, and every mistake one line that names file and key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from pipeline.config import Config, ConfigError, default_config_path, load_config


def test_shipped_config_holds_every_key_with_its_default() -> None:
    text = default_config_path().read_text()
    shown = tomllib.loads(text)
    defaults = Config()
    for section in Config.model_fields:
        model: BaseModel = getattr(defaults, section)
        for key, value in model.model_dump(mode="json").items():
            if value is None:
                assert re.search(rf"^# {key} = ", text, re.M), f"{section}.{key} is not documented"
            else:
                assert shown[section][key] == value, f"{section}.{key}"
    assert load_config() == defaults


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "[deduplicate]\nmin_jacard = 0.5\n",
            ["deduplicate.min_jacard", "did you mean min_jaccard"],
        ),
        ("[deduplicat]\nbands = 1\n", ["deduplicat", "unknown key", "did you mean deduplicate"]),
        ("[runner]\nworkers = 'many'\n", ["runner.workers", "integer", "'many'"]),
        (
            "[stances]\nmin_confidence = 2.0\n",
            ["stances.min_confidence", "less than or equal to 1"],
        ),
        ("[clean]\nlanguages = 'en'\n", ["clean.languages"]),
        ("[run\n", ["not valid TOML", "line 1"]),
        ("run = 3\n", ["run"]),
    ],
)
def test_a_mistake_is_one_line_naming_file_and_key(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    file = tmp_path / "my.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(file))
    for part in parts:
        assert part in message


def test_missing_unreadable_and_undecodable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such config file"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="is a folder"):
        load_config(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path / "bytes.toml")


def test_flags_override_the_file_and_are_named_in_errors(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[runner]\nworkers = 1\n")
    config = load_config(file, {"runner.workers": "3", "output.path": "elsewhere"})
    assert (config.runner.workers, config.output.path) == (3, "elsewhere")
    with pytest.raises(ConfigError, match=r"^command line: runner\.workers"):
        load_config(file, {"runner.workers": "-2"})


def test_a_missing_catalog_or_lexicon_names_its_key() -> None:
    config = load_config(None, {"actors.catalog": ["nowhere"], "stances.lexicon": "gone.toml"})
    with pytest.raises(ConfigError, match=r"actors\.catalog: nowhere not found"):
        config.catalog_paths()
    with pytest.raises(ConfigError, match=r"stances\.lexicon: gone\.toml not found"):
        config.lexicon_path()


def test_the_fingerprint_follows_the_values() -> None:
    assert load_config().fingerprint() == load_config().fingerprint()
    assert load_config(None, {"runner.workers": 2}).fingerprint() != load_config().fingerprint()


def test_an_unknown_section_on_the_command_line_is_blamed_on_it() -> None:
    with pytest.raises(ConfigError, match=r"^command line: nosuch: unknown key"):
        load_config(None, {"nosuch.key": "1"})
