"""When runs start: periods, cron expressions, and clocks that sleep or are set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schedule.alarm import Alarm
from pipeline.schedule.cadence import (
    Cadence,
    CadenceError,
    limit_s,
    parse_cron,
    parse_duration,
    parse_every,
    period_s,
)

# A Friday.
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class FakeClock:
    """A wall clock that can be set, and a steady one that can't."""

    def __init__(self) -> None:
        self.now = NOON
        self.seconds = 1_000.0

    def wall(self) -> datetime:
        return self.now

    def steady(self) -> float:
        return self.seconds

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds

    def turn(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def starts(cadence: Cadence, count: int, after: datetime = NOON) -> list[str]:
    found = []
    for _ in range(count):
        after = cadence.after(after)
        found.append(f"{after:%a %d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("1h30m", 5_400), ("1d", 86_400), (" 1.5 h ", 5_400), ("15M", 900)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert parse_every(text).after(NOON) == NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "15", "m", "-5m", "0s", "400d", "15 minutes", "1e9h", "m15"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(CadenceError) as caught:
        parse_duration(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/15 * * * *", ["Fri 20 12:15", "Fri 20 12:30", "Fri 20 12:45"]),
        ("0 6 * * 1", ["Mon 23 06:00", "Mon 30 06:00", "Mon 07 06:00"]),
        ("0 6 * * 0", ["Sun 22 06:00", "Sun 29 06:00", "Sun 06 06:00"]),
        ("0 6 * * 7", ["Sun 22 06:00", "Sun 29 06:00", "Sun 06 06:00"]),
        ("0 6 * * 5-7", ["Sat 21 06:00", "Sun 22 06:00", "Fri 27 06:00"]),
        ("0 6 * * sat-sun", ["Sat 21 06:00", "Sun 22 06:00", "Sat 28 06:00"]),
        ("0 6 * * */3", ["Sat 21 06:00", "Sun 22 06:00", "Wed 25 06:00"]),
        ("0 6 * * MON-fri", ["Mon 23 06:00", "Tue 24 06:00", "Wed 25 06:00"]),
        ("0 0 1 * 1", ["Mon 23 00:00", "Mon 30 00:00", "Tue 01 00:00"]),
        ("@daily", ["Sat 21 00:00", "Sun 22 00:00", "Mon 23 00:00"]),
    ],
)
def test_cron_expressions_mean_what_cron_means(expression: str, expected: list[str]) -> None:
    assert starts(parse_cron(expression), 3) == expected


def test_cron_in_a_time_zone_keeps_to_the_local_hour_over_a_change_of_the_clocks() -> None:
    cadence = parse_cron("30 6 * * *", "Europe/Berlin")
    before = datetime(2026, 10, 24, 0, tzinfo=UTC)
    assert starts(cadence, 3, before) == ["Sat 24 04:30", "Sun 25 05:30", "Mon 26 05:30"]


@pytest.mark.parametrize(
    ("expression", "zone", "part"),
    [
        ("* * * *", "UTC", "five fields"),
        ("61 * * * *", "UTC", "61"),
        ("* * * foo *", "UTC", "foo"),
        ("* * * * 8", "UTC", "'8' is no day of the week"),
        ("* * * * fr", "UTC", "'fr' is no day of the week"),
        ("* * * * */0", "UTC", "is no day of the week"),
        ("0 0 31 2 *", "UTC", "names no time to come"),
        ("* * * * *", "Nowhere/Land", "is not a time zone"),
    ],
)
def test_what_is_no_cron_expression(expression: str, zone: str, part: str) -> None:
    with pytest.raises(CadenceError) as caught:
        parse_cron(expression, zone)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_three_periods() -> None:
    assert (period_s(parse_every("15m"), NOON), limit_s(parse_every("15m"), NOON)) == (900, 2_700)
    working_hours = parse_cron("0 8-18 * * 1-5")
    evening = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
    assert (
        limit_s(working_hours, evening) == timedelta(days=2, hours=15, minutes=30).total_seconds()
    )


@pytest.mark.parametrize("hour", [0, 6.5, 22.75])
@pytest.mark.parametrize(
    ("expression", "seconds"), [("0 6,7 * * *", 3_600), ("*/15 6-22 * * mon-fri", 900)]
)
def test_a_period_is_not_the_night_between_two_starts(
    expression: str, seconds: float, hour: float
) -> None:
    moment = NOON.replace(hour=0) + timedelta(hours=hour)
    assert period_s(parse_cron(expression), moment) == seconds


def test_a_new_schedule_starts_at_once_or_at_the_time_it_names() -> None:
    clock = FakeClock()
    assert Alarm(parse_every("15m"), clock).remaining() == 0
    assert Alarm(parse_cron("*/15 * * * *"), clock).remaining() == 900


def test_a_restart_goes_on_with_the_period_and_makes_up_for_what_was_missed_once() -> None:
    clock = FakeClock()
    five_minutes_ago = NOON - timedelta(minutes=5)
    assert Alarm(parse_every("15m"), clock, last=five_minutes_ago).remaining() == 600
    long_ago = NOON - timedelta(days=3, minutes=1)
    for cadence in (parse_every("15m"), parse_cron("1-59/15 * * * *")):
        alarm = Alarm(cadence, clock, last=long_ago)
        assert alarm.remaining() == 0
        alarm.advance()
        assert 0 < alarm.remaining() <= 900
    in_the_future = NOON + timedelta(hours=1)
    assert Alarm(parse_every("15m"), clock, last=in_the_future).remaining() == 0


def test_starts_keep_their_distance_however_long_runs_take() -> None:
    clock = FakeClock()
    alarm = Alarm(parse_every("15m"), clock)
    clock.go(400)
    alarm.advance()
    assert (alarm.remaining(), alarm.start) == (500, NOON + timedelta(minutes=15))
    clock.go(500 + 2_000)  # a run of two periods and more
    alarm.advance()
    assert alarm.remaining() == 0
    alarm.advance()
    assert alarm.remaining() == 900


@pytest.mark.parametrize("jump", [-3_600, -86_400, 3_600])
def test_a_clock_that_is_set_doesn_t_move_a_period(jump: float) -> None:
    clock = FakeClock()
    alarm = Alarm(parse_every("15m"), clock)
    alarm.advance()
    clock.go(300)
    clock.turn(jump)
    assert alarm.remaining() == 600
    clock.go(600)
    clock.turn(-jump)  # and during the run
    alarm.advance()
    assert alarm.remaining() == 900


def test_a_clock_set_back_or_forward_moves_a_cron_start_and_never_stalls_it() -> None:
    clock = FakeClock()
    alarm = Alarm(parse_cron("*/15 * * * *"), clock)
    clock.go(600)
    clock.turn(-3_600)  # it is 11:10 now
    assert alarm.remaining() == 300
    clock.go(300)
    assert alarm.remaining() == 0
    clock.turn(-3_600)  # during the run
    alarm.advance()
    assert alarm.remaining() == 900
    clock.go(60)
    clock.turn(7_200)
    assert alarm.remaining() == 0


def test_after_sleep_there_is_one_run() -> None:
    clock = FakeClock()
    for cadence in (parse_every("15m"), parse_cron("*/15 * * * *")):
        alarm = Alarm(cadence, clock)
        alarm.advance()
        clock.go(8 * 3_600 + 60)
        assert alarm.remaining() <= 0
        alarm.ring()
        clock.go(20)
        alarm.advance()
        assert 0 < alarm.remaining() <= 900


def test_a_retry_comes_sooner_and_never_later_than_the_next_start() -> None:
    clock = FakeClock()
    alarm = Alarm(parse_every("15m"), clock)
    alarm.advance()
    alarm.bring_forward(60)
    assert alarm.remaining() == 60
    alarm.bring_forward(600)
    assert alarm.remaining() == 60
    clock.go(60)
    alarm.advance()
    assert alarm.remaining() == 900


def test_a_start_a_hair_before_its_time_comes_once() -> None:
    clock = FakeClock()
    alarm = Alarm(parse_cron("*/15 * * * *"), clock)
    clock.go(900)
    clock.turn(-0.4)  # as a clock that is slewed may be
    assert alarm.remaining() == 0
    alarm.ring()
    alarm.advance()
    assert alarm.start == NOON + timedelta(minutes=30)


@given(st.floats(0, 1))
def test_jitter_delays_by_no_more_than_it_says(throw: float) -> None:
    clock = FakeClock()
    alarm = Alarm(parse_every("15m"), clock, jitter_s=30, dice=lambda: throw)
    alarm.advance()
    assert 900 <= alarm.remaining() <= 930
    assert alarm.remaining() == pytest.approx(900 + 30 * throw)
