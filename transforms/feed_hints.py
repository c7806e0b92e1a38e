"""How long a feed or its server says that an answer stays good."""

from __future__ import annotations

import re

HEAD_CHARS = 32_768

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_NO_STORE = re.compile(r"\bno-(?:cache|store)\b", re.IGNORECASE)
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


def max_age_s(cache_control: str | None) -> float | None:
    """Return the seconds for which a Cache-Control header lets an answer be kept, or None."""
    header = cache_control or ""
    found = _MAX_AGE.search(header)
    if found is None or _NO_STORE.search(header):
        return None
    return float(found.group(1))


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
