"""Fuzzes feed bytes, URLs, dates and pages with atheris and hypothesis: `make soak`.

Usage: `python tests/soak [TARGET ...]`. Environment: `SOAK_SECONDS` for each target and engine
(600), `SOAK_OUTPUT` the folder for counts, findings and corpus (build/soak). All of them run at
once, each in a process of its own. Exits with 1 where something was found or a process died.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENGINES = ("atheris", "hypothesis")
TARGETS = ("feeds", "urls", "dates", "pages")
# Starting up on a loaded machine, and the last input's time.
GRACE_S = 600.0


def main(names: list[str]) -> int:
    """Run the targets named (all by default) and print what came of them."""
    seconds = float(os.environ.get("SOAK_SECONDS", "600"))
    folder = Path(os.environ.get("SOAK_OUTPUT", HERE.parents[1] / "build" / "soak")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    engines = [one for one in ENGINES if importlib.util.find_spec(one) is not None]
    for missing in sorted({*ENGINES} - {*engines}):
        print(f"{missing} is not installed and not run: pip install '.[soak]'")
    for old in (*folder.glob("*.json"), *folder.glob("*.bin"), *folder.glob("*.txt")):
        old.unlink()
    running = {
        (engine, name): _start(engine, name, seconds, folder)
        for name in names or TARGETS
        for engine in engines
    }
    until = time.monotonic() + seconds + GRACE_S
    bad = len(engines) < len(ENGINES)
    print(f"{'target':<8}{'engine':<12}{'executions':>11}{'seconds':>9}{'slowest':>9}  found")
    for (engine, name), process in running.items():
        try:
            code = process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        counts = _counts(folder / f"{engine}-{name}.json")
        found = ", ".join(f"{n} x {kind}" for kind, n in counts.get("findings", {}).items())
        if code != 0:
            found = f"process ended with {code} (see {engine}-{name}.log)" + (
                found and f"; {found}"
            )
        bad = bad or bool(found)
        print(
            f"{name:<8}{engine:<12}{counts.get('executions', 0):>11,}"
            f"{counts.get('seconds', 0):>9.0f}{counts.get('slowest_s', 0):>8.2f}s"
            f"  {found or 'nothing'}",
            flush=True,
        )
    print(f"counts, findings and corpus: {folder}")
    return int(bad)


def _start(engine: str, name: str, seconds: float, folder: Path) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        str(HERE / "soak_worker.py"),
        engine,
        name,
        str(seconds),
        str(folder),
    ]
    with (folder / f"{engine}-{name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def _counts(path: Path) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
