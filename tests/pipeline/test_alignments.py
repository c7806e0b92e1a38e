"""`newsalign alignments`: which rows, under which names, and the recount at another threshold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Invoke
from fixture_store import (
    DEAD_BAND,
    build_store,
    stance_rows,
    write_dataset,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import choices
from pipeline.alignments import Question, find_alignments
from pipeline.choices import Granularity, Level, Voices
from pipeline.query import open_store
from transforms.aggregate import alignment_row, contributions
from transforms.ids import stable_id
from transforms.stances.combine import COUNTED_FACTUALITY

HEADER = (
    "window      source           target         supportive  opposed  mixed  neutral  net  "
    "stories  articles  outlets\n"
)


def rows_of(invoke: Invoke, store: Path, *args: str) -> list[dict[str, Any]]:
    result = invoke("alignments", "--output", store, "--json", *args)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def dyads(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(row["window_start"][:10], row["source"], row["target"]) for row in rows]


def test_the_everyday_table(store: Path, invoke: Invoke) -> None:
    assert invoke("alignments", "--output", store).stdout == HEADER + (
        "2026-11-08  China          → United States           ·        1      ·        ·   -1  "
        "      1         1        1\n"
        "2026-11-02  Russia         → United States           ·        1      ·        ·   -1  "
        "      1         1        1\n"
        "            China          → Russia                  ·        ·      1        ·    0  "
        "      1         1        1\n"
        "            United States  → Russia                  ·        ·      ·        1    0  "
        "      1         1        1\n"
        "2026-11-01  Russia         → Ukraine                 ·        1      ·        ·   -1  "
        "      1         2        2\n"
        "            United States  → Ukraine                 1        ·      ·        ·   +1  "
        "      1         2        2\n"
    )


def test_json_has_every_column_and_the_names(store: Path, invoke: Invoke) -> None:
    row = rows_of(invoke, store, "--source", "China", "--target", "Russia")[0]
    assert row == {
        "window_start": "2026-11-02T00:00:00Z",
        "window_end": "2026-11-03T00:00:00Z",
        "granularity": "day",
        "level": "rollup",
        "voice": "direct",
        "source": "CHN",
        "source_name": "China",
        "target": "RUS",
        "target_name": "Russia",
        "supportive": 0,
        "opposed": 0,
        "mixed": 1,
        "neutral": 0,
        "net": 0,
        "stories": 1,
        "articles": 1,
        "outlets": 1,
        "mentions": 2,
        "min_confidence": 0.9,
        "first_published": "2026-11-02T12:30:00Z",
        "last_published": "2026-11-02T12:30:00Z",
    }


@pytest.mark.parametrize(
    "name", ["Russia", "russia", "RUS", "rus", "RU", "the Kremlin", " russian  federation "]
)
def test_an_actor_goes_by_any_of_its_names(store: Path, invoke: Invoke, name: str) -> None:
    assert dyads(rows_of(invoke, store, "--actor", name)) == [
        ("2026-11-02", "RUS", "USA"),
        ("2026-11-02", "CHN", "RUS"),
        ("2026-11-02", "USA", "RUS"),
        ("2026-11-01", "RUS", "UKR"),
    ]


def test_sides_and_several_actors(store: Path, invoke: Invoke) -> None:
    found = dyads(rows_of(invoke, store, "--source", "USA", "--source", "China"))
    assert [(source, target) for _, source, target in found] == [
        ("CHN", "USA"),
        ("CHN", "RUS"),
        ("USA", "RUS"),
        ("USA", "UKR"),
    ]
    assert dyads(rows_of(invoke, store, "--actor", "Russia", "--target", "Ukraine")) == [
        ("2026-11-01", "RUS", "UKR")
    ]


def test_a_person_counts_under_the_state_unless_asked_alone(store: Path, invoke: Invoke) -> None:
    rolled_up = invoke("alignments", "--output", store, "--source", "Putin", "--json")
    assert rolled_up.stderr == (
        "newsalign: Vladimir Putin counts under RUS at roll-up level; "
        "--level actor shows it alone\n"
    )
    assert [json.loads(line)["source"] for line in rolled_up.stdout.splitlines()] == ["RUS", "RUS"]
    alone = rows_of(invoke, store, "--source", "Putin", "--level", "actor")
    assert [(row["source"], row["source_name"]) for row in alone] == [
        ("vladimir-putin", "Vladimir Putin")
    ]


def test_days_are_inclusive_and_select_windows_by_their_start(store: Path, invoke: Invoke) -> None:
    days = ["--since", "2026-11-02", "--until", "2026-11-02"]
    assert {day for day, _, _ in dyads(rows_of(invoke, store, *days))} == {"2026-11-02"}
    hours = rows_of(invoke, store, *days, "--granularity", "hour")
    assert {row["window_start"] for row in hours} == {"2026-11-02T12:00:00Z"}
    weeks = rows_of(invoke, store, "--since", "2026-10-27", "--granularity", "week")
    assert {row["window_start"] for row in weeks} == {"2026-11-02T00:00:00Z"}


def test_third_parties_only_on_request(store: Path, invoke: Invoke) -> None:
    args = ["--source", "USA", "--target", "China"]
    assert rows_of(invoke, store, *args) == []
    assert dyads(rows_of(invoke, store, *args, "--voice", "all")) == [("2026-11-02", "USA", "CHN")]


def test_week_and_hour_labels(store: Path, invoke: Invoke) -> None:
    args = ["alignments", "--output", store, "--limit", "1", "--granularity"]
    week = invoke(*args, "week").stdout.splitlines()[1]
    assert week.startswith("2026-W45 (2026-11-02 to 2026-11-08)  ")
    hour = invoke(*args, "hour").stdout.splitlines()[1]
    assert hour.startswith("2026-11-08 23:00Z  China ")


def test_nothing_found(store: Path, invoke: Invoke) -> None:
    result = invoke("alignments", "--output", store, "--since", "2030-01-01")
    assert (result.exit_code, result.stdout) == (0, "no alignments\n")


def test_an_unknown_name_gives_the_nearest(store: Path, small: list[str], invoke: Invoke) -> None:
    result = invoke("alignments", "--output", store, "--actor", "Ukrane", *small)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "newsalign: error: no actor is called 'Ukrane'; did you mean Ukraine (UKR)?\n"
    )


def test_a_name_that_only_the_catalog_knows(store: Path, small: list[str], invoke: Invoke) -> None:
    result = invoke("alignments", "--output", store, "--actor", "Port Sarn", *small)
    assert (result.exit_code, result.stdout) == (0, "no alignments\n")
    assert result.stderr == "newsalign: Veldania (VLD) is in the catalog but not in this store\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--since", "2026-02-30"], "'2026-02-30' is not a date like 2026-11-01"),
        (
            ["--min-confidence", "1.5"],
            "Input should be less than or equal to 1",
        ),
        (["--json", "--format", "csv"], "--json and --format csv: name one of them"),
    ],
)
def test_bad_options(store: Path, invoke: Invoke, args: list[str], message: str) -> None:
    result = invoke("alignments", "--output", store, *args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_lower_threshold_brings_back_what_was_not_counted(store: Path, invoke: Invoke) -> None:
    dyad = ["--source", "Russia", "--target", "Ukraine"]
    assert rows_of(invoke, store, *dyad)[0]["mentions"] == 1
    lower = rows_of(invoke, store, *dyad, "--min-confidence", "0.3")[0]
    assert (lower["mentions"], lower["min_confidence"], lower["opposed"]) == (2, 0.3, 1)
    assert rows_of(invoke, store, *dyad, "--min-confidence", "0.95") == []


def test_no_threshold_counts_the_negated_or_the_past(store: Path, invoke: Invoke) -> None:
    rows = rows_of(invoke, store, "--source", "USA", "--target", "RUS", "--min-confidence", "0")
    assert [(row["neutral"], row["mentions"]) for row in rows] == [(1, 1)]


EVIDENCE = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),  # story
        st.sampled_from(["RUS", "UKR", "vladimir-putin"]),
        st.sampled_from(["RUS", "UKR"]),
        st.sampled_from([("supportive", 1.0), ("opposed", -1.0), ("neutral", 0.0)]),
        st.sampled_from([0.0, 0.05, 0.2, 0.21, 0.7, 1.0]),  # size of the score
        st.sampled_from([0.0, 0.4, 0.5, 0.9]),  # confidence
        st.sampled_from(["outlet", "source", "third_party"]),
        st.booleans(),  # background
        st.sampled_from(["asserted", "planned", "negated", "hypothetical"]),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(
    evidence=EVIDENCE,
    threshold=st.sampled_from([0.0, 0.45, 0.5, 0.95]),
    granularity=st.sampled_from(Granularity),
    level=st.sampled_from(Level),
    voice=st.sampled_from(Voices),
)
def test_a_recount_agrees_with_the_job(
    tmp_path_factory: pytest.TempPathFactory,
    evidence: list[Any],
    threshold: float,
    granularity: Granularity,
    level: Level,
    voice: Voices,
) -> None:
    """The rule in SQL and the job's rule, over the same evidence at the same threshold."""
    rows = [_row(number, *line, threshold) for number, line in enumerate(evidence)]
    groups: dict[Any, list[Any]] = {}
    for key, value in contributions(rows, [granularity], DEAD_BAND):
        if (key.level, key.voice) == (level, voice):
            groups.setdefault(key, []).append(value)
    expected = [alignment_row(key, values) for key, values in groups.items()]
    folder = tmp_path_factory.mktemp("recount")
    (folder / "stances").mkdir()
    # `counted` was set at another threshold: the recount must not look at it.
    write_dataset(folder, "stances", [{**row, "counted": False} for row in rows])
    question = Question(granularity=granularity, level=level, voice=voice, min_confidence=threshold)
    with open_store(folder) as connection:
        found = find_alignments(connection, question, DEAD_BAND).read_all().to_pylist()
    for row in found:
        del row["source_name"], row["target_name"]
    for row in expected:
        del row["coding_version"]
    assert sorted(found, key=repr_key) == sorted(expected, key=repr_key)


def repr_key(row: dict[str, Any]) -> tuple[str, ...]:
    names = ("granularity", "window_start", "level", "voice", "source", "target")
    return tuple(str(row[name]) for name in names)


def _row(
    number: int,
    story: str,
    source: str,
    target: str,
    stance: tuple[str, float],
    size: float,
    confidence: float,
    voice: str,
    background: bool,
    factuality: str,
    threshold: float,
) -> dict[str, Any]:
    """A stance row, counted as the analyser would count it at the threshold."""
    template = stance_rows()["abc".index(story) * 4]
    return template | {
        "stance_id": stable_id(str(number)),
        "source_actor": source,
        "source_rollup": "RUS" if source == "vladimir-putin" else source,
        "target_actor": target,
        "target_rollup": target,
        "stance": stance[0],
        "score": stance[1] * size,
        "confidence": confidence,
        "voice": voice,
        "is_background": background,
        "factuality": factuality,
        "counted": confidence >= threshold
        and not background
        and factuality in COUNTED_FACTUALITY
        and ("RUS" if source == "vladimir-putin" else source) != target,
    }


def test_the_commands_and_the_reader_count_the_same() -> None:
    assert set(choices.COUNTED_FACTUALITY) == set(COUNTED_FACTUALITY)


def test_a_store_without_stances_recounts_to_nothing(tmp_path: Path, invoke: Invoke) -> None:
    build_store(tmp_path)
    for path in (tmp_path / "stances").rglob("*.parquet"):
        path.unlink()
    assert rows_of(invoke, tmp_path, "--min-confidence", "0.1") == []
