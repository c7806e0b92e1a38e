"""Annotated sentences for actors: how they are written, read and scored.

Run as a script it prints the figures per file, beside those of bare spaCy entities:
`.venv/bin/python tests/transforms/actor_gold.py`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "actor_sentences"
_MARK = re.compile(r"\{([^{}|]+)\|([^{}|]+)\}")
_DATE = re.compile(r"^@(\d{4}-\d\d-\d\d) ")
DEFAULT_DATE = date(2024, 4, 28)
IGNORED = "-"


class Gold(NamedTuple):
    """One annotated or found mention: character offsets, actor and roll-up."""

    start: int
    end: int
    actor: str
    rollup: str


@dataclass
class GoldText:
    """One line of an annotation file."""

    text: str
    on: date
    mentions: list[Gold]
    ignored: list[Gold]


@dataclass
class Score:
    """Counts over a set of texts, with the lines that went wrong."""

    gold: int = 0
    found: int = 0
    matched: int = 0
    actors: int = 0
    rollups: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def f1(self) -> float:
        """Return the F1 of mention spans."""
        return 2 * self.matched / (self.gold + self.found) if self.matched else 0.0

    @property
    def actor_accuracy(self) -> float:
        """Return the share of matched mentions with the right actor."""
        return self.actors / self.matched if self.matched else 0.0

    @property
    def rollup_accuracy(self) -> float:
        """Return the share of matched mentions with the right roll-up."""
        return self.rollups / self.matched if self.matched else 0.0

    def __str__(self) -> str:
        return (
            f"mentions {self.gold}, F1 {self.f1:.3f} (precision "
            f"{self.matched / max(self.found, 1):.3f}, recall {self.matched / self.gold:.3f}), "
            f"actor {self.actor_accuracy:.3f}, roll-up {self.rollup_accuracy:.3f}"
        )


def read_gold(path: Path) -> list[GoldText]:
    """Return the annotated texts of a file; a mark "{+|X}" adds an actor to the span before it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [parse_line(line) for line in lines if line.strip() and not line.startswith("#")]


def parse_line(line: str) -> GoldText:
    """Return one annotated line as text and mentions."""
    on = DEFAULT_DATE
    dated = _DATE.match(line)
    if dated:
        on, line = date.fromisoformat(dated.group(1)), line[dated.end() :]
    plain, mentions, position = "", [], 0
    for mark in _MARK.finditer(line):
        plain += line[position : mark.start()]
        position = mark.end()
        surface, label = mark.groups()
        actor, _, rollup = label.partition(">")
        if surface == "+":
            start, end = mentions[-1].start, mentions[-1].end
        else:
            start, end = len(plain), len(plain) + len(surface)
            plain += surface
        mentions.append(Gold(start, end, actor, rollup or actor))
    plain += line[position:]
    kept = [mention for mention in mentions if mention.actor != IGNORED]
    return GoldText(plain, on, kept, [m for m in mentions if m.actor == IGNORED])


def score(texts: Iterable[GoldText], find: Callable[[GoldText], list[Gold]]) -> Score:
    """Return how well `find` does: spans match one to one where they overlap."""
    total = Score()
    for text in texts:
        found = [
            mention
            for mention in find(text)
            if not any(mention.start < i.end and i.start < mention.end for i in text.ignored)
        ]
        pairs = _pair(text.mentions, found)
        total.gold += len(text.mentions)
        total.found += len(found)
        total.matched += len(pairs)
        total.actors += sum(a.actor == b.actor for a, b in pairs)
        total.rollups += sum(a.rollup == b.rollup for a, b in pairs)
        missed = [m for m in text.mentions if m not in [a for a, _ in pairs]]
        spurious = [m for m in found if m not in [b for _, b in pairs]]
        wrong = [(a, b) for a, b in pairs if (a.actor, a.rollup) != (b.actor, b.rollup)]
        if missed or spurious or wrong:
            total.faults.append(
                f"{text.text}\n"
                + "".join(f"    missed {text.text[m.start : m.end]!r} {m.actor}\n" for m in missed)
                + "".join(f"    extra {text.text[m.start : m.end]!r} {m.actor}\n" for m in spurious)
                + "".join(
                    f"    wrong {text.text[a.start : a.end]!r} {a.actor}>{a.rollup}"
                    f" got {b.actor}>{b.rollup}\n"
                    for a, b in wrong
                )
            )
    return total


def _pair(gold: list[Gold], found: list[Gold]) -> list[tuple[Gold, Gold]]:
    candidates = sorted(
        (
            (a.actor != b.actor, -(min(a.end, b.end) - max(a.start, b.start)), i, j)
            for i, a in enumerate(gold)
            for j, b in enumerate(found)
            if a.start < b.end and b.start < a.end
        ),
    )
    taken_gold: set[int] = set()
    taken_found: set[int] = set()
    pairs = []
    for _, _, i, j in candidates:
        if i not in taken_gold and j not in taken_found:
            taken_gold.add(i)
            taken_found.add(j)
            pairs.append((gold[i], found[j]))
    return pairs


def main() -> None:
    """Print the figures for each file given, or for all."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from transforms.catalog import Catalog
    from transforms.mentions import find_mentions
    from transforms.nlp import load_pipeline
    from transforms.resources import config_dir
    from transforms.settings import ActorSettings

    nlp = load_pipeline(ActorSettings().spacy_model)
    catalog = Catalog.load([config_dir() / "actors"])

    def ours(text: GoldText) -> list[Gold]:
        return [
            Gold(m.start, m.end, m.actor, m.rollup)
            for m in find_mentions(nlp(text.text), catalog, text.on)
        ]

    def bare(text: GoldText) -> list[Gold]:
        found = []
        for entity in nlp(text.text).ents:
            if entity.label_ in ("PERSON", "ORG", "GPE", "NORP"):
                uses = catalog.names.lookup(entity.text.removeprefix("the ").removeprefix("The "))
                actor = uses[0].actor if uses else entity.text
                rollup = catalog.rollup(actor, text.on)
                found.append(Gold(entity.start_char, entity.end_char, actor, rollup))
        return found

    paths = [Path(arg) for arg in sys.argv[1:]] or sorted(FOLDER.glob("*.txt"))
    for path in paths:
        texts = read_gold(path)
        result = score(texts, ours)
        print(*result.faults, sep="")
        print(f"{path.name}: {len(texts)} texts, {result}")
        print(f"{path.name}: bare spaCy entities: {score(texts, bare)}")


if __name__ == "__main__":
    main()
