import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.dates import parse_date

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
ASSUMED = ("tz_assumed_utc",)


@pytest.mark.parametrize(
    ("text", "expected", "flags"),
    [
        ("Sun, 11 May 2025 08:30:00 GMT", datetime(2025, 5, 11, 8, 30), ()),
        ("Sun, 11 May 25 08:30 EST", datetime(2025, 5, 11, 13, 30), ()),
        ("11 May 2025 08:30:00 +0530", datetime(2025, 5, 11, 3, 0), ()),
        ("2025-05-11T08:30:00.5Z", datetime(2025, 5, 11, 8, 30), ()),
        ("2025-05-11 08:30:00-04:00", datetime(2025, 5, 11, 12, 30), ()),
        ("20250511T083000Z", datetime(2025, 5, 11, 8, 30), ()),
        ("2025-05-11", datetime(2025, 5, 11), ASSUMED),
        ("May 11, 2025 8:30 pm", datetime(2025, 5, 11, 20, 30), ASSUMED),
        ("11th May 2025 at 08:30 CET", datetime(2025, 5, 11, 7, 30), ()),
        ("Sun May 11 08:30:00 2025", datetime(2025, 5, 11, 8, 30), ASSUMED),
        ("Published: 11 May 2025", datetime(2025, 5, 11), ASSUMED),
        ("1746952200", datetime(2025, 5, 11, 8, 30), ()),
        ("1746952200000", datetime(2025, 5, 11, 8, 30), ()),
        ("05/31/2025", datetime(2025, 5, 31), ASSUMED),
        ("04/05/2025", datetime(2025, 5, 4), (*ASSUMED, "date_order_assumed")),
        ("Mo, 12 Mai 2025 10:00:00 +0200", datetime(2025, 5, 12, 8), ()),
        ("Fre, 02 maj 2025 10:46:33", datetime(2025, 5, 2, 10, 46, 33), ASSUMED),
        ("пт, 02 мая 2025 08:00:00 +0300", datetime(2025, 5, 2, 5), ()),
        ("2 de mayo de 2025 14:00 GMT", datetime(2025, 5, 2, 14), ()),
        ("vendredi 2 mai 2025 à 14h30", datetime(2025, 5, 2, 14, 30), ASSUMED),
        ("2025年5月2日 10:30", datetime(2025, 5, 2, 10, 30), ASSUMED),
    ],
)
def test_common_forms(text: str, expected: datetime, flags: tuple[str, ...]) -> None:
    parsed = parse_date(text, AT)
    assert parsed.value == expected.replace(tzinfo=UTC)
    assert parsed.flags == flags


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "3 hours ago",
        "11 May",
        "May 2025",
        "2025",
        "2025-05",
        "10:30",
        "31 February 2025",
        "0000-00-00T00:00:00",
        "2025-13-45",
        "1970-01-01T00:00:00Z",
        "TBA 2025",
        "x" * 500,
        "",
    ],
)
def test_what_names_no_day_stays_unknown(text: str) -> None:
    parsed = parse_date(text, AT)
    assert parsed.value is None
    assert parsed.flags == ("date_unparsed",)


def test_future_dates_become_the_fetch_time_but_a_day_is_forgiven() -> None:
    near = (AT + timedelta(hours=23)).isoformat()
    far = (AT + timedelta(hours=25)).isoformat()
    assert parse_date(near, AT).value == AT + timedelta(hours=23)
    assert parse_date(far, AT).value == AT
    assert parse_date(far, AT).flags == ("date_in_future",)


def test_one_time_in_two_notations_is_one_time() -> None:
    expected = datetime(2025, 5, 22, 3, 21, 20, tzinfo=UTC)
    for text in ("1747884080202", "1747884080.202", "1747884080", "2025-05-22T03:21:20.202Z"):
        assert parse_date(text, AT).value == expected, text


def test_fractions_of_a_second_are_nothing_in_any_notation() -> None:
    whole = datetime(2025, 6, 1, 9, 14, tzinfo=UTC)
    for text in ("2025-06-01T09:14:00.1", "2025-06-01T09:14:00.1\x7f", "1 juin 2025 09:14:00.5"):
        assert parse_date(text, AT).value in (whole, None)
    assert parse_date("1 juin 2025 09:14:00.5", AT).value == whole


@pytest.mark.parametrize(
    "text",
    [
        "20 220222022202 22026 12:00:00 +00002026-11-20T10:00:00Z:00 +0000:00 +0000:00 +0000",
        " ".join("2025" for _ in range(19)),
        "1.2.3.4.5.6.7.8.9.10 2025",
    ],
)
def test_a_heap_of_numbers_is_no_date(text: str) -> None:
    assert parse_date(text, AT).value is None


def test_an_impossible_offset_is_no_zone() -> None:
    assert parse_date("2025-05-11 08:30 +9900", AT).flags == ASSUMED


def test_language_settles_a_month_that_two_languages_share() -> None:
    polish = parse_date("5 listopada 2024", AT, language="pl").value
    croatian = parse_date("5 listopada 2024", AT, language="hr").value
    assert polish == datetime(2024, 11, 5, tzinfo=UTC)
    assert croatian == datetime(2024, 10, 5, tzinfo=UTC)


def test_order_of_questions_doesn_t_change_answers() -> None:
    texts = ["5 listopada 2024", "2 de mayo de 2025", "Mo, 12 Mai 2025"]
    forward = [parse_date(text, AT) for text in texts]
    code = (
        "from datetime import UTC, datetime; from transforms.dates import parse_date\n"
        f"at = datetime.fromisoformat({AT.isoformat()!r})\n"
        f"print([parse_date(t, at).value.isoformat() for t in {texts[::-1]!r}])"
    )
    env = {**os.environ, "TZ": "America/New_York"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    backward = [one.value.isoformat() for one in reversed(forward) if one.value]
    assert done.stdout.strip() == str(backward)


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("0123456789-/:.,+TZ aAmMayпJanuré"), max_size=40))
def test_any_text_gives_a_sane_date_or_none(text: str) -> None:
    value = parse_date(text, AT).value
    assert value is None or (value.tzinfo is UTC and 1990 <= value.year <= 2025)
