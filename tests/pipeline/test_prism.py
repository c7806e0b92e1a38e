"""A runner that ends is noticed: Beam alone would wait for it."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from pipeline.stream.prism import serve_prism

RUNNER = """#!{python}
import socket, sys, time
port = int(sys.argv[sys.argv.index("-job_port") + 1])
with socket.create_server(("localhost", port)):
    time.sleep({lasts_s})
sys.exit(3)
"""


def runner(folder: Path, lasts_s: float) -> Path:
    path = folder / "runner"
    path.write_text(RUNNER.format(python=sys.executable, lasts_s=lasts_s))
    path.chmod(0o755)
    return path


def test_the_end_of_prism_is_told(tmp_path: Path) -> None:
    codes: list[int] = []
    told = threading.Event()

    def end(code: int) -> None:
        codes.append(code)
        told.set()

    with serve_prism(runner(tmp_path, 0.5), tmp_path / "log", end):
        assert told.wait(30)
    assert codes == [3]


def test_a_prism_that_is_left_is_not(tmp_path: Path) -> None:
    codes: list[int] = []
    with serve_prism(runner(tmp_path, 60.0), tmp_path / "log", codes.append):
        pass
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and "watch" in thread.name:
            thread.join(30)
    assert codes == []
