"""Which Beam runner, with which options; every job names its runner.

`DirectRunner` means a local batch job. Beam 2.77's own class of that name tries Prism first and
then falls back silently, so the local job runs on FnApiRunner, which is what it falls back to.
"""

from __future__ import annotations

import os
from typing import Any

from pipeline.config import ConfigError, RunnerSettings

LOCAL = frozenset({"directrunner", "fnapirunner", "local"})
REFUSED = {
    "daskrunner": "it reports DONE and writes empty files (seen on Beam 2.77)",
    "interactiverunner": "it needs a notebook",
    "renderrunner": "it draws the graph and runs nothing",
}
KNOWN = (
    "DirectRunner",
    "PrismRunner",
    "PortableRunner",
    "FlinkRunner",
    "SparkRunner",
    "DataflowRunner",
)
STREAMING = ("PrismRunner", "PortableRunner", "FlinkRunner", "DataflowRunner")
SMALL_ARRIVAL = 20_000  # items that one process reads sooner than two have started
MANY_FEEDS = 500  # feeds that one process, which reads 100 a second, falls behind with
SMALL_INPUT = 150  # items below which starting worker processes costs more than they save
SMALL_SHARE = 32  # items below which a process that stays analyses them alone
SMALL_WARM_INPUT = 1_500  # the same where this process has loaded by now what they would load


def check_runner(settings: RunnerSettings) -> None:
    """Raise ConfigError for a runner that is unknown or must not be used."""
    name = settings.name.lower()
    if name in REFUSED:
        raise ConfigError(f"runner.name: {settings.name} is refused: {REFUSED[name]}")
    if name not in LOCAL and name not in {known.lower() for known in KNOWN}:
        raise ConfigError(f"runner.name: unknown runner {settings.name}; one of {', '.join(KNOWN)}")


def is_local(settings: RunnerSettings | str) -> bool:
    """Return whether this is, or names, the local batch runner."""
    name = settings if isinstance(settings, str) else settings.name
    return name.lower() in LOCAL


def worker_count(settings: RunnerSettings, items: int, warm: bool = False) -> int:
    """Return the number of worker processes of a local job; an explicit setting is kept.

    `warm` says that this process has run such a job before.
    """
    if settings.workers:
        return settings.workers
    small = SMALL_WARM_INPUT if warm else SMALL_INPUT
    return 1 if items < small else os.cpu_count() or 1


def in_process(settings: RunnerSettings, items: int, warm: bool = False) -> bool:
    """Return whether the job's steps run in the process that starts them."""
    return is_local(settings) and worker_count(settings, items, warm) == 1


def is_shared(settings: RunnerSettings, items: int, warm: bool) -> bool:
    """Return whether a process that stays has another one analyse half of such a job's items."""
    processes = settings.workers or os.cpu_count() or 1
    return warm and in_process(settings, items, warm) and processes > 1 and items >= SMALL_SHARE


def arrival_workers(settings: RunnerSettings, items: int, feeds: int) -> int:
    """Return the number of worker processes of a local job that reads items and feeds."""
    if items < SMALL_ARRIVAL and feeds < MANY_FEEDS:
        return 1
    return settings.workers or os.cpu_count() or 1


def beam_pipeline(settings: RunnerSettings, items: int, warm: bool = False) -> Any:
    """Return a Beam pipeline on the configured runner for about `items` elements.

    `warm`: as in `worker_count`.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    arguments = list(settings.options)
    if not is_local(settings):
        options = PipelineOptions([f"--runner={settings.name}", *arguments])
        return beam.Pipeline(options=options)
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    workers = worker_count(settings, items, warm)
    mode = "multi_processing" if workers > 1 else "in_memory"
    options = PipelineOptions(
        [f"--direct_num_workers={workers}", f"--direct_running_mode={mode}", *arguments]
    )
    return beam.Pipeline(runner=FnApiRunner(), options=options)
