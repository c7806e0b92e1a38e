"""Files to raw items; what can't be read is a reject, and its neighbours don't notice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, BinaryIO

import apache_beam as beam

from transforms.compression import BadCompression, TooLarge, file_pieces
from transforms.dates import parse_date
from transforms.encoding import charset_of, decode, is_binary
from transforms.feed_parser import parse_feed
from transforms.file_documents import document_item, split_title
from transforms.file_kinds import Kind, is_json_line, kind_of
from transforms.file_lines import slice_lines
from transforms.json_feed import is_json_feed
from transforms.record_items import item_from_record
from transforms.records import RawItem, Reject
from transforms.settings import ReadSettings
from transforms.sources import SourceSlice, bare_suffix, estimate_bytes, expand_inputs
from transforms.tables import TableError, csv_rows, parquet_rows
from transforms.warc import WarcPage, read_warc

__all__ = [
    "ReadFiles",
    "SourceSlice",
    "estimate_bytes",
    "expand_inputs",
    "read_slice",
    "split_title",
]

ITEMS = "items"
REJECTS = "rejects"
EXCERPT_CHARS = 200
HEAD_BYTES = 4_096
LOCAL = "local"
# Content types of archived answers that are never an article.
_NO_TEXT = re.compile(
    r"(?:image|video|audio|font)/|application/(?:pdf|zip|octet|javascript|json)|text/css"
)


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

    Memory is bounded by `max_document_bytes`, which a text, a page, a feed, one line or one
    archived answer may have; `max_file_bytes` bounds what a compressed file unpacks to. Reasons:
    `not_found`, `not_a_file`, `unsupported_type`, `missing_extra`, `unreadable`, `empty_file`,
    `too_large`, `binary`, `bad_compression`, `not_json`, `not_an_object`, `no_text`,
    `line_too_long`, `bad_row`, `bad_table`, and those of `parse_feed` and `read_warc`.
    """
    try:
        if part.problem:
            raise _UnusableError(part.problem, part.detail or part.path)
        with part.open() as file:
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
    kind = "lines" if part.start > 0 else kind_of(head, bare_suffix(part.path))
    if kind == "parquet":
        yield from _read_rows(parquet_rows(file), part, settings, fetched_at)
        return
    if kind == "warc":
        pieces = file_pieces(file, _stream_limit(part, settings))
        for page in read_warc(pieces, settings.max_document_bytes):
            yield from _archived(page, part, settings, fetched_at)
        return
    if is_binary(head):
        raise _UnusableError("binary", "not text", repr(head[:40]))
    if kind == "csv":
        pieces = file_pieces(file, _stream_limit(part, settings))
        rows = csv_rows(pieces, head, settings.max_document_bytes)
        yield from _read_rows(rows, part, settings, fetched_at)
    elif kind == "lines" and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield from _read_lines(part, file, settings, fetched_at)
    else:
        yield from _read_whole(part, file, kind, settings, fetched_at)


def _read_whole(
    part: SourceSlice, file: BinaryIO, kind: Kind, settings: ReadSettings, fetched_at: datetime
) -> Iterator[RawItem | Reject]:
    limit = settings.max_document_bytes
    if part.file_bytes > max(limit, settings.max_file_bytes):
        raise TooLarge(f"more than {limit} bytes")
    body = b"".join(file_pieces(file, limit))
    if not body.strip():
        raise _UnusableError("empty_file", "nothing but whitespace")
    if kind == "feed":
        yield from _feed(body, part, settings, fetched_at)
    elif kind in ("json", "lines"):
        yield from _read_json(body, kind, part, settings, fetched_at)
    else:
        yield document_item(body, kind, part.origin, fetched_at, folder=part.folder or LOCAL)


def _head(file: BinaryIO, settings: ReadSettings) -> bytes:
    head = b""
    for piece in file_pieces(file, settings.max_file_bytes):
        head += piece
        if len(head) >= HEAD_BYTES:
            break
    file.seek(0)
    return head[:HEAD_BYTES]


def _stream_limit(part: SourceSlice, settings: ReadSettings) -> int:
    """Return the limit on a file that is never held as a whole: its own size is always allowed."""
    return max(settings.max_file_bytes, part.file_bytes)


def _read_lines(
    part: SourceSlice, file: BinaryIO, settings: ReadSettings, fetched_at: datetime
) -> Iterator[RawItem | Reject]:
    for number, line in slice_lines(part, file, settings):
        origin = f"{part.origin}#{number}"
        if line is None:
            detail = f"more than {settings.max_document_bytes} bytes"
            yield _reject(origin, "line_too_long", detail, "", fetched_at)
        elif line.strip():
            yield _record(decode(line).text, origin, part, settings, fetched_at)


def _read_rows(
    rows: Iterator[tuple[int, dict[str, Any] | str]] | Iterator[tuple[int, dict[str, Any]]],
    part: SourceSlice,
    settings: ReadSettings,
    fetched_at: datetime,
) -> Iterator[RawItem | Reject]:
    try:
        for number, row in rows:
            origin = f"{part.origin}#{number}"
            if isinstance(row, str):
                yield _reject(origin, "bad_row", row, "", fetched_at)
            else:
                # "Title" and "TEXT" are what spreadsheets make of them.
                record = {**{name.lower(): value for name, value in row.items()}, **row}
                yield _item(record, str(row), origin, part, settings, fetched_at)
    except TableError as error:
        raise _UnusableError("bad_table", str(error)) from None


def _record(
    text: str, origin: str, part: SourceSlice, settings: ReadSettings, fetched_at: datetime
) -> RawItem | Reject:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        return _reject(origin, "not_json", str(error), text, fetched_at)
    return _item(record, text, origin, part, settings, fetched_at)


def _item(
    record: Any,
    text: str,
    origin: str,
    part: SourceSlice,
    settings: ReadSettings,
    fetched_at: datetime,
) -> RawItem | Reject:
    if not isinstance(record, dict):
        return _reject(origin, "not_an_object", type(record).__name__, text, fetched_at)
    folder = part.folder or LOCAL
    item = item_from_record(record, origin, folder, fetched_at, settings.columns)
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
                yield _record(line, f"{part.origin}#{number}", part, settings, fetched_at)
        return
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        if is_json_line(text.lstrip()):
            yield from _read_json(body, "lines", part, settings, fetched_at)
            return
        raise _UnusableError("not_json", str(error), text[:EXCERPT_CHARS]) from None
    if is_json_feed(document):
        yield from _feed(body, part, settings, fetched_at)
    elif isinstance(document, list):
        for number, record in enumerate(document, start=1):
            origin = f"{part.origin}#{number}"
            yield _item(record, str(record), origin, part, settings, fetched_at)
    else:
        yield _item(document, text, part.origin, part, settings, fetched_at)


def _feed(
    body: bytes, part: SourceSlice, settings: ReadSettings, fetched_at: datetime
) -> Iterator[RawItem | Reject]:
    """Read a saved feed; its folder is the outlet of entries for which nothing names a better."""
    limit = settings.max_entries_per_feed
    for found in parse_feed(body, None, None, fetched_at, origin=part.origin, max_entries=limit):
        if isinstance(found, RawItem):
            flags = (*found.flags, "outlet_assumed")
            yield replace(found, outlet=part.folder or LOCAL, flags=flags)
        else:
            yield found


def _archived(
    page: WarcPage, part: SourceSlice, settings: ReadSettings, fetched_at: datetime
) -> Iterator[RawItem | Reject]:
    """Read an archived answer; it counts as fetched when the crawler fetched it."""
    origin = f"{part.origin}#{page.number}"
    crawled = parse_date(page.date or "", fetched_at).value or fetched_at
    if page.problem or not page.body.strip():
        reason = page.problem or "empty_body"
        yield _reject(origin, reason, page.detail, page.url or "", crawled)
        return
    head = page.body[:HEAD_BYTES]
    if _NO_TEXT.match(page.content_type.lower()) or is_binary(head):
        yield _reject(origin, "unsupported_type", page.content_type, page.url or "", crawled)
        return
    kind = kind_of(head, "")
    if kind == "feed":
        limit = settings.max_entries_per_feed
        yield from parse_feed(
            page.body, page.url, page.content_type, crawled, origin=origin, max_entries=limit
        )
    else:
        charset = charset_of(page.content_type)
        yield document_item(page.body, kind, origin, crawled, url=page.url, charset=charset)


def _reject(origin: str, reason: str, detail: str, excerpt: str, at: datetime) -> Reject:
    return Reject("read", reason, detail[:EXCERPT_CHARS], origin, excerpt[:EXCERPT_CHARS], at)
