"""What HTTP headers say of time: how long to wait, and how long an answer stays good."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_S = 86_400.0

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_NO_STORE = re.compile(r"\bno-(?:cache|store)\b", re.IGNORECASE)
_SECONDS = re.compile(r"\s*(\d{1,12})\d*\s*\Z", re.ASCII)


def retry_after(value: str | None, date: str | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for, at most a day, or None.

    A date counts from the server's own `Date`, since its clock made it.
    """
    if not value:
        return None
    seconds = _SECONDS.match(value)
    if seconds:
        return min(float(seconds.group(1)), MAX_RETRY_AFTER_S)
    until = http_date(value)
    if until is None:
        return None
    return min(max((until - _sent_at(date)).total_seconds(), 0.0), MAX_RETRY_AFTER_S)


def freshness_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds for which an answer is still good, or None where it needn't be.

    As RFC 9111 (4.2) has it for a private cache: `max-age`, else `Expires` less `Date`; less the
    `Age` that it had in caches on its way. Names of headers are in lower case or the mapping
    doesn't care.
    """
    control = headers.get("cache-control", "")
    if _NO_STORE.search(control):
        return None
    stated = _MAX_AGE.search(control)
    expires = http_date(headers.get("expires", ""))
    if stated:
        lifetime = float(stated.group(1))
    elif expires is not None:
        lifetime = (expires - _sent_at(headers.get("date"))).total_seconds()
    else:
        return None
    age = _SECONDS.match(headers.get("age", ""))
    left = lifetime - (float(age.group(1)) if age else 0.0)
    return left if left > 0 else None


def http_date(text: str) -> datetime | None:
    """Return the time of an HTTP date, or None where it is none, such as `Expires: 0`."""
    try:
        found = parsedate_to_datetime(text.strip())
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _sent_at(date: str | None) -> datetime:
    return http_date(date or "") or datetime.now(UTC)
