"""`stances.model`: a stance model of one's own in the place of the one that ships."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import Invoke

from pipeline.coding import coding_version
from pipeline.config import load_config
from transforms.catalog import Catalog
from transforms.resources import config_dir
from transforms.stances.lexicon import Lexicon
from transforms.stances.model_files import CARD, FILES, shipped_model

SENTENCE = "Norway condemned Belarus over the raid."


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in FILES:
        shutil.copy(shipped_model() / name, folder)
    return folder


def doubt(model: Path) -> None:
    """Make all that its network says uncertain."""
    card = json.loads((model / CARD).read_text())
    (model / CARD).write_text(json.dumps({**card, "temperature": 50.0}))


def test_it_reads(model: Path, invoke: Invoke) -> None:
    own = ("--set", f"stances.model={model}")
    shipped = invoke("extract", "--json", input=SENTENCE).stdout
    assert invoke("extract", "--json", *own, input=SENTENCE).stdout == shipped
    doubt(model)
    other = model.with_name("doubtful")
    model.rename(other)  # a process keeps a folder's model
    found = invoke("extract", "--json", "--set", f"stances.model={other}", input=SENTENCE)
    assert found.exit_code == 0
    assert found.stdout != shipped


def test_its_content_codes_and_its_place_does_not(model: Path, tmp_path: Path) -> None:
    lexicon, catalog = Lexicon.load(config_dir() / "stances.toml"), Catalog.load([])
    file = tmp_path / "own.toml"
    file.write_text('[stances]\nmodel = "model"\n')
    own = load_config(file)
    assert own.stance_settings(tmp_path).model == str(model)
    before = coding_version(own, catalog, lexicon, tmp_path)
    assert before == coding_version(load_config(), catalog, lexicon)
    doubt(model)
    assert before != coding_version(own, catalog, lexicon, tmp_path)


@pytest.mark.parametrize("command", ["extract", "evaluate", "check", "run"])
def test_one_that_is_not_there_is_one_line(
    command: str, tmp_path: Path, small: list[str], invoke: Invoke
) -> None:
    arguments: dict[str, list[object]] = {
        "extract": ["extract", tmp_path / "text.txt"],
        "evaluate": ["evaluate", "directed-sentiment", tmp_path / "text.txt"],
        "check": ["config", "check", *small],
        "run": ["run", tmp_path / "text.txt", "--output", tmp_path / "out", "--quiet"],
    }
    (tmp_path / "text.txt").write_text(SENTENCE)
    done = invoke(*arguments[command], "--set", "stances.model=nowhere")
    assert done.exit_code == 2
    assert "stances.model: nowhere not found" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.job
def test_a_run_reads_with_it(model: Path, tmp_path: Path, small: list[str], invoke: Invoke) -> None:
    (tmp_path / "text.txt").write_text(SENTENCE)
    flags = (*small, "--set", f"stances.model={model}", "--quiet")
    done = invoke("run", tmp_path / "text.txt", "--output", tmp_path / "out", *flags)
    assert done.exit_code == 0, done.output
    (model / CARD).unlink()
    again = invoke("rebuild", "--output", tmp_path / "out", *flags)
    assert again.exit_code == 2
    assert CARD in again.stderr
