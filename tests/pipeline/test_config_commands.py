"""`newsalign config` and `newsalign actors`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from conftest import Invoke
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import Config, load_config
from pipeline.toml_text import to_toml


def test_the_effective_config_reads_back_to_itself(tmp_path: Path, invoke: Invoke) -> None:
    flags = ["--set", "clean.min_words=9", "--set", "run.now=2026-11-20T00:00:00Z"]
    flags += ["--set", 'input.paths=["a b", "c\\"d"]']
    shown = invoke("config", "show", *flags)
    assert shown.exit_code == 0
    path = tmp_path / "effective.toml"
    path.write_text(shown.stdout)
    assert load_config(path).clean.min_words == 9
    assert load_config(path).input.paths == ("a b", 'c"d')
    again = invoke("config", "show", "--config", path)
    assert again.stdout == shown.stdout


def test_the_effective_config_as_json(invoke: Invoke) -> None:
    shown = invoke("config", "show", "--json", "--set", "aggregate.mixed_dead_band=0.3")
    assert shown.stdout.count("\n") == 1
    config = Config.model_validate(json.loads(shown.stdout))
    assert config.aggregate.mixed_dead_band == 0.3


PLAIN = st.text(max_size=8) | st.integers(-9, 9) | st.booleans() | st.floats(0, 1)


@settings(max_examples=60)
@given(
    values=st.dictionaries(
        st.from_regex(r"\A[a-z_]{1,6}\Z"),
        PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=4), PLAIN),
        max_size=4,
    )
)
def test_any_value_survives_as_toml(values: dict[str, object]) -> None:
    text = to_toml({"section": values})
    assert tomllib.loads(text) == {"section": values}


def test_check_says_that_a_run_could_start(small: list[str], invoke: Invoke) -> None:
    result = invoke("config", "check", *small)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("ok: config ")
    assert result.stdout.endswith(", 4 actors\n")


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("actors.catalog=['nowhere']", "actors.catalog: nowhere not found"),
        ("stances.lexicon=no.toml", "stances.lexicon: no.toml not found"),
        ("input.outlets=no.toml", "input.outlets: no.toml not found"),
        ("clean.rules=no.toml", "clean.rules: no.toml not found"),
        ("actors.spacy_model=no_such_model", "spaCy pipeline 'no_such_model' is not installed"),
    ],
)
def test_check_names_what_is_missing(
    small: list[str], invoke: Invoke, flag: str, message: str
) -> None:
    result = invoke("config", "check", *small, "--set", flag)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"newsalign: error: {message}")
    assert result.stderr.count("\n") == 1


def test_show_one_actor(invoke: Invoke) -> None:
    lines = invoke("actors", "show", "Putin", "--on", "2005-06-01").stdout.splitlines()
    assert lines[0] == "    actor  vladimir-putin"
    assert lines[-1] == " rolls up  to RUS on 2005-06-01"


def test_show_one_actor_as_json(small: list[str], invoke: Invoke) -> None:
    row = json.loads(invoke("actors", "show", "veldania", "--json", *small).stdout)
    assert (row["actor"], row["name"], row["rollup"]) == ("VLD", "Veldania", "VLD")
    assert "Port Sarn" in row["names"]


def test_search(small: list[str], invoke: Invoke) -> None:
    lines = invoke("actors", "search", "veld", *small).stdout.splitlines()
    assert lines[0].split() == ["actor", "name", "type", "rolls", "up", "to", "role"]
    assert [line.split()[:2] for line in lines[2:]] == [["VLD", "Veldania"]]


def test_a_name_that_nobody_has(small: list[str], invoke: Invoke) -> None:
    result = invoke("actors", "show", "Vedania", *small)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "newsalign: error: no actor is called 'Vedania'; did you mean Veldania (VLD)?\n"
    )


def test_check_a_file_of_one_s_own(small: list[str], tmp_path: Path, invoke: Invoke) -> None:
    good = tmp_path / "mine.toml"
    good.write_text('[torrin]\ntype = "state"\nname = "Torrin"\naliases = ["Torrinia"]\n')
    assert invoke("actors", "show", "Torrinia", "--catalog", good, *small).exit_code == 0
    result = invoke("actors", "check", good, *small)
    assert (result.exit_code, result.stdout) == (0, "ok: 5 actors, 0 warnings\n")


def test_check_prints_faults_with_their_lines(
    small: list[str], tmp_path: Path, invoke: Invoke
) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[torrin]\nnam = 'x'\n")
    result = invoke("actors", "check", bad, *small)
    assert result.exit_code == 2
    assert result.stdout.startswith(f"{bad}:")
    assert result.stderr == "newsalign: error: 1 of 1 findings are errors\n"


def test_an_unlisted_roll_up_is_found(small: list[str], tmp_path: Path, invoke: Invoke) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[guard]\ntype = "group"\nname = "The Torrin Guard"\nrollup = "torrin"\n')
    result = invoke("actors", "check", path, *small)
    assert any(
        line.startswith(f"{path}:") and "torrin" in line for line in result.stdout.splitlines()
    )
