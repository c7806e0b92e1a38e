"""One new day on top of a short and of a long history: seconds and bytes read.

    python -m benchmarks.history --days 0 30 3650 --articles 10

The histories are synthetic daily partitions with their index, written directly. A run then brings
the articles of one day more, several times, a new day each time. Bytes are what the run's
processes read by system calls (rchar of /proc/PID/io), page cache or not: modules, model and
catalog, which no history changes, and what they read of the store; not the pages of the index that
workers have mapped, which only the seconds show.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.articles import ACTORS, make_articles, write_articles
from pipeline.store.checksums import note_files, sum_file
from pipeline.store.index import IndexChanges, apply_changes, encode_article
from pipeline.store.layout import Layout
from pipeline.store.rebuild import rebuild_index
from transforms.aggregate import (
    alignment_row,
    comention_keys,
    comention_row,
    contributions,
    coverage_keys,
    coverage_row,
)
from transforms.ids import stable_id
from transforms.parquet_io import PART, Row
from transforms.schemas import ARTICLES, DATASETS
from transforms.settings import DeduplicateSettings
from transforms.stored_rows import stored_article

NEWSALIGN = str(Path(sys.executable).parent / "newsalign")
END = datetime(2026, 11, 1, tzinfo=UTC)
GRANULARITIES = ("hour", "day")
BANDS = 22  # of an article of 300 words: 8 of its signature, 14 anchors, one for its exact words
INDEXED_DAYS = 50
# Every Python process of a run notes what it read when it ends.
NOTE_READS = """
import atexit, os, pathlib
def note(folder=os.environ["HISTORY_READS"], me=os.getpid()):
    if os.getpid() == me:
        text = pathlib.Path("/proc/self/io").read_text()
        pathlib.Path(folder, str(me)).write_text(text)
atexit.register(note)
"""


def day_rows(day: datetime, articles: int, chance: random.Random) -> dict[str, list[Row]]:
    """Return one day's rows of articles, stances and what is counted from them."""
    found: dict[str, list[Row]] = {"articles": [], "stances": []}
    for number in range(articles):
        published = day + timedelta(minutes=number * 1440 / articles)
        article = stable_id("history", published.isoformat(), str(number))
        story = stable_id("story", article)
        one, other = chance.sample(ACTORS, 2)
        words = [chance.choice(ACTORS) for _ in range(200)]
        text = ". ".join(" ".join(words[n : n + 12]) for n in range(0, 200, 12))
        outlet = f"outlet{number % 40}.example"
        found["articles"].append(
            dict.fromkeys(ARTICLES.schema.names)
            | {
                "article_id": article, "story_id": story, "is_canonical": True, "revision": 1,
                "url": f"https://{outlet}/{article}", "outlet": outlet, "origin": "history",
                "title": f"{one} and {other}", "language": "en", "published_at": published,
                "published_at_source": "file", "first_seen_at": published, "text": text,
                "text_source": "file", "word_count": 200, "content_hash": stable_id(text),
                "analysed": True, "own_sentences": list(range(18)), "actors": [one, other],
                "rollups": [one, other], "story_articles": 1, "story_outlets": [outlet],
                "story_actors": [one, other], "story_rollups": [one, other],
                "identity_keys": [f"u:{article}", f"g:{article}"], "joins": [],
                "content_hashes": [stable_id(text)], "coding_version": "history",
                "signature": chance.randbytes(512), "flags": [],
            }
        )  # fmt: skip
        for piece in range(3):
            found["stances"].append(
                {
                    "stance_id": stable_id(article, str(piece)), "article_id": article,
                    "story_id": story, "article_revision": 1, "published_at": published,
                    "article_published_at": published, "outlet": outlet, "source_actor": one,
                    "source_rollup": one, "target_actor": other, "target_rollup": other,
                    "stance": "opposed", "kind": "statement", "voice": "outlet", "score": -0.8,
                    "confidence": 0.9, "sentence": text[:150], "counted": True,
                    "story_articles": 1, "story_outlets": [outlet], "coding_version": "history",
                    "factuality": "asserted", "is_background": False, "quoted": False,
                }
            )  # fmt: skip
    for name, pairs, make in (
        ("alignments", contributions(found["stances"], GRANULARITIES, 0.2), alignment_row),
        ("comentions", comention_keys(found["articles"], GRANULARITIES), comention_row),
        ("coverage", coverage_keys(found["articles"], [], GRANULARITIES), coverage_row),
    ):
        groups: dict[object, list[object]] = {}
        for key, value in pairs:
            groups.setdefault(key, []).append(value)
        found[name] = [make(key, values) for key, values in groups.items()]  # type: ignore[operator]
    return found


def write_history(root: Path, days: int, articles: int) -> int:
    """Write `days` daily partitions that end before END, with their index; returns the files."""
    layout = Layout(root)
    layout.state.mkdir(parents=True)
    rebuild_index(layout, DeduplicateSettings())
    chance = random.Random(days)
    files: list[Path] = []
    changes = IndexChanges()
    for number in range(days):
        day = END - timedelta(days=days - number)
        rows = day_rows(day, articles, chance)
        for name, found in rows.items():
            path = root / name / f"date={day.date().isoformat()}" / PART
            path.parent.mkdir(parents=True)
            table = pa.Table.from_pylist(found, schema=DATASETS[name].schema)
            pq.write_table(table, path, compression="zstd")
            files.append(path)
        for row in rows["articles"]:
            changes.articles.append(encode_article(stored_article(row)))
            changes.bands[row["article_id"]] = [chance.getrandbits(63) for _ in range(BANDS)]
        if len(changes.articles) >= INDEXED_DAYS * articles or number == days - 1:
            apply_changes(layout.index, f"history-{number}", changes)
            changes = IndexChanges()
    note_files(layout.index, (sum_file(root, path) for path in files))
    return len(files)


def new_day(folder: Path, number: int, articles: int) -> Path:
    """Write the articles of one day more as JSON lines."""
    rows = make_articles(articles, 150, seed=1_000 + number)
    for place, row in enumerate(rows):
        moment = END + timedelta(days=number, minutes=place)
        row.update(id=f"new-{number}-{place}", published_at=moment.isoformat())
        row["url"] = f"https://{row['outlet']}/new/{number}/{place}"
    return write_articles(folder / f"new-{number}.jsonl", rows)


def measure(root: Path, source: Path, folder: Path) -> tuple[float, float, int]:
    """Return wall seconds, processor seconds and bytes read of one run of `source` into a store."""
    reads = folder / f"reads-{source.stem}-{root.name}"
    reads.mkdir()
    site = folder / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(NOTE_READS)
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ, "HISTORY_READS": str(reads), "PYTHONPATH": os.pathsep.join(paths),
    }  # fmt: skip
    command = [NEWSALIGN, "run", str(source), "--output", str(root), "--quiet", "--workers", "1"]
    before = processor_seconds()
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    seconds = time.perf_counter() - started
    return seconds, processor_seconds() - before, sum(_rchar(path) for path in reads.iterdir())


def processor_seconds() -> float:
    """Return the processor time of this process's ended children and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _rchar(path: Path) -> int:
    fields = dict(line.split(": ") for line in path.read_text().splitlines())
    return int(fields["rchar"])


def measure_all(
    days: list[int], articles: int, rounds: int, kept: Path | None = None
) -> dict[int, tuple[float, float, int]]:
    """Return the least of each figure of `measure` by length of history; rounds alternate.

    Histories are written to the folder `kept`, and copied from there if they are there already.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        roots = {}
        for count in days:
            roots[count] = folder / f"history-{count}"
            written = (kept or folder / "written") / f"history-{count}-{articles}"
            if not written.exists():
                files = write_history(written, count, articles)
                print(f"{count:,} days of history: {files:,} files", flush=True)
            shutil.copytree(written, roots[count])
        found: dict[int, list[tuple[float, float, int]]] = {count: [] for count in days}
        for number in range(rounds + 1):
            source = new_day(folder, number, articles)
            for count in days:
                result = measure(roots[count], source, folder)
                # The first run of each warms the page cache and is not counted.
                if number:
                    found[count].append(result)
    return {count: _least(results) for count, results in found.items()}


def _least(results: list[tuple[float, float, int]]) -> tuple[float, float, int]:
    seconds, processor, read = zip(*results, strict=True)
    return min(seconds), min(processor), min(read)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, nargs="+", default=[0, 30, 3650])
    parser.add_argument("--articles", type=int, default=10, help="a day")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where histories stay, for reuse")
    options = parser.parse_args()
    found = measure_all(options.days, options.articles, options.rounds, options.keep)
    for count, (seconds, processor, read) in found.items():
        print(
            f"{count:>6,} days: {seconds:6.2f} s, {processor:6.2f} s of processor,"
            f" {read / 1e6:8.2f} MB read"
        )
    short, long = min(filter(None, found)), max(found)
    ratios = [b / a for a, b in zip(found[short], found[long], strict=True)]
    print(
        f"{long:,} days against {short:,}: time x {ratios[0]:.3f}, processor time"
        f" x {ratios[1]:.3f}, bytes x {ratios[2]:.3f}"
    )
    if 0 in found:
        more = [(found[count][2] - found[0][2]) / 1e6 for count in (short, long)]
        print(f"more than into an empty store: {more[0]:.2f} MB and {more[1]:.2f} MB")


if __name__ == "__main__":
    main()
