"""Where things lie under OUTPUT. Names with an underscore are not data: readers skip them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of one store."""

    root: Path

    @property
    def state(self) -> Path:
        """Return the folder of everything that is not a dataset."""
        return self.root / "_state"

    @property
    def lock(self) -> Path:
        """Return the writer lock; its text names the holder."""
        return self.state / "writer.lock"

    @property
    def index(self) -> Path:
        """Return the disk index; it can be rebuilt from the Parquet."""
        return self.state / "index.sqlite"

    @property
    def intent(self) -> Path:
        """Return the record of a commit that has begun; a restart finishes it."""
        return self.state / "intent.json"

    @property
    def pruned(self) -> Path:
        """Return the record of the day before which partitions were pruned."""
        return self.state / "pruned.json"

    @property
    def snapshots(self) -> Path:
        """Return the folder of hard links through which a store is read as it was at one moment."""
        return self.state / "snapshots"

    @property
    def feeds(self) -> Path:
        """Return the database of feeds, unless the config names another."""
        return self.state / "feeds.sqlite"

    @property
    def journal(self) -> Path:
        """Return the folder of the journal."""
        return self.state / "journal"

    @property
    def staging(self) -> Path:
        """Return the folder in which batches are prepared, on the store's own file system."""
        return self.state / "staging"

    @property
    def logs(self) -> Path:
        """Return the folder of the logs of jobs that failed."""
        return self.state / "logs"

    @property
    def schedule_lock(self) -> Path:
        """Return the lock of the one schedule that a store has; its text names the holder."""
        return self.state / "schedule.lock"

    @property
    def stream_lock(self) -> Path:
        """Return the lock of the one stream that a store has; its text names the holder."""
        return self.state / "stream.lock"

    @property
    def schedule(self) -> Path:
        """Return what the schedule writes down of itself."""
        return self.state / "schedule.json"
