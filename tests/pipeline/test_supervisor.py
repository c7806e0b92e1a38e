"""Lives of a stream's process: those that can't begin, those that are stopped, and their logs."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Invoke

from pipeline.config import load_config
from pipeline.stream import supervisor as supervision
from pipeline.stream.supervisor import Supervisor, _bound, _new_log

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
start = subprocess.Popen


def make(tmp_path: Path, events: list[dict[str, Any]], **more: Any) -> Supervisor:
    config = load_config(None, {"output.path": str(tmp_path / "out")})
    return Supervisor(config, None, events.append, **more)


def test_a_full_disk_is_a_life_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any, **_named: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(supervision.subprocess, "Popen", full)
    events: list[dict[str, Any]] = []
    make(tmp_path, events, for_s=0.5).run()
    assert [event["event"] for event in events] == ["failed", "restarting"]
    assert "No space left" in events[0]["error"]


def test_a_stop_while_a_process_is_being_started_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = make(tmp_path, [])

    def started(_command: Any, **named: Any) -> Any:
        supervisor.stop()  # there is nothing to stop yet
        return start(SLEEP, **named)

    monkeypatch.setattr(supervision.subprocess, "Popen", started)
    begun = time.monotonic()
    supervisor.run()
    assert time.monotonic() - begun < 30


def test_the_logs_of_the_last_lives_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "logs"
    lives = []
    for number in range(supervision.KEPT_LOGS + 2):
        log = _new_log(folder)
        log.write_text("x")
        os.utime(log, (number, number))
        lives.append(log)
    assert sorted(folder.iterdir()) == lives[2:]
    monkeypatch.setattr(supervision, "LOG_BYTES", 10)
    log = lives[-1]
    with log.open("ab") as out:
        out.write(b"much too much")
        out.flush()
        _bound(log)
        out.write(b"more")
    assert log.read_bytes() == b"more"
    assert log.with_suffix(".old").read_bytes() == b"xmuch too much"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_an_interrupted_stream_says_so_by_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, invoke: Invoke, number: int, code: int
) -> None:
    class Interrupted(Supervisor):
        def run(self) -> None:
            os.kill(os.getpid(), number)
            assert self._stopping.wait(10)

    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(supervision, "Supervisor", Interrupted)
    monkeypatch.setattr(supervision, "check_stream", lambda *_: None)
    try:
        done = invoke("stream", str(tmp_path), "--output", str(tmp_path / "out"))
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)
    assert done.exit_code == code


def test_what_can_not_be_used_is_said_by_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    monkeypatch.setattr(supervision, "check_stream", lambda *_: None)
    arguments = ("stream", str(tmp_path), "--output", str(tmp_path / "out"), "--listen")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert invoke(*arguments, str(taken.getsockname()[1])).exit_code == 1
    assert invoke(*arguments, "nowhere").exit_code == 2
    (tmp_path / "out").write_text("a file")
    done = invoke(*arguments, "0")
    assert done.exit_code == 2
    assert "output.path" in done.stderr
