"""What the streaming steps call in a worker: reading what is due, committing what waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config import Config, ConfigError
from pipeline.stream.arrivals import Arrivals, Arrived
from pipeline.stream.events import emit

if TYPE_CHECKING:
    from pipeline.warm import WarmJobs

LOCK_WAIT_S = 5.0

_committing = threading.Lock()
_stopping = threading.Event()


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """What a worker needs to read and commit; plain values, so that it pickles."""

    config: dict[str, Any]
    config_base: str | None
    root: str

    def settings(self) -> Config:
        """Return the validated config."""
        return Config.model_validate(self.config)

    @property
    def base(self) -> Path | None:
        """Return the folder that the config's relative names start from."""
        return Path(self.config_base) if self.config_base else None


class JournalReader:
    """Fills the journal at each tick and reports failures as events; a `Reader`."""

    def __init__(self, spec: StreamSpec) -> None:
        self._arrivals = Arrivals(spec.settings(), Path(spec.root))

    def tick(self) -> Iterator[int]:
        """Yield the number of records of each segment that has become durable."""
        if _stopping.is_set():
            return
        for event in self._arrivals.tick():
            if isinstance(event, Arrived):
                emit("arrived", records=event.records)
                yield event.records
            else:
                emit("arrival_failed", error=event.error, retry_s=event.pause_s)


def commit_pending(spec: StreamSpec, arrived: int) -> None:
    """Commit what waits in the journal; never raises, for what waits is tried again."""
    from pipeline.run import drain
    from pipeline.store.lock import LockedError
    from pipeline.supervise import RunFailedError, UnusableError

    del arrived  # The journal knows better what waits, after a restart above all.
    with _committing:
        if _stopping.is_set():
            return
        started = time.monotonic()
        try:
            report = drain(
                spec.settings(), spec.base, command="stream", jobs=_jobs(), wait_s=LOCK_WAIT_S
            )
        except LockedError as error:
            emit("waiting", reason=str(error))
        except (ConfigError, RunFailedError, UnusableError) as error:
            emit("commit_failed", error=str(error))
        except Exception as error:
            # Disk full, read-only, and what nobody thought of: the journal has it all.
            emit("commit_failed", error=f"{type(error).__name__}: {error}")
        else:
            if report is not None:
                seconds = round(time.monotonic() - started, 3)
                facts = report.as_dict()
                del facts["changed"]
                emit("committed", took_s=seconds, **facts)


def stop_soon(wait_s: float) -> None:
    """Start nothing any more and wait for a commit under way, `wait_s` seconds at most."""
    _stopping.set()
    if _committing.acquire(timeout=wait_s):
        _jobs().close()


@cache
def _jobs() -> WarmJobs:
    from pipeline.warm import WarmJobs

    return WarmJobs()
