"""What the kill tests read: articles of invented outlets about invented states, and two codings."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

STATES = {
    "VLD": ("Veldania", "Veldanian"),
    "ARV": ("Arvena", "Arvenan"),
    "TRN": ("Torrin", "Torrinese"),
    "MSK": ("Maskel", "Maskeli"),
}
DEEDS = ("condemned", "thanked", "praised", "criticised", "accused", "welcomed")
MATTERS = ("the ferry route", "a border market", "the grain harvest", "a fishing limit")
DAYS = 9


@dataclass(frozen=True)
class Inputs:
    """Three folders of articles and two configs, which read the same articles differently."""

    first: Path
    second: Path
    third: Path
    coding: Path
    other_coding: Path


def write_inputs(folder: Path, articles: int, seed: int, today: date) -> Inputs:
    """Write `articles` articles, a third of them copies, and a line that is none.

    The last are of yesterday, so that a stream writes them in parts.
    That line is in the first folder: its reject bears the time of reading, which a run can pin and
    a schedule can't. The third folder has a file for each of its articles.
    """
    chance = random.Random(seed)
    rows: list[str] = []
    for number in range(articles):
        copied = number % 3 == 2
        text = json.loads(rows[-1])["text"] if copied else _text(chance, number)
        before = ((articles - 1) // 3 - number // 3) % DAYS
        day, hour = today - timedelta(days=1 + before), chance.randrange(24)
        row = {
            "id": f"kill-{number}",
            "url": f"https://outlet{number % 5}.example/{number}",
            "outlet": f"outlet{number % 5}.example",
            "title": text.split(". ")[0],
            "text": text,
            "published_at": f"{day.isoformat()}T{hour:02}:30:00Z",
        }
        rows.append(json.dumps(row))
    parts = (folder / "first", folder / "second", folder / "third")
    share = articles // 3
    thirds = ([*rows[:share], "not JSON"], rows[share : 2 * share], rows[2 * share :])
    for part, lines in zip(parts, thirds, strict=True):
        part.mkdir(parents=True)
        for number, some in enumerate([[line] for line in lines] if part is parts[2] else [lines]):
            (part / f"news-{number:03}.jsonl").write_text("\n".join([*some, ""]))
    return Inputs(
        *parts,
        _config(folder, "coding", list(STATES), 0.5),
        _config(folder, "other", ["VLD", "ARV", "TRN"], 0.8),
    )


def _text(chance: random.Random, number: int) -> str:
    sentences = []
    for _ in range(3):
        (one, _), (other, people) = (STATES[s] for s in chance.sample(sorted(STATES), 2))
        deed, matter = chance.choice(DEEDS), chance.choice(MATTERS)
        sentences.append(f"{one} {deed} {other} on Monday over {matter}, case {number}.")
        sentences.append(f"The {people} government gave {chance.randrange(2, 90)} reasons.")
    return " ".join(sentences)


def _config(folder: Path, name: str, states: list[str], min_confidence: float) -> Path:
    catalog = folder / f"{name}-actors.json"
    catalog.write_text(json.dumps([{"id": s, "names": list(STATES[s])} for s in states]))
    path = folder / f"{name}.toml"
    path.write_text(
        f'[actors]\ncatalog = ["{catalog.as_posix()}"]\n'
        f"[stances]\nmin_confidence = {min_confidence}\n"
    )
    return path
