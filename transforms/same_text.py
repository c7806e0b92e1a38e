"""Whether two articles carry the same text: alike in wording, and agreed on actors and numbers.

Wording alone can't tell. Two statements that differ only in the actor reach a Jaccard similarity
of 0.81, a genuine cut wire copy 0.74. So what remains after the shared passages is aligned, and a
pair is refused where a short replacement swaps a name, a number, a date or the direction of a
verb. Words that come and go on one side only (a cut tail, an added paragraph) are no swap.

Short texts are compared otherwise: each of their words counts. All of the shorter text must stand
in the longer one's beginning, but for words without a fact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz.fuzz import ratio

from transforms.alignment import Block, Change, Gap, changes, gaps, shared_blocks
from transforms.settings import DeduplicateSettings
from transforms.text_rules import TextRules
from transforms.text_view import DAY_KINDS, Kind, TextView, Tokens

# A replacement of more words than this is a rewritten clause, not a swapped fact.
MAX_SWAP_WORDS: Final = 6
# A gap that keeps less than this is two different passages; its words don't answer each other.
MIN_KEPT: Final = 0.5
MAX_LOOSE_GAP_WORDS: Final = 12
# Spellings of one name: "Zelensky" and "Zelenskiy" score 94, "Austria" and "Australia" 88.
MIN_NAME_RATIO: Final = 90.0
# "China" and "Chinese" share a stem of 4 letters and end as names of one state do.
MIN_STEM: Final = 4
# Below this a text is a fragment ("Read the full story at ..."), which proves nothing by itself.
MIN_FRAGMENT_WORDS: Final = 12
# A headline may differ from its copy's only where the short text names this many facts itself.
MIN_FACTS: Final = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether two texts are the same; `similarity` is 0 to 1, `method` how it was measured."""

    same: bool
    similarity: float
    method: str
    reason: str


def same_text(first: TextView, second: TextView, settings: DeduplicateSettings) -> Verdict:
    """Return whether two articles carry the same text; the order of the two makes no difference."""
    if (second.text, second.title, second.outlet) < (first.text, first.title, first.outlet):
        first, second = second, first
    sizes = len(first.tokens), len(second.tokens)
    if not min(sizes):
        return Verdict(False, 0.0, "none", "empty text")
    if min(sizes) < settings.short_words:
        return _short(first, second)
    if first.tokens.words == second.tokens.words:
        return Verdict(True, 1.0, "exact", "equal words")
    return _long(first, second, settings)


def _long(first: TextView, second: TextView, settings: DeduplicateSettings) -> Verdict:
    left, right = first.tokens, second.tokens
    width = settings.shingle_words
    shingles = first.shingles(width), second.shingles(width)
    shared = len(shingles[0] & shingles[1])
    jaccard = shared / (len(shingles[0]) + len(shingles[1]) - shared)
    containment = shared / min(len(shingles[0]), len(shingles[1]))
    if jaccard >= settings.min_jaccard:
        method, similarity = "jaccard", jaccard
    elif containment >= settings.min_containment:
        method, similarity = "containment", containment
    else:
        return Verdict(False, round(jaccard, 4), "jaccard", "different wording")
    blocks = shared_blocks(left.words, right.words, width)
    refusal = (
        _misplaced(blocks, len(left), len(right), settings) if method == "containment" else ""
    ) or _contradiction(first, second, blocks, settings)
    return Verdict(not refusal, round(similarity, 4), method, refusal or "same passages")


def _misplaced(
    blocks: Sequence[Block], left_size: int, right_size: int, settings: DeduplicateSettings
) -> str:
    """Refuse a text that stands deep inside a longer one: a round-up carries many stories."""
    longer_starts = [
        block.left if left_size >= right_size else block.right
        for block in blocks
        if block.size >= 2 * settings.shingle_words
    ]
    if min(longer_starts, default=settings.max_intro_words + 1) > settings.max_intro_words:
        return "passage inside a longer text"
    return ""


def _contradiction(
    first: TextView, second: TextView, blocks: Sequence[Block], settings: DeduplicateSettings
) -> str:
    """Return the first swap of facts that can't be put down to an edit; "" for none.

    One swap in `words_per_conflict` shared words is taken for a correction, unless it stands in
    the lead or occurs twice.
    """
    left, right = first.tokens, second.tokens
    allowed = sum(block.size for block in blocks) // settings.words_per_conflict
    seen: set[str] = set()
    for gap in gaps(blocks, len(left), len(right)):
        for change in _answering_changes(left, right, gap):
            conflict = _conflict(first, second, change)
            if not conflict:
                continue
            in_lead = min(change.left_start, change.right_start) < settings.lead_words
            if in_lead or conflict in seen or len(seen) >= allowed:
                return conflict
            seen.add(conflict)
    return ""


def _answering_changes(left: Tokens, right: Tokens, gap: Gap) -> Iterator[Change]:
    """Yield the changes of a gap whose two sides answer each other, word for word."""
    found, kept = changes(left.words, right.words, gap)
    if kept < MIN_KEPT:
        widest = max(gap.left_end - gap.left_start, gap.right_end - gap.right_start)
        if widest > MAX_LOOSE_GAP_WORDS or _whole_sentences(left, right, gap):
            return
    yield from found


def _whole_sentences(left: Tokens, right: Tokens, gap: Gap) -> bool:
    """Return whether both sides of the gap start and end where sentences do."""
    return (
        gap.left_end > gap.left_start
        and gap.right_end > gap.right_start
        and _starts(left, gap.left_start)
        and _starts(left, gap.left_end)
        and _starts(right, gap.right_start)
        and _starts(right, gap.right_end)
    )


def _starts(tokens: Tokens, place: int) -> bool:
    return place >= len(tokens) or tokens.starts[place]


def _conflict(first: TextView, second: TextView, change: Change) -> str:
    """Return what a change turns into something else ("name Torrin/Maskel"); "" for nothing."""
    left, right = first.tokens, second.tokens
    ours = range(change.left_start, change.left_end)
    theirs = range(change.right_start, change.right_end)
    if max(len(ours), len(theirs)) > MAX_SWAP_WORDS:
        return ""
    rules = first.rules
    negated = [
        sum(_negates(tokens.words[place], rules.negations) for place in places)
        for tokens, places in ((left, ours), (right, theirs))
    ]
    if sum(negated) % 2 and max(len(ours), len(theirs)) <= MAX_SWAP_WORDS // 2:
        return f"negation {_said(left, ours)}/{_said(right, theirs)}"
    if not ours or not theirs:
        return ""
    for place in ours:
        opposite = rules.opposites.get(left.words[place], frozenset())
        if any(right.words[other] in opposite for other in theirs):
            return f"opposite {_said(left, ours)}/{_said(right, theirs)}"
    for kinds, label in (
        ({Kind.NUMBER}, "number"),
        ({Kind.WEEKDAY}, "day"),
        ({Kind.DATE}, "date"),
        ({Kind.RELATIVE_DAY}, "day"),
        ({Kind.NAME, Kind.POSSIBLE_NAME}, "name"),
    ):
        mine = _facts(first, ours, kinds)
        yours = _facts(second, theirs, kinds)
        if mine and yours and not _agree(mine, yours, rules):
            return f"{label} {'+'.join(mine)}/{'+'.join(yours)}"
    return ""


def _negates(word: str, negations: frozenset[str]) -> bool:
    return word in negations or word.endswith("n't")


def _said(tokens: Tokens, places: range) -> str:
    return " ".join(tokens.words[place] for place in places)


def _facts(view: TextView, places: range, kinds: set[Kind]) -> list[str]:
    tokens = view.tokens
    return [
        tokens.words[place]
        for place in places
        if tokens.kinds[place] in kinds and tokens.words[place] not in view.neutral_names
    ]


def _agree(mine: Sequence[str], yours: Sequence[str], rules: TextRules) -> bool:
    """Return whether two lists of facts can name the same: one in full, in short or respelt."""
    shorter, longer = sorted((mine, yours), key=len)
    if all(any(_same_fact(word, other, rules) for other in longer) for word in shorter):
        return True
    initials = "".join(word[0] for word in longer)
    return len(shorter) == 1 and len(longer) > 1 and shorter[0] == initials


def _same_fact(word: str, other: str, rules: TextRules) -> bool:
    if word == other:
        return True
    if word[0].isdigit() or other[0].isdigit():
        return False
    stem = next(
        (at for at, (one, two) in enumerate(zip(word, other, strict=False)) if one != two),
        min(len(word), len(other)),
    )
    endings = rules.name_endings
    return (
        (stem >= MIN_STEM and word[stem:] in endings and other[stem:] in endings)
        or ratio(word, other) >= MIN_NAME_RATIO
        or rules.respell(word) == rules.respell(other)
    )


def _short(first: TextView, second: TextView) -> Verdict:
    shorter, longer = sorted((first, second), key=lambda view: len(view.tokens))
    small, large = shorter.tokens, longer.tokens
    window = min(len(large), len(small) + MAX_LOOSE_GAP_WORDS)
    found, _ = changes(small.words, large.words, Gap(0, len(small), 0, window))
    missing = sum(change.left_end - change.left_start for change in found)
    similarity = round(1 - missing / len(small), 4)
    inside = [change for change in found if change.left_start < len(small)]
    for change in inside:
        if not _factless(shorter, longer, change):
            ours = _said(small, range(change.left_start, change.left_end))
            theirs = _said(large, range(change.right_start, change.right_end))
            return Verdict(False, similarity, "short", f"other words {ours}/{theirs}")
    cut = len(large) > window or len(found) > len(inside)
    if (cut or inside) and len(small) < MIN_FRAGMENT_WORDS:
        return Verdict(False, similarity, "short", "fragment")
    if not _titles_agree(shorter, longer) and _fact_count(shorter) < MIN_FACTS:
        return Verdict(False, similarity, "short", "no fact under different headlines")
    return Verdict(True, similarity, "short", "equal but for words without a fact")


def _factless(first: TextView, second: TextView, change: Change) -> bool:
    """Return whether a change leaves out, adds or respells nothing that matters in a short text."""
    rules = first.rules
    ours = _weighty(first, range(change.left_start, change.left_end))
    theirs = _weighty(second, range(change.right_start, change.right_end))
    if not ours and not theirs:
        return True
    days = [{kind for _, kind in side if kind in DAY_KINDS} for side in (ours, theirs)]
    if days[0] and days[1] and not days[0] & days[1]:
        ours = [item for item in ours if item[1] not in DAY_KINDS]
        theirs = [item for item in theirs if item[1] not in DAY_KINDS]
    if len(ours) != len(theirs):
        return False
    return all(
        mine == yours or (kind is other and rules.respell(mine) == rules.respell(yours))
        for (mine, kind), (yours, other) in zip(ours, theirs, strict=True)
    )


def _weighty(view: TextView, places: range) -> list[tuple[str, Kind]]:
    tokens = view.tokens
    light = view.rules.function_words | view.rules.titles | view.neutral_names
    return [
        (tokens.words[place], tokens.kinds[place])
        for place in places
        if tokens.words[place] not in light
    ]


def _titles_agree(first: TextView, second: TextView) -> bool:
    one, other = first.title_words, second.title_words
    return not one or not other or len(one & other) * 2 >= min(len(one), len(other))


def _fact_count(view: TextView) -> int:
    facts = {Kind.NAME, Kind.POSSIBLE_NAME, Kind.NUMBER}
    return sum(
        kind in facts and word not in view.neutral_names
        for word, kind in zip(view.tokens.words, view.tokens.kinds, strict=True)
    )
