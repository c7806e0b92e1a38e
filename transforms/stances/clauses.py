"""The arguments of a predicate, however the sentence spells them.

Passives, coordination, relative and participial clauses, control and raising are undone here, so
that the rest of the reader sees who does what to whom. Arguments are noun tokens; which actors a
noun stands for is `transforms.stances.holders`' question.
"""

from __future__ import annotations

from collections.abc import Callable

from transforms.stances.lexicon import Lexicon
from transforms.stances.phrases import find_phrase
from transforms.stances.tree import SUBJECTS, Tree

RELATIVE_TAGS = frozenset({"WDT", "WP", "WP$"})
RELATIVE_WORDS = frozenset({"that", "which", "who", "whom"})
OBJECTS = ("dobj", "attr", "oprd")
# What is said after these is no deed of the subject: "sanctions over fighting in the east".
_NOT_CONTROLLING = frozenset({"over", "amid", "during"})
# Nor after these below a noun: but "A insisted on sanctioning B".
_ABOUT = frozenset({"about", "on"})
# "A, along with B, rejected ...": B does so too.
_COMPANY = frozenset({"along", "together", "alongside", "like"})
_MAX_STEPS = 8


class Clauses:
    """Arguments of the predicates of one document.

    `is_actor(i)` tells whether a mention stands at token i: names of actors don't take
    complements, so a preposition that the parser hung on one belongs to the predicate above.
    """

    def __init__(self, tree: Tree, lexicon: Lexicon, is_actor: Callable[[int], bool]) -> None:
        self.tree = tree
        self.lexicon = lexicon
        self.is_actor = is_actor

    def is_passive(self, p: int) -> bool:
        """Tell whether the surface subject of `p` undergoes it."""
        tree = self.tree
        for k in tree.kids[p]:
            if tree.dep[k] in ("nsubjpass", "auxpass"):
                return True
        if tree.tag[p] != "VBN":
            return False
        if tree.dep[p] == "conj":
            own_auxiliary = tree.children(p, "aux", "nsubj")
            return not own_auxiliary and self.is_passive(tree.head[p])
        if tree.dep[p] == "acl" and tree.head[tree.head[p]] == tree.head[p]:
            # "A, which drafted it, called B a danger": a small model takes the verb for a
            # participle and A for the root, but a passive participle has no object.
            return not tree.children(p, "dobj", "oprd", "ccomp")
        return tree.dep[p] in ("acl", "advcl", "amod", "relcl") and not tree.children(
            p, "aux", "nsubj"
        )

    def agents(self, p: int) -> list[int]:
        """Return the nouns that do `p`: its subject, or the by-phrase of a passive."""
        tree = self.tree
        if not self.is_passive(p):
            return self.surface_subjects(p)
        found = []
        for by in tree.kids[p]:
            if tree.dep[by] == "agent" or (tree.dep[by] == "prep" and tree.lower[by] == "by"):
                found += tree.children(by, "pobj")
        # "was condemned and sanctioned by X" hangs the by-phrase on the last verb only.
        for k in tree.children(p, "conj"):
            if not found and self.is_passive(k):
                found = self.agents(k)
        return found

    def objects(self, p: int, *, shared: bool = True) -> list[int]:
        """Return the nouns that `p` is done to: its object, or the subject of a passive."""
        tree = self.tree
        if self.is_passive(p):
            return self.surface_subjects(p)
        found = [self.antecedent(k, p) for k in tree.children(p, "dobj", "oprd")]
        if (
            not found
            and tree.dep[p] == "relcl"
            and not self._relative_subject(p)
            and not tree.children(p, "attr", "acomp", "ccomp", "xcomp")
        ):
            # "the militia that France backs", "the country Russia invaded"
            found = [tree.head[p]]
        if not found:
            # "helped B fight C" makes B the subject of a bare infinitive
            for clause in tree.children(p, "ccomp"):
                if tree.tag[clause] == "VB" and not tree.children(clause, "mark", "aux"):
                    found = tree.children(clause, "nsubj")
        if not found:
            found = self._makers_of_what(tree.children(p, "ccomp"))
        if not found and shared:
            # "condemned and sanctioned X" hangs the object on the last verb only.
            for k in tree.children(p, "conj"):
                if tree.is_verb(k) and not tree.children(k, *SUBJECTS):
                    found = self.objects(k)
        return found

    def _makers_of_what(self, clauses: list[int]) -> list[int]:
        """Return B in "what B has done", and "B's attack" in "what it called B's attack"."""
        tree = self.tree
        found: list[int] = []
        for clause in clauses:
            if not any(tree.lower[k] == "what" for k in tree.children(clause, "dobj", "pobj")):
                continue
            if find_phrase(tree, clause, self.lexicon.speech) is None:
                found += tree.children(clause, "nsubj")
                continue
            found += tree.children(clause, "oprd")
            for k in tree.children(clause, "prep"):
                found += tree.children(k, "pobj") if tree.lower[k] == "as" else []
        return found

    def place(self, p: int) -> list[int]:
        """Return B in "B, where A bombed two villages", "A bombed two villages in B"."""
        tree = self.tree
        hit = {tree.lemma[c] for o in self.objects(p) for c in tree.conjuncts(o)}
        if not hit & self.lexicon.words["sites"]:
            return []
        inside = self.complements(p, "in")
        if inside:
            return inside
        is_there = any(tree.lower[k] == "where" for k in tree.children(p, "advmod"))
        return [tree.head[p]] if tree.dep[p] == "relcl" and is_there else []

    def recipients(self, p: int) -> list[int]:
        """Return the nouns that get something by `p`: "gave X weapons"."""
        tree = self.tree
        found = []
        for k in tree.children(p, "dative"):
            found += [k] if tree.is_noun(k) or tree.tag[k] == "PRP" else []
        return found

    def complements(self, p: int, preposition: str) -> list[int]:
        """Return the objects of a preposition that belongs to `p`.

        The preposition may hang on the verb, on the noun that it governs ("imposed sanctions on"),
        or, by the parser's mistake, on an actor's name between.
        """
        tree = self.tree
        found: list[int] = []
        for bearer in self._bearers(p):
            for k in tree.kids[bearer]:
                if tree.lower[k] == preposition and tree.dep[k] in ("prep", "dative", "prt"):
                    found += [self.antecedent(o, p) for o in tree.children(k, "pobj")]
                    found += self._makers_of_what(tree.children(k, "pcomp"))
                    if not found:
                        found += [
                            o
                            for inner in tree.children(k, "prep")
                            for o in tree.children(inner, "pobj")
                        ]
        if not found:
            for k in tree.children(p, "conj"):
                if (
                    tree.is_verb(k)
                    and not tree.children(k, *SUBJECTS)
                    and not self.objects(p, shared=False)
                ):
                    found = self.complements(k, preposition)
        return found

    def _bearers(self, p: int) -> list[int]:
        tree = self.tree
        bearers = [p]
        for k in tree.kids[p]:
            dep = tree.dep[k]
            if dep in ("dobj", "attr", "oprd", "acomp", "npadvmod", "advmod", "nsubjpass"):
                bearers += tree.conjuncts(k)
            elif dep in ("prep", "agent", "dative", "prt") and tree.lower[k] != "according":
                inner = tree.children(k, "pobj")
                bearers += [
                    c
                    for o in inner
                    for c in tree.conjuncts(o)
                    if self.is_actor(c) or dep == "agent"
                ]
                bearers += [k] if dep == "prep" and not inner and not self._is_company(k) else []
        bearers += [b for c in bearers[1:] if self.is_actor(c) for b in tree.children(c, "appos")]
        return bearers

    def _is_company(self, k: int) -> bool:
        tree = self.tree
        return any(tree.lower[i] in _COMPANY for i in (k, *tree.children(k, "advmod")))

    def is_each_other(self, i: int) -> bool:
        """Tell whether `i` heads "each other" or "one another"."""
        tree = self.tree
        owners = tree.children(i, "poss")
        words = {tree.lower[k] for k in (i, i - 1, *tree.kids[i])}
        words |= {tree.lower[k] for owner in owners for k in (owner, *tree.kids[owner])}
        return bool(words & {"other", "another", "one"}) and (
            {"each", "other"} <= words or {"one", "another"} <= words
        )

    def antecedent(self, i: int, p: int) -> int:
        """Return the noun that a relative pronoun stands for; other nouns stand for themselves."""
        tree = self.tree
        relative = tree.tag[i] in RELATIVE_TAGS or (tree.lower[i] == "that" and tree.tag[i] != "NN")
        if not relative:
            return i
        at = p
        for _ in range(_MAX_STEPS):
            if tree.dep[at] == "relcl":
                return tree.head[at]
            if tree.head[at] == at:
                break
            at = tree.head[at]
        return i

    def _relative_subject(self, p: int) -> bool:
        tree = self.tree
        return any(
            tree.tag[k] in RELATIVE_TAGS or tree.lower[k] in RELATIVE_WORDS
            for k in tree.children(p, *SUBJECTS)
        ) or not tree.children(p, *SUBJECTS)

    def surface_subjects(self, p: int, steps: int = _MAX_STEPS) -> list[int]:
        """Return the nouns in subject position of `p`, taken over from above where it has none."""
        tree = self.tree
        own = self._own_subjects(p)
        if own:
            nouns = [self.antecedent(k, p) for k in own]
            if nouns != own and tree.lemma[nouns[0]] in self.lexicon.words["messages"]:
                # "A filed a lawsuit that accuses B"
                return self._holders_of_noun(nouns[0], steps)
            return nouns
        if steps <= 0 or tree.head[p] == p:
            return []
        above, dep = tree.head[p], tree.dep[p]
        if dep == "conj":
            if tree.is_verb(above) or tree.dep[above] in ("acomp", "attr"):
                return self.surface_subjects(above, steps - 1)
            return []
        if dep in ("acomp", "attr", "oprd", "auxpass", "prt"):
            return self.surface_subjects(above, steps - 1)
        if dep == "ccomp":
            # "A, it was announced, will be helped by B"
            set_off = tree.children(above, "npadvmod")
            set_off = [
                k for k in set_off if k + 1 < p and self.is_actor(k) and tree.lower[k + 1] == ","
            ]
            if set_off:
                return set_off
        if dep == "advcl" and tree.tag[p] in ("VBN", "VBG"):
            # "Angered by B, A asked for talks"
            return self.surface_subjects(above, steps - 1)
        if dep in ("xcomp", "ccomp", "advcl"):
            infinitive_or_participle = dep != "ccomp" or tree.tag[p] in ("VB", "VBG")
            return self._controlled(above, steps) if infinitive_or_participle else []
        if dep == "acl":
            if tree.tag[p] in ("VBG", "VBN"):
                words = self.lexicon.words
                if tree.lemma[above] in words["messages"] or tree.lemma[p] in words["purposes"]:
                    # "issued a statement condemning B", "announced a pact aimed at B"
                    return self._holders_of_noun(above, steps)
                return [above]
            return self._holders_of_noun(above, steps)
        if dep == "pcomp":
            return self._through_preposition(above, steps)
        return []

    def _own_subjects(self, p: int) -> list[int]:
        tree = self.tree
        own = tree.children(p, *SUBJECTS)
        if tree.dep[p] == "parataxis" and len(own) > 1:
            return own[-1:]  # "A, B says, backs C": A is whom B speaks of
        if not own:
            for aside in tree.children(p, "parataxis"):
                before = tree.children(aside, "nsubj")
                if len(before) > 1 and aside < p:
                    return before[:1]
        # Small models take a name before a comma for an adverb: "A, B vow to ...", "A, once
        # an ally of B, condemned ...".
        stray = [k for k in tree.children(p, "npadvmod") if k < p and self.is_actor(k)]
        if not own or any(k + 2 == own[0] or k + 3 == own[0] for k in stray):
            own = stray + own
        for along in [k for bearer in (p, *own) for k in tree.children(bearer, "prep")]:
            if own and along < p and self._is_company(along):
                inner = tree.children(along, "prep", "advmod")
                own = own + [o for k in (along, *inner) for o in tree.children(k, "pobj")]
        return own

    def _controlled(self, above: int, steps: int) -> list[int]:
        tree = self.tree
        if find_phrase(tree, above, self.lexicon.object_control) and tree.dep[above] != "acomp":
            if self.is_passive(above):
                return self.surface_subjects(above, steps - 1)
            objects = tree.children(above, "dobj")
            if not objects:
                objects = [
                    o
                    for k in tree.children(above, "prep")
                    if tree.lower[k] in ("on", "for", "upon")
                    for o in tree.children(k, "pobj")
                ]
            if objects:
                return objects
        if tree.is_noun(above) and tree.dep[above] not in ("attr", "acomp", "ROOT", "ccomp"):
            return self._holders_of_noun(above, steps)
        return self.surface_subjects(above, steps - 1)

    def _through_preposition(self, preposition: int, steps: int) -> list[int]:
        tree = self.tree
        above = tree.head[preposition]
        if above == preposition:
            return []
        word = tree.lower[preposition]
        if word in _NOT_CONTROLLING or (word in _ABOUT and tree.is_noun(above)):
            return []
        # "stopped short of": the adverb stands between verb and preposition
        if tree.tag[above] in ("IN", "RB", "JJ") and tree.head[above] != above:
            above = tree.head[above]
        if tree.is_noun(above) or self.is_actor(above):
            governor = tree.head[above]
            if tree.dep[above] == "dobj" and find_phrase(
                tree, governor, self.lexicon.object_control
            ):
                return [above]
            return self._holders_of_noun(above, steps)
        return self._controlled(above, steps)

    def _holders_of_noun(self, noun: int, steps: int) -> list[int]:
        """Return who has the plan in "X's plan to ...", "X announced a plan to ..."."""
        tree = self.tree
        if tree.children(noun, "poss") or any(
            self.is_actor(k) for k in tree.children(noun, "amod", "compound", "nmod")
        ):
            return [noun]
        for k in tree.children(noun, "prep"):
            if tree.lower[k] in ("by", "from", "of"):
                inner = tree.children(k, "pobj")
                if inner:
                    return inner
        if tree.dep[noun] in ("dobj", "attr", "pobj") and tree.head[noun] != noun:
            above = tree.head[noun]
            if tree.dep[noun] == "pobj" and tree.head[above] != above:
                above = tree.head[above]
            if tree.is_verb(above):
                return self.surface_subjects(above, steps - 1)
        return [noun] if self.is_actor(noun) else []
