"""Polls many feeds on a slow local server: time against latency ÷ concurrency, and memory.

The server waits 100 ms before each answer. The bound is feeds × latency ÷ concurrency: no poller
with that many requests in flight can be faster. Each poll is what `newsalign run` does with its
feeds: the arrival job with its worker processes, journal and feed state. It is timed from the
first request until the last item is durable in the journal; what the job takes to start and to end
whatever it reads is its own column. The second poll sends the validators of the first and gets
"304 Not Modified" without a body for every feed. "fetch" is one process that reads nothing of what
it gets. `--polls 1` leaves it and the second poll out. Memory is the sum of the peaks of all
processes of the job; pages that they share count in each.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.slow_feeds import ENTRIES, LATENCY_S, SlowFeeds, body_of, slow_feeds


@dataclass(frozen=True, slots=True)
class Poll:
    """One poll of all feeds: seconds until durable, of the whole job, of its CPUs, peak in MB."""

    seconds: float
    job_seconds: float
    cpu_seconds: float
    peak_mb: float
    counts: dict[str, Any]


class Usage:
    """Peak memory and CPU time of every process that descends from this one, but the server."""

    def __init__(self, without: int) -> None:
        self._without = without
        self._kb: dict[int, int] = {}
        self._ticks: dict[int, int] = {}

    def sample(self) -> None:
        """Look at the processes that there are now."""
        waiting = _children("self")
        while waiting:
            pid = waiting.pop()
            if pid == self._without:
                continue
            waiting += _children(str(pid))
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            self._ticks[pid] = int(times[11]) + int(times[12])
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    self._kb[pid] = int(line.split()[1])

    @property
    def megabytes(self) -> float:
        """Return the sum of the peaks."""
        return sum(self._kb.values()) / 1024

    @property
    def cpu_seconds(self) -> float:
        """Return the sum of the CPU times, start of the processes included."""
        return sum(self._ticks.values()) / os.sysconf("SC_CLK_TCK")


def _children(pid: str) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            continue
    return found


def poll(server: SlowFeeds, root: Path, urls: list[str], concurrency: int) -> Poll:
    """Poll feeds once into the store under `root`, as a run does."""
    from pipeline.config import load_config
    from pipeline.feeds.polling import plan_polls
    from pipeline.feeds.state import FeedStore
    from pipeline.job import JobSpec
    from pipeline.supervise import Job, run_job
    from transforms.poll_log import read_polls

    config = load_config(
        None, {"network.concurrency": str(concurrency), "network.allow_private": "true"}
    )
    now = datetime.now(UTC)
    store = FeedStore(f"sqlite:///{root}/feeds.sqlite")
    plan = plan_polls(store, urls, config.feeds, now)
    job = Job(Path(tempfile.mkdtemp(dir=root)))
    polls, usage = job.folder / "polls", Usage(without=server.pid)
    spec = JobSpec(
        kind="arrival",
        config=config.model_dump(mode="json"),
        config_base=None,
        root=str(root / "store"),
        run_id="benchmark",
        now=now.isoformat(),
        items=0,
        feeds=[asdict(source) for source in plan.sources],
        polls=str(polls),
    )
    began = time.time()
    run_job(job, spec, 3_600.0, usage.sample)
    ended = time.time()
    written = [path.stat().st_mtime for path in root.glob("**/*.jsonl")]
    store.save_polls(read_polls(polls), config.feeds)
    counts = server.counts()
    assert counts["requests"] == len(urls), counts
    seconds = max(written) - counts["first_at"]
    return Poll(seconds, ended - began, usage.cpu_seconds, usage.megabytes, counts)


def measure(feeds: int, concurrency: int, polls: int) -> list[Poll]:
    """Poll feeds once or twice, and check that nothing is missing."""
    with slow_feeds() as server, tempfile.TemporaryDirectory() as folder:
        urls = [server.url(number) for number in range(feeds)]
        found = [poll(server, Path(folder), urls, concurrency) for _ in range(polls)]
        items = sum(
            int(path.stem.rpartition("-")[2])
            for path in Path(folder).glob("store/**/pending/*.jsonl")
        )
    assert items == feeds * ENTRIES, items
    bodies = sum(len(body_of(f"/f{number}")) for number in range(feeds))
    for number, one in enumerate(found):
        assert one.counts["not_modified"] == number * feeds, one.counts
        assert one.counts["body_bytes"] == (1 - number) * bodies, one.counts
    return found


def fetch(feeds: int, concurrency: int) -> float:
    """Fetch feeds in one process, without reading them; returns seconds."""
    from transforms.fetch import FetchRequest, fetch_all
    from transforms.settings import NetworkSettings

    network = NetworkSettings(concurrency=concurrency, allow_private=True)
    with slow_feeds() as server:
        requests = [FetchRequest(server.url(number)) for number in range(feeds)]
        began = time.perf_counter()
        fetched = sum(one.status == 200 for one in fetch_all(requests, network))
        seconds = time.perf_counter() - began
    assert fetched == feeds
    return seconds


def main() -> None:
    """Print times against the bound and the growth of memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--polls", type=int, choices=(1, 2), default=2)
    arguments = parser.parse_args()
    print(
        f"{LATENCY_S * 1000:g} ms latency, {arguments.concurrency} requests at a time, "
        f"{ENTRIES} entries a feed; bound = feeds x latency / concurrency"
    )
    print(
        f"{'feeds':>7}{'poll':>7}{'bound':>9}{'time':>9}{'ratio':>7}{'304s':>8}{'job':>7}{'CPU':>7}{'MB':>6}"
    )
    peaks = []
    for feeds in arguments.feeds:
        bound = feeds * LATENCY_S / arguments.concurrency

        def show(
            name: str, seconds: float, rest: str = "", n: int = feeds, b: float = bound
        ) -> None:
            print(
                f"{n:>7,}{name:>7}{b:>8.2f}s{seconds:>8.2f}s{seconds / b:>7.2f}{rest}", flush=True
            )

        if arguments.polls > 1:
            show("fetch", fetch(feeds, arguments.concurrency))
        found = measure(feeds, arguments.concurrency, arguments.polls)
        for name, one in zip(("first", "second"), found, strict=False):
            answered = one.counts["not_modified"]
            show(
                name,
                one.seconds,
                f"{answered:>8,}{one.job_seconds:>6.0f}s{one.cpu_seconds:>6.1f}s{one.peak_mb:>6.0f}",
            )
        peaks.append(found[0].peak_mb)
    if len(peaks) > 1:
        print(f"peak memory, most feeds to fewest: {peaks[-1] / peaks[0]:.2f}")


if __name__ == "__main__":
    main()
