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
@given(values=st.dictionaries(st.from_regex(r"\A[a-z_]{1,6}\Z"), PLAIN | st.lists(PLAIN, max_size=3)))
def test_any_value_survives_as_toml(values: dict[str, object]) -> None:
    text = to_toml({"section": values})
    assert tomllib.loads(text) == {"section": values}


def test_check_says_that_a_run_could_start(invoke: Invoke) -> None:
    result = invoke("config", "check")
    assert result.exit_code == 0
    assert result.stdout.startswith("ok: config ")


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("actors.catalog=['nowhere']", "actors.catalog: nowhere not found"),
        ("stances.lexicon=no.toml", "stances.lexicon: no.toml not found"),
    ],
)
def test_check_names_what_is_missing(invoke: Invoke, flag: str, message: str) -> None:
    result = invoke("config", "check", "--set", flag)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"newsalign: error: {message}")
    assert result.stderr.count("\n") == 1


def test_show_one_actor(invoke: Invoke) -> None:
    lines = invoke("actors", "show", "Putin", "--on", "2005-06-01").stdout.splitlines()
    assert lines[0] == "    actor  vladimir-putin"
    assert lines[-1] == " rolls up  to RUS on 2005-06-01"


def test_show_one_actor_as_json(invoke: Invoke) -> None:
    row = json.loads(invoke("actors", "show", "russia", "--json").stdout)
    assert (row["actor"], row["type"], row["iso2"], row["rollup"]) == ("RUS", "state", "RU", "RUS")
    assert "Russian Federation" in row["names"]


def test_search(invoke: Invoke) -> None:
    lines = invoke("actors", "search", "putin").stdout.splitlines()
    assert lines[0].split() == ["actor", "name", "type", "rolls", "up", "to", "role"]
    assert any(line.startswith("vladimir-putin ") for line in lines)


def test_a_name_that_nobody_has(invoke: Invoke) -> None:
    result = invoke("actors", "show", "Rusia")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(
        "newsalign: error: no actor is called 'Rusia'; did you mean Russia (RUS)"
    )
    assert "USA" not in result.stderr


def test_check_a_file_of_one_s_own(tmp_path: Path, invoke: Invoke) -> None:
    good = tmp_path / "mine.toml"
    good.write_text('[torrin]\ntype = "state"\nname = "Torrin"\naliases = ["Torrinia"]\n')
    assert invoke("actors", "show", "Torrinia", "--catalog", good).exit_code == 0
    result = invoke("actors", "check", good)
    assert result.exit_code == 0
    assert result.stdout.startswith("ok: ")
    bad = tmp_path / "bad.toml"
    bad.write_text("[torrin]\nnam = 'x'\n")
    result = invoke("actors", "check", bad)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{bad}:" in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_unlisted_roll_up_is_warned_about(tmp_path: Path, invoke: Invoke) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[guard]\ntype = "group"\nname = "The Torrin Guard"\nrollup = "torrin"\n')
    result = invoke("actors", "check", path)
    assert result.exit_code == 0
    warning = "guard roll up to torrin, which no file lists"
    assert any(line.endswith(warning) for line in result.stderr.splitlines())
