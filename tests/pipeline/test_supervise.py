"""Supervision: a death costs a retry, then halves, then one culprit; never the neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import Config, ConfigError, RunnerSettings
from pipeline.job import JobSpec, _lost_worker
from pipeline.run import _split_records
from pipeline.runners import arrival_workers, check_runner, worker_count
from pipeline.supervise import WorkerDiedError, halve_until_done, halves
from transforms.segments import JournalSlice


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.sets(st.integers(0, 39), max_size=4))
def test_culprits_are_found_and_every_neighbour_is_done_in_order(
    count: int, deadly: set[int]
) -> None:
    done: list[int] = []
    culprits: list[int] = []

    def attempt(part: Sequence[int]) -> None:
        if deadly & set(part):
            raise WorkerDiedError("killed")
        done.extend(part)

    halve_until_done(list(range(count)), attempt, lambda unit, _: culprits.append(unit), halves)
    assert done == [n for n in range(count) if n not in deadly]
    assert culprits == sorted(deadly & set(range(count)))


def test_a_passing_death_costs_one_retry() -> None:
    calls: list[int] = []

    def attempt(part: Sequence[int]) -> None:
        calls.append(len(part))
        if len(calls) == 1:
            raise WorkerDiedError("killed")

    halve_until_done([1, 2, 3], attempt, lambda unit, reason: pytest.fail(reason), halves)
    assert calls == [3, 3]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), min_size=1, max_size=5))
def test_slices_are_halved_by_records_without_loss(shapes: list[tuple[int, int]]) -> None:
    part = [JournalSlice(f"seg{n}", a, a + size) for n, (a, size) in enumerate(shapes)]
    records = [(p.path, i) for p in part for i in range(p.start, p.end)]
    parts = _split_records(part)
    assert [(p.path, i) for half in parts for p in half for i in range(p.start, p.end)] == records
    if len(records) > 1:
        assert len(parts) == 2
        assert all(sum(p.end - p.start for p in half) < len(records) for half in parts)


@pytest.mark.parametrize("name", ["DaskRunner", "Nonsense"])
def test_runners_that_must_not_or_cannot_be_used_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^runner\.name: .*{name}"):
        check_runner(RunnerSettings(name=name))


def test_known_runners_pass_and_small_inputs_take_one_worker() -> None:
    for name in ("DirectRunner", "PrismRunner", "PortableRunner", "FlinkRunner"):
        check_runner(RunnerSettings(name=name))
    assert worker_count(RunnerSettings(), 10) == 1
    assert worker_count(RunnerSettings(workers=3), 10) == 3


def test_an_arrival_takes_one_worker_until_it_is_large() -> None:
    settings = RunnerSettings(workers=3)
    assert arrival_workers(settings, 10, 10) == 1
    assert arrival_workers(settings, 100_000, 0) == 3
    assert arrival_workers(settings, 0, 1_000) == 3


def test_only_a_lost_local_worker_is_blamed_on_the_input() -> None:
    def spec(runner: str) -> JobSpec:
        config = Config.model_validate({"runner": {"name": runner}}).model_dump(mode="json")
        return JobSpec("batch", config, None, "out", "r", "2026-11-25T00:00:00Z", 1)

    lost = RuntimeError("Channel closed prematurely.")
    assert _lost_worker(lost, spec("DirectRunner"))
    assert not _lost_worker(lost, spec("FlinkRunner"))
    assert not _lost_worker(
        OSError("No space left on device [while running 'Stage']"), spec("local")
    )
    assert not _lost_worker(ValueError("Unable to fetch the runner's binary"), spec("local"))
