"""The date that a text file's name holds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from transforms.file_documents import date_in_name, document_item

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("a/2026-10-30-zambia.txt", "2026-10-30"),
        ("20261030.txt", "2026-10-30"),
        ("note_2026_10_30_v2.txt", "2026-10-30"),
        ("2026-10-30/note.txt", None),
        ("note.txt", None),
        ("2026-13-30.txt", None),
        ("2026-1030.txt", None),
        ("120261030.txt", None),
        ("3026-10-30.txt", None),
    ],
)
def test_a_name_s_date(origin: str, expected: str | None) -> None:
    assert date_in_name(origin) == expected


def test_a_text_takes_it_and_a_page_does_not() -> None:
    text = document_item(b"Title\n\nBody text.", "text", "2026-10-30-x.txt", NOW)
    assert text.published == "2026-10-30"
    page = document_item(b"<html><body>x</body></html>", "html", "2026-10-30-x.html", NOW)
    assert page.published is None
