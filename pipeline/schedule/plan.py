"""What a schedule runs and when: a config, checked as far as it can be without running it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.config import Config, ConfigError
from pipeline.config_files import read_files
from pipeline.metrics_server import ListenError, parse_address
from pipeline.runners import check_runner
from pipeline.schedule.cadence import Cadence, CadenceError, parse_cron, parse_every, period_s

LONGEST_LOCK_WAIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A config (with the folder that its names are looked up in), and what follows from it.

    `period_s` is the shortest time between two starts.
    """

    config: Config
    base: Path | None
    cadence: Cadence
    period_s: float

    @property
    def jitter_s(self) -> float:
        """Return how much later than named a run may start: a tenth of the period at most."""
        return min(self.config.schedule.jitter_s, self.period_s / 10)

    @property
    def due_within_s(self) -> float:
        """Return how long before it is due a feed is asked.

        A feed is polled a moment after its run starts; without this it would be due a moment after
        a later run has started, and be asked every other time.
        """
        return min(self.jitter_s + self.period_s / 10, self.period_s / 2)

    @property
    def lock_wait_s(self) -> float:
        """Return how long a run waits for another writer, such as `newsalign compact`."""
        return min(self.period_s, LONGEST_LOCK_WAIT_S)

    @property
    def silence_s(self) -> float:
        """Return how long a run may say nothing: as long as a job and the wait for a lock may last.

        By nothing else would a call that hangs end.
        """
        return self.config.runner.job_timeout_s + self.lock_wait_s

    def retry_s(self, failures: int) -> float:
        """Return when to try again after so many failures in a row: the period at the latest."""
        doubled: float = self.config.schedule.retry_s * 2.0 ** min(failures - 1, 30)
        return min(doubled, self.period_s)


def make_plan(config: Config, base: Path | None) -> Plan:
    """Return the plan of a config whose files can be used; raises ConfigError."""
    check_runner(config.runner)
    settings = config.schedule
    if config.run.now is not None:
        raise ConfigError("run.now: a schedule goes by the clock; leave it out")
    try:
        if settings.listen:
            parse_address(settings.listen)
    except ListenError as error:
        raise ConfigError(f"schedule.listen: {error}") from None
    try:
        if settings.cron:
            cadence: Cadence = parse_cron(settings.cron, settings.timezone)
        else:
            cadence = parse_every(settings.every)
    except CadenceError as error:
        key = "cron" if settings.cron else "every"
        raise ConfigError(f"schedule.{key}: {error}") from None
    read_files(config, base)
    return Plan(config, base, cadence, period_s(cadence, datetime.now(UTC)))
