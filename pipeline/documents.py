"""Documents for ad-hoc analysis: arguments, text files, JSON lines, standard input.

What can't be read becomes a `Skipped` between the documents: one bad line costs itself only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from transforms.dates import parse_date
from transforms.encoding import decode, is_binary, scrub_surrogates
from transforms.markup import one_line, plain_text, reflow
from transforms.records import Document

JSON_LINES = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True)
class Skipped:
    """Something that could not be read: where it stands, and why."""

    where: str
    why: str


@dataclass(frozen=True)
class Defaults:
    """What documents lack: `published_at` for undated ones; the largest document, in bytes.

    A document dated after `now` is taken to be of `now`.
    """

    published_at: datetime
    max_bytes: int
    now: datetime


def documents_of_texts(texts: Iterable[str], defaults: Defaults) -> Iterator[Document]:
    """Yield one document a text, with the ids "1", "2" and so on."""
    for number, text in enumerate(texts, 1):
        yield Document(str(number), "", plain_text(scrub_surrogates(text)), defaults.published_at)


def documents_of_file(path: Path, defaults: Defaults) -> Iterator[Document | Skipped]:
    """Yield the documents of a JSON lines file, or the one document of a text file.

    Raises OSError where the file can't be opened.
    """
    with path.open("rb") as stream:
        if path.suffix.lower() in JSON_LINES:
            yield from _documents_of_lines(stream, path.name, defaults)
        else:
            yield from _document_of_text(stream, path.name, defaults)


def documents_of_stream(stream: IO[bytes], defaults: Defaults) -> Iterator[Document | Skipped]:
    """Yield the documents of standard input: JSON lines where it starts with "{", else one text."""
    start = b""
    while not start.strip():
        line = stream.readline(defaults.max_bytes + 1)
        if not line:
            break
        start = line
    if start.lstrip().startswith(b"{"):
        yield from _documents_of_lines(_Resumed(start, stream), "standard input", defaults)
    else:
        yield from _document_of_text(_Resumed(start, stream), "standard input", defaults)


class _Resumed:
    """A byte stream with the line that was read to recognise it put back."""

    def __init__(self, start: bytes, stream: IO[bytes]) -> None:
        self._start = start
        self._stream = stream

    def readline(self, limit: int) -> bytes:
        start, self._start = self._start, b""
        return start or self._stream.readline(limit)

    def read(self, limit: int) -> bytes:
        start, self._start = self._start, b""
        return start + self._stream.read(max(0, limit - len(start)))


def _document_of_text(stream: Any, name: str, defaults: Defaults) -> Iterator[Document | Skipped]:
    body: bytes = stream.read(defaults.max_bytes + 1)
    if len(body) > defaults.max_bytes:
        yield Skipped(name, f"larger than {defaults.max_bytes:,} bytes (read.max_document_bytes)")
    elif is_binary(body):
        yield Skipped(name, "not text")
    elif not (text := decode(body).text).strip():
        yield Skipped(name, "empty")
    else:
        # Here, since it brings Beam along, which JSON lines have no use for.
        from transforms.read_files import split_title

        title, rest = split_title(text)
        yield Document(name, title or "", reflow(rest), defaults.published_at)


def _documents_of_lines(stream: Any, name: str, defaults: Defaults) -> Iterator[Document | Skipped]:
    number = 0
    while line := stream.readline(defaults.max_bytes + 1):
        number += 1
        where = f"{name}, line {number}"
        if len(line) > defaults.max_bytes:
            while line and not line.endswith(b"\n"):
                line = stream.readline(defaults.max_bytes + 1)
            yield Skipped(where, f"larger than {defaults.max_bytes:,} bytes")
        elif line.strip():
            yield document_of_line(line, where, str(number), defaults)


def document_of_line(
    line: bytes, where: str, fallback_id: str, defaults: Defaults
) -> Document | Skipped:
    """Return the document of one JSON line {"id", "text", "title"?, "published_at"?}."""
    try:
        data = json.loads(decode(line).text)
    except (ValueError, RecursionError) as error:
        return Skipped(where, f"not JSON: {error}")
    if not isinstance(data, dict):
        return Skipped(where, "not a JSON object")
    title, text = (_string(data.get(key)) for key in ("title", "text"))
    if not text.strip() and not title.strip():
        return Skipped(where, "no text")
    published = defaults.published_at
    stated = data.get("published_at")
    if stated is not None:
        published = parse_date(str(stated), defaults.now).value or published
    identity = data.get("id")
    name = fallback_id if identity in (None, "") else scrub_surrogates(str(identity))
    return Document(name, one_line(title), plain_text(text), published)


def _string(value: Any) -> str:
    return scrub_surrogates(value) if isinstance(value, str) else ""
