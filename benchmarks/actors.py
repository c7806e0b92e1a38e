"""What finding actors costs beside parsing, and what ten times the catalog costs beside that.

    .venv/bin/python -m benchmarks.actors

Both are shares of the CPU time of `nlp.pipe` over the same texts; the aims are 25 % and 5 %.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from benchmarks.articles import make_articles
from transforms.catalog import Catalog
from transforms.mentions import find_mentions
from transforms.name_table import NameTable
from transforms.nlp import load_pipeline
from transforms.resources import config_dir
from transforms.settings import ActorSettings

ARTICLES = 200
REPEATS = 3
COPIES = 9
ON = date(2026, 11, 2)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds: parsing, finding mentions, finding them with ten times the names."""

    parse_s: float
    mentions_s: float
    mentions_tenfold_s: float
    mentions: int
    names: int

    def __str__(self) -> str:
        return (
            f"parse {self.parse_s:.2f} s, {self.mentions} mentions of {self.names} names "
            f"{self.mentions_s:.2f} s ({self.mentions_s / self.parse_s:.1%}), with ten times the "
            f"names {(self.mentions_tenfold_s - self.mentions_s) / self.parse_s:+.1%}"
        )


def measure(articles: int = ARTICLES) -> Cost:
    """Return the costs over invented articles of about 300 words, least of three runs each."""
    nlp = load_pipeline(ActorSettings().spacy_model)
    catalog = Catalog.load([config_dir() / "actors"])
    texts = [str(article["text"]) for article in make_articles(articles)]
    docs = []
    parse_s = _cpu(lambda: docs.extend(nlp.pipe(texts, batch_size=64)))

    def run(catalog: Catalog) -> tuple[float, int]:
        counts: list[int] = []

        def once() -> None:
            counts.append(sum(len(find_mentions(doc, catalog, ON)) for doc in docs))

        return min(_cpu(once) for _ in range(REPEATS)), counts[-1]

    plain_s, mentions = run(catalog)
    tenfold = replace(catalog, names=_tenfold(catalog.names))
    tenfold_s, _ = run(tenfold)
    return Cost(parse_s, plain_s, tenfold_s, mentions, len(catalog.names.uses))


def _tenfold(names: NameTable) -> NameTable:
    """Return the table with nine invented longer names beside each, on the same first words."""
    uses = [use for group in names.uses.values() for use in group]
    made = [
        replace(use, surface=f"{use.surface} {'abcdefghi'[copy] * 3}")
        for copy in range(COPIES)
        for use in uses
    ]
    return NameTable.build([*uses, *made])


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    print(measure())
