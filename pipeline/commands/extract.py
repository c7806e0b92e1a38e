"""`newsalign extract`: stances of any text, with their evidence, without a store."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.options import (
    CatalogFiles,
    ConfigFile,
    JsonLines,
    Settings,
    catalog_paths,
    parse_day,
    parse_settings,
    read_config,
)
from pipeline.errors import UserError, say_note, say_warning

if TYPE_CHECKING:
    from pipeline.documents import Defaults, Skipped
    from transforms.records import Document

STDIN = Path("-")


def extract(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", show_default=False, help="Texts to read."),
    ] = None,
    inputs: Annotated[
        list[Path] | None,
        typer.Option(
            "--input",
            "-i",
            metavar="FILE",
            help="A .txt or .jsonl file, '-' for standard input; repeatable.",
        ),
    ] = None,
    catalog: CatalogFiles = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, metavar="X", help="Count evidence from this confidence on."),
    ] = None,
    on: Annotated[
        date | None,
        typer.Option(
            "--on", metavar="DAY", parser=parse_day, help="The day of undated texts; today."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Add what was read but does not count, and why not.")
    ] = False,
    why: Annotated[bool, typer.Option("--why", help="Add how each stance was read.")] = False,
    json: JsonLines = False,
    settings: Settings = None,
    config: ConfigFile = None,
) -> None:
    """Read stances from any text.

    JSON lines hold {"id", "text", "title"?, "published_at"?}. The day decides who held which
    office. Nothing is stored.
    """
    from pipeline.commands.loading import load_analyser
    from pipeline.documents import Defaults
    from pipeline.extract import analyse_all, evidence_row, json_row, print_document
    from pipeline.formats import console, safe_text, to_json

    overrides: dict[str, Any] = dict(parse_settings(settings))
    if min_confidence is not None:
        overrides["stances.min_confidence"] = min_confidence
    effective = read_config(config, overrides)
    now = datetime.now(UTC)
    published = datetime.combine(on, time(12), UTC) if on else now
    defaults = Defaults(published, effective.read.max_document_bytes, now)
    documents = _Reader(text or [], inputs or [], defaults)
    analyser = load_analyser(effective, catalog_paths(effective, config, catalog), config)
    screen = console()
    several = len(text or []) > 1 or bool(inputs)
    shown = 0
    for document, analysis in analyse_all(analyser, documents.read()):
        if analysis.error is not None:
            say_warning(f"{document.id}: could not be analysed: {analysis.error}")
        found = [evidence_row(document, e) for e in analysis.evidence if e.counted or everything]
        if json:
            sys.stdout.writelines(to_json(json_row(row, why)) + "\n" for row in found)
        elif found:
            if several:
                screen.print(safe_text(document.id), style="bold")
            print_document(screen, found, why)
        shown += len(found)
        sys.stdout.flush()
    if not documents.count:
        raise UserError("nothing could be read")
    if not shown:
        say_note("no stances found" + ("" if everything else "; --all shows what does not count"))


class _Reader:
    """Reads every named input, warns about what it skips, and counts the documents."""

    def __init__(self, texts: list[str], inputs: list[Path], defaults: Defaults) -> None:
        if not texts and not inputs:
            if sys.stdin.isatty():
                raise UserError("name a TEXT or an --input, or pipe text in")
            inputs = [STDIN]
        for path in inputs:
            if path != STDIN and not path.is_file():
                raise UserError(f"--input {path}: no such file")
        self._texts = texts
        self._inputs = inputs
        self._defaults = defaults
        self.count = 0

    def read(self) -> Iterator[Document]:
        from pipeline.documents import Skipped

        for item in self._items():
            if isinstance(item, Skipped):
                say_warning(f"{item.where}: {item.why}")
            else:
                self.count += 1
                yield item

    def _items(self) -> Iterator[Document | Skipped]:
        from pipeline.documents import documents_of_file, documents_of_stream, documents_of_texts

        yield from documents_of_texts(self._texts, self._defaults)
        for path in self._inputs:
            if path == STDIN:
                yield from documents_of_stream(sys.stdin.buffer, self._defaults)
                continue
            try:
                yield from documents_of_file(path, self._defaults)
            except OSError as error:
                say_warning(f"{path}: {error.strerror}")
