"""How often runs start: every so many seconds, or by a cron expression. Pure of any clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from apscheduler.triggers.base import BaseTrigger

UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
LONGEST_S = 366 * 86_400.0
PERIODS_UNTIL_RED = 3
STARTS_SEEN = 100  # more than a day of every quarter of an hour has
MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
# Cron counts from Sunday, APScheduler 3 from Monday; by name they agree.
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_STEP = timedelta(microseconds=1)


class CadenceError(ValueError):
    """A period or cron expression that can't be used; its text is one line."""


class Cadence(Protocol):
    """When runs start. `follows_wall` says whether a clock that is set moves the next start."""

    @property
    def text(self) -> str:
        """Return what a person calls it."""

    @property
    def follows_wall(self) -> bool:
        """Say whether starts are times of day rather than distances."""

    def after(self, moment: datetime) -> datetime:
        """Return the first start after a moment, in UTC."""


@dataclass(frozen=True, slots=True)
class Every:
    """A start every `seconds`."""

    seconds: float
    text: str
    follows_wall: bool = False

    def after(self, moment: datetime) -> datetime:
        """Return the start after the one at `moment`."""
        return moment + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Cron:
    """Starts by a cron expression in a time zone."""

    trigger: BaseTrigger
    text: str
    follows_wall: bool = True

    def after(self, moment: datetime) -> datetime:
        """Return the first time after `moment` that the expression names."""
        found = self.trigger.get_next_fire_time(None, moment + _STEP)
        if found is None:
            raise CadenceError(f"{self.text}: names no time to come")
        start: datetime = found.astimezone(UTC)
        return start


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as 90s, 15m, 1h30m or 1d; raises CadenceError."""
    compact = text.strip().lower().replace(" ", "")
    if not _DURATION.fullmatch(compact):
        raise CadenceError(f"{text!r} is not a duration like 90s, 15m, 6h or 1d")
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", compact)
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if not 1.0 <= seconds <= LONGEST_S:
        raise CadenceError(f"{text!r}: from 1s to 366d")
    return seconds


def parse_every(text: str) -> Every:
    """Return the cadence of a duration; raises CadenceError."""
    return Every(parse_duration(text), f"every {text.strip()}")


def parse_cron(expression: str, timezone: str = "UTC") -> Cron:
    """Return the cadence of a cron expression: five fields as crontab(5) has them, or @daily.

    Sunday is 0 or 7; where both the day of the month and that of the week are narrowed, either
    will do. Raises CadenceError.
    """
    fields = MACROS.get(expression.strip().lower(), expression).split()
    if len(fields) != 5:
        raise CadenceError(f"{expression!r} is not a cron expression of five fields")
    minute, hour, day, month, weekday = fields
    text = f"cron {expression.strip()} ({timezone})"
    days = _weekdays(weekday, expression)
    choices = [(day, days)]
    if not day.startswith("*") and not weekday.startswith("*"):
        choices = [(day, "*"), ("*", days)]
    cron = Cron(_trigger(expression, timezone, minute, hour, month, choices), text)
    cron.after(datetime.now(UTC))
    return cron


def limit_s(cadence: Cadence, since: datetime) -> float:
    """Return how long after a success at `since` the third start without one comes, in seconds."""
    moment = since
    for _ in range(PERIODS_UNTIL_RED):
        moment = cadence.after(moment)
    return (moment - since).total_seconds()


def period_s(cadence: Cadence, now: datetime) -> float:
    """Return the shortest time between two of the next `STARTS_SEEN` starts, in seconds.

    A cron expression may leave out nights: what goes by the period must not go by one of those.
    """
    moments = [cadence.after(now)]
    for _ in range(STARTS_SEEN - 1):
        moments.append(cadence.after(moments[-1]))
    return min((later - one).total_seconds() for one, later in pairwise(moments))


def _trigger(
    expression: str,
    timezone: str,
    minute: str,
    hour: str,
    month: str,
    choices: list[tuple[str, str]],
) -> BaseTrigger:
    from apscheduler.triggers.combining import OrTrigger
    from apscheduler.triggers.cron import CronTrigger

    try:
        triggers = [
            CronTrigger(
                minute=minute,
                hour=hour,
                month=month.lower(),
                day=day,
                day_of_week=days,
                timezone=timezone,
            )
            for day, days in choices
        ]
    except KeyError:  # what zoneinfo raises is one
        raise CadenceError(f"{timezone!r} is not a time zone like UTC or Europe/Berlin") from None
    except (ValueError, TypeError) as error:
        raise CadenceError(f"{expression!r}: {error}") from None
    return triggers[0] if len(triggers) == 1 else OrTrigger(triggers)


def _weekdays(field: str, expression: str) -> str:
    """Return cron's days of the week as a list of names; * stays."""
    if field == "*":
        return field
    found: set[int] = set()
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        try:
            start = 0 if span == "*" else _weekday(first)
            end = _weekday(last) if dash else (6 if span == "*" or step else start)
            if end < start and end == 0:
                end = 7
            days = range(start, end + 1, int(step or 1))
        except ValueError:
            days = range(0)
        if not days:
            raise CadenceError(f"{expression!r}: {part!r} is no day of the week")
        found.update(number % 7 for number in days)
    return ",".join(_DAYS[number] for number in sorted(found))


def _weekday(text: str) -> int:
    number = _DAYS.index(text) if text in _DAYS else int(text)
    if not 0 <= number <= 7:
        raise ValueError(text)
    return number
