"""What reading stances costs beside parsing, on two cores, and where the time goes.

    .venv/bin/python -m benchmarks.readers --articles 2000

Two processes take half of the articles each. The aim: both readers together add at most 60 % to
the CPU time that spaCy alone takes over the same texts. In the news that the product is for more
sentences name two actors than in the other benchmarks' articles: so a share of sentences here is
written by the training grammar (`--political`, default .3; the sample articles in seeds/ have two
actors in .40 of their sentences, the articles made here say what they have).
"""

from __future__ import annotations

import argparse
import re
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from datetime import date
from multiprocessing import get_context
from random import Random

from benchmarks.articles import make_articles
from pipeline.training.synthetic import generate
from transforms.catalog import Catalog
from transforms.mentions import find_mentions
from transforms.nlp import load_pipeline, parse_documents
from transforms.resources import config_dir
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.engine import StanceEngine, sentence_starts
from transforms.stances.lexicon import Lexicon

ON = date(2026, 11, 2)
PROCESSES = 2
BATCH = 64
_SENTENCE = re.compile(r"(?<=[.?!”]) (?=[A-Z“])")


@dataclass(slots=True)
class Times:
    """CPU seconds of each step over some articles, and what was in these."""

    parse: float = 0.0
    mentions: float = 0.0
    grammar: float = 0.0
    learned: float = 0.0
    words: int = 0
    sentences: int = 0
    with_two: int = 0
    stances: int = 0

    def add(self, other: Times) -> None:
        """Add another process's times and counts."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


def texts(count: int, words: int, political: float, seed: int = 1) -> list[str]:
    """Return articles in which about that share of sentences comes from the training grammar."""
    lexicon = Lexicon.load(config_dir() / "stances.toml")
    chance = Random(seed)
    rows = generate(int(count * words / 12 * political) + count, seed, lexicon)
    written = []
    for article in make_articles(count, words, seed):
        sentences = _SENTENCE.split(str(article["text"]))
        mixed = [
            re.sub(r"[\[\]]", "", next(rows)["sentence"])
            if chance.random() < political
            else sentence
            for sentence in sentences
        ]
        written.append(" ".join(" ".join(mixed).split(" ")[:words]))
    return written


def time_steps(part: list[str], engine: str) -> Times:
    """Return the times of one process's articles; models are loaded and warm before it counts."""
    nlp = load_pipeline(ActorSettings().spacy_model)
    catalog = Catalog.load([config_dir() / "actors"])
    lexicon = Lexicon.load(config_dir() / "stances.toml")
    grammar = StanceEngine(lexicon, StanceSettings.model_validate({"engine": "grammar"}))
    whole = StanceEngine(lexicon, StanceSettings.model_validate({"engine": engine}))
    for doc in parse_documents(nlp, [(text, None) for text in part[:8]], batch_size=BATCH):
        whole.read(doc, find_mentions(doc, catalog, ON))
    times = Times(words=sum(len(text.split()) for text in part))
    for at in range(0, len(part), BATCH):
        began = time.process_time()
        docs = list(parse_documents(nlp, [(t, None) for t in part[at : at + BATCH]]))
        parsed = time.process_time()
        mentions = [find_mentions(doc, catalog, ON) for doc in docs]
        found = time.process_time()
        for doc, own in zip(docs, mentions, strict=True):
            grammar.read(doc, own)
        read = time.process_time()
        for doc, own in zip(docs, mentions, strict=True):
            times.stances += len(whole.read(doc, own))
        done = time.process_time()
        times.parse += parsed - began
        times.mentions += found - parsed
        times.grammar += read - found
        times.learned += (done - read) - (read - found)
        for doc, own in zip(docs, mentions, strict=True):
            starts = sentence_starts(doc)
            times.sentences += len(starts)
            times.with_two += _with_two(starts, [(m.start, m.rollup) for m in own])
    return times


def _with_two(starts: list[int], mentions: list[tuple[int, str]]) -> int:
    """Return how many sentences mention two roll-ups or more."""
    ends = [*starts[1:], max(starts, default=0) + 1_000_000]
    spans = zip(starts, ends, strict=True)
    return sum(len({r for at, r in mentions if start <= at < end}) > 1 for start, end in spans)


def measure(count: int, words: int, political: float, engine: str) -> Times:
    """Return the summed times of two processes over `count` articles."""
    written = texts(count, words, political)
    parts = [written[number::PROCESSES] for number in range(PROCESSES)]
    total = Times()
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        for times in pool.map(time_steps, parts, [engine] * PROCESSES):
            total.add(times)
    return total


def table(times: Times, articles: int, engine: str) -> str:
    """Return the times as lines: milliseconds of a core an article, and shares of parsing."""
    lines = [f"{'step':<10} {'ms/article':>10} {'of parsing':>10}"]
    steps = {name: getattr(times, name) for name in ("parse", "mentions", "grammar", "learned")}
    steps["readers"] = times.grammar + times.learned
    if engine == "grammar":
        # Both engines that were timed are the same one: their difference is noise.
        del steps["learned"]
        steps["readers"] = times.grammar
    for name, seconds in steps.items():
        share = f"{seconds / times.parse:.1%}"
        lines.append(f"{name:<10} {1000 * seconds / articles:>10.2f} {share:>10}")
    lines.append(
        f"{articles} articles, {times.words / articles:.0f} words each, two actors in "
        f"{times.with_two / times.sentences:.0%} of {times.sentences} sentences, "
        f"{times.stances} stances read"
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--words", type=int, default=300)
    parser.add_argument("--political", type=float, default=0.3)
    parser.add_argument("--engine", default=StanceSettings().engine)
    options = parser.parse_args()
    times = measure(options.articles, options.words, options.political, options.engine)
    print(table(times, options.articles, options.engine))


if __name__ == "__main__":
    main()
