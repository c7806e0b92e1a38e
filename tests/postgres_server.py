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


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start a server for the session; gives the SQLAlchemy URL of its database."""
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL isn't installed (Debian: apt-get install postgresql)")
    # The server refuses to run as root, and a socket's path has at most 107 characters.
    as_owner: dict[str, Any] = {"user": OWNER} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="newsalign-pg-"))
    if as_owner:
        shutil.chown(folder, OWNER)

    def run(*command: object) -> None:
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=folder,
            check=False,
            **as_owner,
        )
        assert done.returncode == 0, done.stderr

    data, log = folder / "data", folder / "log"
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    try:
        run(found / "initdb", "-D", data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "-N")
        run(found / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")
        yield f"postgresql://{OWNER}@/postgres?host={folder}"
    finally:
        if (data / "postmaster.pid").exists():
            run(found / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)
