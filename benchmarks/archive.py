"""What an archive of any size costs: signatures, index, and a day's articles against it.

`python -m benchmarks.archive grow --index FILE --articles 100000` adds that many articles to an
index, ten thousand a commit, and prints the cost of an article in each; called again it goes on
from there. `python -m benchmarks.archive sign --articles 1000000` makes signatures alone, in two
processes, and keeps them all. `python -m benchmarks.archive day --index FILE` compares a day's
20,000 articles with the index and with an empty one. Texts are one generated corpus, written anew
for each commit under another order of the alphabet: as long, as alike among each other, and
strangers to all before.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import string
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median

from benchmarks.deduplicate import sketched
from benchmarks.wire_copies import WireArticle, corpus
from pipeline.store.index import IndexChanges, IndexView, apply_changes, open_index
from transforms.ids import stable_id
from transforms.near_pairs import ASKED_BATCHES, VerifyStored, find_edges, sketch_records
from transforms.settings import DeduplicateSettings
from transforms.signatures import BATCH
from transforms.text_rules import shipped_rules

COMMIT = 10_000
PER_DAY = 20_000
SENTENCES = 14  # an article of this corpus has about as many; the index keeps a hash of each


@dataclass(frozen=True)
class Commit:
    """What one commit cost: milliseconds an article, megabytes."""

    articles: int
    signatures_ms: float
    index_ms: float
    index_mb: float
    peak_mb: float


def strangers(articles: Sequence[WireArticle], number: int) -> Iterator[WireArticle]:
    """Yield the articles under the alphabet of this number, published half a day after the last."""
    letters = list(string.ascii_lowercase)
    Random(number).shuffle(letters)
    other = "".join(letters)
    table = str.maketrans(string.ascii_lowercase + string.ascii_uppercase, other + other.upper())
    later = timedelta(days=COMMIT / PER_DAY) * number
    for article in articles:
        yield replace(
            article,
            item_id=stable_id("archive", str(number), article.item_id),
            title=article.title.translate(table),
            text=article.text.translate(table),
            published_at=article.published_at + later,
            fetched_at=article.fetched_at + later,
        )


def facts(article: WireArticle) -> dict[str, object]:
    """Return what the index keeps of an article, of the size that it has in a store."""
    at = article.published_at.isoformat()
    return {
        "article_id": article.item_id,
        "identity_keys": [f"u:https://outlet.example/{article.item_id}", f"c:{article.item_id}"],
        "content_hash": article.item_id,
        "content_hashes": [article.item_id],
        "published_at": at,
        "published_at_source": "feed",
        "first_seen_at": at,
        "version_at": at,
        "is_full": True,
        "story_id": stable_id("story", article.story),
        "outlet": article.outlet,
        "analysed": True,
        "sentences": [stable_id(article.item_id, str(n)) for n in range(SENTENCES)],
        "own": list(range(SENTENCES)),
        "actors": [],
        "rollups": [],
        "coding_version": "0" * 16,
    }


_corpus: list[WireArticle] = []


def _load() -> None:
    _corpus[:] = corpus(COMMIT, 1)


def _sign(number: int) -> tuple[float, int, int, list[bytes]]:
    """Return the seconds that a commit's signatures take, the process and its peak memory (KiB),
    and the signatures and bands.
    """
    made, spent = sketched(list(strangers(_corpus, number)), DeduplicateSettings())
    kept = [column.tobytes() for some in made for column in (some.signatures, some.bands)]
    return spent, os.getpid(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, kept


def sign(commits: int, workers: int = 2) -> Iterator[dict[str, float | int]]:
    """Make so many commits' signatures and keep them; yield what an article costs by the way."""
    kept: list[bytes] = []
    peaks: dict[int, int] = {}
    times: list[float] = []
    started = time.monotonic()
    with ProcessPoolExecutor(workers, get_context("spawn"), _load) as pool:
        for number, (spent, process, peak, made) in enumerate(
            pool.map(_sign, range(commits)), start=1
        ):
            kept += made
            times.append(spent / COMMIT * 1e3)
            peaks[process] = peak
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if number == 1 or number % 10 == 0:
                yield {
                    "articles": number * COMMIT,
                    "signatures_ms": round(median(times[-10:]), 4),
                    "kept_mb": round(sum(map(len, kept)) / 1e6),
                    "peak_mb": round((own + sum(peaks.values())) / 1e3),
                    "wall_s": round(time.monotonic() - started, 1),
                }


def grow(index: Path, articles: Sequence[WireArticle], commits: int) -> Iterator[Commit]:
    """Add commits to an index, from the one that it has last, and yield what each cost."""
    settings = DeduplicateSettings()
    with closing(open_index(index)) as db:
        done = db.execute("SELECT count(*) FROM articles").fetchone()[0] // COMMIT
    for number in range(done, done + commits):
        fresh = list(strangers(articles, number))
        batches, signing = sketched(fresh, settings)
        changes = IndexChanges(
            articles=[facts(article) for article in fresh],
            bands={made.item_id: list(made.bands) for batch in batches for made in batch},
        )
        begun = time.process_time()
        apply_changes(index, f"commit-{number}", changes)
        ended = time.process_time()
        yield Commit(
            articles=(number + 1) * COMMIT,
            signatures_ms=round(signing / COMMIT * 1e3, 4),
            index_ms=round((ended - begun) / COMMIT * 1e3, 4),
            index_mb=round(index.stat().st_size / 1e6, 1),
            peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        )


def new_day(articles: Sequence[WireArticle], commits: int) -> list[WireArticle]:
    """Return 20,000 articles of the archive's last days, a fifth of them copies of its own."""
    last = max(0, commits - 1)
    known = [
        replace(article, item_id=stable_id("again", article.item_id))
        for article in strangers(articles, last)
    ]
    shift = timedelta(days=COMMIT / PER_DAY)
    fresh = [
        replace(article, published_at=article.published_at - shift * number)
        for number in range(1, 3)
        for article in strangers(articles, last + number)
    ]
    return (known[: PER_DAY // 5] + fresh)[:PER_DAY]


def meet(
    day: Sequence[WireArticle], index: Path, texts: dict[str, WireArticle]
) -> tuple[float, int]:
    """Return the seconds that a day's articles take against an index, and their stored edges."""
    settings, view = DeduplicateSettings(), IndexView(index)

    def stored(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
        found = ((name, texts[name]) for name in ids if name in texts)
        return ((name, a.title, a.text, a.outlet) for name, a in found)

    step = VerifyStored(settings, shipped_rules(), view.band_members, stored)
    records = [(article.item_id, article) for article in day]
    start = time.process_time()
    find_edges(records, settings)
    edges = 0
    for first in range(0, len(records), ASKED_BATCHES * BATCH):
        gathered = records[first : first + ASKED_BATCHES * BATCH]
        batches = [
            sketch_records(gathered[at : at + BATCH], settings)
            for at in range(0, len(gathered), BATCH)
        ]
        edges += sum(1 for _ in step.process(batches))
    return time.process_time() - start, edges


def day_against(index: Path, articles: Sequence[WireArticle]) -> dict[str, float | int]:
    """Return what a day's articles cost against the index and against an empty one."""
    with closing(open_index(index)) as db:
        count = db.execute("SELECT count(*) FROM articles").fetchone()[0]
    commits = count // COMMIT
    day = new_day(articles, commits)
    texts = {article.item_id: article for article in strangers(articles, max(0, commits - 1))}
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "index.sqlite"
        open_index(empty).close()
        meet(day[:BATCH], empty, texts)
        alone, _ = meet(day, empty, texts)
    against, edges = meet(day, index, texts)
    return {
        "stored": count,
        "day": len(day),
        "empty_s": round(alone, 2),
        "against_s": round(against, 2),
        "ratio": round(against / alone, 3),
        "edges_to_stored": edges,
    }


def main() -> None:
    """Run one of the three and print JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("sign", "grow", "day"))
    parser.add_argument("--index", type=Path, help="needed by grow and day")
    parser.add_argument("--articles", type=int, default=100_000)
    options = parser.parse_args()
    if options.command == "sign":
        for state in sign(options.articles // COMMIT):
            print(json.dumps(state), flush=True)
        return
    if options.index is None:
        parser.error("--index is needed")
    articles = list(corpus(COMMIT, 1))
    if options.command == "day":
        print(json.dumps(day_against(options.index, articles)))
        return
    for commit in grow(options.index, articles, options.articles // COMMIT):
        print(json.dumps(commit.__dict__), flush=True)


if __name__ == "__main__":
    main()
