"""Dates as feeds and pages write them, to UTC; what isn't written is never made up.

ISO 8601, RFC 822 and English forms are read here; other languages go to dateparser, which is a
hundred times slower. The answer depends on the text alone, never on TZ, locale or today's date.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from dateparser.date import DateDataParser

MAX_DATE_CHARS = 100
# Year, month, day, hour, minute, second, fraction, and the two of an offset.
MAX_NUMBERS = 9
# Clocks of servers run ahead, and local dates reach UTC+14; a day covers both.
FUTURE_TOLERANCE = timedelta(days=1)
# RFC 2822, section 4.3, and Python's email.utils: two-digit years from 69 are of the 1900s.
CENTURY_PIVOT = 69

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january",
            "feb february",
            "mar march",
            "apr april",
            "may",
            "jun june",
            "jul july",
            "aug august",
            "sep sept september",
            "oct october",
            "nov november",
            "dec december",
        ),
        start=1,
    )
    for name in names.split()
}
# Minutes east of UTC. RFC 822, section 5.1, then abbreviations in common use whose most frequent
# reading in news is clear (IST is India's, CST America's, BST Britain's).
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0,
    "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420, "akst": -540, "akdt": -480, "hst": -600, "ast": -240, "adt": -180,
    "brt": -180, "art": -180, "clt": -240,
    "bst": 60, "west": 60, "cet": 60, "cest": 120, "mez": 60, "mesz": 120, "wat": 60,
    "eet": 120, "eest": 180, "cat": 120, "sast": 120, "msk": 180, "eat": 180, "trt": 180,
    "irst": 210, "gst": 240, "pkt": 300, "ist": 330, "bdt": 360, "ict": 420, "wib": 420,
    "sgt": 480, "hkt": 480, "pht": 480, "awst": 480, "jst": 540, "kst": 540,
    "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780,
}  # fmt: skip
_MONTH = r"(?P<month>[a-z]{3,9})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_WEEKDAY = r"(?:[a-z]{2,9}\.?,?\s+)?"
_CLOCK = (
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"(?:\s*(?P<half>[ap])\.?m\b\.?)?"
)
_ZONE = (
    r"(?:\s*(?:\(?(?P<zone>[a-z]{1,5})\)?)?\s*(?P<offset>[+-]\d{1,2}:?\d{0,2})?(?:\s*\([^)]*\))?)?"
)
_AT = r"(?:\s*,?\s*(?:at|-|–|\||t)?\s*" + _CLOCK + _ZONE + r")?"
_FORMS = tuple(
    re.compile(form + r"\s*\Z", re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})(?P<sep>[-/.])(?P<number>\d{1,2})(?P=sep)" + _DAY + _AT,
        r"(?P<year>\d{4})(?P<number>\d{2})(?P<day>\d{2})"
        r"(?:t?\s*(?P<hour>\d{2}):?(?P<minute>\d{2}):?(?P<second>\d{2})?(?P<half>)" + _ZONE + r")?",
        _WEEKDAY + _DAY + r"[\s-]+" + _MONTH + r",?[\s-]+(?P<year>\d{4}|\d{2})" + _AT,
        _WEEKDAY + _MONTH + r"\s+" + _DAY + r",?\s+(?P<year>\d{4})" + _AT,
        _WEEKDAY + _MONTH + r"\s+" + _DAY + r"\s+" + _CLOCK + _ZONE + r"\s+(?P<year>\d{4})",
        _WEEKDAY + _CLOCK + _ZONE + r"\s*,?\s*" + _DAY + r"\s+" + _MONTH + r",?\s+(?P<year>\d{4})",
        r"(?P<first>\d{1,2})[./-](?P<other>\d{1,2})[./-](?P<year>\d{4})" + _AT,
    )
)
_LABEL = re.compile(
    r"\A(?:(?:first |last )?(?:published|updated|posted|modified|date)(?: on| at)?\b[:\s]*)+",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}")
_TRAILING_ZONE = re.compile(
    r"\s*(?:\b(?P<zone>[A-Za-z]{1,5}))?\s*(?P<offset>(?<=[\d\sA-Za-z])[+-]\d{2}:?\d{2})?\s*\Z"
)
_NUMBER = re.compile(r"\d+")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")


@dataclass(frozen=True, slots=True)
class ParsedDate:
    """A UTC time or None, with flags: `tz_assumed_utc`, `date_order_assumed`, `date_in_future`,
    `date_unparsed`.
    """

    value: datetime | None
    flags: tuple[str, ...] = ()


def parse_date(
    text: str, fetched_at: datetime, earliest_year: int = 1990, language: str | None = None
) -> ParsedDate:
    """Return the time that `text` states; never raises.

    A text without year, month or day states none. More than a day after `fetched_at` becomes
    `fetched_at`; before `earliest_year` (a lost clock's 1970) and nonsense become None.
    `language` (ISO 639-1) settles month names that two languages share.
    """
    cleaned = " ".join(text.split())
    if not cleaned or len(cleaned) > MAX_DATE_CHARS:
        return ParsedDate(None, ("date_unparsed",))
    value, flags = _read(cleaned, language)
    if value is None or value.year < earliest_year:
        return ParsedDate(None, ("date_unparsed",))
    if value > fetched_at + FUTURE_TOLERANCE:
        return ParsedDate(fetched_at, (*flags, "date_in_future"))
    return ParsedDate(value, flags)


@lru_cache(maxsize=4_096)
def _read(text: str, language: str | None) -> tuple[datetime | None, tuple[str, ...]]:
    text = _LABEL.sub("", text)
    if _EPOCH.fullmatch(text):
        return _from_epoch(text), ()
    for form in _FORMS:
        found = form.match(text)
        if found is not None and _is_english(found.groupdict().get("month")):
            return _from_parts(found.groupdict())
    # Without a year and a day there is no date to find, nor in a heap of numbers, and failing
    # costs dateparser every language that it has.
    if _YEAR.search(text) is None or not 2 <= len(_NUMBER.findall(text)) <= MAX_NUMBERS:
        return None, ()
    return _from_any_language(text, language)


def _is_english(month: str | None) -> bool:
    return month is None or month.lower() in _MONTHS


def _from_epoch(digits: str) -> datetime | None:
    seconds = float(digits) / (1000 if len(digits) >= 12 and "." not in digits else 1)
    try:
        # Whole seconds, as of every other form: one time written in two ways is one time.
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds))
    except OverflowError:
        return None


def _from_parts(parts: dict[str, str | None]) -> tuple[datetime | None, tuple[str, ...]]:
    flags: tuple[str, ...] = ()
    year = int(parts["year"] or 0)
    if len(parts["year"] or "") == 2:
        year += 1900 if year >= CENTURY_PIVOT else 2000
    if parts.get("first"):
        day, month = int(parts["first"] or 0), int(parts["other"] or 0)
        if month > 12:
            day, month = month, day
        elif day <= 12 and day != month:
            # Day first is how all but a few countries write it.
            flags = ("date_order_assumed",)
    else:
        name = (parts.get("month") or "").lower()
        month = _MONTHS.get(name, 0) if name else int(parts.get("number") or 0)
        day = int(parts["day"] or 0)
    hour = int(parts.get("hour") or 0)
    half = (parts.get("half") or "").lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    second = min(int(parts.get("second") or 0), 59)
    try:
        naive = datetime(year, month, day, tzinfo=UTC)
        naive += timedelta(hours=hour, minutes=int(parts.get("minute") or 0), seconds=second)
    except (ValueError, OverflowError):
        return None, ()
    if hour > 24 or (hour == 24 and (naive.minute or naive.second)):
        return None, ()
    value, zone_flags = _in_zone(naive, parts.get("zone"), parts.get("offset"))
    return value, (*zone_flags, *flags)


def _in_zone(
    local: datetime, name: str | None, offset: str | None
) -> tuple[datetime | None, tuple[str, ...]]:
    """Return `local` (a wall-clock time that is marked UTC) moved from its zone to UTC."""
    minutes = _offset_minutes(offset) if offset else _ZONES.get((name or "").lower())
    if minutes is None:
        return local, ("tz_assumed_utc",)
    try:
        return local.replace(tzinfo=timezone(timedelta(minutes=minutes))).astimezone(UTC), ()
    except (OverflowError, ValueError):
        return None, ()


def _offset_minutes(offset: str) -> int | None:
    digits = offset[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    total = int(hours) * 60 + int(minutes)
    # The widest zones are UTC-12 and UTC+14; more is a slip of the pen.
    if total > 14 * 60 or int(minutes) > 59:
        return None
    return -total if offset[0] == "-" else total


@lru_cache(maxsize=64)
def _parser(language: str | None) -> DateDataParser:
    # Strict: all of day, month and year must stand there. Absolute only: "yesterday" is not a
    # date of the text. No previous locales: the answer must not depend on what came before.
    settings = {
        "STRICT_PARSING": True,
        "PARSERS": ["absolute-time"],
        "DATE_ORDER": "DMY",
        "TIMEZONE": "UTC",
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    languages = [language] if language else None
    return DateDataParser(languages=languages, try_previous_locales=False, settings=settings)


def _from_any_language(text: str, language: str | None) -> tuple[datetime | None, tuple[str, ...]]:
    zone = _TRAILING_ZONE.search(text)
    name, offset = (zone.group("zone"), zone.group("offset")) if zone else (None, None)
    if zone is not None and (offset or (name or "").lower() in _ZONES):
        text = text[: zone.start()]
    for tongue in dict.fromkeys((language, None)):
        try:
            # A missing year in dateparser's own patterns makes CPython warn; nothing is wrong.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = _parser(tongue).get_date_data(text).date_obj
        except Exception:
            # An unknown language code is a ValueError; odd digits have raised others.
            continue
        if value is not None:
            # Whole seconds, as of every other form.
            return _in_zone(value.replace(microsecond=0, tzinfo=UTC), name, offset)
    return None, ()
