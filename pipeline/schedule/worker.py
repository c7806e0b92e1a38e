"""One scheduled run in a process of its own: `python -m pipeline.schedule.worker`.

It reads its request from stdin and writes events as JSON lines to stdout, the last ones about how
the run ended and how feeds stand. Whatever a run does to its process (memory that isn't given
back, a crash in a library, a call that hangs), the schedule goes on.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pipeline.config import Config, ConfigError
from pipeline.errors import one_line
from pipeline.logs import start_logging
from transforms.processes import die_with_parent

if TYPE_CHECKING:
    from pipeline.feeds.survey import FeedsSummary
    from pipeline.run import Progress

PROGRESS_EVERY_S = 0.5
PROGRESS = "progress"
FINISHED, FAILED, STOPPED = "run_finished", "run_failed", "run_stopped"
SURVEY = "feeds_surveyed"


@dataclass(frozen=True, slots=True)
class Request:
    """What to run; `parent` is who must be there.

    `ids` asks for an event for each article, `json_log` for a log of JSON lines on stderr.
    """

    config: dict[str, Any]
    config_base: str | None
    due_within_s: float
    lock_wait_s: float
    ids: bool
    json_log: bool
    parent: int


def encode(event: str, fields: Mapping[str, Any]) -> str:
    """Return an event as its line."""
    return json.dumps({"event": event, "fields": dict(fields)}, default=str) + "\n"


def decode(line: bytes) -> tuple[str, dict[str, Any]] | None:
    """Return the event of a line, None where a dying process left half of one."""
    try:
        values = json.loads(line)
        return values["event"], values["fields"]
    except (ValueError, KeyError, TypeError):
        return None


class Worker:
    """Runs a request and writes what happens to `out`."""

    def __init__(self, request: Request, out: IO[str]) -> None:
        self._request = request
        self._out = out
        self._run_id: str | None = None
        self._next_progress = 0.0

    def work(self) -> None:
        """Run once and say how it ended; no exception leaves it."""
        try:
            config = Config.model_validate(self._request.config)
            report = self._run(config)
        except KeyboardInterrupt:
            self._end(STOPPED, None)
        except Exception as error:
            logging.getLogger(__name__).debug("the run failed", exc_info=True)
            self._end(FAILED, describe(error, self._request.config["output"]["path"]))
        else:
            self._finish(config, report)

    def _run(self, config: Config) -> dict[str, Any]:
        from pipeline.run import Scheduled, run
        from pipeline.warm import WarmJobs

        request = self._request
        base = Path(request.config_base) if request.config_base else None
        scheduled = Scheduled(request.due_within_s, request.lock_wait_s)
        with WarmJobs() as jobs:
            report = run(config, base, self._progress, self._event, scheduled, jobs).as_dict()
        del report["changed"]
        return report

    def _finish(self, config: Config, report: dict[str, Any]) -> None:
        """Say what the run did, whether any feed could be reached, and how feeds stand."""
        summary = self._survey(config)
        active = summary.known - summary.retired if summary is not None else 0
        unreachable = bool(active) and summary is not None and summary.failing == active
        # What came in by another way is news all the same.
        unreachable = unreachable and not report["counts"].get("items")
        self._say(FINISHED, {**report, "feeds_unreachable": unreachable})
        if summary is None:
            return
        self._say(SURVEY, summary.as_values())
        if unreachable:
            fields = {"run_id": self._run_id, "feeds": active, "reasons": summary.reasons}
            self._say("feeds_unreachable", fields)

    def _survey(self, config: Config) -> FeedsSummary | None:
        from pipeline.feeds.survey import survey_feeds
        from pipeline.store.layout import Layout

        layout = Layout(Path(config.output.path).absolute())
        return survey_feeds(config, layout, datetime.now(UTC))

    def _end(self, event: str, error: str | None) -> None:
        self._say(event, {"run_id": self._run_id, "error": error})

    def _event(self, event: str, fields: Mapping[str, Any]) -> None:
        self._run_id = fields.get("run_id", self._run_id)
        if self._request.ids or event not in ("article_stored", "input_rejected"):
            self._say(event, fields)

    def _progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if now >= self._next_progress:
            self._next_progress = now + PROGRESS_EVERY_S
            self._say(PROGRESS, asdict(progress))

    def _say(self, event: str, fields: Mapping[str, Any]) -> None:
        self._out.write(encode(event, fields))
        self._out.flush()


def describe(error: Exception, root: str) -> str:
    """Return in one line what ended a run; `root` is the store, where an error names no file."""
    from pipeline.store.lock import LockedError
    from pipeline.supervise import RunFailedError, UnusableError

    if isinstance(error, ConfigError | LockedError | RunFailedError | UnusableError):
        return one_line(str(error))
    if isinstance(error, OSError) and error.strerror:
        return one_line(f"{error.filename or root}: {error.strerror}")
    return one_line(f"{type(error).__name__}: {error}")


def main() -> None:
    """Run the request of stdin; events go to what stdout was, stray prints to stderr."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = Request(**json.load(sys.stdin))
    _start_logging(request.json_log)
    die_with_parent(request.parent)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    Worker(request, out).work()


def _start_logging(json_lines: bool) -> None:
    """Log errors to stderr, as JSON whatever would end this process or a thread of it too."""
    if not json_lines:
        logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
        return
    start_logging(json_lines=True)
    logging.getLogger().setLevel(logging.ERROR)
    log = logging.getLogger(__name__)
    sys.excepthook = lambda kind, error, trace: log.critical("it ends", exc_info=error)
    threading.excepthook = lambda args: log.error("a thread ended", exc_info=args.exc_value)


if __name__ == "__main__":
    main()
