"""Where a run is: a moving bar on a terminal, one `key=value` line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.run import Progress

LINE_EVERY_S = 15.0


@contextmanager
def show_progress(quiet: bool = False) -> Iterator[Callable[[Progress], None]]:
    """Give a function that shows progress on stderr until the block ends."""
    if quiet:
        yield lambda progress: None
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield Lines(sys.stderr)


class Lines:
    """Progress as lines for a log: one when the stage changes, else one every 15 seconds."""

    def __init__(self, sink: IO[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._sink = sink
        self._clock = clock
        self._stage: tuple[str, int] | None = None
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        """Write a line if it is time for one."""
        now = self._clock()
        stage = (progress.stage, progress.batch)
        if stage == self._stage and now < self._next:
            return
        self._stage, self._next = stage, now + LINE_EVERY_S
        total = "" if progress.total is None else f" total={progress.total}"
        batch = f" batch={progress.batch}" if progress.batch else ""
        self._sink.write(f"newsalign: stage={progress.stage}{batch} done={progress.done}{total}\n")
        self._sink.flush()


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def show(progress: Progress) -> None:
            batch = f" batch {progress.batch}" if progress.batch > 1 else ""
            bar.update(
                task,
                description=f"{progress.stage}{batch}",
                completed=progress.done,
                total=progress.total,
            )

        yield show
