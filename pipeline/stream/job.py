"""One life of a stream: `python -m pipeline.stream.job SPEC.json`, until it is told to stop.

Its stdout bears events (`pipeline.stream.events`); Beam's own logs go to stderr.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.job import DONE, PARENT_VARIABLE, STEP_FAILED, import_beam, last_line
from pipeline.stream.clock import watch_clock
from pipeline.stream.events import emit
from transforms.processes import die_with_parent

PRISM = "prismrunner"
# Beam ends a job whose state it has listened for so long, after five minutes by default.
LONGEST_S = 20 * 366 * 86_400
NOTICE_S = 10.0  # that Beam may take to notice, and to say more of it
COMMIT_WAIT_S = 8.0  # of the ten seconds that a service manager gives


@dataclass(frozen=True, slots=True)
class StreamJob:
    """The spec file's values: the stream's config, for how many seconds it runs, and whether it
    tells of each article by its id.
    """

    config: dict[str, Any]
    config_base: str | None
    root: str
    for_s: float | None
    log: str
    ids: bool = False


def main(arguments: list[str]) -> int:
    """Run the stream of a spec file to its end; returns an exit code of `pipeline.job`."""
    parent = os.environ.get(PARENT_VARIABLE)
    die_with_parent(int(parent) if parent else None)
    import_beam()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    job = StreamJob(**json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=_stop).start())
    watch_clock(_start_again)
    try:
        _run(job)
    except Exception as error:
        logging.exception("stream failed")
        emit("failed", error=last_line(error))
        return STEP_FAILED
    return DONE


def _run(job: StreamJob) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipeline.stream.graph import build_stream
    from pipeline.stream.steps import StreamSpec, commit_rest

    config = Config.model_validate(job.config)
    spec = StreamSpec(job.config, job.config_base, job.root, job.ids)
    with _runner_options(config, Path(job.log)) as arguments:
        pipeline = beam.Pipeline(options=PipelineOptions(["--streaming", *arguments]))
        build_stream(pipeline, spec, job.for_s)
        emit("started", runner=config.stream.runner)
        pipeline.run().wait_until_finish()
    # What arrived with the last tick has no later window to commit it.
    commit_rest(spec)


@contextlib.contextmanager
def _runner_options(config: Config, log: Path) -> Iterator[list[str]]:
    from pipeline.stream.prism import find_prism, serve_prism

    settings = config.stream
    options = list(settings.options)
    program = find_prism(settings.prism) if settings.runner.lower() == PRISM else None
    if program is None:
        yield [f"--runner={settings.runner}", *options]
        return
    with serve_prism(program, log, _end_with_prism) as endpoint:
        yield [
            "--runner=PortableRunner",
            f"--job_endpoint={endpoint}",
            f"--job_server_timeout={LONGEST_S}",
            "--environment_type=LOOPBACK",
            *options,
        ]


def _end_with_prism(code: int) -> None:
    """End where Beam doesn't notice by itself that its runner is gone."""
    time.sleep(NOTICE_S)
    emit("failed", error=f"prism ended with exit code {code}")
    sys.stdout.flush()
    os._exit(STEP_FAILED)


def _stop() -> None:
    """End at once but for a commit under way; the journal holds what is not committed."""
    from pipeline.stream.steps import stop_soon

    stop_soon(COMMIT_WAIT_S)
    emit("stopped")
    sys.stdout.flush()
    os._exit(DONE)


def _start_again(jump_s: float) -> None:
    """End so that the supervisor starts another life, by the clock as it is now."""
    from pipeline.stream.steps import stop_soon

    emit("clock_set", by_s=round(jump_s, 3))
    stop_soon(COMMIT_WAIT_S)
    os._exit(STEP_FAILED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
