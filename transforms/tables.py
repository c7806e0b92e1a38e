"""Articles as rows: CSV in any delimiter, and Parquet."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.encoding import decode

PARQUET_MAGIC = b"PAR1"
DELIMITERS = ",;\t|"
BATCH_ROWS = 64


class TableError(ValueError):
    """A table that can't be read at all; the message says why."""


def csv_rows(
    pieces: Iterator[bytes], head: bytes, max_field_bytes: int
) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield (row number from 1, row) of a CSV with a header; a string says what is wrong with it.

    Encoding and delimiter are told from `head`, the first bytes. Raises TableError without a
    header.
    """
    # The limit guards against a quote that is never closed; it is the module's, not the reader's.
    csv.field_size_limit(max(max_field_bytes, csv.field_size_limit()))
    encoding = decode(head).encoding
    first_line = decode(head).text.lstrip().partition("\n")[0]
    delimiter = max(DELIMITERS, key=first_line.count)
    lines = _lines(pieces, encoding)
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        names = [name.strip().lstrip("\ufeff") for name in next(reader)]
    except (StopIteration, csv.Error) as error:
        raise TableError(f"no header: {error}") from None
    number = 0
    while True:
        number += 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, str(error)
            continue
        if values:
            yield number, dict(zip(names, values, strict=False))


def parquet_rows(source: Path | BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (row number from 1, row) of a Parquet file; raises TableError for what isn't one."""
    try:
        file = pq.ParquetFile(source)
        number = 0
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield number, {name: _plain(value) for name, value in row.items()}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TableError(str(error)) from None


def _lines(pieces: Iterator[bytes], encoding: str) -> Iterator[str]:
    """Yield text lines with their ends, so that the reader can tell breaks within quotes."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    rest = ""
    for piece in pieces:
        # NULs make the reader give up; lone carriage returns end lines of old exports.
        text = rest + decoder.decode(piece).replace("\0", "")
        lines = io.StringIO(text, newline="").readlines()
        rest = lines.pop() if lines else ""
        yield from lines
    last = rest + decoder.decode(b"", final=True)
    if last:
        yield from io.StringIO(last, newline="").readlines()


def _plain(value: Any) -> Any:
    """Return a value as JSON would have it."""
    return value.isoformat() if isinstance(value, datetime | date) else value
