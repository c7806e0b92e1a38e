"""`newsalign extract` and `newsalign evaluate`, over a small catalog of invented states."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Invoke
from rich.console import Console

from pipeline.evidence_view import group_by_sentence, reading, why_not_counted
from pipeline.report_view import print_report

ACTORS = Path(__file__).parents[1] / "data" / "invented_actors.json"
SMALL = ["--set", f'actors.catalog=["{ACTORS.as_posix()}"]']
PLAIN = "Veldania condemned Torrin."
NEGATED = "Arvena did not condemn Maskel."


def test_a_text_and_what_was_read_from_it(invoke: Invoke) -> None:
    result = invoke("extract", PLAIN, *SMALL)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "  [Veldania] *condemned* {Torrin}."
    assert lines[1].startswith("    opposed  VLD → TRN  statement, the source's own  “condemned”")
    assert len(lines) == 2


def test_json_holds_what_is_promised(invoke: Invoke) -> None:
    result = invoke("extract", PLAIN, *SMALL, "--json")
    assert result.stdout.count("\n") == 1
    row = json.loads(result.stdout)
    confidence, score = row.pop("confidence"), row.pop("score")
    assert 0.5 <= confidence <= 1
    assert -1 <= score < 0
    assert row == {
        "id": "1",
        "source_actor": "VLD",
        "source_rollup": "VLD",
        "target_actor": "TRN",
        "target_rollup": "TRN",
        "stance": "opposed",
        "trigger": "condemned",
        "sentence": PLAIN,
        "kind": "statement",
        "voice": "source",
        "speaker_actor": None,
        "quoted": False,
        "factuality": "asserted",
        "is_background": False,
        "counted": True,
    }


def test_what_does_not_count_is_shown_on_request_with_the_reason(invoke: Invoke) -> None:
    plain = invoke("extract", NEGATED, *SMALL)
    assert (plain.exit_code, plain.stdout) == (0, "")
    assert plain.stderr == "newsalign: no stances found; --all shows what does not count\n"
    shown = invoke("extract", NEGATED, *SMALL, "--all", "--why", "--json")
    row = json.loads(shown.stdout)
    assert (row["counted"], row["not_counted_because"]) == (False, "negated")
    assert NEGATED[row["trigger_start"] : row["trigger_end"]] == row["trigger"]


def test_a_higher_threshold_counts_less(invoke: Invoke) -> None:
    result = invoke("extract", PLAIN, *SMALL, "--min-confidence", "1", "--all", "--why", "--json")
    row = json.loads(result.stdout)
    assert row["not_counted_because"] == "confidence below the threshold"


def test_a_catalog_of_one_s_own(tmp_path: Path, invoke: Invoke) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text('[{"id": "GUILD", "names": ["Harbour Guild"]}]')
    result = invoke(
        "extract", "The Harbour Guild condemned Torrin.", *SMALL, "--catalog", mine, "--json"
    )
    assert json.loads(result.stdout)["source_rollup"] == "GUILD"


def test_json_lines_go_on_after_a_bad_line(tmp_path: Path, invoke: Invoke) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text(
        json.dumps({"id": "first", "text": PLAIN})
        + "\nnot json\n"
        + json.dumps({"id": "second", "title": "Arvena condemns Maskel", "text": "It rained."})
    )
    result = invoke("extract", "--input", path, *SMALL, "--json")
    assert result.exit_code == 0
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["id"], row["source_rollup"]) for row in rows] == [
        ("first", "VLD"),
        ("second", "ARV"),
    ]
    assert result.stderr.startswith("newsalign: warning: docs.jsonl, line 2: not JSON: ")
    assert result.stderr.count("\n") == 1


def test_several_documents_are_told_apart(tmp_path: Path, invoke: Invoke) -> None:
    path = tmp_path / "a.txt"
    path.write_text(PLAIN)
    lines = invoke("extract", "--input", path, *SMALL).stdout.splitlines()
    assert lines[:2] == ["a.txt", "  [Veldania] *condemned* {Torrin}."]


@pytest.mark.parametrize("args", [[], ["--input", "-"]])
def test_standard_input(invoke: Invoke, args: list[str]) -> None:
    result = invoke("extract", *args, *SMALL, "--json", input=PLAIN)
    assert json.loads(result.stdout)["source_rollup"] == "VLD"


def test_nothing_readable_is_an_error(tmp_path: Path, invoke: Invoke) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text("nonsense\n")
    result = invoke("extract", "--input", path, *SMALL)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1] == "newsalign: error: nothing could be read"


def test_coordinated_actors_are_one_sentence_and_one_line() -> None:
    row = {
        "sentence": "A condemned B and C.",
        "trigger": "condemned",
        "source_actor": "A",
        "source_rollup": "A",
        "stance": "opposed",
        "kind": "statement",
        "voice": "third_party",
        "speaker_actor": None,
        "confidence": 0.8,
        "factuality": "planned",
        "is_background": False,
        "counted": True,
        "trigger_start": 2,
        "trigger_end": 11,
    }
    rows = [row | {"target_actor": name, "target_rollup": name} for name in "BC"]
    groups = group_by_sentence([*rows, row | {"sentence": "Another."}])
    assert [len(group) for group in groups] == [2, 1]
    assert reading(rows).plain == (
        "opposed  A → B, C  statement, claimed by a third party  “condemned”  confidence 0.80"
        "  planned"
    )


@pytest.mark.parametrize(
    ("factuality", "background", "target", "reason"),
    [
        ("negated", False, "B", "negated"),
        ("hypothetical", True, "B", "hypothetical, told as past history"),
        ("planned", False, "B", "confidence below the threshold"),
        ("asserted", False, "A", "both sides are A"),
    ],
)
def test_reasons(factuality: str, background: bool, target: str, reason: str) -> None:
    row = {"factuality": factuality, "is_background": background}
    row |= {"source_rollup": "A", "target_rollup": target}
    assert why_not_counted(row | {"counted": False}) == reason
    assert why_not_counted(row | {"counted": True}) == ""


PHENOMENON = {
    "id": "active-1",
    "phenomenon": "active",
    "text": PLAIN,
    "expected": [{"source": "VLD", "target": "TRN", "stance": "opposed", "voice": "source"}],
    "must_not": [],
}


def test_evaluate_prints_a_table_and_writes_predictions(tmp_path: Path, invoke: Invoke) -> None:
    path, out = tmp_path / "phenomena.jsonl", tmp_path / "out.jsonl"
    path.write_text(json.dumps(PHENOMENON))
    result = invoke("evaluate", "phenomena", path, *SMALL, "--predictions", out)
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["f1", "1.000", "(1.00–1.00)"] in lines
    assert ["active", "1", *["1.000", "(1.00–1.00)"] * 3] in lines
    assert json.loads(out.read_text()) == {
        "id": "active-1",
        "right": True,
        "found": [["VLD", "TRN", "opposed", "direct"]],
        "missed": [],
        "wrong": [],
    }


def test_evaluate_as_json(tmp_path: Path, invoke: Invoke) -> None:
    path = tmp_path / "phenomena.jsonl"
    path.write_text(json.dumps(PHENOMENON | {"text": "It rained."}))
    report = json.loads(invoke("evaluate", "phenomena", path, *SMALL, "--json").stdout)
    assert (report["sentences"], report["f1"], report["missed"]) == (1, 0.0, 1)


def test_evaluate_swap_takes_several_paths(tmp_path: Path, invoke: Invoke) -> None:
    path = tmp_path / "phenomena.jsonl"
    path.write_text(json.dumps(PHENOMENON))
    report = json.loads(invoke("evaluate", "swap", path, path, *SMALL, "--json").stdout)
    assert list(report["by_reference"]) == [str(path)]
    assert report["edges"] == report["sentences"]
    other = invoke("evaluate", "phenomena", path, path, *SMALL)
    assert (other.exit_code, "takes one PATH" in other.stderr) == (2, True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "no such file or folder"),
        ("nonsense", "phenomena.jsonl:1: "),
        ('{"id": "x"}', "no phenomena reference: KeyError('text')"),
    ],
)
def test_evaluate_says_what_is_wrong_with_a_reference(
    tmp_path: Path, invoke: Invoke, body: str | None, message: str
) -> None:
    path = tmp_path / "phenomena.jsonl"
    if body is not None:
        path.write_text(body)
    result = invoke("evaluate", "phenomena", path, *SMALL)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_report_with_breakdowns_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    report = {
        "records": 2,
        "f1": 0.5,
        "classes": {"a": {"f1": 1.0, "support": 3}, "b": {"f1": 0.0, "support": 12}},
        "intervals": {"f1": [0.25, 0.75], "classes": {"b": {"f1": [0.0, 0.1]}}},
        "missed": [["RUS", "USA", "opposed"]],
    }
    print_report(Console(width=100), report)
    assert capsys.readouterr().out == (
        "records  2\n"
        "     f1  0.500 (0.25–0.75)\n"
        "\n"
        "classes                 f1  support\n"
        "───────  ─────────────────  ───────\n"
        "a                    1.000        3\n"
        "b        0.000 (0.00–0.10)       12\n"
        "\n"
        "missed (1)\n"
        "  RUS  USA  opposed\n"
    )
