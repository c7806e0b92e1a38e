"""English verb forms by rule, with the irregular verbs that a stance lexicon may hold."""

from __future__ import annotations

import re
from typing import Final

# Base, past, past participle; particles and prepositions stay behind the first word.
_PARTS: Final = """
be was been, bear bore borne, beat beat beaten, become became become,
begin began begun, bid bid bid, bind bound bound, blow blew blown, break broke broken,
bring brought brought, build built built, buy bought bought, cast cast cast,
catch caught caught, choose chose chosen, come came come, cut cut cut,
deal dealt dealt, do did done, draw drew drawn, drive drove driven, fall fell fallen,
feed fed fed, feel felt felt, fight fought fought, find found found, flee fled fled,
fly flew flown, freeze froze frozen, forbid forbade forbidden, forget forgot forgotten,
forsake forsook forsaken, get got got, give gave given, go went gone, hang hung hung,
have had had, hear heard heard, hide hid hidden, hit hit hit, hold held held,
hurt hurt hurt, keep kept kept, know knew known, lead led led, leave left left,
lend lent lent, let let let, lie lied lied, lose lost lost, make made made,
mean meant meant, meet met met, mislead misled misled, overrun overran overrun,
overthrow overthrew overthrown, pay paid paid, put put put, quit quit quit,
read read read, rise rose risen, run ran run, say said said, see saw seen,
seek sought sought, sell sold sold, send sent sent, set set set, shake shook shaken,
shoot shot shot, show showed shown, shut shut shut, sink sank sunk, slay slew slain,
speak spoke spoken, spend spent spent, split split split, stand stood stood,
steal stole stolen, stick stuck stuck, strike struck struck, swear swore sworn,
take took taken, tear tore torn, tell told told, think thought thought,
throw threw thrown, understand understood understood, uphold upheld upheld,
win won won, withdraw withdrew withdrawn, withhold withheld withheld,
withstand withstood withstood, write wrote written
"""
_IRREGULAR: Final = {
    base: (past, participle)
    for base, past, participle in (verb.split() for verb in _PARTS.split(","))
}
# Verbs of more than one syllable that double their last consonant.
_DOUBLING: Final = re.compile(r"(?:pel|bel|fer|eter|xtol|quip|mit|cur|nap|hor|run|tap|egin)$")
_NOT_DOUBLING: Final = frozenset({"label", "libel", "offer", "suffer", "differ", "pilfer", "limit"})
_ONE_SYLLABLE: Final = re.compile(r"(?:[^aeiouy]*|qu)[aeiou][bcdfghjklmnpqrstvz]")
FORMS: Final = ("base", "s", "past", "pp", "ing")


def inflect(phrase: str, form: str) -> str:
    """Return a verb phrase in a form: base, s (third person), past, pp (participle) or ing.

    Only the first word changes: "lash out at" in the past is "lashed out at". Raises KeyError for
    an unknown form.
    """
    verb, _, rest = phrase.partition(" ")
    stem, hyphen, last = verb.rpartition("-")
    done = f"{stem}{hyphen}{_form(last, form)}"
    return f"{done} {rest}" if rest else done


def _form(verb: str, form: str) -> str:
    if form == "base":
        return verb
    if form == "s":
        return _third_person(verb)
    if form == "ing":
        return _gerund(verb)
    return _past(verb, {"past": 0, "pp": 1}[form])


def _past(verb: str, index: int) -> str:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb][index]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return _doubled(verb) + "ed"


def _third_person(verb: str) -> str:
    if verb in ("be", "have"):
        return {"be": "is", "have": "has"}[verb]
    if verb.endswith(("s", "x", "z", "ch", "sh", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def _gerund(verb: str) -> str:
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) and verb != "be":
        return verb[:-1] + "ing"
    return _doubled(verb) + "ing"


def _doubled(verb: str) -> str:
    doubles = _ONE_SYLLABLE.fullmatch(verb) or (
        _DOUBLING.search(verb) and verb not in _NOT_DOUBLING
    )
    return verb + verb[-1] if doubles else verb
