"""The unbounded read end as Beam steps: a clock, arrival at its ticks, a commit per window.

What arrives goes through the journal, which outlives every worker; the elements only say that it
did. Windows cut *arrival* into batches; publication windows are data, see `transforms.aggregate`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import apache_beam as beam
from apache_beam.io.restriction_trackers import OffsetRestrictionTracker
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.transforms.periodicsequence import ImpulseSeqGenRestrictionProvider
from apache_beam.transforms.window import FixedWindows, TimestampedValue
from apache_beam.utils.timestamp import MAX_TIMESTAMP, Timestamp


class Reader(Protocol):
    """Brings what is due into the journal; `tick` returns how many records each segment got."""

    def tick(self) -> Iterable[int]:
        """Start what is due and return the news since the last tick."""


class _Whole(OffsetRestrictionTracker):
    """A sequence that stops itself and is never divided by the runner.

    Prism divides what makes no progress for a fifth of a second, and forgets the watermark of the
    rest: no window would ever close again.
    """

    def try_split(self, fraction_of_remainder: float) -> Any:
        return super().try_split(fraction_of_remainder) if fraction_of_remainder == 0 else None


class _Sequence(ImpulseSeqGenRestrictionProvider):
    def create_tracker(self, restriction: Any) -> _Whole:
        return _Whole(restriction)


class _Clock(beam.DoFn):
    """(start, stop, seconds) -> a tick every so many seconds, its time.

    Unlike PeriodicImpulse it makes up for no tick that was missed: after a reading that took long
    all of them would come in one bundle. A clock that is set is the process's affair, since the
    runner waits by the same clock (`pipeline.stream.clock`).
    """

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        element: Any,
        restriction_tracker: Any = beam.DoFn.RestrictionParam(_Sequence()),  # noqa: B008
        watermark_estimator: Any = beam.DoFn.WatermarkEstimatorParam(  # noqa: B008
            ManualWatermarkEstimator.default_provider()  # noqa: B008
        ),
    ) -> Iterator[Any]:
        start, _, every = element
        first = start.micros / 1_000_000
        past = int((time.time() - first) // every)
        index = max(restriction_tracker.current_restriction().start, past)
        if index <= past:
            if not restriction_tracker.try_claim(index):
                return
            moment = Timestamp(first + every * index)
            _advance(watermark_estimator, moment)
            yield TimestampedValue(moment, moment)
            index += 1
        after = Timestamp(first + every * index)
        _advance(watermark_estimator, after)
        restriction_tracker.defer_remainder(after)


def _advance(watermark_estimator: Any, moment: Timestamp) -> None:
    current = watermark_estimator.current_watermark()
    if current is None or moment > current:
        watermark_estimator.set_watermark(moment)


class _Arrive(beam.DoFn):
    """Lets a reader work at each tick."""

    def __init__(self, make: Callable[[], Reader]) -> None:
        self._make = make
        self._reader: Reader | None = None

    def process(self, _tick: Any) -> Iterator[int]:
        # Made at the first tick and not in setup: a runner sets up more instances than it uses.
        if self._reader is None:
            self._reader = self._make()
        yield from self._reader.tick()
        yield 0  # the beat: a window without news commits what an earlier one could not


class Arrive(beam.PTransform):
    """Nothing -> PCollection[int]: records made durable, at every tick of `tick_s` seconds.

    Ends after `for_s` seconds; None: never.
    """

    def __init__(self, make: Callable[[], Reader], tick_s: float, for_s: float | None) -> None:
        super().__init__()
        self._make = make
        self._tick_s = tick_s
        self._for_s = for_s

    def expand(self, begin: Any) -> beam.PCollection[int]:
        """Apply the clock and the reading at the root of a pipeline."""
        start = Timestamp.now()
        stop = MAX_TIMESTAMP if self._for_s is None else start + self._for_s
        return (
            begin
            | "Times" >> beam.Create([(start, stop, self._tick_s)])
            | "Ticks" >> beam.ParDo(_Clock())
            | "Read what is due" >> beam.ParDo(_Arrive(self._make))
        )


class CommitWindows(beam.PTransform):
    """PCollection[int] -> one call of `commit` per arrival window, one at a time.

    `commit` takes the number of records that arrived in the window and must not raise: a step's
    exception ends a streaming job.
    """

    def __init__(self, window_s: float, commit: Callable[[int], None]) -> None:
        super().__init__()
        self._window_s = window_s
        self._commit = commit

    def expand(self, arrived: beam.PCollection[int]) -> Any:
        """Apply the windows and the commits."""
        commit = self._commit
        return (
            arrived
            | "Arrival windows" >> beam.WindowInto(FixedWindows(self._window_s))
            | "One key" >> beam.WithKeys("store")
            | "Close window" >> beam.GroupByKey()
            | "Commit" >> beam.Map(lambda window: commit(sum(window[1])))
        )
