"""Cases: reported faults with sentences, and actors of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Invoke

from pipeline.evaluate import BadReferenceError, evaluate_cases
from transforms.analyse import Analyser
from transforms.catalog import Catalog
from transforms.resources import config_dir
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.lexicon import Lexicon

ACTORS = "code,name,aliases\nQOR,Qorvia,Qorvian|Qorvians\nDUL,Dulmark,Dulmarkish\n"
BACKS = {"source": "QOR", "stance": "support", "target": "DUL"}
CONDEMNS = {"source": "NOR", "stance": "oppose", "target": "HUN"}


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    catalog = Catalog.load([config_dir() / "actors"])
    lexicon = Lexicon.load(config_dir() / "stances.toml")
    return Analyser(catalog, lexicon, ActorSettings(), StanceSettings(engine="grammar"))


def a_case(
    key: str, texts: list[str], expected: list[tuple[list[Any], list[Any]]], actors: str = ""
) -> dict[str, Any]:
    files = [{"name": "sentences.json", "content": json.dumps(texts)}]
    if actors:
        files.append({"name": "actors.csv", "content": actors})
    wanted = [{"edges": edges, "must_not": wrong} for edges, wrong in expected]
    return {"id": key, "kind": key.partition("-")[0], "input": files, "expected": wanted}


def write(folder: Path, *cases: dict[str, Any]) -> Path:
    path = folder / "cases.jsonl"
    path.write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    return path


def invented() -> dict[str, Any]:
    return a_case(
        "stance-voices",
        [
            "Qorvia praised Dulmark.",
            "Norway said Qorvia praised Dulmark.",
            "Qorvia praised Dulmark.",
            "Qorvia closed its schools.",
        ],
        [([BACKS], []), ([BACKS], []), ([], [BACKS]), ([BACKS], [])],
        ACTORS,
    )


def test_cases_are_read_with_their_own_actors_in_any_voice(
    analyser: Analyser, tmp_path: Path
) -> None:
    own = a_case("actor-shipped", ["Norway condemned Hungary."], [([CONDEMNS], [])])
    other = {"id": "feed-x", "kind": "feed", "input": [], "expected": {"items": 3}}
    path = write(tmp_path, other, invented(), own)
    report, rows = evaluate_cases(tmp_path, analyser)
    assert (report, rows) == evaluate_cases(path, analyser)
    assert [(row["id"], row["right"]) for row in rows] == [
        ("stance-voices-01", True),
        ("stance-voices-02", True),
        ("stance-voices-03", False),
        ("stance-voices-04", False),
        ("actor-shipped-01", True),
    ]
    assert rows[1]["found"] == [["QOR", "DUL", "supportive", "third_party"]]
    assert rows[2]["wrong"] == [["QOR", "DUL", "supportive"]]
    assert rows[3]["missed"] == [["QOR", "DUL", "supportive", "any"]]
    assert report["sentences_right"] == 0.6
    assert report["by_phenomenon"]["stance-voices"]["sentences"] == 4
    assert report["by_phenomenon"]["stance-voices"]["sentences_right"] == 0.5
    low, high = report["intervals"]["by_phenomenon"]["stance-voices"]["sentences_right"]
    assert low < 0.5 < high


def test_the_command_prints_a_table_by_phenomenon(tmp_path: Path, invoke: Invoke) -> None:
    path = write(tmp_path, invented())
    args = ("evaluate", "cases", path, "--set", "stances.engine=grammar")
    shown = invoke(*args)
    assert shown.exit_code == 0, shown.stderr
    lines = shown.stdout.splitlines()
    (head,) = [line for line in lines if "by phenomenon" in line]
    assert "sentences right" in head
    (row,) = [line for line in lines if "stance-voices" in line]
    assert "0.500 (" in row
    report = json.loads(invoke(*args, "--json").stdout)
    assert report["by_phenomenon"]["stance-voices"]["sentences_right"] == 0.5


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            a_case("stance-a", ["Norway condemned Hungary."], []),
            "stance-a: 1 sentences, 0 expected",
        ),
        (a_case("stance-a", [], [], "who,what\n"), "stance-a: .*header is who,what"),
        (
            {**a_case("stance-a", [], []), "input": [{"name": "sentences.json", "content": "["}]},
            "stance-a: Expecting value",
        ),
        (a_case("feed-a", [], []), "no case of the kinds stance, actor"),
    ],
)
def test_bad_cases_are_named(
    analyser: Analyser, tmp_path: Path, case: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadReferenceError, match=message):
        evaluate_cases(write(tmp_path, case), analyser)
