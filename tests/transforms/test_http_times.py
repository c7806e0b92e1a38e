from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from transforms.http_times import freshness_s, retry_after

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)


def at(**offset: int) -> str:
    return format_datetime(NOW + timedelta(**offset), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("99999999999999999", 86_400.0),
        (at(hours=1), 3_600.0),
        (at(hours=-1), 0.0),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, at()) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "public, max-age=300"}, 300.0),
        ({"cache-control": 'max-age="60"'}, 60.0),
        ({"cache-control": "no-cache, max-age=300"}, None),
        ({"cache-control": "no-store", "expires": at(hours=1), "date": at()}, None),
        ({"cache-control": "s-maxage=30"}, None),
        ({"cache-control": "max-age=0", "expires": at(hours=1), "date": at()}, None),
        ({"cache-control": "max-age=300", "expires": at(hours=9), "date": at()}, 300.0),
        ({"cache-control": "max-age=300", "age": "120"}, 180.0),
        ({"cache-control": "max-age=300", "age": "301"}, None),
        ({"cache-control": "max-age=300", "age": "old"}, 300.0),
        ({"cache-control": "public", "expires": at(minutes=10), "date": at()}, 600.0),
        ({"expires": at(minutes=10), "date": at(), "age": "60"}, 540.0),
        ({"expires": at(minutes=-10), "date": at()}, None),
        ({"expires": "0", "date": at()}, None),
        ({"expires": "-1"}, None),
        ({"age": "5"}, None),
        ({}, None),
    ],
)
def test_how_long_an_answer_stays_good(headers: dict[str, str], seconds: float | None) -> None:
    assert freshness_s(headers) == seconds


def test_an_expiry_without_a_date_counts_from_now() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(days=2), usegmt=True)
    left = freshness_s({"expires": until})
    assert left is not None
    assert 86_400 < left <= 2 * 86_400
