"""SIGKILL at random moments: `python tests/soak/kills.py [--kills 100] [--seed N] [--workers 2]`.

A store is filled by `run`, `schedule` and `stream`, coded anew by `rebuild` and put in order by
`compact`, while parents and workers are killed and a reader polls. Each command is started again
until its kills are done, then runs to its end; then the store must be sound (`verify`) and hold the
bytes of one that nobody killed. Cycles follow each other until the kills are done.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
from kill_input import Inputs, write_inputs
from kill_stream import VICTIMS, KilledStream, WatchedFolder
from process_use import descendants
from store_rows import rows_by_date

from pipeline.store.layout import Layout
from transforms.parquet_io import Row, read_rows, write_rows
from transforms.parts import parts_of, stated_parts
from transforms.schemas import ARTICLES, DATASETS

NEWSALIGN = str(Path(sys.executable).parent / "newsalign")
TIMEOUT_S = 300
POLL_S = 0.001
# A kill that comes too late (the command has ended) is tried again, this many times at most.
TRIES = 6
# Where a kill strikes: after some time, or once the commit's intent record stands.
MOMENTS = ("time", "commit")
# Columns that two runs over the same input give other values.
BY_THE_CLOCK = {"rejects": ("run_id",), "articles": ("first_seen_at",)}
# What runs were, and what stories were called before what arrived later joined them.
HISTORY = ("runs", "story_aliases")
FULL_CYCLE = {"run": 5, "schedule": 4, "stream": 6, "rebuild": 5, "compact": 5}


@dataclass
class Outcome:
    """What a campaign came to; `wrong` is empty where nothing was lost, doubled or unreadable."""

    kills: dict[str, int] = field(default_factory=dict)
    late: int = 0
    wrong: list[str] = field(default_factory=list)
    reads: int = 0
    rounds: int = 0
    rows: int = 0

    @property
    def total(self) -> int:
        return sum(self.kills.values())


@dataclass
class Campaign:
    """One store and who kills its writers. `say` gets a line for each thing that is done."""

    folder: Path
    seed: int
    workers: int = 1
    articles: int = 24
    say: Callable[[str], None] = lambda line: None
    outcome: Outcome = field(default_factory=Outcome)

    def cycle(self, kills: dict[str, int]) -> Outcome:
        """Fill, code anew and compact one store, with that many kills by command."""
        self.chance = random.Random(self.seed)
        self.store = Layout(self.folder / "store")
        self.store.root.mkdir(parents=True)
        today = datetime.now(UTC).date()
        self.now = f"{today.isoformat()}T00:00:00Z"
        inputs = write_inputs(self.folder / "in", self.articles, self.seed, today)
        coded = self.folder / "coded"
        other = self.folder / "other"
        every = [str(inputs.first), str(inputs.second), str(inputs.third)]
        started = time.monotonic()
        first = self._start("run", *every, "-c", str(inputs.coding), output=coded)
        second = self._start("run", *every, "-c", str(inputs.other_coding), output=other)
        self._finished(first)
        self._finished(second)
        self.run_s = time.monotonic() - started
        with self._reader():
            self._fill(kills, inputs)
            self._compare("filled", coded)
            again = ("rebuild", "--quiet", "-c", str(inputs.other_coding))
            self._attack("rebuild", kills["rebuild"], again, self.run_s * 0.7)
            self._compare("coded anew", other)
            tidy = ("compact", "-c", str(inputs.other_coding))
            wanted = contents(other)
            scatter(other)
            started = time.monotonic()
            self._finished(self._start(*tidy, output=other))
            lasts_s = time.monotonic() - started
            if contents(other) != wanted:
                self.outcome.wrong.append("compact changes what it should only join")
            self._attack("compact", kills["compact"], tidy, lasts_s, self._scatter_if_tidy)
            self._compare("compacted", other)
        return self.outcome

    def _fill(self, kills: dict[str, int], inputs: Inputs) -> None:
        """Fill the store, by a run with all that isn't left to a schedule and a stream."""
        coding = ("-c", str(inputs.coding))
        read = [str(inputs.first)]
        read += [] if kills.get("schedule") else [str(inputs.second)]
        read += [] if kills.get("stream") else [str(inputs.third)]
        self._attack("run", kills["run"], ("run", *read, *coding), self.run_s)
        if kills.get("schedule"):
            once = ("schedule", str(inputs.second), "--every", "1s", "--jitter", "0", "--runs", "1")
            self._attack("schedule", kills["schedule"], (*once, *coding), self.run_s)
        if kills.get("stream"):
            self._attack_stream(kills["stream"], inputs.third, coding)
            if not any(parts_of(self.store.root, ARTICLES, day) > 1 for day in self._days()):
                self.outcome.wrong.append("the stream wrote no date in parts")

    def _days(self) -> list[str]:
        folders = (self.store.root / ARTICLES.name).glob("date=*")
        return [folder.name.removeprefix("date=") for folder in folders]

    def _attack_stream(self, kills: int, source: Path, coding: Sequence[str]) -> None:
        """Kill a stream's processes while its files come in; then let it do its work."""
        files = WatchedFolder(source)
        files.hide()
        log = self.folder / "stream.log"
        stream = KilledStream(self.store, source, coding, log, self.chance)
        done = 0
        try:
            for _ in range(TRIES * kills):
                if done == kills:
                    break
                # Without something to take in there is no commit to wait for.
                moment = self.chance.choice(MOMENTS) if files.left else "time"
                files.show(max(1, files.left // (kills - done + 1)))
                victim = self.chance.choice(VICTIMS)
                struck = stream.kill(victim, moment == "commit", self.run_s / 2)
                self.say(f"stream: {victim} {'killed' if struck else 'missed'} ({moment})")
                done += struck
                self.outcome.late += not struck
            self.outcome.kills["stream"] = self.outcome.kills.get("stream", 0) + done
            files.show(files.left)
            wrong = stream.finish()
            if wrong:
                self.outcome.wrong.append(f"stream: {wrong}")
        finally:
            stream.close()

    def _start(self, command: str, *arguments: str, output: Path) -> subprocess.Popen[str]:
        more = ["--workers", str(self.workers)] if command in ("run", "schedule") else []
        more += ["--quiet", "--now", self.now] if command == "run" else []
        return subprocess.Popen(
            [NEWSALIGN, command, *arguments, *more, "--output", str(output)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _finished(self, process: subprocess.Popen[str]) -> None:
        told, _ = process.communicate(timeout=TIMEOUT_S)
        if process.returncode != 0:
            line = told.strip().splitlines()[-1:] or [""]
            command = " ".join(str(word) for word in process.args[1:3])  # type: ignore[index]
            self.outcome.wrong.append(f"{command}: exit code {process.returncode}: {line[0]}")

    def _attack(
        self,
        name: str,
        kills: int,
        command: Sequence[str],
        lasts_s: float,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """Start a command and kill it, `kills` times; then let it do its work.

        `lasts_s` is how long it takes unkilled; `before` comes before each start.
        """
        done = 0
        for _ in range(TRIES * kills):
            if done == kills:
                break
            moment = self.chance.choice(MOMENTS)
            victim = self.chance.choice(("parent", "parent", "worker"))
            after = self.chance.uniform(0.0, lasts_s if moment == "time" else 0.05)
            before()
            process = self._start(*command, output=self.store.root)
            struck = self._strike(process, moment, victim, after)
            self.say(f"{name}: {victim} {'killed' if struck else 'missed'} ({moment})")
            done += struck
            self.outcome.late += not struck
            if struck and victim == "parent":
                process.wait(timeout=TIMEOUT_S)
                process.communicate()
            else:
                # A worker's death costs a retry, or the run; the next one goes on either way.
                process.communicate(timeout=TIMEOUT_S)
        self.outcome.kills[name] = self.outcome.kills.get(name, 0) + done
        self._finished(self._start(*command, output=self.store.root))

    def _scatter_if_tidy(self) -> None:
        """Give compact work, unless what it was killed at is still to be done."""
        scattered = any(self.store.root.rglob("part-00001.parquet"))
        if not scattered and not self.store.intent.exists():
            scatter(self.store.root)

    def _strike(
        self, process: subprocess.Popen[str], moment: str, victim: str, after: float
    ) -> bool:
        """Wait for the moment and kill; False where the process has ended before."""
        if moment == "commit":
            while not self.store.intent.exists():
                if process.poll() is not None:
                    return False
                time.sleep(POLL_S)
        until = time.monotonic() + after
        while time.monotonic() < until:
            if process.poll() is not None:
                return False
            time.sleep(POLL_S)
        pid = process.pid
        while victim == "worker":
            found = descendants(process.pid)
            if found:
                pid = self.chance.choice(found)
                break
            if process.poll() is not None:
                return False
            time.sleep(POLL_S)
        if process.poll() is not None:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    @contextmanager
    def _reader(self) -> Iterator[None]:
        report = self.folder / "reader.json"
        script = Path(__file__).with_name("kill_reader.py")
        command = [sys.executable, str(script), str(self.store.root), str(report)]
        process = subprocess.Popen(command)
        try:
            yield
        finally:
            process.terminate()
            code = process.wait(timeout=TIMEOUT_S)
            if code != 0 or not report.exists():
                self.outcome.wrong.append(f"the reader ended with {code}")
            else:
                found = json.loads(report.read_text())
                self.outcome.wrong += found["failures"]
                self.outcome.rounds += found["rounds"]
                self.outcome.reads += found["files"]
                self.outcome.rows += found["rows"]

    def _compare(self, state: str, wanted: Path) -> None:
        """Note what verify finds, and where the store is not as it would be without kills."""
        check = subprocess.run(
            [NEWSALIGN, "verify", "--json", "--output", str(self.store.root)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        if check.returncode != 0:
            self.outcome.wrong.append(f"{state}: verify: {check.stdout}{check.stderr}")
        here, there = contents(self.store.root), contents(wanted)
        self.outcome.wrong += [
            f"{state}: {name} is not as it would be"
            for name in sorted({*here, *there})
            if not same(here.get(name), there.get(name))
        ]
        if self.store.intent.exists() or list(self.store.journal.glob("pending/*.jsonl")):
            self.outcome.wrong.append(f"{state}: something was left to be done")


def contents(root: Path) -> dict[str, tuple[list[Row], bytes | None]]:
    """Return each partition's rows, and its bytes where it is one file; no history.

    Rows are without what the clock or the run gave them; where that is left out there are no bytes.
    """
    found: dict[str, tuple[list[Row], bytes | None]] = {}
    for name in DATASETS.keys() - set(HISTORY):
        unknown = dict.fromkeys(BY_THE_CLOCK.get(name, ()))
        for where, rows in rows_by_date(root, name).items():
            files = [] if unknown else list((root / where).glob("*.parquet"))
            found[where] = (
                [{**row, **unknown} for row in rows],
                files[0].read_bytes() if len(files) == 1 and not in_parts(files[0]) else None,
            )
    return found


def in_parts(path: Path) -> bool:
    """Return whether a file is a part, if only because all of its date's rows are of one span."""
    return stated_parts(pq.read_schema(path)) > 1


def same(
    one: tuple[list[Row], bytes | None] | None, other: tuple[list[Row], bytes | None] | None
) -> bool:
    """Return whether two partitions hold the same: row for row where one of them is in parts."""
    if one is None or other is None:
        return one is other
    return one[0] == other[0] and (None in (one[1], other[1]) or one[1] == other[1])


def scatter(root: Path) -> None:
    """Divide files in two for compact to join, but those of `runs` and those that are parts."""
    for name, dataset in DATASETS.items():
        for path in sorted((root / name).rglob("part-00000.parquet")):
            rows = read_rows(dataset, path)
            if name == "runs" or len(rows) < 2 or pq.ParquetFile(path).metadata.num_rows == 1:
                continue
            if in_parts(path):
                continue
            # The store's files appear whole, here too: a reader takes any *.parquet for data.
            other = root / "_state" / "scattered.parquet"
            write_rows(dataset, rows[len(rows) // 2 :], other)
            other.replace(path.with_name("part-00001.parquet"))
            write_rows(dataset, rows[: len(rows) // 2], other)
            other.replace(path)


def main() -> int:
    """Kill until it is enough; 1 where anything was lost, doubled or unreadable."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    outcome = Outcome()
    cycle = 0
    while outcome.total < options.kills and not outcome.wrong:
        with tempfile.TemporaryDirectory() as folder:
            campaign = Campaign(
                Path(folder), options.seed + cycle, options.workers, outcome=outcome,
                say=lambda line: print(line, flush=True),
            )  # fmt: skip
            campaign.cycle(FULL_CYCLE)
        cycle += 1
    killed = ", ".join(f"{number} of {name}" for name, number in outcome.kills.items())
    print(f"{outcome.total} kills ({killed}), {outcome.late} came too late")
    print(
        f"a reader read {outcome.reads:,} files in {outcome.rounds:,} rounds, and found each key"
        f" of {outcome.rows:,} rows once"
    )
    for line in outcome.wrong:
        print(f"WRONG: {line}")
    return int(bool(outcome.wrong))


if __name__ == "__main__":
    sys.exit(main())
