"""Invariants of the shipped actor catalog, read straight from configs/ without the loader."""

import re
import tomllib
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import Any

import pycountry
import pytest
from babel import Locale

ACTORS = Path(__file__).resolve().parents[2] / "configs" / "actors"
FILES = ("states", "organisations", "blocs", "groups", "companies")
TABLES: dict[str, dict[str, dict[str, Any]]] = {
    name: tomllib.loads((ACTORS / f"{name}.toml").read_text(encoding="utf-8")) for name in FILES
}
EVERY = {key: entry for table in TABLES.values() for key, entry in table.items()}

LISTS = {"demonyms", "capital", "seats", "aliases", "kind_noun", "ambiguous"}
TEXTS = {"type", "name", "rollup", "cameo"}
TYPES = {
    "states": {"state"},
    "organisations": {"organisation"},
    "blocs": {"bloc"},
    "groups": {"group", "party"},
    "companies": {"company", "media"},
}

# ISO 3166-1 also codes territories; these 56 are no members of the UN.
NOT_MEMBERS = """
    ABW AIA ALA ASM ATA ATF BES BLM BMU BVT CCK COK CUW CXR CYM ESH FLK FRO GGY GIB GLP GRL GUF
    GUM HKG HMD IMN IOT JEY MAC MAF MNP MSR MTQ MYT NCL NFK NIU PCN PRI PSE PYF REU SGS SHN SJM
    SPM SXM TCA TKL TWN UMI VAT VGB VIR WLF
"""
MEMBERS = {country.alpha_3 for country in pycountry.countries} - set(NOT_MEMBERS.split())
# Kosovo has only a user-assigned code; the rest of the exceptions carry slugs.
ASSIGNED_BY_USERS = {"XKX"}
# States whose constitution leaves power to one party: that party is an organ of the state.
ONE_PARTY_STATES = {"CHN", "CUB", "ERI", "LAO", "PRK", "VNM"}
# Parties and armed forces that are bodies of the state they roll up to.
STATE_BODIES = {
    "azov-brigade",
    "government-of-national-unity-libya",
    "international-legion",
    "palestine-liberation-organization",
}

REQUIRED = {
    "organisation": """nato european-union united-nations un-security-council iaea african-union
        asean opec world-bank imf who wto osce arab-league sco icc icj red-cross gcc cis
        csto eaeu mercosur oas commonwealth european-commission european-parliament
        amnesty-international human-rights-watch msf""",
    "bloc": """g7 g20 brics the-west global-south quad aukus five-eyes axis-of-resistance
        gulf-states baltic-states nordic-countries visegrad-group""",
    "group": "hamas hezbollah isis taliban houthis wagner-group",
}


def fold(name: str) -> str:
    """Fold a name as matching does: no case, accents, apostrophes, articles or punctuation."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    bare = re.sub(r"['’]", "", bare).casefold()
    return " ".join(re.findall(r"\w+", bare)).removeprefix("the ")


def iso(key: str) -> Any:
    """Return ISO's entry of a code, or None; pycountry itself would take "nld" for NLD."""
    return pycountry.countries.get(alpha_3=key) if key.isupper() else None


def names_of(key: str, entry: dict[str, Any]) -> set[str]:
    """Return each name of an actor, with those that ISO and CLDR give its state."""
    names = {name for field in LISTS - {"kind_noun", "ambiguous"} for name in entry.get(field, [])}
    names |= {former["name"] for former in entry.get("former", [])}
    if "name" in entry:
        names.add(entry["name"])
    country = iso(key)
    if country:
        names |= {country.name, getattr(country, "common_name", country.name)}
        names |= {getattr(country, "official_name", country.name)}
        names.add(Locale("en").territories[country.alpha_2])
    return names


@pytest.mark.parametrize("name", FILES)
def test_tables_have_the_documented_form_and_sorted_keys(name: str) -> None:
    table = TABLES[name]
    assert list(table) == sorted(table)
    for key, entry in table.items():
        assert not set(entry) - LISTS - TEXTS - {"former"}, key
        for field in LISTS & set(entry):
            values = entry[field]
            assert values and all(isinstance(v, str) and v == v.strip() != "" for v in values), key
            assert len(set(values)) == len(values), f"{key}.{field} repeats a name"
        for field in TEXTS & set(entry):
            assert isinstance(entry[field], str) and entry[field], f"{key}.{field}"
        for former in entry.get("former", []):
            assert set(former) == {"name", "to"}, key
            assert re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", former["to"]), key
        assert entry.get("type", "state" if name == "states" else "") in TYPES[name], key
        assert re.fullmatch(r"[A-Z]{3}([A-Z]{3}){0,2}", entry["cameo"]), key


def test_no_key_stands_in_two_files() -> None:
    assert len(EVERY) == sum(len(table) for table in TABLES.values())


def test_states_are_keyed_by_iso_code_or_named_slug() -> None:
    for key, entry in TABLES["states"].items():
        if not iso(key):
            assert key in ASSIGNED_BY_USERS or re.fullmatch(r"[a-z]+(-[a-z]+)*", key), key
            assert entry.get("name"), key


def test_every_un_member_has_demonym_and_capital() -> None:
    assert len(MEMBERS) == 193
    for code in MEMBERS | {"PSE", "XKX", "TWN", "ESH", "GRL", "PRI"}:
        entry = TABLES["states"][code]
        assert entry.get("demonyms") and entry.get("capital"), code


def test_observers_and_city_states_are_there() -> None:
    assert {"VAT", "PSE", "HKG", "MAC"} <= set(TABLES["states"])
    assert {"Vatican", "Vatican City"} <= names_of("VAT", EVERY["VAT"])


def test_members_of_the_un_roll_up_to_nobody() -> None:
    assert not [code for code in MEMBERS if "rollup" in TABLES["states"][code]]


def test_names_shared_by_two_actors_are_ambiguous_for_both() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    warned: dict[str, set[str]] = defaultdict(set)
    for key, entry in EVERY.items():
        for name in names_of(key, entry):
            owners[fold(name)].add(key)
        for name in entry.get("ambiguous", []):
            warned[fold(name)].add(key)
    clashes = {
        name: sorted(keys)
        for name, keys in owners.items()
        if len(keys) > 1 and not keys <= warned[name]
    }
    assert not clashes


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("Congolese", {"COD", "COG"}),
        ("Congo", {"COD", "COG"}),
        ("Korean", {"KOR", "PRK"}),
        ("Dominican", {"DMA", "DOM"}),
        ("Guinean", {"GIN", "GNB"}),
        ("Georgia", {"GEO"}),
        ("Jordan", {"JOR"}),
        ("Chad", {"TCD"}),
        ("Turkey", {"TUR"}),
        ("Guinea", {"GIN"}),
        ("Ireland", {"IRL"}),
        ("Washington", {"USA"}),
        ("Brussels", {"BEL", "european-union"}),
    ],
)
def test_known_ambiguous_names_are_marked(name: str, codes: set[str]) -> None:
    assert {key for key, e in EVERY.items() if name in e.get("ambiguous", [])} == codes


def test_ambiguous_names_are_names_of_their_actor() -> None:
    for key, entry in EVERY.items():
        assert set(entry.get("ambiguous", [])) <= names_of(key, entry), key


def test_rollups_lead_to_actors_and_never_round() -> None:
    for key, entry in EVERY.items():
        seen = [key]
        while "rollup" in entry:
            assert entry["rollup"] in EVERY, f"{seen[-1]} rolls up to an unknown actor"
            assert entry["rollup"] not in seen, f"{seen} is a cycle"
            seen.append(entry["rollup"])
            entry = EVERY[seen[-1]]


def test_parties_roll_up_to_a_state_only_where_they_are_the_state() -> None:
    states = set(TABLES["states"])
    rolled = {k: e["rollup"] for k, e in TABLES["groups"].items() if e.get("rollup") in states}
    parties = {k: to for k, to in rolled.items() if TABLES["groups"][k]["type"] == "party"}
    assert {to for k, to in parties.items() if k not in STATE_BODIES} == ONE_PARTY_STATES
    assert set(rolled) - set(parties) <= STATE_BODIES | {"peshmerga"}


@pytest.mark.parametrize(
    ("type_", "least"),
    [("organisation", 150), ("bloc", 25), ("group", 100), ("media", 100), ("company", 100)],
)
def test_the_catalog_is_wide_enough(type_: str, least: int) -> None:
    wanted = {"group", "party"} if type_ == "group" else {type_}
    assert sum(entry.get("type") in wanted for entry in EVERY.values()) >= least


def test_slugs_that_other_files_rely_on_exist() -> None:
    for type_, slugs in REQUIRED.items():
        for slug in slugs.split():
            assert EVERY[slug]["type"] == type_, slug
    assert EVERY["european-commission"]["rollup"] == "european-union"
    assert EVERY["european-parliament"]["rollup"] == "european-union"


def test_government_seats_in_the_news_are_known() -> None:
    seats = {
        "RUS": ["Kremlin"],
        "USA": ["White House", "Pentagon", "State Department", "Foggy Bottom"],
        "GBR": ["Downing Street", "Whitehall", "Foreign Office"],
        "FRA": ["Élysée", "Elysee", "Quai d'Orsay"],
        "CHN": ["Zhongnanhai"],
        "KOR": ["Blue House"],
        "european-union": ["Brussels"],
    }
    for key, wanted in seats.items():
        assert set(wanted) <= set(EVERY[key]["seats"]), key
