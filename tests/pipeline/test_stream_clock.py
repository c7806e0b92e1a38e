"""A clock that is set is noticed, by a clock that nobody sets."""

from __future__ import annotations

from pipeline.stream.clock import find_jump


def test_jumps_count_and_what_a_clock_drifts_does_not() -> None:
    times = {"wall": 10_000.0, "steady": 50.0}
    look = find_jump(lambda: times["wall"], lambda: times["steady"])

    def after(wall: float, steady: float) -> float:
        times["wall"] += wall
        times["steady"] += steady
        return look()

    assert after(1, 1) == 0
    for _ in range(100):
        assert after(1.5, 1) == 0  # corrected little by little
    assert after(-3_600, 1) == -3_601
    assert after(1, 1) == 0
    assert after(8 * 3_600, 1) == 8 * 3_600 - 1  # slept
    assert after(600, 600) == 0  # this process stood still, and not the clock
