"""Stands in for a scheduled run's process: does what the test's `plan` file says, in order.

Each line of the plan is one run: `done`, `alone` (no feed could be reached), `fail TEXT`, `die`,
`hang` (deaf to SIGTERM), `linger` (done, and doesn't end), `wait` (until SIGTERM) or `garbage`;
after the last line, every run is `done`. What was asked of each run goes to `seen`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def main() -> None:
    folder = Path(sys.argv[1])
    request = json.loads(sys.stdin.read())
    seen = folder / "seen"
    number = len(seen.read_text().splitlines()) if seen.exists() else 0
    plan = (folder / "plan").read_text().splitlines()
    what, _, text = (plan[number] if number < len(plan) else "done").partition(" ")
    if what == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif what == "wait":
        signal.signal(signal.SIGTERM, lambda *_: stop())
    with seen.open("a") as out:
        out.write(json.dumps({"pid": os.getpid(), **request}) + "\n")
    say("run_started", run_id=f"r{number}")
    if what in ("hang", "wait"):
        time.sleep(120)
    elif what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "garbage":
        sys.stdout.buffer.write(b'\xff\xfe\n[1]\n{"event": 5}\n{"event": "run_fin')
    elif what == "fail":
        say("run_failed", run_id=f"r{number}", error=text)
    else:
        counts = {"feeds_polled": 2, "feeds_failed": 1}
        say(
            "run_finished",
            run_id=f"r{number}",
            counts=counts,
            feeds_unreachable=what == "alone",
        )
        if what == "linger":
            os.close(1)
            time.sleep(120)


def say(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, "fields": fields}), flush=True)


def stop() -> None:
    say("run_stopped", run_id="r", error=None)
    sys.exit()


if __name__ == "__main__":
    main()
