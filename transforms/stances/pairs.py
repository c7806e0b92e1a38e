"""Pairing sources with targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transforms.records import Mention
from transforms.stances.holders import Holder
from transforms.stances.lexicon import Frame
from transforms.stances.readings import Reading

# Actors that one predicate may join on either side: a sentence of 2,000 characters can list all
# states, whose pairs would be tens of thousands.
MAX_PARTIES = 40


def same_actor(a: Mention, b: Mention) -> bool:
    """Tell whether a dyad of the two would be internal: one actor, or one state's two organs."""
    return a.rollup == b.rollup or a.actor == b.actor


def directed(
    sources: Sequence[Holder],
    targets: Sequence[Holder],
    frame: Frame,
    predicate: int,
    trigger: tuple[int, ...],
    scale: float = 1.0,
    *,
    sign: int | None = None,
    cancelled: bool = False,
    hypothetical: bool = False,
    words_of_source: bool = True,
) -> Iterator[Reading]:
    """Yield the frame's stance from each source toward each target, internal dyads left out."""
    sources, targets = sources[:MAX_PARTIES], targets[:MAX_PARTIES]
    way = frame.sign if sign is None else sign
    if way == 0 and frame.lean is None:
        return
    own = {
        (t.mention.start, t.mention.end)
        for t in targets
        for source in sources
        if t.mention.form == "pronoun" and same_actor(source.mention, t.mention)
    }
    for source in sources:
        for target in targets:
            if same_actor(source.mention, target.mention):
                continue
            if (target.mention.start, target.mention.end) in own:
                # "A and B welcomed their pact", "A and B voted against it": the pronoun is one of
                # the sources, or wrongly taken for one.
                continue
            certainty = min(source.mention.confidence, target.mention.confidence)
            weight = frame.weight * source.agency * target.factor * certainty * scale
            yield Reading(
                source.mention,
                target.mention,
                way,
                frame.kind,
                weight,
                predicate,
                trigger,
                frame.accusation and way < 0,
                cancelled,
                hypothetical,
                words_of_source,
                (frame.lean or 0.0) if way == 0 else 0.0,
                frame.denied,
                frame.group,
            )


def mutual(
    parties: Sequence[Holder],
    frame: Frame,
    predicate: int,
    trigger: tuple[int, ...],
    scale: float = 1.0,
    *,
    sign: int | None = None,
    cancelled: bool = False,
    hypothetical: bool = False,
) -> Iterator[Reading]:
    """Yield the frame's stance between all parties, both ways."""
    yield from directed(
        parties,
        parties,
        frame,
        predicate,
        trigger,
        scale,
        sign=sign,
        cancelled=cancelled,
        hypothetical=hypothetical,
    )
