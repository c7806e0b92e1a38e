"""Runs every benchmark in turn and writes `benchmarks/RESULTS.md`: `make bench`."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCHMARKS = (
    ("The whole job against the bare parse loop", ["benchmarks.job", "--articles", "2000"]),
    ("Deduplication against datasketch", ["benchmarks.deduplicate", "--articles", "10000"]),
    ("Reading stances beside parsing", ["benchmarks.readers", "--articles", "2000"]),
    ("Page text against other extractors", ["benchmarks.page_text"]),
    ("One new day after 30 and 3,650 days of history", ["benchmarks.history"]),
    ("Polling feeds against latency ÷ concurrency", ["benchmarks.poll_feeds"]),
)


def processor() -> str:
    """Return the processor's name, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def main() -> int:
    """Run all benchmarks; returns 1 where one failed, and says so in its place."""
    parts = [
        "# Benchmark results",
        "",
        f"Written by `make bench` on {datetime.date.today().isoformat()}: "
        f"{os.cpu_count()} cores of {processor()}, Python {platform.python_version()}. "
        "Each compares both sides in one run; read the ratios, not the seconds.",
    ]
    failed = 0
    for title, arguments in BENCHMARKS:
        print(f"== {title}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", *arguments], capture_output=True, text=True, cwd=HERE.parent
        )
        text = done.stdout.rstrip() or done.stderr.rstrip()
        print(text, flush=True)
        failed |= done.returncode
        state = "" if done.returncode == 0 else f"failed with exit code {done.returncode}\n"
        command = " ".join(["python", "-m", *arguments])
        parts += ["", f"## {title}", "", f"`{command}`", "", "```text", state + text, "```"]
    (HERE / "RESULTS.md").write_text("\n".join(parts) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
