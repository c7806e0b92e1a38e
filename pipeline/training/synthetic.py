"""Labelled training sentences from a grammar: who takes which stance toward whom, and who does not.

The frames (`synthetic_frames.toml`) say what a sentence states; the words that carry the stance
come from the stance lexicon, the rest from `synthetic.toml`. A sentence's labels follow from its
frame by `docs/stances.md`: what is negated, hypothetical or told as history is neutral, and so is
every pair that the sentence doesn't join. Pairs whose reading is open are never asked for.

Names are drawn without regard to what is said of them, so that they carry no signal.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, Final

from pipeline.training.synthetic_grammar import MARK, Draft, Grammar
from transforms.stances.lexicon import Lexicon

NEUTRAL_SHARE: Final = 0.5
# A phenomenon that cannot show a label (no question is supportive) gives another after so many.
_TRIES: Final = 12


def generate(
    count: int, seed: int, lexicon: Lexicon, neutral_share: float = NEUTRAL_SHARE
) -> Iterator[dict[str, Any]]:
    """Yield `count` rows, the same for one seed and lexicon.

    A row is {"id", "sentence", "p", "q", "stance": positive|negative|neutral, "direction":
    "p->q"|"q->p"|None, "phenomenon", "types": {"p", "q"}, "others": [{"name", "type"}],
    "reciprocal"}: the reference's format, with [p] and [q] bracketed in the order of the text.
    A stance both ways has direction "p->q" and `reciprocal`. Phenomena are drawn evenly; labels
    aim at `neutral_share` neutral and the rest even over sign and direction.
    """
    grammar = Grammar(lexicon)
    for number in range(count):
        chance = Random(f"{seed}-{number}")
        yield {"id": f"synthetic-{seed}-{number}", **_row(grammar, chance, neutral_share)}


def _row(grammar: Grammar, chance: Random, neutral_share: float) -> dict[str, Any]:
    phenomenon = chance.choice(grammar.phenomena)
    wanted = "neutral"
    if chance.random() >= neutral_share:
        wanted = f"{chance.choice(('positive', 'negative'))} {chance.choice(('p->q', 'q->p'))}"
    rows: list[dict[str, Any]] = []
    for _ in range(_TRIES):
        rows = label_pairs(grammar.write(phenomenon, chance))
        fitting = [row for row in rows if _label(row) == wanted]
        if fitting:
            return chance.choice(fitting)
    return chance.choice(rows)


def _label(row: dict[str, Any]) -> str:
    return row["stance"] if row["direction"] is None else f"{row['stance']} {row['direction']}"


def label_pairs(draft: Draft) -> list[dict[str, Any]]:
    """Return a row for each pair of the sentence's actors whose reading isn't open."""
    shown = {match[1]: match[2] for match in MARK.finditer(draft.text)}
    order = list(shown)
    rows = []
    for i, p in enumerate(order):
        for q in order[i + 1 :]:
            pair = frozenset((p, q))
            if pair in draft.open:
                continue
            forward, back = draft.signs.get((p, q), 0), draft.signs.get((q, p), 0)
            if forward and back and pair not in draft.both_ways:
                continue
            sign = forward or back
            rows.append(
                {
                    "sentence": _bracketed(draft.text, p, q),
                    "p": shown[p],
                    "q": shown[q],
                    "stance": ("neutral", "positive", "negative")[sign],
                    "direction": ("p->q" if forward else "q->p") if sign else None,
                    "phenomenon": draft.phenomenon,
                    "types": {"p": draft.cast[p].type, "q": draft.cast[q].type},
                    "others": [
                        {"name": shown[slot], "type": draft.cast[slot].type}
                        for slot in order
                        if slot not in pair
                    ],
                    "reciprocal": pair in draft.both_ways,
                }
            )
    return rows


def _bracketed(text: str, p: str, q: str) -> str:
    return MARK.sub(lambda m: f"[{m[2]}]" if m[1] in (p, q) else m[2], text)
