from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from transforms.feed_hints import FeedPace
from transforms.poll_log import WritePolls, read_polls, write_polls
from transforms.read_feeds import FeedPoll

AT = datetime(2025, 6, 1, 12, 0, 0, 5, tzinfo=UTC)
FULL = FeedPoll(
    url="https://a.example/é",
    polled_at=AT,
    status=429,
    reason="http_429",
    etag='W/"\u2028"',
    last_modified="x",
    permanent_url="https://b.example/",
    retry_after_s=1.5,
    items=3,
    rejects=2,
    wait_hint_s=60.0,
    final_url="https://b.example/",
    pace=FeedPace(60.0, (1, 2), (0,)),
    kind="RSS 2.0",
    title="A\nB",
    newest_at=AT,
    detail="why",
    memory="0123456789ab",
    new=1,
)
BARE = FeedPoll("https://c.example/", AT, 304, None, None, None, None, None, 0, 0)


def test_polls_come_back_as_they_were_in_the_order_of_writing(tmp_path: Path) -> None:
    assert all(getattr(FULL, field.name) for field in fields(FULL))
    write_polls(tmp_path / "polls", [BARE])
    write_polls(tmp_path / "polls", [FULL, BARE])
    assert list(read_polls(tmp_path / "polls")) == [BARE, FULL, BARE]


def test_no_folder_and_a_half_written_file_hold_no_polls(tmp_path: Path) -> None:
    assert list(read_polls(tmp_path / "none")) == []
    path = write_polls(tmp_path, [FULL])
    path.rename(path.with_name(f".{path.name}.tmp"))
    assert list(read_polls(tmp_path)) == []


def test_as_a_step(tmp_path: Path) -> None:
    folder = tmp_path / "polls"
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = pipeline | beam.Create([FULL, BARE]) | WritePolls(str(folder))
    assert sorted(read_polls(folder), key=lambda poll: poll.url) == [FULL, BARE]
