"""`newsalign evaluate actors` and `office-holders`: the format, the counting, and the floors."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from conftest import Invoke
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluate import BadReferenceError, evaluate_actors, evaluate_office_holders
from pipeline.evaluation.actor_texts import (
    DEFAULT_DAY,
    MarkedMention,
    parse_marked_text,
    read_marked_texts,
)
from pipeline.evaluation.actors import MentionScore, match_mentions
from transforms.catalog import Catalog
from transforms.resources import config_dir
from transforms.settings import ActorSettings

ROOT = Path(__file__).resolve().parents[2]
SENTENCES = ROOT / "tests" / "transforms" / "actor_sentences"
HOLDERS = ROOT.parent / "shared" / "data" / "actors" / "office_holders.jsonl"
STATES = """
[MORDOR]
type = "state"
demonyms = ["Mordorian", "Mordorians"]
[GONDOR]
type = "state"
demonyms = ["Gondorian", "Gondorians"]
"""
PEOPLE = """id,name,aliases,rollup,role,from,to
denethor,Denethor Hurinion,,GONDOR,minister,2984,3019
gorbag-ashnak,Gorbag Ashnak,,MORDOR,minister,2900,2901
"""


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return Catalog.load([config_dir() / "actors"])


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Flags for a catalog of two invented states with a minister each."""
    folder = tmp_path_factory.mktemp("actors")
    (folder / "states.toml").write_text(STATES, encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    return ["--set", f'actors.catalog=["{folder.as_posix()}"]']


def test_marks_come_off_with_offsets() -> None:
    text = parse_marked_text("@2019-03-10 {The two|AAA}{+|BBB} met {Ann Ley|ann-ley>AAA}, {x|-}.")
    assert (text.text, text.on) == ("The two met Ann Ley, x.", date(2019, 3, 10))
    assert text.mentions == [
        (0, 7, "AAA", "AAA"),
        (0, 7, "BBB", "BBB"),
        (12, 19, "ann-ley", "AAA"),
    ]
    assert text.text[slice(*text.ignored[0][:2])] == "x"
    assert parse_marked_text("None here.").on == DEFAULT_DAY


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("@2019-13-40 {A|AAA} left.", r"gold\.txt:2: @2019-13-40 is no day"),
        ("{+|AAA} left.", r"gold\.txt:2: .* no mark before it"),
        ("{A|AAA left.", r"gold\.txt:2: a brace is no part"),
        ("{A} left.", r"gold\.txt:2: a brace is no part"),
    ],
)
def test_bad_marks_are_said_with_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "gold.txt"
    path.write_text(f"# a note\n{line}\n", encoding="utf-8")
    with pytest.raises(BadReferenceError, match=message):
        read_marked_texts(path)


@given(st.lists(st.sampled_from("{}|+->@ aB2.\n"), max_size=30).map("".join))
@settings(max_examples=200, deadline=None)
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        text = parse_marked_text(line)
    except BadReferenceError:
        return
    assert all(0 <= m.start < m.end <= len(text.text) for m in text.mentions)


def test_mentions_match_one_to_one_by_hand() -> None:
    text = parse_marked_text("{Both|AAA}{+|BBB} told {the old envoy|ccc>AAA} of {x|-}.")
    found = [
        MarkedMention(0, 4, "BBB", "BBB"),
        MarkedMention(0, 4, "ZZZ", "AAA"),
        MarkedMention(18, 23, "ccc", "BBB"),
        MarkedMention(5, 9, "DDD", "DDD"),
        MarkedMention(27, 28, "EEE", "EEE"),
    ]
    matches = match_mentions(text, found)
    assert {(a.actor, b.actor) for a, b in matches.pairs} == {
        ("BBB", "BBB"),
        ("AAA", "ZZZ"),
        ("ccc", "ccc"),
    }
    assert matches.missed == []
    assert [m.actor for m in matches.extra] == ["DDD"]
    score = MentionScore()
    score.add(matches)
    figures = score.figures()
    assert (figures["precision"], figures["recall"]) == (0.75, 1.0)
    assert (figures["actor_accuracy"], figures["rollup_accuracy"]) == (0.6667, 0.6667)


def test_nothing_found_scores_nothing() -> None:
    score = MentionScore()
    score.add(match_mentions(parse_marked_text("{A|AAA} left."), []))
    assert score.figures()["f1"] == score.figures()["actor_accuracy"] == 0.0


@pytest.mark.parametrize(("name", "floor"), [("early", 0.99), ("late", 0.99), ("fresh", 0.98)])
def test_actor_figures(shipped: Catalog, name: str, floor: float) -> None:
    report, predictions = evaluate_actors([SENTENCES / f"{name}.txt"], shipped, ActorSettings())
    assert report["texts"] == len(predictions) >= 50
    assert report["f1"] >= floor
    assert report["actor_accuracy"] >= 0.99
    assert report["rollup_accuracy"] >= 0.99
    # What the catalog and the resolver are for: more than NER with a look-up.
    assert report["f1"] >= report["bare_entities"]["f1"] + 0.15
    assert report["actor_accuracy"] >= report["bare_entities"]["actor_accuracy"] + 0.05


@pytest.mark.skipif(not HOLDERS.exists(), reason="../shared/data/actors is absent")
def test_office_holder_figures(shipped: Catalog) -> None:
    report, predictions = evaluate_office_holders(HOLDERS, shipped, ActorSettings())
    assert report["rows"] == len(predictions) == 2284
    assert report["resolved"] >= 0.98
    assert report["found_by_name"] >= 0.31
    assert report["tenure_overlaps"] >= 0.90
    assert report["states_not_in_catalog"] == []


def test_actors_by_command(tmp_path: Path, invented: list[str], invoke: Invoke) -> None:
    for name, line in (("one", "{Mordorians|MORDOR} left."), ("two", "{Gondorians|MORDOR} left.")):
        (tmp_path / f"{name}.txt").write_text(line + "\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    files = (tmp_path / "one.txt", tmp_path / "two.txt", *invented)
    table = invoke("evaluate", "actors", *files, "--predictions", out)
    assert table.exit_code == 0, table.stderr
    assert "bare entities" in table.stdout
    assert "two.txt" in table.stdout
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert rows[0]["right"] == [["Mordorians", "MORDOR", "MORDOR"]]
    assert rows[1]["wrong"][0]["found"] == ["Gondorians", "GONDOR", "GONDOR"]
    report = json.loads(invoke("evaluate", "actors", *files, "--json").stdout)
    assert (report["f1"], report["actor_accuracy"]) == (1.0, 0.5)


def test_office_holders_by_command(tmp_path: Path, invented: list[str], invoke: Invoke) -> None:
    path = tmp_path / "holders.jsonl"
    rows = [
        {"state": "GONDOR", "name": "Denethor Hurinion", "in_government": [[2990, 3000]]},
        {"state": "MORDOR", "name": "Gorbag Ashnak", "in_government": [[2910, 2912]]},
        {"state": "MORDOR", "name": "Shagrat Ufthak", "in_government": [[2910, 2912]]},
        {"state": "SHIRE", "name": "Will Whitfoot", "in_government": [[2910, 2912]]},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = invoke("evaluate", "office-holders", path, *invented, "--json")
    report = json.loads(result.stdout)
    assert (report["rows"], report["states_not_in_catalog"]) == (4, ["SHIRE"])
    assert (report["resolved"], report["found_by_name"]) == (0.75, 0.5)
    assert report["tenure_overlaps"] == 0.5


@pytest.mark.parametrize(
    ("years", "message"),
    [
        ([[2001]], "is no [first year, last year]"),
        ([[2005, 2001]], "is no [first year, last year]"),
        ([], "names no years"),
        (None, "no office-holders reference"),
    ],
)
def test_bad_years_are_said(
    tmp_path: Path, invented: list[str], invoke: Invoke, years: object, message: str
) -> None:
    path = tmp_path / "holders.jsonl"
    path.write_text(json.dumps({"state": "POL", "name": "A B", "in_government": years}))
    result = invoke("evaluate", "office-holders", path, *invented)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_only_actors_takes_several_paths(tmp_path: Path, invoke: Invoke) -> None:
    result = invoke("evaluate", "seed", tmp_path, tmp_path)
    assert result.exit_code == 2
    assert "seed takes one PATH, not 2" in result.stderr


def test_a_folder_without_texts_is_said(
    tmp_path: Path, invented: list[str], invoke: Invoke
) -> None:
    result = invoke("evaluate", "actors", tmp_path, *invented)
    assert result.exit_code == 2
    assert "no *.txt in this folder" in result.stderr
