"""From stated readings to the evidence records that the store keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from transforms.ids import stable_id
from transforms.records import Evidence, Mention
from transforms.stances.combine import COUNTED_FACTUALITY, Judged, stance_of
from transforms.stances.grammar import Stated
from transforms.stances.tree import Tree

DIGITS = 4


def best_per_dyad(stated: Iterable[Stated]) -> list[Stated]:
    """Keep, of one sentence, the surest reading per dyad, sign, voice and factuality.

    Where one dyad is read with both signs by the same voice, only the surer sign stays, unless
    they are within a tenth of each other: then both stay, and the counts call it mixed.
    """
    best: dict[tuple[str, str, int, str, str], Stated] = {}
    for item in stated:
        reading = item.reading
        key = (
            reading.source.actor,
            reading.target.actor,
            reading.sign,
            item.voice,
            item.status.factuality,
        )
        if key not in best or item.weight > best[key].weight:
            best[key] = item
    signed = {key[:2] for key, item in best.items() if key[2] and _is_told(item)}
    kept = []
    for (source, target, sign, voice, factuality), item in best.items():
        if not sign and (source, target) in signed:
            continue  # "met and pledged support" is support
        other = best.get((source, target, -sign, voice, factuality)) if sign else None
        if other is None or item.weight > other.weight - 0.1:
            kept.append(item)
    return _one_per_trigger(kept)


def _is_told(item: Stated) -> bool:
    return item.status.factuality in COUNTED_FACTUALITY


def _one_per_trigger(stated: Iterable[Stated]) -> list[Stated]:
    """Keep the surest of what one trigger says of one pair of mentions with one speaker."""
    best: dict[tuple[str, str, str, int, int, int], Stated] = {}
    for item in stated:
        reading = item.reading
        key = (
            reading.source.actor,
            reading.target.actor,
            item.speaker.actor if item.speaker is not None else "",
            reading.source.start,
            reading.target.start,
            min(reading.trigger, default=reading.predicate),
        )
        if key not in best or item.weight > best[key].weight:
            best[key] = item
    return list(best.values())


def make_evidence(
    tree: Tree, judged: Sequence[Judged], number: int, min_confidence: float
) -> list[Evidence]:
    """Return the evidence of one sentence; offsets are characters into the sentence's text."""
    first, last = tree.bounds[number]
    begin = tree.start[first]
    if not judged:
        return []
    sentence = tree.text(first, last - 1)
    digest = stable_id("sentence", " ".join(sentence.split()))
    return [_evidence(tree, item, sentence, digest, begin, min_confidence) for item in judged]


def _evidence(
    tree: Tree, item: Judged, sentence: str, digest: str, begin: int, min_confidence: float
) -> Evidence:
    reading, status = item.stated.reading, item.stated.status
    stance = stance_of(0 if status.factuality == "negated" else reading.sign)
    chances = {
        "supportive": min(1.0, max(0.0, round(item.supportive, DIGITS))),
        "opposed": min(1.0, max(0.0, round(item.opposed, DIGITS))),
    }
    supportive, opposed = chances["supportive"], chances["opposed"]
    neutral = max(0.0, round(1.0 - supportive - opposed, DIGITS))
    confidence = chances.get(stance, neutral)
    tokens = tuple(sorted(reading.trigger)) or (reading.predicate,)
    start, end = tree.start[tokens[0]], tree.end[tokens[-1]]
    source, target, speaker = reading.source, reading.target, item.stated.speaker
    size = len(sentence)
    counted = (
        confidence >= min_confidence
        and status.factuality in COUNTED_FACTUALITY
        and not status.is_background
        and source.rollup != target.rollup
    )

    def inside(offset: int) -> int:
        # A pronoun's mention may lie in an earlier sentence; its offsets are then empty at 0.
        return min(max(offset - begin, 0), size)

    return Evidence(
        source_actor=source.actor,
        source_rollup=source.rollup,
        target_actor=target.actor,
        target_rollup=target.rollup,
        stance=stance,
        kind=reading.kind,
        voice=item.stated.voice,
        speaker_actor=speaker.actor if speaker is not None else None,
        quoted=tree.quoted[tokens[0]],
        factuality=status.factuality,
        is_background=status.is_background,
        score=round(supportive - opposed, DIGITS),
        confidence=confidence,
        p_supportive=supportive,
        p_opposed=opposed,
        p_neutral=neutral,
        grammar_vote=item.grammar_vote,
        learned_vote=item.learned_vote,
        trigger=tree.text(tokens[0], tokens[-1]),
        path=_path(tree, source, tokens, target),
        sentence=sentence,
        sentence_hash=digest,
        source_start=inside(source.start),
        source_end=inside(source.end),
        target_start=inside(target.start),
        target_end=inside(target.end),
        trigger_start=inside(start),
        trigger_end=inside(end),
        counted=counted,
    )


def _path(tree: Tree, source: Mention, trigger: tuple[int, ...], target: Mention) -> str:
    """Return the way through the parse from source to trigger to target, for a person to read."""
    return " | ".join(
        part
        for part in (
            _way(tree, source.head, trigger[0]),
            _way(tree, trigger[-1], target.head),
        )
        if part
    )


def _way(tree: Tree, start: int, goal: int) -> str:
    up = [start, *tree.ancestors(start)]
    down = [goal, *tree.ancestors(goal)]
    meet = next((i for i in up if i in down), None)
    if meet is None:
        return f"{tree.lower[start]} … {tree.lower[goal]}"
    climb = "".join(f"{tree.lower[i]} <{tree.dep[i]}< " for i in up[: up.index(meet)])
    descend = "".join(
        f" >{tree.dep[i]}> {tree.lower[i]}" for i in reversed(down[: down.index(meet)])
    )
    return climb + tree.lower[meet] + descend
