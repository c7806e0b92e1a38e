"""`newsalign explain`: the sentences behind a count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Invoke
from fixture_store import build_store, stance_rows, write_dataset


def test_the_sentences_of_a_dyad_by_story(store: Path, invoke: Invoke) -> None:
    result = invoke("explain", "China", "Russia", "--output", store)
    story = stance_rows()[3]["story_id"]
    assert result.stdout == (
        f"2026-11-02T12:30:00Z  The pact story  (1 article, 1 outlet)  story {story}\n"
        "  [China] *signed a pact with* {Russia on Monday}.\n"
        "    supportive  CHN → RUS  statement, told by the outlet  “signed a pact with”"
        "  confidence 0.95\n"
        "    Harbour Wire  2026-11-02T12:30:00Z  https://harbour-wire.example/pact\n"
        "  [China] *criticised* {Russia over the delays}.\n"
        "    opposed  CHN → RUS  statement, told by the outlet  “criticised”  confidence 0.90\n"
        "    Harbour Wire  2026-11-02T12:30:00Z  https://harbour-wire.example/pact\n"
        "\n"
        "2 sentences in 1 story\n"
    )


def test_what_was_read_but_not_counted_on_request(store: Path, invoke: Invoke) -> None:
    result = invoke("explain", "USA", "Russia", "--output", store, "--all")
    assert "  [The United States] *had sanctioned* {Russia in 2014}.\n" in result.stdout
    assert result.stdout.count("(told as past history)") == 1
    assert result.stdout.count("(negated)") == 1
    counted = invoke("explain", "USA", "Russia", "--output", store)
    assert counted.stdout.endswith("1 sentence in 1 story\n")


def test_a_state_includes_who_rolls_up_to_it(store: Path, invoke: Invoke) -> None:
    state = invoke("explain", "Russia", "United States", "--output", store).stdout
    assert "vladimir-putin (RUS) → USA  statement, the source's own" in state
    person = invoke("explain", "Putin", "United States", "--output", store, "--json").stdout
    assert [json.loads(line)["source_actor"] for line in person.splitlines()] == ["vladimir-putin"]


def test_a_third_party_is_named(store: Path, invoke: Invoke) -> None:
    assert "claimed by RUS" in invoke("explain", "USA", "China", "--output", store).stdout


def test_json(store: Path, invoke: Invoke) -> None:
    result = invoke("explain", "RUS", "UKR", "--output", store, "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(rows) == 1
    assert (
        rows[0].items()
        >= {
            "sentence": "Russia condemned Ukraine over the grain blockade.",
            "trigger": "condemned",
            "outlet": "Harbour Wire",
            "published_at": "2026-11-01T09:00:00Z",
            "url": "https://harbour-wire.example/grain",
            "stance": "opposed",
            "voice": "outlet",
            "confidence": 0.9,
            "story_outlets": ["Harbour Wire", "Northern Post"],
            "title": "The grain story",
            "story_title": "The grain story",
            "origin": "feeds/grain.xml#1",
        }.items()
    )


def test_without_a_url_the_origin_says_where(tmp_path: Path, invoke: Invoke) -> None:
    build_store(tmp_path)
    write_dataset(tmp_path, "stances", [row | {"url": None} for row in stance_rows()])
    args = ["explain", "RUS", "UKR", "--output", tmp_path]
    place = "    Harbour Wire  2026-11-01T09:00:00Z"
    assert f"{place}  feeds/grain.xml#1\n" in invoke(*args).stdout
    for path in (tmp_path / "articles").rglob("*.parquet"):
        path.unlink()
    assert f"{place}\n" in invoke(*args).stdout


@pytest.mark.parametrize(
    ("args", "triggers"),
    [
        (["--stance", "opposed"], {"criticised"}),
        (["--since", "2026-11-03"], set()),
        (["--until", "2026-11-02", "--since", "2026-11-02"], {"signed a pact with", "criticised"}),
    ],
)
def test_filters(store: Path, invoke: Invoke, args: list[str], triggers: set[str]) -> None:
    result = invoke("explain", "China", "Russia", "--output", store, "--json", *args)
    assert {json.loads(line)["trigger"] for line in result.stdout.splitlines()} == triggers


def test_the_limit_is_in_stories_and_cuts_none_in_two(tmp_path: Path, invoke: Invoke) -> None:
    build_store(tmp_path)
    rows = stance_rows()
    older = [row | {"stance_id": f"{n}", "story_id": "older"} for n, row in enumerate(rows[:1] * 3)]
    dyad = {"source_actor": "CHN", "source_rollup": "CHN"}
    dyad |= {"target_actor": "RUS", "target_rollup": "RUS"}
    write_dataset(tmp_path, "stances", [*rows, *(row | dyad for row in older)])
    args = ["explain", "China", "Russia", "--output", tmp_path, "--json", "--limit"]
    first = invoke(*args, "1")
    assert len(first.stdout.splitlines()) == 2
    assert first.stderr == "newsalign: the latest 1 stories; --limit 0 shows all\n"
    both = invoke(*args, "2")
    assert (len(both.stdout.splitlines()), both.stderr) == (5, "")
    assert len(invoke(*args, "0").stdout.splitlines()) == 5


def test_nothing_found(store: Path, invoke: Invoke) -> None:
    result = invoke("explain", "Ukraine", "China", "--output", store)
    assert (result.exit_code, result.stdout) == (0, "no evidence\n")
    as_json = invoke("explain", "Ukraine", "China", "--output", store, "--json")
    assert (as_json.exit_code, as_json.stdout) == (0, "")
