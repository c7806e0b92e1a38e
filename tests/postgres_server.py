"""A PostgreSQL server of its own, on a Unix socket in a folder that goes when the tests end.

Tests that want it take `postgres_url`, and skip only where Debian's `postgresql` (its server
binaries) isn't installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

OWNER = "postgres"


def binaries() -> Path | None:
    """Return the folder of the newest installed server, or None."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, _path())]
    return max((place for place in places if (place / "pg_ctl").exists()), default=None)


def _path() -> list[str]:
    return os.environ.get("PATH", "").split(os.pathsep)


class PostgresServer:
    """One server; it is made stopped, and `remove` ends it for good."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        # The server refuses to run as root, and a socket's path has at most 107 characters.
        self._as_owner: dict[str, Any] = {"user": OWNER} if os.geteuid() == 0 else {}
        self._folder = Path(tempfile.mkdtemp(prefix="newsalign-pg-"))
        if self._as_owner:
            shutil.chown(self._folder, OWNER)
        self._data = self._folder / "data"
        self._run("initdb", "-D", self._data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "-N")

    @property
    def url(self) -> str:
        """Return the SQLAlchemy URL of its database."""
        return f"postgresql://{OWNER}@/postgres?host={self._folder}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        place = f"-c listen_addresses='' -c unix_socket_directories='{self._folder}'"
        log = self._folder / "log"
        self._run(
            "pg_ctl", "-D", self._data, "-l", log, "-o", f"{place} -c fsync=off", "-w", "start"
        )

    def stop(self) -> None:
        """Stop it as a crash would."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        """Stop it where it runs, and leave nothing behind."""
        try:
            if (self._data / "postmaster.pid").exists():
                self.stop()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [str(self._binaries / program), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=self._folder,
            check=False,
            **self._as_owner,
        )
        assert done.returncode == 0, done.stderr


def make_server() -> PostgresServer:
    """Return a new server, or skip the test where none is installed."""
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL isn't installed (Debian: apt-get install postgresql)")
    return PostgresServer(found)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start a server for the session; gives the SQLAlchemy URL of its database."""
    server = make_server()
    try:
        server.start()
        yield server.url
    finally:
        server.remove()


@pytest.fixture
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server of the test's own, to be stopped and started."""
    server = make_server()
    try:
        server.start()
        yield server
    finally:
        server.remove()
