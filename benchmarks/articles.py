"""Articles of a given length from the benchmark's grammar, about real states, for timing jobs.

Every article is written anew, so that no two are copies; its invented states become real ones,
five or so an article, so that actors and stances are found as in the news.
"""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.wire_copies import STATES, event_article

START = datetime(2026, 11, 2, tzinfo=UTC)
OUTLETS = 40
ACTORS = [
    "Russia",
    "China",
    "France",
    "Germany",
    "Japan",
    "India",
    "Brazil",
    "Egypt",
    "Kenya",
    "Norway",
    "Poland",
    "Türkiye",
    "Iran",
    "Israel",
    "Ukraine",
    "Mexico",
    "Canada",
    "Australia",
    "Indonesia",
    "Nigeria",
    "Ethiopia",
    "Sweden",
    "Finland",
    "Greece",
    "Italy",
    "Spain",
    "Vietnam",
    "Thailand",
    "Pakistan",
    "Argentina",
    "Chile",
    "Peru",
    "Ghana",
    "Algeria",
    "Morocco",
    "Cuba",
    "NATO",
    "OPEC",
    "ASEAN",
]
_INVENTED = re.compile(
    rf"\b(?:{'|'.join(sorted(map(re.escape, STATES), key=len, reverse=True))})\b"
)


def make_articles(count: int, words: int = 300, seed: int = 1) -> list[dict[str, Any]]:
    """Return `count` articles of at least `words` words as JSONL rows, the same for one seed."""
    rows = []
    for number in range(count):
        chance = random.Random(f"{seed}-{number}")
        actors = chance.sample(ACTORS, 6)

        def real(match: re.Match[str], actors: list[str] = actors) -> str:
            return actors[sorted(STATES).index(match.group()) % len(actors)]

        first = event_article(chance, str(number))
        text = first.text
        while len(text.split()) < words:
            more = event_article(chance, str(number)).text
            text += "\n\n" + more.split("\n\n", 1)[-1]
        kept = " ".join(text.split(" ")[: words + 10]).rpartition(".")[0] + "."
        outlet = f"outlet{number % OUTLETS}.example"
        rows.append(
            {
                "id": f"bench-{number}",
                "url": f"https://{outlet}/{number}",
                "title": _INVENTED.sub(real, first.title),
                "text": _INVENTED.sub(real, kept),
                "published_at": (START + timedelta(minutes=7 * number)).isoformat(),
                "outlet": outlet,
            }
        )
    return rows


def write_articles(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as JSON lines and return the path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
