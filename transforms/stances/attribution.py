"""Who vouches for a predicate: the chain of speakers above it, innermost first."""

from __future__ import annotations

from dataclasses import dataclass, replace

from transforms.records import Mention
from transforms.stances.clauses import Clauses
from transforms.stances.holders import Holders
from transforms.stances.lexicon import Lexicon
from transforms.stances.phrases import find_phrase
from transforms.stances.tree import Tree

_MAX_STEPS = 24
_LOOK_BACK_SENTENCES = 2


@dataclass(frozen=True, slots=True)
class Level:
    """One speaker level: the verb, who speaks (empty: someone unknown), and how.

    `mode` is the speech group ("neutral", "accusing", ...), "according", or "alleged" for what
    someone is accused of or criticised for. `aside`: the predicate stands in a side clause of what
    is said, with a subject of its own, so that it is not what the speaker says of anyone.
    `official`: someone unnamed who speaks for whoever the article is about ("the ministry said").
    """

    verb: int
    speakers: tuple[Mention, ...]
    mode: str
    aside: bool = False
    official: bool = False


class Attribution:
    """Finds the speakers of predicates in one document."""

    def __init__(self, tree: Tree, lexicon: Lexicon, clauses: Clauses, holders: Holders) -> None:
        self.tree = tree
        self.lexicon = lexicon
        self.clauses = clauses
        self.holders = holders

    def of(self, p: int) -> list[Level]:
        """Return the speaker levels above `p`, innermost first; media count as the outlet."""
        tree = self.tree
        levels: list[Level] = []
        at = p
        crossed_quote = aside = False
        for _ in range(_MAX_STEPS):
            levels += self._beside(at)
            above = tree.head[at]
            if above == at:
                break
            dep = tree.dep[at]
            if dep in ("advcl", "relcl") and tree.children(at, "nsubj", "nsubjpass"):
                aside = True
                if dep == "advcl" and tree.dep[above] in ("pcomp", "xcomp"):
                    # "admitted to sending arms before B invaded": nobody says that B did
                    break
            governor = above
            if dep == "pcomp":
                governor = tree.head[above]
                if tree.tag[governor] in ("RB", "IN") and tree.head[governor] != governor:
                    governor = tree.head[governor]
            level = self._level(at, governor, dep)
            if level is not None:
                levels.append(replace(level, aside=aside))
                crossed_quote |= tree.quoted[at] and not tree.quoted[governor]
            at = governor if governor != at else above
        if tree.quoted[p] and not crossed_quote:
            level = self._quote_level(p)
            if level is not None:
                levels.append(level)
        return [level for level in levels if not self._is_media(level)]

    def _level(self, at: int, governor: int, dep: str) -> Level | None:
        tree = self.tree
        if dep == "ccomp" or (dep in ("parataxis", "xcomp", "advcl") and tree.quoted[at]):
            phrase = find_phrase(tree, governor, self.lexicon.speech)
            if phrase is not None and not tree.is_noun(governor):
                speakers = self._speakers(governor)
                official = not speakers and self._is_official(governor)
                return Level(governor, speakers, phrase.group, official=official)
            return None
        if dep == "xcomp" and self.clauses.is_passive(governor):
            # "X is said to have attacked Y"
            phrase = find_phrase(tree, governor, self.lexicon.speech)
            if phrase is not None and not tree.children(governor, "dobj"):
                return Level(governor, self._speakers(governor), phrase.group)
            return None
        if dep == "pcomp":
            phrase = find_phrase(tree, governor, self.lexicon.object_control)
            if phrase is not None:
                return Level(governor, self._speakers(governor), "alleged")
            phrase = find_phrase(tree, governor, self.lexicon.speech)
            if phrase is not None:
                return Level(governor, self._speakers(governor), phrase.group)
        if dep == "acl" and tree.lemma[governor] in self.lexicon.words["report_nouns"]:
            owners = self.holders.of(governor)
            if not owners:
                return None
            return Level(governor, tuple(h.mention for h in owners), "neutral")
        return None

    def _beside(self, at: int) -> list[Level]:
        """Return levels that stand beside a clause: "according to X", "..., X said, ..."."""
        tree = self.tree
        found = []
        for k in tree.kids[at]:
            if tree.lower[k] == "according":
                nouns = [o for to in tree.children(k, "prep") for o in tree.children(to, "pobj")]
                if any(tree.lemma[o] in self.lexicon.words["press"] for o in nouns):
                    continue  # an outlet, as the article is
                speakers = tuple(h.mention for h in self.holders.of_all(nouns))
                found.append(Level(k, speakers, "according"))
            elif tree.dep[k] == "advmod" and tree.lower[k] in self.lexicon.words["hearsay"]:
                found.append(Level(k, (), "according"))
            elif tree.dep[k] == "prep" and tree.lower[k] in ("in", "by", "from"):
                nouns = tree.children(k, "pobj")
                if any(tree.lemma[o] in self.lexicon.words["views"] for o in nouns):
                    speakers = tuple(h.mention for h in self.holders.of_all(nouns))
                    found += [Level(k, speakers, "according")] if speakers else []
            elif tree.dep[k] == "parataxis" and tree.is_verb(k):
                phrase = find_phrase(tree, k, self.lexicon.speech)
                if phrase is not None:
                    speakers = self._speakers(k)
                    official = not speakers and self._is_official(k)
                    found.append(Level(k, speakers, phrase.group, official=official))
        return found

    def _speakers(self, verb: int) -> tuple[Mention, ...]:
        holders = self.holders.of_all(self.clauses.agents(verb))
        return tuple(h.mention for h in holders if not h.private)

    def _is_official(self, verb: int) -> bool:
        officials = self.lexicon.words["officials"]
        return any(self.tree.lemma[a] in officials for a in self.clauses.agents(verb))

    def _is_media(self, level: Level) -> bool:
        return bool(level.speakers) and all(m.actor_type == "media" for m in level.speakers)

    def _quote_level(self, p: int) -> Level | None:
        """Return the speaker of a quotation whose verb of saying stands outside its clause."""
        tree = self.tree
        number = tree.sentence[p]
        for back in range(_LOOK_BACK_SENTENCES + 1):
            if number - back < 0:
                break
            first, last = tree.bounds[number - back]
            verbs = [
                i
                for i in range(first, last)
                if not tree.quoted[i]
                and tree.is_verb(i)
                and tree.lemma[i] in self.lexicon.speech
                and find_phrase(tree, i, self.lexicon.speech)
            ]
            for verb in sorted(verbs, key=lambda i: abs(i - p)):
                speakers = self._speakers(verb)
                if speakers:
                    return Level(verb, speakers, "neutral")
        return None
