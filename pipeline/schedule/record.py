"""What a schedule writes down beside the store: for its next start, and for `newsalign status`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipeline.files import write_durably


@dataclass(slots=True)
class ScheduleRecord:
    """A schedule and its last run.

    `first_started_at` is when a schedule first ran for this store, `started_at` when this process
    did. `limit_s` is how long a success lasts until the schedule is unwell. `last_status` is
    running, done, failed or stopped; `failures` counts runs that failed in a row;
    `done_started_at` is when the last run that ended well started, `last_success_at` when one did
    that could reach a feed, if there are any.
    """

    pid: int
    host: str
    cadence: str
    period_s: float
    started_at: datetime
    first_started_at: datetime
    limit_s: float = 0.0
    listen: str = ""
    next_run_at: datetime | None = None
    last_started_at: datetime | None = None
    last_finished_at: datetime | None = None
    last_status: str | None = None
    last_error: str | None = None
    last_success_at: datetime | None = None
    done_started_at: datetime | None = None
    runs: int = 0
    failures: int = 0


_FORM = TypeAdapter(ScheduleRecord)


def record_values(record: ScheduleRecord) -> dict[str, Any]:
    """Return the record as JSON values."""
    values: dict[str, Any] = _FORM.dump_python(record, mode="json")
    return values


def write_record(path: Path, record: ScheduleRecord) -> None:
    """Replace the record; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, _FORM.dump_json(record).decode())


def read_record(path: Path) -> ScheduleRecord | None:
    """Return the record, None where there is none that can be used."""
    try:
        return _FORM.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
