"""`newsalign stories` and `newsalign explain story`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from conftest import Invoke
from fixture_store import Row, article_rows, build_store, write_dataset

from pipeline import explain_story
from pipeline.query import open_store, select
from transforms.ids import stable_id
from transforms.settings import DeduplicateSettings

DAY = datetime(2026, 11, 10, 6, tzinfo=UTC)
TEXT = (
    "The ministers of five coastal states agreed on Tuesday to open the northern lane to all "
    "fishing boats from March, and to meet again in the harbour of Kelburg before the season ends. "
    "Two of the five had asked for a delay until the survey of the cod stocks is complete, which "
    "the others refused after a night of talks that ended shortly before dawn."
)
NAMES = [stable_id("article", f"lane {number}") for number in range(4)]
STORY = stable_id("story", NAMES[0])
FORMER = stable_id("story", NAMES[1])


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fixture's store, and a story of four articles that once had another id."""
    root = build_store(tmp_path_factory.mktemp("stories") / "store")
    outlets = ["Harbour Wire", "Evening Ledger", "Coastal Mail", "Evening Ledger"]
    tails = ["", " More in the evening.", "", " \x1b[31mRead on."]
    pairs: list[list[tuple[int, float, str]]] = [
        [],
        [(0, 0.91, "jaccard")],
        [(1, 0.84, "containment"), (0, 1.0, "exact")],
        [(2, 0.7, "jaccard")],
    ]
    rows: list[Row] = []
    for number, name in enumerate(NAMES):
        rows.append(
            {
                **article_rows()[0],
                "article_id": name,
                "story_id": STORY,
                "is_canonical": number == 0,
                "url": f"https://{number}.example/lane",
                "outlet": outlets[number],
                "title": "Lane opens" if number != 3 else "Boats may pass",
                "published_at": DAY + timedelta(hours=13 * number),
                "text": TEXT + tails[number],
                "own_sentences": [0, 1] if number == 0 else [2] if tails[number] else [],
                "joins": [
                    {"article_id": NAMES[other], "similarity": similarity, "method": method}
                    for other, similarity, method in pairs[number]
                ],
                "story_articles": 4,
                "story_outlets": sorted(set(outlets)),
            }
        )
    write_dataset(root, "articles", rows)
    write_dataset(root, "story_aliases", [{"alias": FORMER, "story_id": STORY}])
    return root


def test_the_stories_of_a_day_as_a_table(carried: Path, invoke: Invoke) -> None:
    result = invoke("stories", "--date", "2026-11-10", "--output", carried)
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        "story_id", "published_at", "outlets", "articles", "spread", "first_outlet", "title",
    ]  # fmt: skip
    assert len(lines) == 3
    assert lines[2].split() == [
        STORY, "2026-11-10T06:00:00Z", "3", "4", "1", "d", "15", "h", "Harbour", "Wire",
        "Lane", "opens",
    ]  # fmt: skip


def test_stories_as_json_the_most_carried_first(carried: Path, invoke: Invoke) -> None:
    result = invoke("stories", "--output", carried, "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows[0]["story_id"] == STORY and rows[0]["spread_hours"] == 39.0
    assert rows[0]["outlet_names"] == ["Coastal Mail", "Evening Ledger", "Harbour Wire"]
    order = [(-row["outlets"], -row["articles"], row["published_at"]) for row in rows]
    assert order == sorted(order) and len(rows) > 3


def test_a_story_belongs_to_the_day_of_its_first_article(carried: Path, invoke: Invoke) -> None:
    result = invoke("stories", "--date", "2026-11-11", "--output", carried)
    assert result.exit_code == 2
    assert "no story was first published on 2026-11-11" in result.stderr
    assert "the store has 2026-11-01 to 2026-11-10" in result.stderr


def test_few_outlets_are_left_out_and_a_limit_is_said(carried: Path, invoke: Invoke) -> None:
    result = invoke("stories", "--min-outlets", "3", "--output", carried, "--json")
    assert all(json.loads(line)["outlets"] >= 3 for line in result.stdout.splitlines())
    none = invoke("stories", "--date", "2026-11-10", "--min-outlets", "9", "--output", carried)
    assert none.exit_code == 0 and none.stdout == "no rows\n"
    one = invoke("stories", "-n", "1", "--output", carried, "--json")
    assert len(one.stdout.splitlines()) == 1 and "--limit 0 shows all" in one.stderr


def test_one_day_and_a_range_are_two_questions(carried: Path, invoke: Invoke) -> None:
    result = invoke("stories", "--date", "2026-11-10", "--since", "2026-11-01", "--output", carried)
    assert result.exit_code == 2 and "--date" in result.stderr


def test_no_store_is_said_in_one_line(tmp_path: Path, invoke: Invoke) -> None:
    for arguments in (["stories"], ["explain", "story", STORY]):
        result = invoke(*arguments, "--output", tmp_path / "none")
        assert result.exit_code == 2 and "no such folder" in result.stderr


def test_why_each_article_joined(carried: Path, invoke: Invoke) -> None:
    result = invoke("explain", "story", STORY, "--output", carried)
    assert result.stdout == (
        f"Lane opens  (4 articles, 3 outlets)  story {STORY}\n"
        "  2026-11-10T06:00:00Z  Harbour Wire  https://0.example/lane\n"
        "    the story's first article\n"
        "  2026-11-10T19:00:00Z  Evening Ledger  https://1.example/lane\n"
        f"    alike in wording, 0.91, with Harbour Wire ({NAMES[0]})\n"
        f"    shares “{TEXT[:159]}…”\n"
        "    1 sentence that the story lacked\n"
        "  2026-11-11T08:00:00Z  Coastal Mail  https://2.example/lane\n"
        f"    equal words, 1.00, with Harbour Wire ({NAMES[0]})\n"
        f"    shares “{TEXT[:159]}…”\n"
        "    and joined with 1 more of the story\n"
        "    no sentences that the story lacked\n"
        "  2026-11-11T21:00:00Z  Evening Ledger  https://3.example/lane\n"
        "    “Boats may pass”\n"
        f"    alike in wording, 0.70, with Coastal Mail ({NAMES[2]})\n"
        f"    shares “{TEXT[:159]}…”\n"
        "    1 sentence that the story lacked\n"
    )


def test_a_former_id_and_an_articles_id_lead_to_the_story(carried: Path, invoke: Invoke) -> None:
    former = invoke("explain", "story", FORMER, "--output", carried)
    assert former.stdout.startswith(f"{FORMER} belongs to story {STORY} now\n")
    article = invoke("explain", "story", NAMES[3], "--output", carried)
    assert f"story {STORY}" in article.stdout


def test_a_story_as_json_has_the_whole_passage(carried: Path, invoke: Invoke) -> None:
    result = invoke("explain", "story", STORY, "--output", carried, "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["article_id"] for row in rows] == NAMES
    assert rows[0]["joined_with"] == []
    assert rows[3]["joined_with"] == [
        {
            "article_id": NAMES[2],
            "similarity": 0.7,
            "method": "jaccard",
            "outlet": "Coastal Mail",
            "shared_passage": TEXT.rstrip("."),
        }
    ]


def test_a_long_story_is_cut_and_says_so(carried: Path, invoke: Invoke) -> None:
    result = invoke("explain", "story", STORY, "-n", "3", "--output", carried, "--json")
    assert len(result.stdout.splitlines()) == 3 and "1 more" in result.stderr


def test_an_id_may_come_in_capitals_and_with_spaces(carried: Path, invoke: Invoke) -> None:
    told, again = (
        invoke("explain", "story", name, "--output", carried)
        for name in (STORY, f" {STORY.upper()} ")
    )
    assert told.exit_code == 0 and again.stdout == told.stdout


@pytest.mark.parametrize("name", ["lane", "", "zz" * 12, STORY[:-1]])
def test_what_is_no_id_is_refused(name: str, carried: Path, invoke: Invoke) -> None:
    result = invoke("explain", "story", name, "--output", carried)
    assert result.exit_code == 2 and "hex digits" in result.stderr


def test_an_unknown_id_gets_a_guess_where_one_is_close(carried: Path, invoke: Invoke) -> None:
    close = STORY[:-1] + ("0" if STORY[-1] != "0" else "1")
    result = invoke("explain", "story", close, "--output", carried)
    assert result.exit_code == 2 and f"did you mean {STORY}?" in result.stderr
    far = invoke("explain", "story", "0" * 24, "--output", carried)
    assert far.exit_code == 2 and "did you mean" not in far.stderr


def test_a_story_that_is_there_in_whole_is_explained_from_its_rows_alone(
    carried: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def counting(connection: duckdb.DuckDBPyConnection, sql: str, values: list[object]) -> object:
        asked.append(sql)
        return select(connection, sql, values)

    monkeypatch.setattr(explain_story, "select", counting)
    with open_store(carried) as connection:
        explain_story.explain_story(connection, STORY, DeduplicateSettings())
    assert len(asked) == 1
