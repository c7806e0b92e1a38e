"""The long-lived process, with runs that end well, badly or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Invoke

from pipeline.config import Config, ConfigError
from pipeline.metrics import Metrics
from pipeline.schedule import process as process_module
from pipeline.schedule import scheduler as scheduler_module
from pipeline.schedule.plan import Plan, make_plan
from pipeline.schedule.process import RunProcess
from pipeline.schedule.record import read_record
from pipeline.schedule.scheduler import Scheduler
from pipeline.schedule.waker import Waker, held
from pipeline.schedule.worker import Request
from pipeline.store.layout import Layout
from transforms.resources import config_dir

FAKE = Path(__file__).with_name("fake_run.py")
ACTORS = Path(__file__).parents[1] / "data" / "invented_actors.json"
Event = tuple[str, dict[str, Any]]


class Bench:
    """A schedule over fake runs: `said` has its events, `on` calls something at one of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout = Layout(folder / "out")
        self.said: list[Event] = []
        self.on: dict[str, Callable[[], None]] = {}
        self.metrics = Metrics(self.layout)
        self.settings: dict[str, Any] = {"every": "1s", "jitter_s": 0, "retry_s": 1}
        self.more: dict[str, Any] = {"actors": {"catalog": [str(ACTORS)]}}
        self.runs("done")

    def runs(self, *lines: str) -> None:
        (self.folder / "plan").write_text("\n".join(lines))

    def plan(self) -> Plan:
        output = {"path": str(self.layout.root)}
        values = {**self.more, "schedule": self.settings, "output": output}
        return make_plan(Config.model_validate(values), None)

    def schedule(self, plan: Plan | None = None) -> Scheduler:
        return Scheduler(
            plan or self.plan(),
            self.layout,
            self.plan,
            self._tell,
            metrics=self.metrics,
            json_log=True,
            command=(sys.executable, str(FAKE), str(self.folder)),
        )

    def _tell(self, event: str, fields: Mapping[str, Any]) -> None:
        self.said.append((event, dict(fields)))
        if event in self.on:
            self.on.pop(event)()

    def seen(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "seen").read_text().splitlines()]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [fields for event, fields in self.said if event == name]

    def endings(self) -> list[str]:
        names = ("run_finished", "run_failed", "run_stopped")
        return [event.removeprefix("run_") for event, _ in self.said if event in names]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    before = {s: signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield Bench(tmp_path)
    assert {s: signal.getsignal(s) for s in before} == before


def send(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_whatever_becomes_of_a_run_the_schedule_goes_on(bench: Bench) -> None:
    bench.runs("fail no space left", "die", "garbage", "done", "fail again")
    assert bench.schedule().run(most_runs=5) is None
    assert bench.endings() == ["failed", "failed", "failed", "finished", "failed"]
    errors = [fields["error"] for fields in bench.events("run_failed")]
    assert errors[0] == "no space left"
    assert errors[1] == "the run's process ended early: killed by SIGKILL"
    assert errors[2] == "the run's process ended early: it said nothing"
    record = read_record(bench.layout.schedule)
    assert record is not None
    assert (record.runs, record.failures, record.last_status) == (5, 1, "failed")
    assert record.last_error == "again"
    assert record.last_success_at is not None
    assert record.done_started_at is not None
    text = bench.metrics.text().decode()
    assert 'newsalign_runs_total{status="done"} 1.0' in text
    assert 'newsalign_runs_total{status="failed"} 4.0' in text
    assert 'newsalign_feed_polls_total{answer="read"} 1.0' in text


def test_runs_that_reach_no_feed_are_done_and_yet_no_success(bench: Bench) -> None:
    bench.runs("done", "alone", "alone")
    bench.schedule().run(most_runs=1)
    first = read_record(bench.layout.schedule)
    bench.schedule().run(most_runs=2)
    record = read_record(bench.layout.schedule)
    assert first is not None and record is not None
    assert bench.endings() == ["finished"] * 3
    assert (record.last_status, record.failures) == ("done", 0)
    assert record.last_success_at == first.last_success_at
    assert record.done_started_at is not None and first.done_started_at is not None
    assert record.done_started_at > first.done_started_at


def test_a_process_that_can_t_be_started_is_a_failed_run(bench: Bench) -> None:
    one = Scheduler(
        bench.plan(), bench.layout, bench.plan, bench._tell, command=("/nowhere/newsalign",)
    )
    one.run(most_runs=1)
    assert "no process could be started" in bench.events("run_failed")[0]["error"]


def test_failures_are_retried_sooner_than_the_period_and_ever_less_often(bench: Bench) -> None:
    bench.settings = {"every": "1h", "retry_s": 60}
    plan = bench.plan()
    assert [plan.retry_s(n) for n in (1, 2, 3, 7, 1_000)] == [60, 120, 240, 3_600, 3_600]
    bench.runs("fail x")
    bench.on["run_failed"] = send(signal.SIGTERM)
    assert bench.schedule(plan).run() == signal.SIGTERM
    record = read_record(bench.layout.schedule)
    assert record is not None
    assert record.last_finished_at is not None
    until_retry = bench.events("run_failed")[0]["next_run_at"] - record.last_finished_at
    assert timedelta(seconds=55) < until_retry <= timedelta(seconds=60)


def test_sigterm_ends_a_run_and_the_schedule(bench: Bench) -> None:
    bench.runs("wait")
    bench.on["run_started"] = send(signal.SIGTERM)
    assert bench.schedule().run() == signal.SIGTERM
    assert bench.endings() == ["stopped"]
    assert gone(bench.seen()[0]["pid"])
    assert bench.events("schedule_stopped") == [{"signal": "SIGTERM"}]


def test_a_run_that_is_deaf_is_killed_in_the_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scheduler_module.STOP_S < 10, "which is what SIGTERM promises"
    monkeypatch.setattr(scheduler_module, "STOP_S", 0.5)
    bench.runs("hang")
    bench.on["run_started"] = send(signal.SIGTERM)
    bench.schedule().run()
    assert bench.endings() == ["stopped"]
    assert gone(bench.seen()[0]["pid"])


def test_a_run_that_hangs_is_ended_and_the_schedule_goes_on(bench: Bench) -> None:
    bench.more["runner"] = {"job_timeout_s": 1}
    bench.runs("hang", "done")
    bench.schedule().run(most_runs=2)
    assert bench.endings() == ["failed", "finished"]
    assert bench.events("run_failed")[0]["error"] == "the run said nothing for 2 s and was ended"
    assert gone(bench.seen()[0]["pid"])


def test_a_process_that_has_said_all_and_stays_is_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "EXIT_S", 0.5)
    bench.runs("linger")
    process = RunProcess(
        Request({}, None, 0.0, 0.0, ids=False, json_log=False, parent=os.getpid()),
        (sys.executable, str(FAKE), str(bench.folder)),
    )
    said = []
    while not process.ended:
        said += [event for event, _ in process.events()]
    assert said == ["run_started", "run_finished"]
    assert process.close() == "killed by SIGKILL"
    assert gone(bench.seen()[0]["pid"])


def test_runs_log_as_the_schedule_does(bench: Bench) -> None:
    bench.schedule().run(most_runs=1)
    assert bench.seen()[0]["json_log"] is True
    request = {**bench.seen()[0], "config": {"no_such_section": 1}, "parent": os.getpid()}
    del request["pid"]
    done = subprocess.run(
        process_module.COMMAND,
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["critical"]
    assert "no_such_section" in lines[0]["traceback"]


def test_a_second_signal_ends_it_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_module, "STOP_S", 3_600)
    bench.runs("hang")

    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        threading.Timer(0.3, send(signal.SIGINT)).start()

    bench.on["run_started"] = twice
    assert bench.schedule().run() == signal.SIGINT
    assert bench.endings() == ["stopped"]
    assert gone(bench.seen()[0]["pid"])


def test_while_it_waits_a_signal_wakes_it(bench: Bench) -> None:
    bench.settings = {"every": "366d"}
    bench.on["run_finished"] = lambda: threading.Timer(0.3, send(signal.SIGTERM)).start()
    assert bench.schedule().run() == signal.SIGTERM
    assert bench.endings() == ["finished"]


def test_sighup_takes_a_good_config_and_keeps_the_old_one_before_a_bad(bench: Bench) -> None:
    bench.settings = {"every": "366d"}

    def break_it() -> None:
        bench.settings = {"every": "soon"}
        os.kill(os.getpid(), signal.SIGHUP)

    def mend_it() -> None:
        bench.settings = {"every": "1s", "jitter_s": 0}
        os.kill(os.getpid(), signal.SIGHUP)

    bench.on = {"run_finished": break_it, "config_refused": mend_it}
    bench.schedule().run(most_runs=2)
    [refused] = bench.events("config_refused")
    assert "schedule.every: 'soon' is not a duration" in refused["error"]
    assert [fields["cadence"] for fields in bench.events("config_reloaded")] == ["every 1s"]
    assert [run["config"]["schedule"]["every"] for run in bench.seen()] == ["366d", "1s"]


@pytest.mark.parametrize("key", ["catalog", "lexicon", "outlets", "rules", "feed_lists"])
def test_sighup_keeps_the_old_config_before_a_file_that_can_t_be_used(
    bench: Bench, key: str
) -> None:
    file = bench.folder / "mine.toml"
    section, value = {
        "catalog": ("actors", [str(ACTORS), str(file)]),
        "lexicon": ("stances", str(file)),
        "outlets": ("input", str(file)),
        "rules": ("clean", str(file)),
        "feed_lists": ("input", [str(file)]),
    }[key]

    def break_it() -> None:
        file.write_bytes(b"[\xff")
        bench.more.setdefault(section, {})[key] = value
        os.kill(os.getpid(), signal.SIGHUP)

    bench.on = {"run_finished": break_it, "config_refused": send(signal.SIGTERM)}
    assert bench.schedule().run(most_runs=3) == signal.SIGTERM
    assert str(file) in bench.events("config_refused")[0]["error"]
    assert bench.events("config_reloaded") == []


def test_rules_that_were_good_once_are_read_again(bench: Bench) -> None:
    file = bench.folder / "cleaning.toml"
    file.write_bytes((config_dir() / "cleaning.toml").read_bytes())
    bench.more["clean"] = {"rules": str(file)}

    def break_it() -> None:
        file.write_text("[")
        os.kill(os.getpid(), signal.SIGHUP)

    bench.on = {"run_finished": break_it, "config_refused": send(signal.SIGTERM)}
    assert bench.schedule().run(most_runs=3) == signal.SIGTERM
    assert str(file) in bench.events("config_refused")[0]["error"]


def test_whatever_reading_the_config_raises_the_schedule_goes_on(bench: Bench) -> None:
    def reload() -> Plan:
        raise PermissionError(13, "Permission denied", "/etc/x.toml")

    one = bench.schedule()
    one._reload = reload
    bench.on["schedule_started"] = send(signal.SIGHUP)
    one.run(most_runs=1)
    assert bench.events("config_refused")[0]["error"] == "/etc/x.toml: Permission denied"
    assert bench.endings() == ["finished"]


def test_a_sighup_before_the_schedule_is_ready_is_honoured_when_it_is(bench: Bench) -> None:
    with held(signal.SIGHUP):
        os.kill(os.getpid(), signal.SIGHUP)
        bench.schedule().run(most_runs=1)
    assert len(bench.events("config_reloaded")) == 1


def test_the_command_takes_sighup_from_its_first_moment_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    early: list[int] = []
    late: list[int] = []

    def read(*_: object) -> Config:
        os.kill(os.getpid(), signal.SIGHUP)
        values = {**Bench(tmp_path).more, "output": {"path": str(tmp_path / "out")}}
        return Config.model_validate(values)

    def run(self: Scheduler, most_runs: int | None = None) -> int:
        with Waker({signal.SIGHUP: late.append}):
            pass
        return signal.SIGTERM

    monkeypatch.setattr("pipeline.config.load_config", read)
    monkeypatch.setattr("pipeline.logs.start_logging", lambda **_: None)
    monkeypatch.setattr(Scheduler, "run", run)
    before = signal.signal(signal.SIGHUP, lambda number, _: early.append(number))
    try:
        assert invoke("schedule").exit_code == 0
        os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (late, early) == ([signal.SIGHUP], [signal.SIGHUP])


def test_what_only_a_restart_can_change_is_refused(bench: Bench) -> None:
    one = bench.schedule()
    bench.layout = Layout(bench.folder / "elsewhere")
    bench.on["schedule_started"] = send(signal.SIGHUP)
    one.run(most_runs=1)
    assert bench.events("config_refused")[0]["error"].startswith("output.path: another store")
    assert bench.seen()[0]["config"]["output"]["path"].endswith("/out")


def test_a_restart_waits_for_the_rest_of_the_period_unless_the_run_was_cut_off(
    bench: Bench,
) -> None:
    bench.settings = {"every": "1h"}
    bench.schedule().run(most_runs=1)
    bench.said.clear()
    bench.on["schedule_started"] = send(signal.SIGTERM)
    bench.schedule().run()
    assert bench.endings() == []
    record = read_record(bench.layout.schedule)
    assert record is not None
    assert record.done_started_at is not None
    next_run = bench.events("schedule_started")[0]["next_run_at"]
    assert timedelta(minutes=59) < next_run - record.done_started_at < timedelta(minutes=61)
    # A run that a kill cut off has no success to its name: its turn is now.
    record.done_started_at -= timedelta(hours=1)
    record.last_status = "running"
    scheduler_module.write_record(bench.layout.schedule, record)
    bench.schedule().run(most_runs=1)
    assert bench.endings() == ["finished"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', "\0"])
def test_a_record_that_is_damaged_is_done_without(bench: Bench, text: str) -> None:
    bench.layout.state.mkdir(parents=True)
    bench.layout.schedule.write_text(text)
    bench.schedule().run(most_runs=1)
    assert bench.endings() == ["finished"]
    assert read_record(bench.layout.schedule) is not None


def test_a_record_that_can_t_be_written_is_said_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scheduler_module, "write_record", full)
    bench.schedule().run(most_runs=2)
    assert bench.endings() == ["finished", "finished"]
    assert len(bench.events("state_not_saved")) == 1


def test_feeds_that_fall_due_soon_belong_to_this_run(bench: Bench) -> None:
    bench.settings = {"every": "15m", "jitter_s": 30}
    plan = bench.plan()
    assert (plan.jitter_s, plan.due_within_s, plan.lock_wait_s) == (30, 120, 300)
    bench.settings = {"every": "60s", "jitter_s": 3_000}
    plan = bench.plan()
    assert (plan.jitter_s, plan.due_within_s, plan.lock_wait_s) == (6, 12, 60)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"every": "0s"}, "schedule.every"),
        ({"cron": "x"}, "schedule.cron"),
        ({"cron": "@daily", "timezone": "Mars/One"}, "schedule.cron"),
        ({"listen": "no"}, "schedule.listen"),
    ],
)
def test_what_can_t_be_planned(settings: dict[str, str], key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{key}: "):
        make_plan(Config.model_validate({"schedule": settings}), None)
