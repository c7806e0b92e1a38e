"""Keeping a stream alive: its process is started again when it ends, and stopped when told to.

The process may die as it likes: what arrived is in the journal, and the next one goes on there.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.config import Config, ConfigError
from pipeline.errors import one_line
from pipeline.files import keep_newest
from pipeline.job import DONE, STEP_FAILED
from pipeline.runners import REFUSED, STREAMING, is_local
from pipeline.store.layout import Layout
from pipeline.store.lock import writer_lock
from pipeline.stream.job import PRISM, StreamJob
from pipeline.stream.prism import INSTALL, find_prism
from pipeline.supervise import child_environment
from transforms.sources import missing_extras

STOP_WAIT_S = 9.5
MAX_PAUSE_S = 60.0
HEALTHY_S = 300.0  # a life that long clears what earlier ones did wrong

KEPT_LOGS = 10
LOG_BYTES = 16_000_000  # of one life; what is older than its last so many goes

OnEvent = Callable[[dict[str, Any]], None]


def check_stream(config: Config, base: Path | None = None) -> None:
    """Raise ConfigError for what a stream can't be started with."""
    name = config.stream.runner
    if is_local(name):
        raise ConfigError(
            f"stream.runner: {name} can't stream: Beam's local runner takes bounded input only; "
            "use PrismRunner"
        )
    if name.lower() in REFUSED:
        raise ConfigError(f"stream.runner: {name} is refused: {REFUSED[name.lower()]}")
    if name.lower() not in {known.lower() for known in STREAMING}:
        raise ConfigError(
            f"stream.runner: {name} is not known to stream; one of {', '.join(STREAMING)}"
        )
    config.check_files(base)
    for problem in missing_extras(config.input.paths):
        raise ConfigError(f"input.paths: {problem}")
    if name.lower() == PRISM:
        find_prism(config.stream.prism)


def needs_download(config: Config) -> str | None:
    """Return advice where Prism isn't there and Beam would have to download it."""
    if config.stream.runner.lower() != PRISM or find_prism(config.stream.prism) is not None:
        return None
    return f"no prism program found; Beam will try to download it. To build it: {INSTALL}"


class Supervisor:
    """Runs one stream over a store until `stop` is called or its time is up."""

    def __init__(
        self,
        config: Config,
        base: Path | None,
        on_event: OnEvent,
        for_s: float | None = None,
        ids: bool = False,
    ) -> None:
        self._config = config
        self._base = base
        self._on_event = on_event
        self._ids = ids
        self._until = None if for_s is None else time.monotonic() + for_s
        self._layout = Layout(Path(config.output.path).absolute())
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Stream; raises OSError where the output can't be written, LockedError for a second.

        A life that fails is followed by another, after a pause that doubles up to a minute.
        """
        pause = 1.0
        with writer_lock(self._layout.stream_lock, "stream"):
            while not self._stopping.is_set() and self._left() != 0:
                begun = time.monotonic()
                code = self._try_to_live()
                if self._stopping.is_set() or code == DONE:
                    return
                if time.monotonic() - begun > HEALTHY_S:
                    pause = 1.0
                self._on_event({"event": "restarting", "exit_code": code, "pause_s": pause})
                self._stopping.wait(pause)
                pause = min(pause * 2, MAX_PAUSE_S)

    def stop(self) -> None:
        """End the stream: a commit under way is finished if that takes less than ten seconds."""
        self._stopping.set()
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _left(self) -> float | None:
        return None if self._until is None else max(0.0, self._until - time.monotonic())

    def _try_to_live(self) -> int:
        try:
            return self._live()
        except BrokenPipeError:
            raise  # nobody reads the events any more
        except OSError as error:  # a full disk, no process to be had: both may pass
            self._on_event({"event": "failed", "error": one_line(str(error))})
            return STEP_FAILED

    def _live(self) -> int:
        """Run one process to its end and pass on its events; returns its exit code."""
        spec = self._layout.state / "stream.json"
        log = _new_log(self._layout.logs / "stream")
        job = StreamJob(
            config=self._config.model_dump(mode="json"),
            config_base=str(self._base) if self._base else None,
            root=str(self._layout.root),
            for_s=self._left(),
            log=str(log),
            ids=self._ids,
        )
        spec.write_text(json.dumps(asdict(job)), encoding="utf-8")
        # Prism writes there too, and neither must write over the other's lines.
        with log.open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.stream.job", str(spec)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                env=child_environment(lasting=True),
            )
            self._process = process
            if self._stopping.is_set():  # told so while there was nothing to stop
                threading.Thread(target=self.stop).start()
            try:
                for event in _events(process):
                    self._on_event(event)
                    with contextlib.suppress(OSError):
                        _bound(log)
                return process.wait()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _new_log(folder: Path) -> Path:
    """Return a new life's log; those of the last few lives stay."""
    folder.mkdir(parents=True, exist_ok=True)
    keep_newest(folder, KEPT_LOGS - 1)
    return folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.log"


def _bound(log: Path) -> None:
    """Set a log that has become large aside, over the one before; whoever writes it goes on."""
    if log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".old"))
        os.truncate(log, 0)


def _events(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict) and "event" in event:
                yield event
