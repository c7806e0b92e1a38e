"""Whether runs succeed as often as they should, and a look from outside.

`python -m pipeline.health URL` asks a health endpoint and exits 0 or 1, for containers without
curl.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from dataclasses import dataclass

LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Health:
    """A judgement and its reason in one line."""

    ok: bool
    reason: str


def judge(
    *, up_s: float, silent_s: float, succeeded: bool, period_s: float, limit_s: float
) -> Health:
    """Say whether a schedule is well: red when no run has succeeded for three periods.

    `up_s` is for how long this process has run: it is given a first period before it is judged.
    `silent_s` is how long ago the last run succeeded or, where none ever did (`succeeded`), the
    first schedule started; `limit_s` is how long three periods took from then.
    """
    if silent_s <= limit_s:
        what = (
            "the last success is" if succeeded else "no run has succeeded yet, the first start is"
        )
        return Health(True, f"{what} {_span(silent_s)} old")
    if up_s < period_s:
        return Health(True, f"started {_span(up_s)} ago, before the first period has passed")
    return Health(False, f"no run has succeeded for {_span(silent_s)}, three periods and more")


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} d"


def look(url: str) -> Health:
    """Ask a health endpoint."""
    try:
        with urllib.request.urlopen(url, timeout=LOOK_S) as answer:
            return Health(answer.status == 200, answer.read(1_000).decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        return Health(False, error.read(1_000).decode("utf-8", "replace"))
    except (OSError, ValueError) as error:
        return Health(False, f"{url}: {getattr(error, 'reason', error)}")


def main(arguments: list[str]) -> int:
    """Print what the endpoint of the first argument says; 0 where it is well, else 1."""
    if len(arguments) != 1 or not arguments[0].startswith(("http://", "https://")):
        print("usage: python -m pipeline.health http://HOST:PORT/health", file=sys.stderr)
        return 2
    found = look(arguments[0])
    print(found.reason.strip())
    return 0 if found.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
