"""Whether a predicate is asserted, negated, planned or hypothetical.

Found by climbing from the predicate: its own negation and modal, then what governs it ("refused
to", "plans to", "if ..."), up to the clause that the article asserts.
"""

from __future__ import annotations

from dataclasses import dataclass

from transforms.records import Factuality
from transforms.stances.background import Background
from transforms.stances.lexicon import Lexicon
from transforms.stances.phrases import find_phrase
from transforms.stances.tree import Tree

NEGATIVE = frozenset(
    {
        "not",
        "n't",
        "n’t",
        "never",
        "neither",
        "nor",
        "no",
        "without",
    }
)
ONLY = frozenset({"only", "just", "merely", "simply", "solely", "least"})
UNREAL = frozenset(
    {"would", "could", "might", "may", "should", "can", "must", "ought", "'d", "’d", "ca"}
)
CONDITION = frozenset({"if", "unless", "whether", "should", "lest", "provided"})
DENYING_PREPOSITIONS = frozenset({"without", "instead", "than"})
INVERTED = frozenset({"were", "had", "should"})
_NEGATING = frozenset({"neg", "advmod", "preconj", "cc", "det"})
_MAX_STEPS = 24


@dataclass(frozen=True, slots=True)
class Status:
    """How a predicate is meant. `is_background`: told as past history."""

    factuality: Factuality
    is_background: bool


class Statuses:
    """Works out the status of predicates in one document published in `year` (None: unknown)."""

    def __init__(self, tree: Tree, lexicon: Lexicon, year: int | None) -> None:
        self.tree = tree
        self.lexicon = lexicon
        self._negative = NEGATIVE | lexicon.words["negative_adverbs"]
        self._background = Background(tree, lexicon, year)
        self._part_of_phrase: frozenset[int] = frozenset()

    def of(self, p: int, trigger: tuple[int, ...], until: int = -1) -> Status:
        """Return the status of the predicate at `p` whose stance shows in `trigger`.

        With `until` it is the status that the words below that token give it.
        """
        tree, words = self.tree, self.lexicon.words
        self._part_of_phrase = frozenset(trigger)
        negations = self._negated(p)
        for word in trigger:
            negations += word != p and self._has_no(word)
        unreal = self._is_doubted(p, trigger)
        planned = caused = conditional = False
        modal = self._modal(p)
        at, own_level = p, True
        for _ in range(_MAX_STEPS):
            conditional |= own_level and self._has_condition(at)
            if own_level and tree.lemma[at] in words["conditional_threats"]:
                conditional = False
            if tree.dep[at] == "ccomp" and self._asks(at):
                unreal = True
            above = tree.head[at]
            if above == at:
                unreal |= self._is_question(at)
                break
            dep = tree.dep[at]
            if above == until and dep != "conj":
                break
            unreal |= self._is_inverted_condition(at)
            if dep == "conj":
                if self._joined_by_or(at) or self._shares_auxiliary(at):
                    negations += self._negated(above)
                unreal |= self._is_inverted(at) and self._ends_as_question(at)
                if not modal and not tree.children(at, "aux", "nsubj", "nsubjpass"):
                    modal = self._modal(above)
                at = above
                continue
            if dep in ("relcl", "appos"):
                break
            if dep == "advcl":
                unreal |= any(tree.lower[k] in CONDITION for k in tree.children(at, "mark"))
                infinitive = tree.tag[at] == "VB" and tree.is_verb(above)
                unreal |= infinitive and caused
                if not infinitive or self._own_subject(at):
                    # "backed by B, A rejected it": the side clause is told for itself
                    at, own_level = above, False
                    if unreal:
                        break
                    continue
            governor = above
            if dep == "pcomp":
                beside = (above, tree.head[above], *tree.children(above, "advmod"))
                if any(tree.lower[k] in DENYING_PREPOSITIONS for k in beside):
                    negations += 1
                    break
                governor = self._over_preposition(above)
            if dep in ("xcomp", "pcomp", "ccomp", "acl", "advcl"):
                group = self._operator(governor, dep)
                unreal |= caused and tree.lemma[governor] in words["attempts"]
                if any(tree.lower[k] == "too" for k in tree.children(governor, "advmod")):
                    negations += 1  # "too weak to attack B"
                if group == "cancel":
                    negations += 1
                    if tree.lemma[governor] in words["lapses"]:
                        negations += self._negated(governor)
                    else:
                        unreal |= self._negated(governor) > 0
                elif group == "commit":
                    planned = True
                    unreal |= caused
                    negations += self._negated(governor)
                elif group == "hedge":
                    unreal = True
                elif group == "cause":
                    caused = True
                    negations += self._negated(governor)
                elif self._negated(governor):
                    negations += 1
                if dep in ("xcomp", "pcomp", "acl") and not modal:
                    modal = self._modal(governor)
                own_level = dep != "ccomp"
            elif dep in ("acomp", "attr", "oprd", "prep") and tree.is_verb(above):
                negations += self._negated(above)
                modal = modal or self._modal(above)
            elif dep in ("dobj", "attr") and tree.is_noun(at) and tree.is_verb(above):
                # "denied the claim that ...", "made no threat to ..."
                negations += self._negated(above)
                negations += self._operator(above, "dobj") == "cancel"
                own_level = False
            elif dep in ("dobj", "pobj", "nsubj", "nsubjpass") and at != p and tree.is_noun(at):
                own_level = False
            if tree.lower[at] == "without" or (dep == "pobj" and tree.lower[above] == "without"):
                negations += 1
            at = governor if governor != at else above
        if modal in UNREAL and not (planned and modal in ("would", "'d", "’d")):
            if modal in ("would", "'d", "’d") and self._own_promise(p) and not unreal:
                planned = True
            else:
                unreal = True
        elif modal:
            planned = True
            unreal |= caused
        unreal |= conditional
        background = self._background.tells(p, trigger)
        if negations % 2:
            return Status("negated", background)
        if unreal:
            return Status("hypothetical", background)
        return Status("planned" if planned else "asserted", background)

    def _negated(self, p: int) -> int:
        tree = self.tree
        count = 0
        for k in tree.kids[p]:
            if tree.lower[k] not in self._negative or tree.dep[k] not in _NEGATING:
                continue
            following = tree.lower[k + 1] if k + 1 < len(tree) else ""
            below = {tree.lower[m] for m in tree.kids[k]}
            if following in ONLY or below & ONLY:
                continue
            count += 1
        # "no longer supports"
        for k in tree.children(p, "advmod", "npadvmod"):
            if tree.lower[k] in ("longer", "means") and self._has_no(k):
                count += 1
        for k in tree.children(p, "nsubj", "nsubjpass"):
            if tree.lower[k] in ("nobody", "none", "neither") or self._has_no(k):
                count += 1
        return min(count, 1)

    def _has_no(self, noun: int) -> int:
        tree = self.tree
        return int(
            any(
                tree.lower[k] in ("no", "neither") and tree.dep[k] in ("det", "neg", "advmod")
                for k in tree.kids[noun]
                if k not in self._part_of_phrase
            )
        )

    def _modal(self, p: int) -> str:
        tree = self.tree
        for k in tree.children(p, "aux"):
            if tree.tag[k] == "MD":
                return tree.lower[k]
        return ""

    def _operator(self, governor: int, dep: str) -> str:
        operators = self.lexicon.operators
        # Before an infinitive "agreed to" commits; before a that-clause the verb only says.
        groups: tuple[str, ...] = ("cancel", "commit", "hedge", "cause")
        if dep in ("ccomp", "dobj"):
            groups = ("cancel", "hedge") if dep == "ccomp" else ("cancel",)
        for group in groups:
            phrase = find_phrase(self.tree, governor, operators, (group,))
            if phrase is not None:
                if dep == "ccomp" and group == "hedge" and self._says(governor):
                    continue
                return group
        return ""

    def _says(self, governor: int) -> bool:
        return find_phrase(self.tree, governor, self.lexicon.speech) is not None

    def _over_preposition(self, preposition: int) -> int:
        tree = self.tree
        above = tree.head[preposition]
        if tree.tag[above] in ("RB", "IN") and tree.head[above] != above:
            return tree.head[above]
        return above

    def _own_subject(self, p: int) -> bool:
        return bool(self.tree.children(p, "nsubj", "nsubjpass"))

    def _own_promise(self, p: int) -> bool:
        """Tell whether "would" is a reported "will": below a verb of saying in the past."""
        tree = self.tree
        at = p
        for _ in range(_MAX_STEPS):
            above = tree.head[at]
            if above == at:
                return False
            if tree.dep[at] == "ccomp":
                return tree.tag[above] in ("VBD", "VBN") and self._says(above)
            at = above
        return False

    def _has_condition(self, p: int) -> bool:
        tree = self.tree
        for clause in tree.children(p, "advcl"):
            for k in tree.children(clause, "mark"):
                # "even if B objects", "whether or not B objects": all the same
                granted = k > 0 and tree.lower[k - 1] == "even"
                if k + 1 < len(tree) and tree.lower[k + 1] == "or":
                    granted = True
                if tree.lower[k] in CONDITION and not granted:
                    return True
        return False

    def _is_doubted(self, p: int, trigger: tuple[int, ...]) -> bool:
        """Tell whether it is called possible only: "a possible attack", "perhaps A backs B"."""
        tree, doubtful = self.tree, self.lexicon.words["doubtful"]
        words = [k for t in trigger if tree.is_noun(t) for k in tree.children(t, "amod")]
        words += tree.children(p, "advmod")
        return any(tree.lower[k] in doubtful for k in words)

    def _shares_auxiliary(self, p: int) -> bool:
        """Tell whether "did not" before the first of two verbs holds for `p`: "and condemn B"."""
        tree = self.tree
        first = tree.head[p]
        return (
            tree.tag[p] == "VB"
            and not tree.children(p, "aux", "nsubj", "nsubjpass")
            and any(tree.lower[k] == "and" for k in tree.children(first, "cc"))
        )

    def _is_inverted(self, p: int) -> bool:
        """Tell whether an auxiliary of `p` stands before its subject."""
        tree = self.tree
        subjects = tree.children(p, "nsubj", "nsubjpass")
        return any(k < s for s in subjects[:1] for k in tree.children(p, "aux"))

    def _ends_as_question(self, p: int) -> bool:
        tree = self.tree
        first, last = tree.bounds[tree.sentence[p]]
        return "?" in tree.lower[max(first, last - 4) : last]

    def _asks(self, clause: int) -> bool:
        """Tell whether a clause is an indirect question: "wanted to know if A backs B"."""
        tree = self.tree
        return any(tree.lower[k] in ("if", "whether") for k in tree.children(clause, "mark"))

    def _is_inverted_condition(self, clause: int) -> bool:
        """Tell whether a clause is "Were A to attack B, ..." or "Had A attacked B, ..."."""
        tree = self.tree
        if tree.dep[clause] != "advcl" or clause > tree.head[clause]:
            return False
        first = min(tree.subtree(clause))
        begins = first == tree.bounds[tree.sentence[clause]][0] or tree.lower[first - 1] in ',;“"'
        return begins and tree.lower[first] in INVERTED and first != clause + 1

    def _joined_by_or(self, p: int) -> bool:
        tree = self.tree
        first = tree.head[p]
        return any(tree.lower[k] in ("or", "nor") for k in tree.children(first, "cc", "preconj"))

    def _is_question(self, root: int) -> bool:
        tree = self.tree
        # "A condemned B, but will it act?"
        asked = [k for k in tree.children(root, "conj") if self._is_inverted(k)]
        if asked and tree.children(root, "nsubj") and not self._is_inverted(root):
            return False
        return self._ends_as_question(root)
