"""The feeds' database: the same on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from pipeline.feeds import state as state_module
from pipeline.feeds.place import FeedsError
from pipeline.feeds.polling import plan_polls, poll_counts
from pipeline.feeds.state import FeedStore, store_id
from pipeline.feeds.tables import METADATA
from transforms.feed_hints import FeedPace
from transforms.feed_state import FeedState
from transforms.read_feeds import FeedPoll
from transforms.settings import FeedSettings

NOW = datetime(2025, 3, 12, 10, tzinfo=UTC)
A, B, C = "https://h.example.org/a", "https://h.example.org/b", "https://i.example.org/c"
SETTINGS = FeedSettings()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'state' / 'feeds.sqlite'}"
        return
    server: str = request.getfixturevalue("postgres_url")
    yield server
    engine = create_engine(server.replace("postgresql:", "postgresql+psycopg:"))
    METADATA.drop_all(engine)
    engine.dispose()


def poll(feed: str = A, **changes: Any) -> FeedPoll:
    return replace(FeedPoll(feed, NOW, 200, None, '"1"', "yesterday", None, None, 3, 0), **changes)


FULL = FeedState(
    url=A,
    outlet="Daily",
    tags=("News/Europe", "Ünïcode"),
    address=B,
    etag='W/"x"',
    last_modified="Wed, 12 Mar 2025 10:00:00 GMT",
    next_due=NOW + timedelta(microseconds=1),
    failures=1.25,
    last_polled=NOW,
    last_success=NOW,
    last_reason="http_404",
    moved_to=C,
    moves=2,
    retired="gone",
    title="The Daily",
    pace=FeedPace(60.0, (1, 2), (6,)),
    last_status=404,
    last_item_at=NOW,
    added_at=NOW,
    memory="0123456789ab",
)


def test_every_field_comes_back_as_it_was_from_another_connection(url: str) -> None:
    assert all(getattr(FULL, name) for name in FULL.__slots__)
    FeedStore(url).put([FULL, FeedState(B)])
    store = FeedStore(url)
    assert store.load([A, B, C]) == {A: FULL, B: FeedState(B)}
    assert store.registered() == [FULL]
    store.delete([A])
    assert store.load([A, B]) == {B: FeedState(B)}


def test_a_poll_changes_what_polls_teach_and_nothing_that_a_person_said(url: str) -> None:
    store = FeedStore(url)
    store.put([FeedState(A, outlet="Daily", tags=("x",), added_at=NOW)])
    store.save_polls([poll(), poll(C)], SETTINGS)
    found = store.load([A, C])
    assert (found[A].etag, found[A].last_success, found[A].failures) == ('"1"', NOW, 0)
    assert (found[A].outlet, found[A].tags, found[A].added_at) == ("Daily", ("x",), NOW)
    assert found[C].added_at is None


def test_a_pause_holds_the_host_s_other_feeds_back(url: str) -> None:
    store = FeedStore(url)
    store.save_polls([poll(reason="http_429", status=429, retry_after_s=120.0)], SETTINGS)
    in_time, later = NOW + timedelta(seconds=119), NOW + timedelta(seconds=120)
    plan = plan_polls(store, [A, B, C], SETTINGS, in_time)
    assert [one.url for one in plan.sources] == [C]
    assert plan.counts == {"feeds_paused": 2}
    assert len(plan_polls(store, [A, B, C], SETTINGS, later).sources) == 3


def test_the_plan(url: str) -> None:
    store = FeedStore(url)
    due, early = NOW - timedelta(seconds=1), NOW + timedelta(minutes=5)
    store.put(
        [
            FeedState(A, next_due=early, added_at=NOW, etag='"a"'),
            FeedState(B, next_due=due, added_at=NOW, etag='"b"'),
            FeedState(C, next_due=due, retired="gone", added_at=NOW),
            FeedState("https://j.example/", next_due=due),
        ]
    )

    def planned(named: list[str], read: str) -> dict[str, str | None]:
        settings = FeedSettings.model_validate({"read": read})
        return {one.url: one.etag for one in plan_polls(store, named, settings, NOW).sources}

    assert planned([], "due") == {B: '"b"'}
    assert planned([], "all") == {A: '"a"', B: '"b"'}
    assert planned([], "none") == {}
    assert planned([A], "none") == {A: '"a"'}, "named feeds are asked whenever"
    assert planned([C], "all").keys() == {A, B}, "but not those that are gone"
    assert plan_polls(store, [C], SETTINGS, NOW).counts == {"feeds_retired": 1}


def test_feeds_at_one_place_are_asked_once(url: str) -> None:
    store = FeedStore(url)
    store.put([FeedState(A, address=B, added_at=NOW), FeedState(B, added_at=NOW)])
    assert [one.url for one in plan_polls(store, [], SETTINGS, NOW).sources] == [A]


def test_another_store_s_validators_are_forgotten(url: str, tmp_path: Path) -> None:
    store = FeedStore(url)
    one, other = store_id(tmp_path / "one"), store_id(tmp_path / "other")
    assert store_id(tmp_path / "one") == one != other
    store.adopt(one)
    store.save_polls([poll()], SETTINGS)
    store.adopt(one)
    assert store.load([A])[A].etag == '"1"'
    store.adopt(other)
    state = store.load([A])[A]
    assert (state.etag, state.last_modified, state.next_due) == (None, None, None)
    assert state.last_success == NOW


def test_what_a_database_can_t_hold_does_no_harm(url: str) -> None:
    store = FeedStore(url)
    long = "https://h.example.org/" + "a" * 3_000
    odd = "https://h.example.org/\0"
    polls = [poll(long), poll(odd), poll(title="a\0b\ud800", etag='"\0"', detail="\0")]
    store.save_polls(polls, SETTINGS)
    assert store.load([long, odd, A])[A].title == "ab?"
    assert len(plan_polls(store, [long, odd, A], SETTINGS, NOW).sources) == 3


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=20), st.text(max_size=20), st.floats(allow_nan=False, min_value=0))
def test_any_poll_can_be_saved(url: str, title: str, reason: str, wait: float) -> None:
    polls = [poll(title=title, etag=title, reason=reason, retry_after_s=wait), poll(A + title)]
    FeedStore(url).save_polls(polls, SETTINGS)


def test_thousands_of_feeds(url: str) -> None:
    store = FeedStore(url)
    urls = [f"https://{n}.example.org/feed" for n in range(3_000)]
    store.put([FeedState(one, added_at=NOW) for one in urls])
    store.save_polls([poll(one) for one in urls], SETTINGS)
    assert len(store.load(urls)) == len(store.registered()) == 3_000
    assert plan_polls(store, [], SETTINGS, NOW).sources == []


def test_two_programs_at_a_time(url: str) -> None:
    FeedStore(url)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                FeedStore(url).save_polls([poll(f"{A}/{number}/{turn}")], SETTINGS)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    wanted = [f"{A}/{number}/{turn}" for number in range(3) for turn in range(10)]
    assert len(FeedStore(url).load(wanted)) == 30


def test_a_database_of_the_first_version_gets_what_it_lacks_and_keeps_what_it_has(url: str) -> None:
    FeedStore(url).put([replace(FULL, memory="")])
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE newsalign_feeds DROP COLUMN memory"))
        connection.execute(text("UPDATE newsalign_facts SET value = '1' WHERE key like 'schema%'"))
    engine.dispose()
    for _ in range(2):
        store = FeedStore(url)
        assert store.load([A]) == {A: replace(FULL, memory="")}
    store.put([FULL])
    assert FeedStore(url).load([A]) == {A: FULL}


def test_a_newer_schema_is_refused(url: str) -> None:
    FeedStore(url)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE newsalign_facts SET value = '99' WHERE key like 'schema%'"))
    engine.dispose()
    with pytest.raises(FeedsError, match="made by a newer newsalign"):
        FeedStore(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "not a SQLAlchemy URL"),
        ("mysql://u:secret@h/d", "mysql: only sqlite and postgresql are known"),
        ("sqlite://", "name a file"),
        ("postgresql://u:secret@/d?host=/nowhere", "nowhere"),
    ],
)
def test_an_unusable_url_is_one_line_without_its_password(url: str, message: str) -> None:
    with pytest.raises(FeedsError, match=message) as caught:
        FeedStore(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_statement_that_waits_for_ever_is_given_up(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FeedStore(postgres_url)
    monkeypatch.setattr(state_module, "STATEMENT_S", 0.2)
    other = create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    with other.connect() as connection:
        connection.execute(text("LOCK TABLE newsalign_feeds IN ACCESS EXCLUSIVE MODE"))
        late = threading.Timer(20, connection.rollback)
        late.start()
        try:
            with pytest.raises(FeedsError, match="statement timeout"):
                store.registered()
        finally:
            late.cancel()
    assert store.registered() == []
    METADATA.drop_all(other)
    other.dispose()


def test_a_server_that_is_gone_is_noticed_while_it_is_waited_for(postgres_url: str) -> None:
    def options(url: str) -> dict[str, str]:
        with state_module._engine(state_module._checked(url)).connect() as connection:
            found: dict[str, str] = connection.connection.driver_connection.info.get_parameters()
            return found

    plain = options(postgres_url)
    assert plain.items() >= {"keepalives_idle": "30", "keepalives_count": "3"}.items()
    assert plain["tcp_user_timeout"] == "60000"
    assert options(f"{postgres_url}&keepalives_idle=7")["keepalives_idle"] == "7"


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "feeds.sqlite"
    path.write_text("not a database, but long enough to look like one " * 40)
    with pytest.raises(FeedsError, match="not a database"):
        FeedStore(f"sqlite:///{path}")


def test_a_writer_doesn_t_keep_readers_out(tmp_path: Path) -> None:
    path = tmp_path / "feeds.sqlite"
    store = FeedStore(f"sqlite:///{path}")
    store.put([FULL])
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert FeedStore(f"sqlite:///{path}").load([A]) == {A: FULL}
    writer.close()


def test_the_counts() -> None:
    polls = [
        poll(),
        poll(B, status=304),
        poll(C, reason="timeout", status=0),
        poll("https://j.example/", reason="empty_feed"),
        poll("https://k.example/", new=0),
        poll(new=2),
    ]
    assert poll_counts(polls) == {
        "feeds_polled": 5,
        "feeds_not_modified": 2,
        "feeds_failed": 1,
    }
