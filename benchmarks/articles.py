"""Articles of a given length made of the sample's own sentences, for timing whole jobs.

Every article draws its sentences at random, so that no two are copies and the parser sees real
grammar. Nothing here comes from outside the project.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from transforms.clean import clean_item
from transforms.read_files import read_slice
from transforms.records import Article, RawItem
from transforms.sentences import split_document
from transforms.settings import CleanSettings, ReadSettings
from transforms.sources import expand_inputs

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
START = datetime(2026, 11, 2, tzinfo=UTC)
OUTLETS = 40


def sample_sentences() -> list[str]:
    """Return the distinct sentences of the English sample articles, sorted."""
    found: set[str] = set()
    for part in expand_inputs([SEEDS / "feeds", SEEDS / "pages"]):
        for item in read_slice(part, ReadSettings(), START):
            if not isinstance(item, RawItem):
                continue
            article = clean_item(item, CleanSettings())
            if isinstance(article, Article) and article.analysed:
                found.update(s.text for s in split_document("", article.text))
    return sorted(sentence for sentence in found if len(sentence.split()) > 6)


def make_articles(count: int, words: int = 300, seed: int = 1) -> list[dict[str, Any]]:
    """Return `count` articles of about `words` words as JSONL rows, the same for one seed."""
    chance = random.Random(seed)
    sentences = sample_sentences()
    rows = []
    for number in range(count):
        body: list[str] = []
        length = 0
        while length < words:
            sentence = chance.choice(sentences)
            body.append(sentence)
            length += len(sentence.split())
        paragraphs = [" ".join(body[i : i + 3]) for i in range(0, len(body), 3)]
        outlet = f"outlet{number % OUTLETS}.example"
        rows.append(
            {
                "id": f"bench-{number}",
                "url": f"https://{outlet}/{number}",
                "title": " ".join(chance.choice(sentences).split()[:9]),
                "text": "\n\n".join(paragraphs),
                "published_at": (START + timedelta(minutes=7 * number)).isoformat(),
                "outlet": outlet,
            }
        )
    return rows


def write_articles(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as JSON lines and return the path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
