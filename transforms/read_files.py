"""Local files to raw items; what can't be read is a reject, and its neighbours don't notice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

import apache_beam as beam

from transforms.compression import BadCompression, TooLarge, file_pieces
from transforms.encoding import decode, is_binary
from transforms.feed_parser import looks_like_feed, parse_feed
from transforms.feed_xml import root_name
from transforms.json_articles import item_from_json
from transforms.json_feed import is_json_feed
from transforms.markup import has_tags
from transforms.records import RawItem, Reject
from transforms.settings import ReadSettings
from transforms.sources import (
    LINE_SUFFIXES,
    SourceSlice,
    bare_suffix,
    estimate_bytes,
    expand_inputs,
)

__all__ = ["ReadFiles", "SourceSlice", "estimate_bytes", "expand_inputs", "read_slice"]

ITEMS = "items"
REJECTS = "rejects"
EXCERPT_CHARS = 200
HEAD_BYTES = 4_096
LOCAL = "local"
# A headline; news of record rarely runs beyond this (CleanSettings.max_title_chars cuts anyway).
MAX_TITLE_CHARS = 200
MAX_TITLE_WORDS = 30

_FEED_SUFFIXES = frozenset((".xml", ".rss", ".atom", ".rdf"))
_HTML_SUFFIXES = frozenset((".html", ".htm", ".xhtml"))
Kind = Literal["text", "html", "lines", "json", "feed"]


class _UnusableError(ValueError):
    """A whole file, or the rest of it, that can't be used."""

    def __init__(self, reason: str, detail: str, excerpt: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.excerpt = excerpt


def read_slice(
    part: SourceSlice, settings: ReadSettings, fetched_at: datetime
) -> Iterator[RawItem | Reject]:
    """Yield the items of a slice and rejects with stage `read`; never raises.

    Memory is bounded by `max_document_bytes`, which a text, a page, a feed or one line may have;
    `max_file_bytes` bounds what a compressed file unpacks to. Reasons: `not_found`,
    `not_a_file`, `unsupported_type`, `unreadable`, `empty_file`, `too_large`, `binary`,
    `bad_compression`, `not_json`, `not_an_object`, `no_text`, `line_too_long`, and those of
    `parse_feed`.
    """
    try:
        if part.problem:
            raise _UnusableError(part.problem, part.path)
        with Path(part.path).open("rb") as file:
            yield from _read(part, file, settings, fetched_at)
    except _UnusableError as error:
        yield _reject(part.origin, error.reason, error.detail, error.excerpt, fetched_at)
    except TooLarge as error:
        yield _reject(part.origin, "too_large", str(error), "", fetched_at)
    except BadCompression as error:
        yield _reject(part.origin, "bad_compression", str(error), "", fetched_at)
    except FileNotFoundError:
        yield _reject(part.origin, "not_found", "gone since it was listed", "", fetched_at)
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        yield _reject(part.origin, "unreadable", detail, "", fetched_at)


class ReadSliceFn(beam.DoFn):
    """Reads one slice; items go to the main output, rejects to `rejects`."""

    def __init__(self, settings: ReadSettings, fetched_at: datetime) -> None:
        self._settings = settings
        self._fetched_at = fetched_at

    def process(self, part: SourceSlice) -> Iterator[Any]:
        """Yield what the slice holds."""
        for found in read_slice(part, self._settings, self._fetched_at):
            if isinstance(found, Reject):
                yield beam.pvalue.TaggedOutput(REJECTS, found)
            else:
                yield found


class ReadFiles(beam.PTransform):
    """Nothing -> outputs `items` (RawItem) and `rejects` (Reject), from slices known beforehand."""

    def __init__(
        self, slices: Iterable[SourceSlice], settings: ReadSettings, fetched_at: datetime
    ) -> None:
        super().__init__()
        self._slices = list(slices)
        self._settings = settings
        self._fetched_at = fetched_at

    def expand(self, begin: Any) -> Any:
        """Apply the reading at the root of a pipeline."""
        return (
            begin
            | "Slices" >> beam.Create(self._slices, reshuffle=False)
            | "Spread slices" >> beam.Reshuffle()
            | "Read slice"
            >> beam.ParDo(ReadSliceFn(self._settings, self._fetched_at)).with_outputs(
                REJECTS, main=ITEMS
            )
        )


def _read(
    part: SourceSlice, file: BinaryIO, settings: ReadSettings, fetched_at: datetime
) -> Iterator[RawItem | Reject]:
    head = _head(file, settings)
    if not head:
        raise _UnusableError("empty_file", "nothing in it")
    if is_binary(head):
        raise _UnusableError("binary", "not text", repr(head[:40]))
    suffix = bare_suffix(part.path)
    kind = "lines" if part.start > 0 else _kind(head, suffix)
    if kind == "lines" and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield from _read_lines(part, file, settings, fetched_at)
        return
    limit = settings.max_document_bytes
    if Path(part.path).stat().st_size > max(limit, settings.max_file_bytes):
        raise TooLarge(f"more than {limit} bytes")
    body = b"".join(file_pieces(file, limit))
    if not body.strip():
        raise _UnusableError("empty_file", "nothing but whitespace")
    if kind == "feed":
        yield from _with_folder(
            parse_feed(
                body,
                None,
                None,
                fetched_at,
                origin=part.origin,
                max_entries=settings.max_entries_per_feed,
            ),
            part,
        )
    elif kind in ("json", "lines"):
        yield from _read_json(body, kind, part, settings, fetched_at)
    else:
        yield _document(body, kind, part, fetched_at)


def _head(file: BinaryIO, settings: ReadSettings) -> bytes:
    head = b""
    for piece in file_pieces(file, settings.max_file_bytes):
        head += piece
        if len(head) >= HEAD_BYTES:
            break
    file.seek(0)
    return head[:HEAD_BYTES]


def _kind(head: bytes, suffix: str) -> Kind:
    """Tell a file's kind by its content where that is plain, else by its suffix."""
    text = decode(head).text.lstrip()
    if text.startswith("<"):
        if suffix in _FEED_SUFFIXES or looks_like_feed(text):
            return "feed"
        if suffix in _HTML_SUFFIXES or root_name(text) == "html":
            return "html"
    if suffix in LINE_SUFFIXES:
        return "lines"
    if suffix == ".json":
        return "json"
    if suffix in _FEED_SUFFIXES:
        return "feed"
    if text.startswith("{") and _is_json_line(text):
        return "lines"
    if suffix in _HTML_SUFFIXES or (text.startswith("<") and has_tags(text)):
        return "html"
    return "text"


def _is_json_line(text: str) -> bool:
    try:
        return isinstance(json.loads(text.partition("\n")[0]), dict)
    except (ValueError, RecursionError):
        return False


def _read_lines(
    part: SourceSlice, file: BinaryIO, settings: ReadSettings, fetched_at: datetime
) -> Iterator[RawItem | Reject]:
    for number, line in _lines(part, file, settings):
        origin = f"{part.origin}#{number}"
        if line is None:
            detail = f"more than {settings.max_document_bytes} bytes"
            yield _reject(origin, "line_too_long", detail, "", fetched_at)
        elif line.strip():
            yield _record(decode(line).text, origin, part, fetched_at)


def _lines(
    part: SourceSlice, file: BinaryIO, settings: ReadSettings
) -> Iterator[tuple[int, bytes | None]]:
    """Yield (number, line) of a slice, None for a line that is longer than a document may be."""
    limit = settings.max_document_bytes
    buffer = bytearray()
    too_long = False
    number = part.first_line
    for piece in _slice_pieces(part, file, settings):
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            too_long = too_long or len(buffer) + end - start > limit
            yield number, None if too_long else bytes(buffer) + piece[start:end]
            buffer.clear()
            too_long = False
            number += 1
            start = end + 1
        if not too_long:
            buffer += piece[start:]
            if len(buffer) > limit:
                too_long = True
                buffer.clear()
    if buffer or too_long:
        yield number, None if too_long else bytes(buffer)


def _slice_pieces(part: SourceSlice, file: BinaryIO, settings: ReadSettings) -> Iterator[bytes]:
    if part.start == 0 and part.end is None:
        # A plain file of lines is never held as a whole, so its size is its owner's affair.
        size = Path(part.path).stat().st_size
        yield from file_pieces(file, max(settings.max_file_bytes, size))
        return
    file.seek(part.start)
    left = (part.end or 0) - part.start
    while left > 0 and (piece := file.read(min(left, HEAD_BYTES * 16))):
        left -= len(piece)
        yield piece


def _record(text: str, origin: str, part: SourceSlice, fetched_at: datetime) -> RawItem | Reject:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        return _reject(origin, "not_json", str(error), text, fetched_at)
    return _item(record, text, origin, part, fetched_at)


def _item(
    record: Any, text: str, origin: str, part: SourceSlice, fetched_at: datetime
) -> RawItem | Reject:
    if not isinstance(record, dict):
        return _reject(origin, "not_an_object", type(record).__name__, text, fetched_at)
    item = item_from_json(record, origin, part.folder or LOCAL, fetched_at)
    if item is None:
        return _reject(origin, "no_text", f"keys: {sorted(record)[:20]}", text, fetched_at)
    return item


def _read_json(
    body: bytes, kind: Kind, part: SourceSlice, settings: ReadSettings, fetched_at: datetime
) -> Iterator[RawItem | Reject]:
    text = decode(body).text
    if kind == "lines":
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                yield _record(line, f"{part.origin}#{number}", part, fetched_at)
        return
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        if _is_json_line(text.lstrip()):
            yield from _read_json(body, "lines", part, settings, fetched_at)
            return
        raise _UnusableError("not_json", str(error), text[:EXCERPT_CHARS]) from None
    if is_json_feed(document):
        limit = settings.max_entries_per_feed
        feed = parse_feed(body, None, None, fetched_at, origin=part.origin, max_entries=limit)
        yield from _with_folder(feed, part)
    elif isinstance(document, list):
        for number, record in enumerate(document, start=1):
            yield _item(record, str(record), f"{part.origin}#{number}", part, fetched_at)
    else:
        yield _item(document, text, part.origin, part, fetched_at)


def _with_folder(
    found: Iterator[RawItem | Reject], part: SourceSlice
) -> Iterator[RawItem | Reject]:
    """Give entries of a saved feed the folder as their outlet, should nothing name a better one."""
    for one in found:
        if isinstance(one, RawItem) and one.outlet is None:
            flags = (*one.flags, "outlet_assumed")
            yield replace(one, outlet=part.folder or LOCAL, flags=flags)
        else:
            yield one


def _document(body: bytes, kind: Kind, part: SourceSlice, fetched_at: datetime) -> RawItem:
    decoded = decode(body)
    title, text = (None, decoded.text) if kind == "html" else split_title(decoded.text)
    return RawItem(
        origin=part.origin,
        fetched_at=fetched_at,
        outlet=part.folder or LOCAL,
        title=title,
        body=text,
        body_is_html=kind == "html",
        is_page=kind == "html",
        flags=(*decoded.flags, "outlet_assumed"),
    )


def split_title(text: str) -> tuple[str | None, str]:
    """Return the first line of a plain text as its title and the rest, or None and the text.

    A title is short, isn't a sentence, and is followed by a text that doesn't go on from it.
    """
    stripped = text.strip()
    first, _, rest = stripped.partition("\n")
    first, body = first.strip(), rest.strip()
    if (
        not first
        or not body
        or len(first) > MAX_TITLE_CHARS
        or len(first.split()) > MAX_TITLE_WORDS
        or first.endswith((".", ",", ";", ":"))
        or body[0].islower()
    ):
        return None, stripped
    return first, body


def _reject(origin: str, reason: str, detail: str, excerpt: str, at: datetime) -> Reject:
    return Reject("read", reason, detail[:EXCERPT_CHARS], origin, excerpt[:EXCERPT_CHARS], at)
