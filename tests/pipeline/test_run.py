"""The whole job on the real runner, in real processes, against the sample input."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from seed_server import SEEDS, SeedServer
from whole_runs import RESULT_DATASETS, command, files, newsalign_run, rows

from transforms.schemas import DATASETS

pytestmark = pytest.mark.job


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The sample input read by one worker."""
    output = tmp_path_factory.mktemp("one") / "out"
    return output, newsalign_run([str(SEEDS)], output, "--workers", "1")


def test_two_workers_give_the_same_bytes(one: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    output = tmp_path / "two"
    report = newsalign_run([str(SEEDS)], output, "--workers", "2")
    assert files(output) == files(one[0])
    assert files(output)
    same = {k: v for k, v in report.items() if k in ("counts", "rejects", "windows")}
    assert same == {k: one[1][k] for k in same}


def test_every_file_has_its_schema_and_reads_in_duckdb_and_polars(
    one: tuple[Path, dict[str, Any]],
) -> None:
    output, _ = one
    found = 0
    for name, dataset in DATASETS.items():
        for path in (output / name).rglob("*"):
            if path.is_dir():
                continue
            found += 1
            assert path.name == "part-00000.parquet"
            schema = pq.read_schema(path)
            assert schema.equals(dataset.schema)
            assert schema.metadata[b"schema_version"] == b"1"
            frame = pl.read_parquet(path)
            assert frame.height > 0
            keys = frame.select(dataset.key)
            assert keys.is_unique().all()
            counted = duckdb.sql(f"SELECT count(*) FROM read_parquet('{path}')").fetchall()
            assert counted == [(frame.height,)]
            order = list(dataset.order)
            assert frame.select(order).equals(frame.sort(order, nulls_last=True).select(order))
    assert found > 20
    assert {name for name in DATASETS if (output / name).exists()} >= set(DATASETS) - {
        "story_aliases"
    }


def test_partitions_hold_their_own_dates(one: tuple[Path, dict[str, Any]]) -> None:
    output, _ = one
    for name, dataset in DATASETS.items():
        if dataset.partition_by is None:
            continue
        wrong = rows(
            output,
            f"SELECT count(*) FROM {{{name}}} WHERE date IS DISTINCT FROM "
            f"CAST(\"{dataset.partition_by}\" AT TIME ZONE 'UTC' AS DATE)",
        )
        assert wrong == [(0,)], name


def test_days_and_hours_add_up_to_weeks(one: tuple[Path, dict[str, Any]]) -> None:
    sql = """
        SELECT level, voice, source, target, date_trunc('week', window_start AT TIME ZONE 'UTC'),
               sum(supportive), sum(opposed), sum(mixed), sum(neutral), sum(net), sum(stories),
               sum(articles), sum(mentions)
        FROM {{alignments}} WHERE granularity = '{}' GROUP BY ALL ORDER BY ALL"""
    weeks, days, hours = (rows(one[0], sql.format(g)) for g in ("week", "day", "hour"))
    assert weeks == days == hours
    assert len(weeks) > 50


def test_counts_can_be_recounted_from_stances(one: tuple[Path, dict[str, Any]]) -> None:
    recounted = rows(
        one[0],
        """
        WITH per_story AS (
          SELECT story_id, source_rollup s, target_rollup t,
                 sum(score * confidence) / sum(confidence) AS mean,
                 bool_or(stance = 'supportive') AND bool_or(stance = 'opposed') AS signs,
                 bool_or(stance <> 'neutral') AS signed
          FROM {stances} WHERE counted AND source_rollup <> target_rollup GROUP BY ALL)
        SELECT s, t, count(*) FILTER (signed AND mean > 0.2),
               count(*) FILTER (signed AND mean < -0.2),
               count(*) FILTER (abs(mean) <= 0.2 AND signs), count(*)
        FROM per_story GROUP BY ALL ORDER BY ALL""",
    )
    counted = rows(
        one[0],
        """
        SELECT source, target, sum(supportive), sum(opposed), sum(mixed), sum(stories)
        FROM {alignments} WHERE granularity = 'day' AND level = 'rollup' AND voice = 'all'
        GROUP BY ALL ORDER BY ALL""",
    )
    assert counted == recounted


def test_every_evidence_stands_in_its_article_and_every_reference_resolves(
    one: tuple[Path, dict[str, Any]],
) -> None:
    output, _ = one
    assert rows(
        output,
        """SELECT count(*) FROM {stances} s ANTI JOIN {articles} a
           USING (article_id, story_id)""",
    ) == [(0,)]
    for sentence, trigger, first, last in rows(
        output, "SELECT sentence, trigger, trigger_start, trigger_end FROM {stances}"
    ):
        assert 0 <= first < last <= len(sentence), trigger
    unknown = rows(
        output,
        """SELECT DISTINCT id FROM (
             SELECT source_actor id FROM {stances} UNION SELECT target_rollup FROM {stances}
             UNION SELECT source_rollup FROM {stances} UNION SELECT target_actor FROM {stances}
           ) WHERE id NOT IN (SELECT actor FROM {actors})""",
    )
    assert unknown == []


def test_the_same_input_again_changes_nothing(
    one: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    output = tmp_path / "again"
    shutil.copytree(one[0], output)
    everything = tuple(name for name in DATASETS if name != "runs")
    before = files(output, everything)
    report = newsalign_run([str(SEEDS)], output, "--workers", "1")
    assert files(output, everything) == before
    counts = report["counts"]
    assert counts["new"] == counts["revised"] == 0
    assert report["windows"] == 0


def test_new_articles_change_only_their_windows(
    one: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    output = tmp_path / "more"
    shutil.copytree(one[0], output)
    before = files(output)
    late = tmp_path / "late.jsonl"
    late.write_text(
        json.dumps(
            {
                "id": "late-1",
                "outlet": "late.example",
                "title": "Kenya condemns Rwanda",
                "text": "Kenya condemned Rwanda on Thursday over the closure of a border market. "
                "The Kenyan government said the closure had cost traders a month of income.",
                "published_at": "2026-11-05T10:00:00Z",
            }
        )
    )
    report = newsalign_run([str(late)], output, "--workers", "1")
    after = files(output)
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert changed <= {
        f"{dataset}/date={day}/part-00000.parquet"
        for dataset in RESULT_DATASETS
        for day in ("2026-11-05", "2026-11-02")
    }
    assert report["counts"]["new"] == 1
    assert rows(
        output,
        "SELECT opposed FROM {alignments} WHERE source = 'KEN' AND target = 'RWA'"
        " AND level = 'rollup' AND voice = 'direct' AND granularity = 'day'",
    ) == [(1,)]


def test_bad_input_is_rejected_and_changes_no_count(
    one: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    source = tmp_path / "with-bad"
    shutil.copytree(SEEDS, source)
    bad = source / "worse"
    bad.mkdir()
    (bad / "huge.txt").write_bytes(b"word " * 10_000_000)
    (bad / "nonsense.jsonl").write_text('{"text": \n[]\n{"id": "x"}\nnull\n"text"\n')
    (bad / "feed.xml").write_text("<rss><channel></channel></rss>")
    (bad / "page.xml").write_text("<html><body>Not a feed</body></html>")
    (bad / "bytes.txt").write_bytes(bytes(range(256)) * 64)
    (bad / "unknown.xyz").write_text("what is this")
    (bad / "dangling.txt").symlink_to(bad / "nowhere.txt")
    output = tmp_path / "out"
    report = newsalign_run([str(source)], output, "--workers", "1")
    assert files(output) == files(one[0])
    new = report["counts"]["rejects"] - one[1]["counts"]["rejects"]
    assert new == 11
    found = rows(output, "SELECT origin, stage, reason FROM {rejects} WHERE origin LIKE 'worse/%'")
    assert len(found) == 11
    assert all(stage == "read" and reason for _, stage, reason in found)
    assert ("worse/huge.txt", "read", "too_large") in found


@pytest.fixture
def served(seed_server: SeedServer) -> Iterator[SeedServer]:
    yield seed_server


def test_feeds_over_http_give_the_stances_of_the_saved_feeds(
    served: SeedServer, tmp_path: Path
) -> None:
    urls = [argument for url in served.feeds for argument in ("--feed", url)]
    bad = ["--feed", served.url("feeds/none.xml"), "--feed", served.url("pages/nothing.html")]
    html = ["--feed", served.url("broken/html-as-feed.xml")]
    allow = ["--set", "network.allow_private=true"]
    online = tmp_path / "online"
    report = newsalign_run([], online, *urls, *bad, *html, *allow, "--workers", "1")
    saved = tmp_path / "saved"
    newsalign_run([str(SEEDS / "feeds")], saved, "--workers", "1")
    sql = """SELECT source_rollup, target_rollup, stance, sentence, published_at
             FROM {stances} ORDER BY ALL"""
    assert rows(online, sql) == rows(saved, sql)
    assert report["rejects"]["http_404"] == 2
    assert report["rejects"]["not_a_feed"] == 1


def test_private_addresses_are_refused_by_default(served: SeedServer, tmp_path: Path) -> None:
    report = newsalign_run([], tmp_path / "out", "--feed", served.feeds[0], "--workers", "1")
    assert report["rejects"] == {"private_address": 1}
    assert report["counts"].get("articles", 0) == 0


def test_a_file_that_changes_under_its_name_loses_nothing(tmp_path: Path) -> None:
    output, source = tmp_path / "out", tmp_path / "today.jsonl"
    texts = (
        "Kenya condemned Rwanda on Thursday over the closure of a border market.",
        "Brazil thanked Peru on Friday for its help with the fires in the north.",
    )
    for day, text in enumerate(texts, 20):
        row = {"text": text, "published_at": f"2026-11-{day}T08:00:00Z", "outlet": "o.example"}
        source.write_text(json.dumps(row))
        newsalign_run([str(source)], output, "--workers", "1")
    found = rows(output, "SELECT source_rollup, target_rollup FROM {stances} ORDER BY 1")
    assert found == [("BRA", "PER"), ("KEN", "RWA")]


def test_a_date_that_is_nonsense_is_a_reject_and_its_article_stays(tmp_path: Path) -> None:
    source = tmp_path / "odd.jsonl"
    source.write_text(
        json.dumps({"text": "Kenya thanked Rwanda on Friday for its help.", "date": "45th of Foo"})
    )
    report = newsalign_run([str(source)], tmp_path / "out", "--workers", "1")
    assert report["rejects"] == {"date_unparsed": 1}
    assert report["counts"]["new"] == 1
    assert rows(tmp_path / "out", "SELECT published_at_source FROM {articles}") == [("first_seen",)]


def test_another_threshold_says_what_keeps_its_older_coding(
    one: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(one[0], output)
    more = ["--workers", "1", "--set", "stances.min_confidence=0.9"]
    report = newsalign_run([str(SEEDS)], output, *more)
    assert report["counts"]["other_coding"] > 80


def test_a_runner_that_cannot_start_fails_the_run_and_keeps_its_input(tmp_path: Path) -> None:
    source, output = tmp_path / "a.txt", tmp_path / "out"
    source.write_text("Title\n\nKenya thanked Rwanda on Friday for its help in the north.")
    wrong = ["--runner", "PrismRunner", "--", f"--prism_location={tmp_path / 'nowhere'}"]
    done = subprocess.run(
        command([str(source)], output, *wrong), capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    report = newsalign_run([str(source)], output, "--workers", "1")
    assert report["rejects"] == {}
    assert report["counts"]["new"] == 1
