"""One engine on one target for some time: `python soak_worker.py ENGINE TARGET SECONDS FOLDER`."""

from __future__ import annotations

import os
import random
import sys
import time
import warnings
from pathlib import Path

EXAMPLES_A_ROUND = 200
# What a libFuzzer process may hold, in MB, and how long one input may hang, in seconds of wall
# time; the time bound proper is the target's, in processor time.
RSS_LIMIT_MB = 2_048
HANG_S = 300


def run_hypothesis(name: str, seconds: float, folder: Path, seed: int | None = None) -> None:
    """Draw inputs until the time is up, each round from a seed of its own."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from soak_corpus import corpus
    from soak_inputs import inputs
    from soak_targets import TARGETS
    from soak_watch import Watch

    watch = Watch("hypothesis", name, TARGETS[name], folder)
    documents = corpus(name)
    watch.warm_up(documents)
    strategy = inputs(watch.target, documents)
    source = random.Random(seed)

    def attempt(data: bytes) -> None:
        if watch.seconds < seconds:
            watch.run(data)

    while watch.seconds < seconds:
        rules = settings(
            max_examples=EXAMPLES_A_ROUND,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seeded(source.getrandbits(64))(rules(given(strategy)(attempt)))()
    watch.write()


def run_atheris(name: str, seconds: float, folder: Path, seed: int | None = None) -> None:
    """Let libFuzzer steer by coverage of our code and of the parsers that are Python."""
    import atheris

    with atheris.instrument_imports(include=["transforms", "feedparser", "trafilatura"]):
        from soak_targets import TARGETS
    from soak_corpus import corpus
    from soak_watch import Watch

    watch = Watch("atheris", name, TARGETS[name], folder)
    inputs = folder / "corpus" / name
    inputs.mkdir(parents=True, exist_ok=True)
    documents = corpus(name)
    watch.warm_up(documents)
    for number, document in enumerate(documents):
        (inputs / f"start-{number:03d}").write_bytes(document)
    words = folder / f"{name}.dict"
    words.write_text("".join(_dictionary_line(token) for token in watch.target.tokens))
    until = time.monotonic() + seconds

    def attempt(data: bytes) -> None:
        if time.monotonic() < until:
            watch.run(data)
            return
        # libFuzzer would read all of a large corpus to its end before it looks at the clock.
        watch.write()
        os._exit(0)

    flags = [
        f"-max_len={watch.target.max_bytes}",
        f"-dict={words}",
        f"-timeout={HANG_S}",
        f"-rss_limit_mb={RSS_LIMIT_MB}",
        f"-artifact_prefix={folder}/{name}-",
        "-print_final_stats=0",
        "-verbosity=0",
        f"-seed={seed or 0}",
    ]
    atheris.Setup([sys.argv[0], *flags, str(inputs)], attempt, enable_python_coverage=True)
    atheris.Fuzz()


def _dictionary_line(token: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in token) + '"\n'


def main(engine: str, name: str, seconds: str, folder: str, seed: str = "") -> None:
    """Run one engine on one target."""
    # Parsers warn of what they are given; that is what they are given here.
    warnings.simplefilter("ignore")
    run = {"hypothesis": run_hypothesis, "atheris": run_atheris}[engine]
    run(name, float(seconds), Path(folder), int(seed) if seed else None)


if __name__ == "__main__":
    main(*sys.argv[1:])
