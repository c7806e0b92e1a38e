"""A reader that notes when articles can be seen: `python stream_reader.py STORE NOTES`.

An article counts as seen once its row and the alignments counted from it are in place: the
partitions that changed are read while no commit is under way, and no file changes meanwhile. NOTES
gets a JSON line for each article: `url` and `at` (the machine's monotonic clock, seconds), which is
when it was read, not when it was written. Ends when it is terminated.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import pyarrow.parquet as pq

from pipeline.store.layout import Layout

PAUSE_S = 0.25
Stamps = dict[str, tuple[int, int]]


class Reader:
    """Polls a store; every URL is noted once."""

    def __init__(self, root: Path) -> None:
        self._layout = Layout(root)
        self._read: Stamps = {}
        self._seen: set[str] = set()
        self.stopped = False

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopped = True

    def news(self) -> list[str]:
        """Return the URLs that can be seen since the last call, none while a commit goes on."""
        if self._layout.intent.exists():
            return []
        before = self._stamps()
        if before == self._read:
            return []
        changed = [
            path
            for path, stamp in before.items()
            if path.startswith("articles/") and self._read.get(path) != stamp
        ]
        try:
            found = [self._urls(path) for path in changed]
        except FileNotFoundError:
            return []
        if self._layout.intent.exists() or self._stamps() != before:
            return []
        self._read = before
        fresh = list(dict.fromkeys(url for urls in found for url in urls if url not in self._seen))
        self._seen.update(fresh)
        return fresh

    def _urls(self, path: str) -> list[str]:
        with pq.ParquetFile(self._layout.root / path) as file:
            return [str(url) for url in file.read(columns=["url"]).column("url").to_pylist()]

    def _stamps(self) -> Stamps:
        """Return what tells a file's versions apart, of articles and alignments."""
        found: Stamps = {}
        for dataset in ("articles", "alignments"):
            for path in (self._layout.root / dataset).glob("date=*/*.parquet"):
                try:
                    facts = path.stat()
                except FileNotFoundError:
                    continue
                where = path.relative_to(self._layout.root).as_posix()
                found[where] = (facts.st_ino, facts.st_mtime_ns)
        return found


def main(store: str, notes: str) -> None:
    """Poll until terminated."""
    os.nice(5)
    reader = Reader(Path(store))
    signal.signal(signal.SIGTERM, reader.stop)
    with Path(notes).open("w", encoding="utf-8", buffering=1) as out:
        while not reader.stopped:
            fresh = reader.news()
            at = time.monotonic()
            out.writelines(json.dumps({"url": url, "at": at}) + "\n" for url in fresh)
            out.flush()
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
