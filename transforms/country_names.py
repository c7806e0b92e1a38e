"""English names of countries from ISO 3166 (pycountry) and CLDR (babel): nothing typed by hand."""

from __future__ import annotations

import re
from typing import NamedTuple

import pycountry
from babel import Locale

_PARENTHESES = re.compile(r"^(.*?)\s*\(([^)]*)\)$")
# User-assigned codes that ISO leaves free and CLDR fills.
_CLDR_ONLY = {"XKX": "XK"}


class CountryNames(NamedTuple):
    """One country's codes and English names; the first name is the usual one."""

    iso3: str
    iso2: str
    names: tuple[str, ...]


def country_names(alpha3: str) -> CountryNames | None:
    """Return what ISO and CLDR know of a country, or None for a code that they don't have."""
    cldr = Locale("en").territories
    if alpha3 in _CLDR_ONLY:
        iso2 = _CLDR_ONLY[alpha3]
        return CountryNames(alpha3, iso2, (cldr[iso2],))
    country = pycountry.countries.get(alpha_3=alpha3)
    if country is None:
        return None
    raw = [
        cldr.get(country.alpha_2, country.name),
        country.name,
        getattr(country, "common_name", None),
        getattr(country, "official_name", None),
    ]
    names: dict[str, None] = {}
    for name in raw:
        for variant in _variants(name) if name else ():
            names[variant] = None
    return CountryNames(alpha3, country.alpha_2, tuple(names))


def _variants(name: str) -> list[str]:
    """Return the readings of a listed name: "Iran, Islamic Republic of" is turned round."""
    name = name.removeprefix("the ")
    bracketed = _PARENTHESES.match(name)
    if bracketed:
        # "(French part)" only tells parts apart; "(Burma)" is another name.
        inner = bracketed.group(2)
        return [bracketed.group(1)] + ([] if inner.endswith("part") else [inner])
    if " - " in name:
        return [name.replace(" - ", "-")]
    head, comma, tail = name.partition(", ")
    if comma and tail.endswith((" of", " of the")):
        return [f"{tail.removeprefix('The ')} {head}"]
    if comma and tail in ("British", "U.S."):
        return [f"{tail} {head}"]
    if comma and tail == "Province of China":
        return [head]
    variants = [name]
    if name.startswith("St. "):
        variants.append("Saint " + name[4:])
    return [v for name in variants for v in ([name, name.replace(" & ", " and ")])]
