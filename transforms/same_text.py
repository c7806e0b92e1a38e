"""Whether two articles carry the same text: alike in wording, and agreed on actors and numbers.

Likeness is the Jaccard similarity of shingles, or the share of the shorter text's words that stand
in shared passages. It can't tell by itself: two statements that differ only in the actor reach a
Jaccard similarity of 0.81, a genuine cut wire copy 0.74. So what remains between the shared
passages is aligned, and a pair is refused where a short replacement swaps a name, a number, a date
or the direction of a verb. Words on one side only (a cut tail, an added paragraph) are no swap, but
for an actor that is joined to another ("Torrin and Maskel").

Short texts are compared otherwise: each of their words counts. All of the shorter text must stand
in the longer one's beginning, but for words without a fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from rapidfuzz.fuzz import ratio

from transforms.alignment import (
    Block,
    Gap,
    changes,
    gaps,
    shared_passages,
    shared_shingles,
)
from transforms.settings import DeduplicateSettings
from transforms.text_rules import TextRules
from transforms.text_view import DAY_KINDS, NAMES, Kind, TextView, Token
from transforms.words import UNITS

# Below this share of the shorter text's shingles, the shared passages can't hold three quarters of
# its words: even an edit every eight words leaves half of the shingles of four.
MIN_SHARED: Final = 0.4
# A replacement of more words than this is a rewritten clause, not a swapped fact.
MAX_SWAP_WORDS: Final = 6
# Longer gaps are whole passages; aligning them costs time for nothing.
MAX_GAP_WORDS: Final = 200
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
_NO_UNIT: Final = {ord(mark): None for mark in UNITS}

_SWAPS: Final = (
    ("number", frozenset({Kind.NUMBER})),
    ("day", frozenset({Kind.WEEKDAY})),
    ("date", frozenset({Kind.DATE})),
    ("day", frozenset({Kind.RELATIVE_DAY})),
    ("name", NAMES),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether two texts are the same; `similarity` is 0 to 1, `method` how it was measured."""

    same: bool
    similarity: float
    method: str
    reason: str


def same_text(first: TextView, second: TextView, settings: DeduplicateSettings) -> Verdict:
    """Return whether two articles carry the same text; the order of the two makes no difference."""
    size = min(len(first), len(second))
    if not size:
        return Verdict(False, 0.0, "none", "empty text")
    if size < settings.short_words:
        if (second.text, second.title, second.outlet) < (first.text, first.title, first.outlet):
            first, second = second, first
        return _short(first, second)
    if np.array_equal(first.hashes, second.hashes):
        return Verdict(True, 1.0, "exact", "equal words")
    # Words are counted in the shorter text, where two passages may overlap.
    if (len(second), second.sequence) < (len(first), first.sequence):
        first, second = second, first
    return _long(first, second, settings)


def shared_passage(first: TextView, second: TextView, settings: DeduplicateSettings) -> str:
    """Return the longest passage that both texts have, as the first prints it; "" for none."""
    width = min(settings.shingle_words, len(first), len(second))
    blocks = shared_passages(*shared_shingles(first, second, width), width) if width else []
    if not blocks:
        return ""
    longest = max(blocks, key=lambda block: block.size)
    return first.words(longest.left, longest.left + longest.size)


def _long(first: TextView, second: TextView, settings: DeduplicateSettings) -> Verdict:
    width = settings.shingle_words
    left, right = shared_shingles(first, second, width)
    sizes = len(first.shingles(width)[0]), len(second.shingles(width)[0])
    jaccard = len(left) / (sum(sizes) - len(left))
    if len(left) < MIN_SHARED * min(sizes):
        return Verdict(False, round(jaccard, 4), "jaccard", "different wording")
    blocks = shared_passages(left, right, width)
    contained = sum(block.size for block in blocks) / min(len(first), len(second))
    if jaccard >= settings.min_jaccard:
        method, similarity = "jaccard", round(jaccard, 4)
    elif contained >= settings.min_containment:
        method, similarity = "containment", round(min(1.0, contained), 4)
        if _starts_deep(first, second, blocks, settings):
            return Verdict(False, similarity, method, "passage inside a longer text")
    else:
        return Verdict(False, round(jaccard, 4), "jaccard", "different wording")
    allowed = sum(block.size for block in blocks) // settings.words_per_conflict
    between = gaps(blocks, len(first), len(second))
    refusal = contradiction(first, second, between, allowed, settings)
    return Verdict(not refusal, similarity, method, refusal or "same passages")


def _starts_deep(
    first: TextView, second: TextView, blocks: Sequence[Block], settings: DeduplicateSettings
) -> bool:
    """Return whether the shorter text stands deep inside the longer: round-ups carry many."""
    longer_is_first = len(first) >= len(second)
    starts = [
        block.left if longer_is_first else block.right
        for block in blocks
        if block.size >= 2 * settings.shingle_words
    ]
    return min(starts, default=settings.max_intro_words + 1) > settings.max_intro_words


def contradiction(
    first: TextView,
    second: TextView,
    between: Iterable[Gap],
    allowed: int,
    settings: DeduplicateSettings,
) -> str:
    """Return the first swap of facts in the gaps that can't be put down to an edit; "" for none.

    One swap in `words_per_conflict` shared words is taken for a correction, unless it stands in
    the lead or occurs twice; `allowed` of them are.
    """
    seen: set[str] = set()
    for gap in between:
        for ours, theirs in _answering(first, second, gap):
            conflict = _conflict(first, second, ours, theirs)
            if gap.left_start == gap.left_end or gap.right_start == gap.right_end:
                conflict = conflict or _joined(first, ours) or _joined(second, theirs)
            if not conflict:
                continue
            in_lead = min(gap.left_start, gap.right_start) < settings.lead_words
            if in_lead or conflict in seen or len(seen) >= allowed:
                return conflict
            seen.add(conflict)
    return ""


def cannot_answer(shorter: Any, longer: Any) -> Any:
    """Say of a gap's two sizes in words whether its sides are too unlike in length to answer.

    Both may be numbers or numpy arrays of them; so is what comes back.
    """
    one_sided = (shorter == 0) & (longer > MAX_SWAP_WORDS)
    unlike = (longer > MAX_LOOSE_GAP_WORDS) & (shorter < MIN_KEPT * longer)
    return one_sided | unlike | (longer > MAX_GAP_WORDS)


def keeps_too_little(common: Any, longer: Any) -> Any:
    """Say of a gap whether its sides can't answer: they have so many words in common (each counted
    once), and the longer has so many. Both may be numbers or numpy arrays of them.
    """
    return (longer > MAX_LOOSE_GAP_WORDS) & (common < MIN_KEPT / 2 * longer)


def _answering(
    first: TextView, second: TextView, gap: Gap
) -> Iterator[tuple[list[Token], list[Token]]]:
    """Yield the changes of a gap whose two sides answer each other, word for word."""
    sizes = gap.left_end - gap.left_start, gap.right_end - gap.right_start
    if cannot_answer(min(sizes), max(sizes)):
        return
    if max(sizes) > MAX_LOOSE_GAP_WORDS:  # hashes tell cheaply that nothing answers
        ours = set(first.hashes[gap.left_start : gap.left_end].tolist())
        common = ours.intersection(second.hashes[gap.right_start : gap.right_end].tolist())
        if keeps_too_little(len(common), max(sizes)):
            return
    left = first.tokens(gap.left_start, gap.left_end)
    right = second.tokens(gap.right_start, gap.right_end)
    found, kept = changes([token.word for token in left], [token.word for token in right])
    if kept < MIN_KEPT and (
        max(sizes) > MAX_LOOSE_GAP_WORDS or _whole_sentences(first, second, gap)
    ):
        return
    for mine, yours in found:
        both_introduce = _introduces(first, left, mine, gap.left_end) and _introduces(
            second, right, yours, gap.right_end
        )
        if not both_introduce:
            yield left[mine], right[yours]


def _introduces(view: TextView, tokens: Sequence[Token], change: slice, gap_end: int) -> bool:
    """Return whether the words introduce a name that follows: "Prime Minister Benjamin" Netanyahu.

    Where both texts do so before the same name, they say the same of one person.
    """
    if not any(token.word in view.rules.titles for token in tokens[change]):
        return False
    following = tokens[change.stop :] or view.tokens(gap_end, gap_end + 1)
    return bool(following) and following[0].kind in NAMES


def _whole_sentences(first: TextView, second: TextView, gap: Gap) -> bool:
    """Return whether both sides of the gap start and end where sentences do."""
    return (
        gap.left_end > gap.left_start
        and gap.right_end > gap.right_start
        and first.opens_sentence(gap.left_start)
        and first.opens_sentence(gap.left_end)
        and second.opens_sentence(gap.right_start)
        and second.opens_sentence(gap.right_end)
    )


def _conflict(
    first: TextView, second: TextView, ours: Sequence[Token], theirs: Sequence[Token]
) -> str:
    """Return what a change turns into something else ("name torrin/maskel"); "" for nothing."""
    longest = max(len(ours), len(theirs))
    if longest > MAX_SWAP_WORDS:
        return ""
    rules = first.rules
    negated = sum(
        token.word in rules.negations or token.word.endswith("n't") for token in (*ours, *theirs)
    )
    if negated % 2 and longest <= MAX_SWAP_WORDS // 2:
        return f"negation {_said(ours)}/{_said(theirs)}"
    if not ours or not theirs:
        return ""
    for token in ours:
        opposite = rules.opposites.get(token.word)
        if opposite and any(other.word in opposite for other in theirs):
            return f"opposite {_said(ours)}/{_said(theirs)}"
    for label, kinds in _SWAPS:
        mine = _facts(first, ours, kinds)
        yours = _facts(second, theirs, kinds)
        if mine and yours and not _agree(mine, yours, rules):
            return f"{label} {'+'.join(mine)}/{'+'.join(yours)}"
    return ""


def _joined(view: TextView, added: Sequence[Token]) -> str:
    """Return an actor that the words join to another ("and China"); "" for none.

    Only where nothing else is said: an aside may be cut, a forename or a title left out.
    """
    rules = view.rules
    names = _facts(view, added, NAMES)
    light = rules.titles | rules.function_words | rules.joining_words
    if not names or not any(token.word in rules.joining_words for token in added):
        return ""
    if any(token.kind not in NAMES and token.word not in light for token in added):
        return ""
    return "" if rules.second_names.intersection(names) else f"one more {'+'.join(names)}"


def _said(tokens: Sequence[Token]) -> str:
    return " ".join(token.word for token in tokens)


def _facts(view: TextView, tokens: Sequence[Token], kinds: frozenset[Kind]) -> list[str]:
    return [
        token.word
        for token in tokens
        if token.kind in kinds
        and not (token.kind is Kind.POSSIBLE_NAME and view.has_plain(token.word))
    ]


def _agree(mine: Sequence[str], yours: Sequence[str], rules: TextRules) -> bool:
    """Return whether two lists of facts can name the same: one in full, in short or respelt."""
    shorter, longer = sorted((mine, yours), key=len)
    if all(any(_same_fact(word, other, rules) for other in longer) for word in shorter):
        return True
    initials = "".join(word[0] for word in longer)
    return len(shorter) == 1 and len(longer) > 1 and shorter[0] == initials


def same_name(word: str, other: str, rules: TextRules) -> bool:
    """Return whether two casefolded words can be one name, however it is spelt."""
    return _agree([word], [other], rules)


def _same_fact(word: str, other: str, rules: TextRules) -> bool:
    if word == other:
        return True
    if word[-1].isdigit() or other[-1].isdigit():
        return _same_number(word, other)
    if other in rules.different_names.get(word, ()):
        return False
    group = rules.same_names.get(word)
    if group is not None and group == rules.same_names.get(other):
        return True
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


def _same_number(one: str, other: str) -> bool:
    """Return whether two numbers are equal, and of one unit where both state it: "$5", "5"."""
    units = [{mark for mark in number if mark in UNITS} for number in (one, other)]
    bare = [number.translate(_NO_UNIT) for number in (one, other)]
    return bare[0] == bare[1] and (not all(units) or units[0] == units[1])


def _short(first: TextView, second: TextView) -> Verdict:
    shorter, longer = sorted((first, second), key=len)
    window = min(len(longer), len(shorter) + MAX_LOOSE_GAP_WORDS)
    small, large = shorter.all_tokens, longer.tokens(0, window)
    if not small:
        return Verdict(False, 0.0, "none", "empty text")
    lacking = shorter.weighty_forms - longer.forms(window)
    if lacking:  # told before anything is aligned
        similarity = round(1 - len(lacking) / len(small), 4)
        return Verdict(False, similarity, "short", f"other words {' '.join(sorted(lacking))}")
    found, _ = changes([token.word for token in small], [token.word for token in large])
    missing = sum(ours.stop - ours.start for ours, _ in found)
    similarity = round(1 - missing / len(small), 4)
    inside = [change for change in found if change[0].start < len(small)]
    for ours, theirs in inside:
        if not _factless(shorter, longer, small[ours], large[theirs]):
            words = f"{_said(small[ours])}/{_said(large[theirs])}"
            return Verdict(False, similarity, "short", f"other words {words}")
    cut = len(longer) > window or len(found) > len(inside)
    if (cut or inside) and len(small) < MIN_FRAGMENT_WORDS:
        return Verdict(False, similarity, "short", "fragment")
    if not _titles_agree(shorter, longer) and _fact_count(shorter) < MIN_FACTS:
        return Verdict(False, similarity, "short", "no fact under different headlines")
    return Verdict(True, similarity, "short", "equal but for words without a fact")


def _factless(
    first: TextView, second: TextView, ours: Sequence[Token], theirs: Sequence[Token]
) -> bool:
    """Return whether a change leaves out, adds or respells nothing that matters in a short text."""
    mine, yours = first.weighty(ours), second.weighty(theirs)
    days = [{token.kind for token in side} & DAY_KINDS for side in (mine, yours)]
    if days[0] and days[1] and not days[0] & days[1]:  # "Wednesday" for "Feb. 3"
        mine = [token for token in mine if token.kind not in DAY_KINDS]
        yours = [token for token in yours if token.kind not in DAY_KINDS]
    if len(mine) != len(yours):
        return False
    respell = first.rules.respell
    return all(
        one.word == two.word or (one.kind is two.kind and respell(one.word) == respell(two.word))
        for one, two in zip(mine, yours, strict=True)
    )


def _titles_agree(first: TextView, second: TextView) -> bool:
    one, other = first.title_words, second.title_words
    return not one or not other or len(one & other) * 2 >= min(len(one), len(other))


def _fact_count(view: TextView) -> int:
    facts = NAMES | {Kind.NUMBER}
    return sum(token.kind in facts for token in view.all_tokens)
