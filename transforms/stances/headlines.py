"""Headlines made readable for the parser: words in title case or capitals become lower case.

Only words that the lexicon knows, or that are in the closed list below, are changed, so that names
keep their capitals; the length of the text never changes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from transforms.stances.lexicon import Lexicon

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_FUNCTION_WORDS = frozenset(
    {
        *("a", "an", "the", "and", "or", "but", "nor", "as", "at", "by", "for", "from", "in"),
        *("into", "of", "off", "on", "over", "to", "up", "with", "after", "against", "amid"),
        *("before", "between", "during", "following", "like", "near", "despite", "than", "that"),
        *("through", "toward", "towards", "under", "until", "while", "without", "its", "his"),
        *("her", "their", "not", "no", "is", "are", "was", "were", "be", "has", "have", "will"),
        *("would", "could", "should", "may", "might", "must", "can", "out", "about", "more"),
        *("new", "if", "when", "who", "which", "says", "said", "what", "how", "why"),
    }
)
_TITLE_CASE_SHARE = 0.7
_MIN_WORDS = 3
Span = tuple[int, int]


def headline_words(lexicon: Lexicon) -> frozenset[str]:
    """Return the surface forms, lower case, that may be lower-cased in a headline."""
    words = set(_FUNCTION_WORDS)
    for index in (lexicon.verbs, lexicon.working, lexicon.operators, lexicon.speech):
        for lemma in index:
            words |= _inflections(lemma)
    for lemma in lexicon.nouns:
        words |= {lemma, lemma + "s", lemma + "es"}
    words |= set(lexicon.adjectives)
    for name in ("bad", "good", "warm", "cold", "quantity", "set_nouns", "report_nouns"):
        words |= lexicon.words[name]
    return frozenset(words)


def lower_headline(text: str, known: Collection[str], names: Sequence[Span]) -> str:
    """Return `text` with its title-case or capital words in lower case, `names` left alone.

    `names` are character spans in order. Text in ordinary case is returned as it is.
    """
    words = [m for m in _WORD.finditer(text) if not _inside(m.start(), names)]
    letters = [m for m in words if len(m[0]) > 1]
    if len(letters) + len(names) < _MIN_WORDS or not letters:
        return text
    shouted = all(m[0].isupper() for m in letters)
    capitals = sum(m[0][0].isupper() for m in letters)
    if not shouted and capitals < _TITLE_CASE_SHARE * len(letters):
        return text
    pieces = []
    at = 0
    for match in words:
        word = match[0]
        lowered = word.lower()
        if len(lowered) == len(word) and (shouted or lowered in known):
            pieces += [text[at : match.start()], lowered]
            at = match.end()
    return "".join((*pieces, text[at:]))


def _inside(offset: int, spans: Sequence[Span]) -> bool:
    return any(start <= offset < end for start, end in spans)


def _inflections(verb: str) -> set[str]:
    """Return the regular forms of a verb; a form that doesn't exist does no harm here."""
    forms = {verb, verb + "s", verb + "es", verb + "ed", verb + "ing", verb + "d"}
    if verb.endswith("e"):
        forms.add(verb[:-1] + "ing")
    if verb.endswith("y"):
        forms |= {verb[:-1] + "ies", verb[:-1] + "ied"}
    forms |= {verb + verb[-1] + "ed", verb + verb[-1] + "ing"}
    return forms | _IRREGULAR.get(verb, set())


_IRREGULAR = {
    "give": {"gave", "given"},
    "send": {"sent"},
    "hit": {"hit"},
    "fight": {"fought"},
    "strike": {"struck"},
    "shoot": {"shot"},
    "sell": {"sold"},
    "buy": {"bought"},
    "meet": {"met"},
    "lend": {"lent"},
    "break": {"broke", "broken"},
    "lead": {"led"},
    "win": {"won"},
    "get": {"got"},
    "say": {"said"},
    "tell": {"told"},
    "hold": {"held"},
    "withdraw": {"withdrew", "withdrawn"},
    "seek": {"sought"},
    "stand": {"stood"},
    "overthrow": {"overthrew", "overthrown"},
    "make": {"made"},
    "take": {"took", "taken"},
    "show": {"shown"},
    "begin": {"began", "begun"},
}
