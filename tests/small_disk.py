"""A small file system of its own, for tests of what happens when a disk is full or read-only."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

DISK_BYTES = 32_000_000


class Disk:
    """A small file system of its own that can be filled and made read-only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        options = f"size={DISK_BYTES}"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")

    def fill(self) -> None:
        with (self.folder / "filler").open("wb", buffering=0) as out:
            try:
                while True:
                    out.write(b"x" * 4_096)
            except OSError:
                pass

    def free(self) -> None:
        (self.folder / "filler").unlink()

    def seal(self) -> None:
        """Make it read-only. (Its own mount can't be while the schedule's lock is open.)"""
        here = str(self.folder)
        subprocess.run(["mount", "--bind", here, here], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", here], check=True)

    def unseal(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)

    def remove(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)
