"""Finding and starting Prism, Beam's local runner that can stream.

Started here and not by Beam, so that it ends with the stream however that ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.config import ConfigError
from transforms.processes import die_with_parent

INSTALL = "go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0"
START_S = 30.0
POLL_S = 0.05


class PrismFailedError(Exception):
    """Prism did not come up; its text is one line."""


def find_prism(named: str) -> Path | None:
    """Return the program: the one named, else on PATH, else in Go's bin folder, else None.

    Raises ConfigError where the named one isn't there.
    """
    if named:
        path = Path(named).expanduser()
        if not os.access(path, os.X_OK):
            raise ConfigError(f"stream.prism: {named}: no such program ({INSTALL})")
        return path
    found = shutil.which("prism")
    if found:
        return Path(found)
    path = Path(os.environ.get("GOPATH") or Path.home() / "go") / "bin" / "prism"
    return path if os.access(path, os.X_OK) else None


@contextlib.contextmanager
def serve_prism(program: Path, log: Path, on_end: Callable[[int], None]) -> Iterator[str]:
    """Run Prism on a free port of this machine and yield its job endpoint.

    `on_end` gets its exit code, in a thread, where it ends before the block does: Beam would wait
    for a runner that was gone before it had the job.
    """
    port = _free_port()
    with log.open("ab") as out:
        process = subprocess.Popen(
            [
                sys.executable,
                *("-m", "pipeline.stream.prism", str(os.getpid()), str(program)),
                *("-job_port", str(port), "-serve_http=false", "-log_level=warn"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    leaving = threading.Event()

    def watch() -> None:
        code = process.wait()
        if not leaving.is_set():
            on_end(code)

    try:
        _wait_for(process, port)
        threading.Thread(target=watch, daemon=True).start()
        yield f"localhost:{port}"
    finally:
        leaving.set()
        process.kill()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PrismFailedError(f"prism ended at once with exit code {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1.0):
            return
        time.sleep(POLL_S)
    raise PrismFailedError(f"prism did not open its port in {START_S:g} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _become(parent: int, program: str, arguments: list[str]) -> None:
    """Turn into Prism; the request to die with the parent survives the exec."""
    die_with_parent(parent)
    os.execv(program, [program, *arguments])


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
