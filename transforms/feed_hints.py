"""How often a feed says that it changes, and when it isn't worth asking.

Read by pattern, since these stand in the head of feeds whose entries are broken as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD_CHARS = 32_768

_TTL = re.compile(r"<ttl>\s*(\d{1,6})\s*</ttl>", re.IGNORECASE)
# https://web.resource.org/rss/1.0/modules/syndication/
_PERIOD = re.compile(r"<(?:\w+:)?updatePeriod>\s*(\w+)\s*</", re.IGNORECASE)
_FREQUENCY = re.compile(r"<(?:\w+:)?updateFrequency>\s*(\d{1,4})\s*</", re.IGNORECASE)
_PERIODS = {
    "hourly": 3_600,
    "daily": 86_400,
    "weekly": 604_800,
    "monthly": 2_592_000,
    "yearly": 31_536_000,
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ENTRY = re.compile(rb"<(?:[A-Za-z0-9]+:)?(?:item|entry)[\s>]")
_ENTRY_END = re.compile(rb"</(?:[A-Za-z0-9]+:)?(?:item|entry)\s*>")
_SKIP_HOURS = re.compile(r"<skipHours>(.{0,2000}?)</skipHours>", re.IGNORECASE | re.DOTALL)
_SKIP_DAYS = re.compile(r"<skipDays>(.{0,2000}?)</skipDays>", re.IGNORECASE | re.DOTALL)
_HOUR = re.compile(r"<hour>\s*(\d{1,2})\s*</hour>", re.IGNORECASE | re.ASCII)
_DAY = re.compile(r"<day>\s*([a-z]{6,9})\s*</day>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FeedPace:
    """What a feed asks of whoever polls it (https://www.rssboard.org/rss-specification).

    `interval_s` is the longer of its ttl and its update period, None where it says neither;
    `skip_hours` are UTC hours from 0 to 23, `skip_days` weekdays with Monday as 0.
    """

    interval_s: float | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()


def read_pace(body: bytes) -> FeedPace:
    """Return the pace that a feed's bytes state outside its entries."""
    head = _outside_entries(body)
    hours = (int(hour) for hour in _within(head, _SKIP_HOURS, _HOUR))
    days = (day.lower() for day in _within(head, _SKIP_DAYS, _DAY))
    return FeedPace(
        interval_s=update_interval_s(head),
        # The first RSS specifications counted hours from 1 to 24.
        skip_hours=tuple(sorted({hour % 24 for hour in hours if hour <= 24})),
        skip_days=tuple(sorted({_DAYS.index(day) for day in days if day in _DAYS})),
    )


def update_interval_s(text: str) -> float | None:
    """Return the seconds between updates that a feed's head states (`ttl`, `updatePeriod`)."""
    head = text[:HEAD_CHARS]
    stated = []
    ttl = _TTL.search(head)
    if ttl:
        stated.append(float(ttl.group(1)) * 60)
    period = _PERIOD.search(head)
    if period and period.group(1).lower() in _PERIODS:
        times = _FREQUENCY.search(head)
        stated.append(
            _PERIODS[period.group(1).lower()] / max(1, int(times.group(1)) if times else 1)
        )
    return max(stated, default=None)


def _outside_entries(body: bytes) -> str:
    if b"\0" in body[:4]:
        # UTF-16 and UTF-32: all that is looked for is ASCII.
        body = body.replace(b"\0", b"")
    first = _ENTRY.search(body)
    head = body[: min(first.start() if first else HEAD_CHARS, HEAD_CHARS)]
    tail = body[-HEAD_CHARS:] if first else b""
    ends = [found.end() for found in _ENTRY_END.finditer(tail)]
    return (head + (tail[ends[-1] :] if ends else b"")).decode("ascii", "ignore")


def _within(head: str, outer: re.Pattern[str], inner: re.Pattern[str]) -> list[str]:
    found = outer.search(head)
    return inner.findall(found.group(1)) if found else []
