"""How rows are shown or saved: a table for people; CSV, JSON lines or Parquet for programs."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.choices import Format
from pipeline.errors import UserError, say_note

if TYPE_CHECKING:
    from rich.console import Console

CELL_CHARS = 120  # in a table; other formats give the whole value
BLOCK_CHARS = 2_000
MIN_CUT = 20
_PLAN = ["explain_key", "explain_value"]
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def write_rows(
    reader: pa.RecordBatchReader, form: Format, to: Path | None = None, max_rows: int = 0
) -> None:
    """Write every row to `to` (which appears whole or not at all) or to stdout.

    A table shows at most `max_rows` rows (0: all) and says so on stderr; other forms stream.
    """
    reader = _unique_names(reader)
    if form is Format.PARQUET:
        _write_parquet(reader, to)
        return
    with text_sink(to) as sink:
        if form is Format.CSV:
            _write_csv(reader, sink)
        elif form is Format.JSON:
            for row in _rows(reader):
                sink.write(to_json(row) + "\n")
        else:
            _write_table(reader, sink, max_rows)


def to_json(row: dict[str, Any]) -> str:
    """Return one row as JSON in one line: times in ISO 8601 with Z, bytes as hex, NaN as null."""
    return json.dumps(_plain(row), ensure_ascii=False, allow_nan=False)


def cell_text(value: Any) -> str:
    """Return a value as the text that CSV and tables show; null is empty."""
    value = _plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def safe_text(text: str) -> str:
    """Return text that can't steer a terminal: control and direction characters are replaced."""
    return _CONTROL.sub("\ufffd", text)


def console(sink: IO[str] | None = None) -> Console:
    """Return a console for people: colours on a terminal only, never a guess at what text means."""
    from rich.console import Console

    stream = sink or sys.stdout
    width = None if stream.isatty() else int(os.environ.get("COLUMNS") or 10_000)
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=width)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        text = value.replace(tzinfo=None).isoformat()
        return f"{text}Z" if value.tzinfo is not None else text
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value)


def _unique_names(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    names: list[str] = []
    for name in reader.schema.names:
        fresh, number = name, 1
        while fresh in names:
            fresh, number = f"{name}_{number}", number + 1
        names.append(fresh)
    if names == reader.schema.names:
        return reader
    schema = pa.schema([f.with_name(n) for f, n in zip(reader.schema, names, strict=True)])
    return pa.RecordBatchReader.from_batches(
        schema, (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in reader)
    )


def _rows(reader: pa.RecordBatchReader) -> Iterator[dict[str, Any]]:
    maps = {field.name for field in reader.schema if pa.types.is_map(field.type)}
    for batch in reader:
        for row in batch.to_pylist():
            for name in maps:
                row[name] = None if row[name] is None else dict(row[name])
            yield row


def _write_csv(reader: pa.RecordBatchReader, sink: IO[str]) -> None:
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(reader.schema.names)
    for row in _rows(reader):
        writer.writerow([cell_text(value) for value in row.values()])


def _write_parquet(reader: pa.RecordBatchReader, to: Path | None) -> None:
    import pyarrow.parquet as pq

    if to is None and sys.stdout.isatty():
        raise UserError("Parquet is not for a terminal: name a file with --to FILE")
    with _binary_sink(to) as sink, pq.ParquetWriter(sink, reader.schema, compression="zstd") as out:
        for batch in reader:
            out.write_batch(batch)


def _write_table(reader: pa.RecordBatchReader, sink: IO[str], max_rows: int) -> None:
    rows = _rows(reader)
    if reader.schema.names == _PLAN:
        sink.writelines(f"{row['explain_value']}\n" for row in rows)
        return
    shown = list(islice(rows, max_rows)) if max_rows else list(rows)
    more = next(rows, None) is not None
    screen = console(sink)
    numeric = [
        pa.types.is_integer(f.type) or pa.types.is_floating(f.type) or pa.types.is_decimal(f.type)
        for f in reader.schema
    ]
    print_table(screen, reader.schema.names, (list(row.values()) for row in shown), numeric)
    if more:
        say_note(f"the first {max_rows} rows; --max-rows 0, or another --format, gives all")


def print_table(
    screen: Console, names: list[str], rows: Iterable[list[Any]], numeric: list[bool]
) -> None:
    """Print rows as a table, or as one block a row where the columns don't fit the terminal."""
    from rich.cells import cell_len

    texts = [[_one_line(cell_text(value)) for value in row] for row in rows]
    if not texts:
        screen.print("no rows", style="dim")
        return
    cells = [[_cut(text, CELL_CHARS) for text in row] for row in texts]
    widths = fit_widths(
        [max(cell_len(name), *(cell_len(row[i]) for row in cells)) for i, name in enumerate(names)],
        [cell_len(name) for name in names],
        screen.width,
    )
    if widths:
        cut = [[_cut(c, width) for c, width in zip(row, widths, strict=True)] for row in cells]
        _print_columns(screen, names, cut, numeric, widths)
    else:
        _print_blocks(screen, names, [[_cut(text, BLOCK_CHARS) for text in row] for row in texts])


def fit_widths(wanted: list[int], least: list[int], room: int) -> list[int]:
    """Return column widths that fit `room`, the widest columns cut first; [] where none do.

    No column becomes narrower than 20 or its name (`least`), unless it never was wider.
    """
    widths = list(wanted)
    floors = [min(w, max(MIN_CUT, name)) for w, name in zip(wanted, least, strict=True)]
    too_much = sum(widths) + 2 * (len(widths) - 1) - room
    while too_much > 0:
        spare = [width - floor for width, floor in zip(widths, floors, strict=True)]
        if sum(spare) < too_much:
            return []
        widest = max((w for w, s in zip(widths, spare, strict=True) if s > 0), default=0)
        widths[next(i for i, w in enumerate(widths) if w == widest and spare[i] > 0)] -= 1
        too_much -= 1
    return widths


def _print_columns(
    screen: Console,
    names: list[str],
    cells: list[list[str]],
    numeric: list[bool],
    widths: list[int],
) -> None:
    from rich.text import Text

    def line(row: list[str], style: str = "") -> Text:
        padded = (
            " " * (width - Text(cell).cell_len) + cell
            if right
            else cell + " " * (width - Text(cell).cell_len)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        return Text("  ".join(padded).rstrip(), style=style)

    screen.print(line(names, "bold"), soft_wrap=True)
    screen.print(line(["─" * width for width in widths], "dim"), soft_wrap=True)
    for row in cells:
        screen.print(line(row), soft_wrap=True)


def _print_blocks(screen: Console, names: list[str], cells: list[list[str]]) -> None:
    from rich.text import Text

    indent = max(len(name) for name in names)
    for number, row in enumerate(cells, 1):
        screen.print(Text(f"── row {number} ──", style="dim"), soft_wrap=True)
        for name, cell in zip(names, row, strict=True):
            screen.print(Text.assemble((name.rjust(indent), "bold"), "  ", cell), soft_wrap=True)


def _one_line(text: str) -> str:
    return safe_text(" ".join(text.split()))


def _cut(text: str, width: int) -> str:
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


@contextmanager
def text_sink(to: Path | None, option: str = "--to") -> Iterator[IO[str]]:
    """Open stdout, or a file that appears whole at the end; `option` names it in errors."""
    if to is None:
        yield sys.stdout
        return
    with (
        _binary_sink(to, option) as raw,
        io.TextIOWrapper(raw, encoding="utf-8", newline="") as sink,
    ):
        yield sink


@contextmanager
def _binary_sink(to: Path | None, option: str = "--to") -> Iterator[IO[bytes]]:
    if to is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        return
    try:
        descriptor, name = tempfile.mkstemp(dir=to.parent, prefix=f".{to.name}.")
    except OSError as error:
        raise UserError(f"{option} {to}: can't be written: {error.strerror}") from None
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as sink:
            yield sink
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(to)
    except OSError as error:
        raise UserError(f"{option} {to}: can't be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
