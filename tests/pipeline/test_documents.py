"""Documents for `extract`: every way in, and what can't be read costs itself only."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.documents import (
    Defaults,
    Skipped,
    document_of_line,
    documents_of_file,
    documents_of_stream,
    documents_of_texts,
)
from transforms.records import Document

DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)
DEFAULTS = Defaults(published_at=DAY, max_bytes=200, now=datetime(2026, 11, 9, tzinfo=UTC))


def read(line: str) -> Document | Skipped:
    return document_of_line(line.encode(), "f, line 7", "7", DEFAULTS)


def test_texts_are_numbered() -> None:
    assert list(documents_of_texts(["A &amp; B.", "C."], DEFAULTS)) == [
        Document("1", "", "A & B.", DAY),
        Document("2", "", "C.", DAY),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"id": "a", "text": "x"}', Document("a", "", "x", DAY)),
        ('{"id": 5, "text": "x", "other": [1]}', Document("5", "", "x", DAY)),
        ('{"text": "x"}', Document("7", "", "x", DAY)),
        ('{"id": "", "title": "T\\n u"}', Document("7", "T u", "", DAY)),
        (
            '{"id": "a", "text": "x", "published_at": "2025-03-04T05:06:07+02:00"}',
            Document("a", "", "x", datetime(2025, 3, 4, 3, 6, 7, tzinfo=UTC)),
        ),
        ('{"id": "a", "text": "x", "published_at": "soon"}', Document("a", "", "x", DAY)),
        ('{"id": "a", "text": "x", "published_at": null}', Document("a", "", "x", DAY)),
        ('{"id": "a", "text": "\\ud800x"}', Document("a", "", "\ufffdx", DAY)),
        ("[1]", Skipped("f, line 7", "not a JSON object")),
        ('"x"', Skipped("f, line 7", "not a JSON object")),
        ('{"id": "a"}', Skipped("f, line 7", "no text")),
        ('{"id": "a", "text": 5}', Skipped("f, line 7", "no text")),
        ('{"id": "a", "text": "  "}', Skipped("f, line 7", "no text")),
    ],
)
def test_json_lines(line: str, expected: Document | Skipped) -> None:
    assert read(line) == expected


@pytest.mark.parametrize("line", ["{", "nonsense", "[" * 100_000, '{"a": NaNa}'])
def test_what_is_not_json(line: str) -> None:
    found = read(line)
    assert isinstance(found, Skipped)
    assert found.why.startswith("not JSON: ")


@settings(max_examples=60)
@given(line=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_line_raises(line: bytes) -> None:
    assert isinstance(document_of_line(line, "w", "1", DEFAULTS), Document | Skipped)


@settings(max_examples=40)
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_no_value_raises(value: object) -> None:
    line = json.dumps({"id": value, "text": value, "title": value, "published_at": value})
    assert isinstance(read(line), Document | Skipped)


def test_a_json_lines_file_goes_on_after_bad_lines(tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl"
    long = '{"id": "long", "text": "' + "x" * 500 + '"}'
    path.write_text(f'\ufeff{{"id": "a", "text": "x"}}\n\nbad\n{long}\n{{"id": "b", "text": "y"}}')
    found = list(documents_of_file(path, DEFAULTS))
    assert [item.id for item in found if isinstance(item, Document)] == ["a", "b"]
    skipped = [item for item in found if isinstance(item, Skipped)]
    assert [item.where for item in skipped] == ["docs.jsonl, line 3", "docs.jsonl, line 4"]
    assert skipped[1].why == "larger than 200 bytes"


def test_a_text_file_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Café talks.\n\nMore.".encode("utf-16"))
    assert list(documents_of_file(path, DEFAULTS)) == [
        Document("a.txt", "", "Café talks.\n\nMore.", DAY)
    ]


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"", "empty"), (b" \n", "empty"), (b"\x89PNG\r\n\x1a\n\0\0", "not text")],
)
def test_text_files_that_hold_none(tmp_path: Path, body: bytes, why: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(body)
    assert list(documents_of_file(path, DEFAULTS)) == [Skipped("a.txt", why)]


def test_a_text_file_beyond_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 201)
    found = next(iter(documents_of_file(path, DEFAULTS)))
    assert isinstance(found, Skipped)
    assert found.why == "larger than 200 bytes (read.max_document_bytes)"


def test_standard_input_is_one_text_or_json_lines() -> None:
    text = list(documents_of_stream(io.BytesIO(b"\nOne text.\nGoes on."), DEFAULTS))
    assert [type(item) for item in text] == [Document]
    lines = list(documents_of_stream(io.BytesIO(b'\n{"id":"a","text":"x"}\nbad\n'), DEFAULTS))
    assert isinstance(lines[0], Document)
    assert isinstance(lines[1], Skipped)
    assert list(documents_of_stream(io.BytesIO(b""), DEFAULTS)) == [
        Skipped("standard input", "empty")
    ]
