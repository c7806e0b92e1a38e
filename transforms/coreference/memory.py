"""What resolution remembers of a text: the mentions so far, and how sure each way of finding is."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from transforms.actor_spans import ActorSpan, TextView

# Confidence by how the antecedent was found; a sentence further back costs DECAY.
BY_GOVERNOR = 0.85
BY_SUBJECT = 0.72
BY_NEARNESS = 0.62
BY_SPEAKER = 0.75
BY_DESCRIPTION = 0.75
DECAY = 0.08
HORIZON = 3
# Bounds that keep a text of one endless sentence from costing its square.
_MAX_CANDIDATES = 60
MAX_WINDOW = 80


@dataclass(slots=True)
class Memory:
    """The mentions so far, newest last, with what resolution has learned of each person."""

    view: TextView
    spans: list[ActorSpan]
    at: dict[int, ActorSpan] = field(default_factory=dict)
    genders: dict[str, str] = field(default_factory=dict)
    quotes: list[tuple[int, int]] = field(default_factory=list)
    speakers: dict[tuple[int, int], ActorSpan | None] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)

    def before(self, token: int, horizon: int) -> Iterator[tuple[ActorSpan, int]]:
        """Yield the mentions before a token, newest first, with their distance in sentences."""
        here = self.view.sentence_of(token)
        seen = 0
        for position in range(bisect_left(self.starts, self.view.starts[token]) - 1, -1, -1):
            span = self.spans[position]
            if span.head >= token or span.last >= token:
                continue
            seen += 1
            if seen > _MAX_CANDIDATES:
                return
            distance = here - self.view.sentence_of(span.head)
            if distance > horizon:
                return
            yield span, distance

    def add(self, found: Iterable[ActorSpan]) -> None:
        """Remember resolved references: what was just meant is likely to be meant again."""
        for span in found:
            position = bisect_right(self.starts, span.start)
            self.spans.insert(position, span)
            self.starts.insert(position, span.start)
            self.at.setdefault(span.head, span)


def reference(
    view: TextView, first: int, last: int, target: ActorSpan, confidence: float, pronoun: bool
) -> ActorSpan:
    """Return the mention on tokens [first, last] that means `target`, no surer than it is."""
    return ActorSpan(
        first,
        last,
        view.starts[first],
        view.end_of(last),
        last,
        target.actor,
        target.type,
        "pronoun" if pronoun else "description",
        min(confidence, target.confidence),
        target.name,
        "reference",
        rollup=target.rollup,
        gender=target.gender,
        has_role=target.has_role,
    )


def with_rollup(memory: Memory, span: ActorSpan) -> Iterator[tuple[ActorSpan, float]]:
    """Yield a mention and, for a person, the state or organisation behind, with its penalty."""
    yield span, 0.0
    if span.type == "person" and span.rollup and span.rollup != span.actor:
        entry = memory.view.catalog.actors.get(span.rollup)
        if entry is not None:
            yield (
                ActorSpan(
                    span.first,
                    span.last,
                    span.start,
                    span.end,
                    span.head,
                    entry.id,
                    entry.type,
                    "name",
                    span.confidence,
                    entry.name,
                    "name",
                    rollup=memory.view.catalog.rollup(entry.id, memory.view.on),
                ),
                0.05,
            )
