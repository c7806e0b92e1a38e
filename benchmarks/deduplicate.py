"""Near-copy detection against known truth, beside datasketch's MinHashLSH on the same corpus.

`python -m benchmarks.deduplicate --articles 2000` prints pair precision, recall and F1, the
adjusted Rand index and the time of both; datasketch (extra `bench`) runs at each threshold and is
shown at its best. Times are of one process and include shingling, signatures and clustering; ours
also include the verification of every pair.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass, replace
from math import comb
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.curve import precision_recall_svg
from benchmarks.wire_copies import WireArticle, add_corpus_options, corpus_of
from transforms.clusters import Forest
from transforms.near_pairs import find_stories
from transforms.same_text import same_text
from transforms.settings import DeduplicateSettings
from transforms.signatures import BATCH, Sketches, SketchInput, sketch_batch
from transforms.text_view import TextView

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
SHINGLE = DeduplicateSettings().shingle_words  # words; both sides cut the same
BULK = 1_000  # articles whose shingles datasketch holds at once


@dataclass(frozen=True)
class Score:
    """Agreement of a clustering with the truth over all pairs of articles."""

    precision: float
    recall: float
    f1: float
    adjusted_rand: float


def score(truth: Sequence[Hashable], found: Sequence[Hashable]) -> Score:
    """Return pair scores of two labellings of the same articles (Hubert and Arabie's index)."""
    both = sum(comb(n, 2) for n in Counter(zip(truth, found, strict=True)).values())
    real = sum(comb(n, 2) for n in Counter(truth).values())
    made = sum(comb(n, 2) for n in Counter(found).values())
    precision = both / made if made else 1.0
    recall = both / real if real else 1.0
    expected = real * made / comb(len(truth), 2)
    spread = (real + made) / 2 - expected
    return Score(
        precision=precision,
        recall=recall,
        f1=2 * both / (real + made) if real + made else 1.0,
        adjusted_rand=(both - expected) / spread if spread else 1.0,
    )


def ours(articles: Sequence[WireArticle], settings: DeduplicateSettings) -> list[str]:
    """Return the story that newsalign puts each article into."""
    return find_stories([(article.item_id, article) for article in articles], settings)


def datasketch_clusters(
    articles: Sequence[WireArticle], thresholds: Sequence[float]
) -> dict[float, tuple[list[str], float]]:
    """Return datasketch's clustering and its seconds (signatures included) at each threshold.

    As whoever knows it would use it: words by `str.split`, signatures in bulk, one query and one
    insertion an article, and no pair compared whose ends hang together already.
    """
    from datasketch import MinHash, MinHashLSH

    start = time.process_time()
    signatures: list[Any] = []
    for at in range(0, len(articles), BULK):
        shingles = []
        for article in articles[at : at + BULK]:
            words = article.text.lower().split()
            count = max(1, len(words) - SHINGLE + 1)
            shingles.append([" ".join(words[n : n + SHINGLE]).encode() for n in range(count)])
        signatures += MinHash.bulk(shingles, num_perm=128)
    signing = time.process_time() - start
    results = {}
    for threshold in thresholds:
        start = time.process_time()
        index = MinHashLSH(threshold=threshold, num_perm=128)
        forest: Forest[int] = Forest()
        for number, signature in enumerate(signatures):
            forest.add(number)
            for other in index.query(signature):
                if (
                    not forest.together(number, other)
                    and signature.jaccard(signatures[other]) >= threshold
                ):
                    forest.join(number, other)
            index.insert(number, signature)
        roots = forest.roots()
        labels = [articles[roots[number]].item_id for number in range(len(articles))]
        results[threshold] = labels, signing + time.process_time() - start
    return results


def timed(work: Callable[[], list[str]]) -> tuple[list[str], float]:
    """Return what the work returns, and its seconds."""
    start = time.process_time()
    made = work()
    return made, time.process_time() - start


def sketched(
    articles: Sequence[WireArticle], settings: DeduplicateSettings
) -> tuple[list[Sketches], float]:
    """Return our sketches, batch by batch, and the seconds that they take alone."""
    inputs = [SketchInput(a.item_id, a.title, a.text, a.published_at) for a in articles]
    start = time.process_time()
    made = [
        # The hashed texts would be kept with them.
        replace(sketch_batch(inputs[at : at + BATCH], settings), hashed=None)
        for at in range(0, len(inputs), BATCH)
    ]
    return made, time.process_time() - start


def mistakes(
    articles: Sequence[WireArticle], labels: Sequence[str], settings: DeduplicateSettings
) -> None:
    """Print what was wrongly joined or left apart, with the reasons of the comparison."""
    stories: dict[str, list[int]] = {}
    groups: dict[str, list[int]] = {}
    for at, article in enumerate(articles):
        stories.setdefault(article.story, []).append(at)
        groups.setdefault(labels[at], []).append(at)
    views = [TextView(a.item_id, a.title, a.text, a.outlet) for a in articles]
    for members in groups.values():
        names = Counter(articles[at].story for at in members)
        if len(names) > 1:
            print("JOINED", names.most_common(4), {articles[at].edits for at in members[:3]})
    for story, members in stories.items():
        parts = Counter(labels[at] for at in members)
        if len(parts) < 2:
            continue
        main = parts.most_common(1)[0][0]
        inside = [at for at in members if labels[at] == main]
        for at in (at for at in members if labels[at] != main):
            best = max(
                (same_text(views[at], views[other], settings) for other in inside[:40]),
                key=lambda verdict: (verdict.same, verdict.similarity),
            )
            print("APART", story, len(members), articles[at].edits, best)


def curve(articles: Sequence[WireArticle]) -> str:
    """Return the precision-recall curves over each method's threshold, as SVG.

    Ours moves the Jaccard and the containment threshold together; the guard on facts stays.
    """
    truth = [article.story for article in articles]
    found = {
        "newsalign": {
            threshold: ours(
                articles,
                DeduplicateSettings(min_jaccard=threshold, min_containment=threshold),
            )
            for threshold in THRESHOLDS
        },
        "datasketch": {
            threshold: labels
            for threshold, (labels, _) in datasketch_clusters(articles, THRESHOLDS).items()
        },
    }
    series = {}
    for name, by_threshold in found.items():
        scores = [(score(truth, labels), threshold) for threshold, labels in by_threshold.items()]
        series[name] = [(made.recall, made.precision, str(at)) for made, at in scores]
    return precision_recall_svg(f"Near copies, {len(articles):,} articles, by threshold", series)


def main() -> None:
    """Run the benchmark and print one line a method, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_corpus_options(parser, 2_000)
    parser.add_argument("--shuffle", action="store_true", help="in no order of stories or time")
    parser.add_argument(
        "--repeat", type=int, default=1, help="runs of each method in turn; its best time counts"
    )
    parser.add_argument("--skip-datasketch", action="store_true")
    parser.add_argument(
        "--threshold", type=float, action="append", help="only these of datasketch; repeatable"
    )
    parser.add_argument("--mistakes", action="store_true", help="show every wrong join and split")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--curve", type=Path, help="draw precision against recall into this SVG")
    options = parser.parse_args()
    settings = DeduplicateSettings()
    articles = corpus_of(options)
    if options.shuffle:
        Random(options.seed).shuffle(articles)
    if options.curve:
        options.curve.write_text(curve(articles), encoding="utf-8")
        return
    truth = [article.story for article in articles]
    signing = seconds = float("inf")
    theirs: dict[float, tuple[list[str], float]] = {}
    for _ in range(max(1, options.repeat)):
        labels, spent = timed(lambda: ours(articles, settings))
        seconds = min(seconds, spent)
        signing = min(signing, sketched(articles, settings)[1])
        if not options.skip_datasketch:
            again = datasketch_clusters(articles, options.threshold or THRESHOLDS)
            for threshold, (found, spent) in again.items():
                theirs[threshold] = found, min(spent, theirs.get(threshold, (found, spent))[1])
    rows = [{"method": "newsalign", "seconds": seconds, **asdict(score(truth, labels))}]
    if not options.skip_datasketch:
        tried = [
            {
                "method": f"datasketch at {threshold}",
                "seconds": spent,
                **asdict(score(truth, found)),
            }
            for threshold, (found, spent) in theirs.items()
        ]
        rows += tried
        best = max(tried, key=lambda row: float(row["f1"]))
        rows.append({**best, "method": f"datasketch's best ({best['method'].split()[-1]})"})
        if len(tried) > 1 and best in (tried[0], tried[-1]):
            print("datasketch is best at an end of the thresholds tried", file=sys.stderr)
    if options.json:
        print(json.dumps({"articles": len(articles), "signatures_s": signing, "rows": rows}))
        return
    print(f"{len(articles)} articles, {len(set(truth))} stories; our signatures: {signing:.2f} s")
    for row in rows:
        print(
            f"{row['method']:28} P {row['precision']:.4f}  R {row['recall']:.4f}  "
            f"F1 {row['f1']:.4f}  ARI {row['adjusted_rand']:.4f}  {row['seconds']:.2f} s"
        )
    if not options.skip_datasketch:
        print(f"speed: {rows[-1]['seconds'] / seconds:.2f} x datasketch")
    if options.mistakes:
        mistakes(articles, labels, settings)


if __name__ == "__main__":
    main()
