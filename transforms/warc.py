"""WARC archives (ISO 28500; Common Crawl's CC-NEWS): the pages that a crawler got.

A record is read by its stated length, so that one cut short is noticed, and its payload is
unchunked and unpacked as HTTP says. Whatever is wrong with one record, the next is found.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from transforms.compression import BadCompression, TooLarge, unpack

MAX_HEADER_BYTES = 65_536
MAX_HEADERS = 200
MAX_CODINGS = 3

_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})")


@dataclass(frozen=True, slots=True)
class WarcPage:
    """One archived answer, or why there is none (`problem`, snake_case). `number` is from 1."""

    number: int
    url: str | None = None
    date: str | None = None
    content_type: str = ""
    body: bytes = b""
    problem: str | None = None
    detail: str = ""


class _Stream(io.RawIOBase):
    """Byte pieces as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        if not self._rest:
            self._rest = next(self._pieces, b"")
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def read_warc(pieces: Iterator[bytes], max_bytes: int) -> Iterator[WarcPage]:
    """Yield the answers in an unpacked WARC, requests and other bookkeeping left out.

    Problems: `truncated_record`, `bad_record`, `too_large` (beyond `max_bytes`), `http_<status>`,
    `bad_compression`. Raises what the pieces raise.
    """
    stream = io.BufferedReader(_Stream(pieces))
    number = 0
    while line := _next_record(stream):
        number += 1
        headers = _headers(stream) if line.startswith(b"WARC/") else None
        length = _length(headers)
        if headers is None or length is None:
            yield WarcPage(number, problem="bad_record", detail=repr(line[:60]))
            continue
        kind = headers.get("warc-type", "").lower()
        if kind not in ("response", "resource"):
            if _skip(stream, length) < length:
                yield WarcPage(number, problem="truncated_record", detail=f"a {kind[:20]} record")
            continue
        url = headers.get("warc-target-uri", "").strip("<>") or None
        date = headers.get("warc-date")
        if length > max_bytes + MAX_HEADER_BYTES:
            _skip(stream, length)
            yield WarcPage(number, url, date, problem="too_large", detail=f"{length} bytes")
            continue
        block = stream.read(length)
        if len(block) < length:
            detail = f"{len(block)} bytes of {length}"
            yield WarcPage(number, url, date, problem="truncated_record", detail=detail)
            continue
        page = WarcPage(number, url, date, headers.get("content-type", ""), block)
        yield _answer(page, max_bytes) if kind == "response" else page


class CutChunksError(ValueError):
    """A chunked body that ends before its last chunk does."""


def unchunk(body: bytes) -> bytes:
    """Return a body without HTTP's chunk sizes, or as it is where it has none.

    Archives often keep the header of a body that they stored unchunked. Raises CutChunksError for
    one that is cut off, before or within a chunk.
    """
    pieces: list[bytes] = []
    position = 0
    while found := _CHUNK_SIZE.match(body, position):
        size = int(found.group(1), 16)
        if size == 0:
            return b"".join(pieces)
        pieces.append(body[found.end() : found.end() + size])
        position = found.end() + size
        end = body[position : position + 2]
        if end == b"\r\n":
            position += 2
        elif end[:1] == b"\n":
            position += 1
        elif end not in (b"", b"\r") and len(pieces) == 1:
            return body  # a number that the text starts with
    if not pieces or (len(pieces) == 1 and position > len(body) and b"\r\n" not in body):
        return body
    if position >= len(body):
        raise CutChunksError(f"{len(body)} bytes of chunks without the last")
    raise CutChunksError(f"no chunk size after {position} of {len(body)} bytes")


def _answer(page: WarcPage, max_bytes: int) -> WarcPage:
    """Return the page behind an archived HTTP message."""
    stream = io.BytesIO(page.body)
    status = _STATUS.match(stream.readline(MAX_HEADER_BYTES))
    headers = _headers(stream)
    where = (page.number, page.url, page.date)
    if status is None or headers is None:
        return WarcPage(*where, problem="bad_record", detail="no HTTP answer in it")
    code = status.group(1).decode("ascii")
    if code != "200":
        return WarcPage(*where, problem=f"http_{code}")
    body = stream.read()
    if "chunked" in headers.get("transfer-encoding", "").lower():
        try:
            body = unchunk(body)
        except CutChunksError as error:
            return WarcPage(*where, problem="truncated_record", detail=str(error))
    codings = headers.get("content-encoding", "").split(",")[-MAX_CODINGS:]
    try:
        for coding in reversed(codings):
            body = _unpacked(body, coding, max_bytes)
    except TooLarge as error:
        return WarcPage(*where, problem="too_large", detail=str(error))
    except BadCompression as error:
        return WarcPage(*where, problem="bad_compression", detail=str(error))
    return WarcPage(*where, content_type=headers.get("content-type", ""), body=body)


def _unpacked(body: bytes, coding: str, limit: int) -> bytes:
    try:
        return b"".join(unpack(iter((body,)), coding, limit))
    except BadCompression:
        # As with chunks: the header may describe what came over the wire, not what was stored.
        if body.lstrip()[:1] == b"<":
            return body
        raise


def _next_record(stream: io.BufferedReader[Any]) -> bytes:
    """Return the line that starts the next record, b"" at the end.

    A line that starts none is returned once, as a bad record, and the reading goes on at the next
    that does.
    """
    line = stream.readline(MAX_HEADER_BYTES)
    while line and not line.strip():
        line = stream.readline(MAX_HEADER_BYTES)
    if not line or line.startswith(b"WARC/"):
        return line
    while (peeked := stream.peek(5)[:5]) and peeked != b"WARC/":
        stream.readline(MAX_HEADER_BYTES)
    return line


def _headers(stream: io.BufferedIOBase) -> dict[str, str] | None:
    headers: dict[str, str] = {}
    for _ in range(MAX_HEADERS):
        line = stream.readline(MAX_HEADER_BYTES)
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.partition(b":")
        if not line.endswith(b"\n"):
            return None
        if colon:
            key = name.decode("latin-1").strip().lower()
            headers[key] = value.decode("utf-8", "replace").strip()
    return None


def _length(headers: dict[str, str] | None) -> int | None:
    text = (headers or {}).get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _skip(stream: io.BufferedReader[Any], length: int) -> int:
    left = length
    while left > 0 and (piece := stream.read(min(left, MAX_HEADER_BYTES))):
        left -= len(piece)
    return length - left
