"""The clock and the windows of a stream, on Prism."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.io.restriction_trackers import OffsetRange
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.sdf_utils import RestrictionTrackerView, ThreadsafeRestrictionTracker
from apache_beam.utils.timestamp import MAX_TIMESTAMP, Timestamp

from pipeline.stream.prism import INSTALL, find_prism, serve_prism
from transforms import stream_steps
from transforms.stream_steps import Arrive, CommitWindows, _Clock, _Whole

SLOW_S = 1.5
MANY = 30  # ticks: more windows have ended by then than need be
TICKS, COMMITS = "tick", "commit"


def note(log: Path, what: str) -> None:
    with log.open("a") as out:
        out.write(f"{what}\n")


class SlowStart:
    """A reader whose first tick takes long, as on a machine that is busy."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def tick(self) -> Iterator[int]:
        if not self._log.exists():
            note(self._log, TICKS)
            time.sleep(SLOW_S)
        note(self._log, TICKS)
        yield 1


# Prism is ended under Beam's thread that reads its messages.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.job
@pytest.mark.skipif(find_prism("") is None, reason=f"no prism program: {INSTALL}")
def test_a_slow_tick_stops_no_window(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = find_prism("")
    assert program is not None
    ended: list[int] = []
    with serve_prism(program, tmp_path / "prism.log", ended.append) as endpoint:
        options = ["--streaming", "--runner=PortableRunner", "--environment_type=LOOPBACK"]
        pipeline = beam.Pipeline(options=PipelineOptions([*options, f"--job_endpoint={endpoint}"]))
        _ = (
            pipeline
            | Arrive(lambda: SlowStart(log), tick_s=0.5, for_s=None)
            | CommitWindows(2, lambda _arrived: note(log, COMMITS))
        )
        running = pipeline.run()
        noted: list[str] = []
        while COMMITS not in noted and noted.count(TICKS) < MANY:
            time.sleep(0.1)
            noted = log.read_text().split() if log.exists() else []
        running.cancel()
    assert COMMITS in noted


def test_a_sequence_stops_itself_and_is_not_divided() -> None:
    tracker = _Whole(OffsetRange(0, 10))
    assert tracker.try_claim(3)
    assert tracker.try_split(0.5) is None
    assert tracker.try_claim(4)
    done, left = tracker.try_split(0)
    assert (done, left) == (OffsetRange(0, 5), OffsetRange(5, 10))
    assert not tracker.try_claim(5)


def test_missed_ticks_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(stream_steps.time, "time", lambda: now[0])

    def tick(start: int, stop: int) -> tuple[list[float], tuple[int, int], float]:
        tracker = ThreadsafeRestrictionTracker(_Whole(OffsetRange(start, stop)))
        watermark = ManualWatermarkEstimator(None)
        element = (Timestamp(1_000), MAX_TIMESTAMP, 1.0)
        ticks = list(_Clock().process(element, RestrictionTrackerView(tracker), watermark))
        deferred = tracker.deferred_status()
        rest = deferred[0] if deferred else OffsetRange(stop, stop)
        moment = watermark.current_watermark()
        times = [float(one.value.micros / 1e6) for one in ticks]
        return times, (rest.start, rest.stop), moment.micros / 1e6 if moment else 0.0

    assert tick(0, 10**9) == ([1_000.0], (1, 10**9), 1_001.0)
    assert tick(1, 10**9) == ([], (1, 10**9), 1_001.0)
    now[0] += 8 * 3_600 + 0.5
    assert tick(1, 10**9) == ([29_800.0], (28_801, 10**9), 29_801.0)
    assert tick(1, 100) == ([], (100, 100), 0.0)
