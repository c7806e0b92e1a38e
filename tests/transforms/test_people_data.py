"""Invariants of the shipped people files, read straight from configs/ without the loader."""

import calendar
import csv
import json
import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple

import pycountry
import pytest
from babel import Locale

ROOT = Path(__file__).resolve().parents[2]
ACTORS = ROOT / "configs" / "actors"
FILES = ("africa", "americas", "asia", "europe", "middle-east", "oceania", "organisations")
HEADER = ["id", "name", "aliases", "rollup", "role", "from", "to"]
ROLES = {
    "head_of_state",
    "head_of_government",
    "foreign_minister",
    "defence_minister",
    "spokesperson",
    "leader",
    "minister",
    "envoy",
    "other",
}
SINGLE_OFFICES = ("head_of_state", "head_of_government", "foreign_minister", "defence_minister")
# A presidency of three, captains regent by twos, two co-princes, two co-presidents.
SHARED_HEADSHIPS = {"BIH", "SMR", "AND", "NIC"}
# A hand-over may take this long, or be known only by its month.
MAX_OVERLAP_DAYS = 60
# Two people of one name in one state, told apart only by the date of a text.
NAMESAKES = {"Andris Bērziņš", "Andris Berzins", "Soe Win"}
# Surnames and words that, alone, name nobody in particular.
COMMON_WORDS = """
    Abbas Abbott Abdullah Ahmed Ali Biden-Harris Blair Brown Bush Cameron Carter Castro Chen Clark
    Clinton Costa Cook Diaz Fox Garcia Gates Gonzalez Harris Hassan Howard Hu Hunt Hussein Ibrahim
    Ivanov Jackson Johnson Jones Kennedy Khan Kim Lee Li Lopez Ma Major Martin May Mohammed Moon
    Morales Park Patel Paul Perez Powell Rice Rodriguez Roh Salami Sanchez Sharif Sharon Sharma
    Silva Singh Smith Store Straw Sullivan Tan Taylor Thomas Wang Wen White Wilson Wong Yang Yoon
    Young Zhang
"""
TOO_COMMON = set(COMMON_WORDS.split())
LAST_DAY = date(9999, 12, 31)


class Row(NamedTuple):
    """One tenure, with the file and line it stands on."""

    file: str
    line: int
    id: str
    name: str
    aliases: tuple[str, ...]
    rollup: str
    role: str
    start: str
    end: str

    @property
    def first(self) -> date:
        """The first day it may have begun."""
        return bound(self.start, last=False)

    @property
    def surely_from(self) -> date:
        """The day by which it had begun."""
        return bound(self.start, last=True)

    @property
    def last(self) -> date:
        """The day by which it had ended."""
        return bound(self.end, last=True) if self.end else LAST_DAY

    @property
    def surely_to(self) -> date:
        """The last day on which it surely lasted."""
        return bound(self.end, last=False) if self.end else LAST_DAY

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.id} {self.role} {self.start}..{self.end}"


def bound(text: str, *, last: bool) -> date:
    """Return the first or last day of YYYY, YYYY-MM or YYYY-MM-DD; ValueError if it is none."""
    if not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", text):
        raise ValueError(text)
    year, month, day = (int(part) for part in [*text.split("-"), "0", "0"][:3])
    if not month:
        month = 12 if last else 1
    if not day:
        day = calendar.monthrange(year, month)[1] if last else 1
    return date(year, month, day)


def read(name: str) -> Iterator[Row]:
    """Yield the rows of one file."""
    with (ACTORS / "people" / f"{name}.csv").open(encoding="utf-8", newline="") as text:
        rows = csv.reader(text, strict=True)
        assert next(rows) == HEADER, name
        for row in rows:
            assert len(row) == len(HEADER), f"{name}:{rows.line_num}"
            actor, full, aliases, rollup, role, start, end = row
            names = tuple(aliases.split("|")) if aliases else ()
            yield Row(name, rows.line_num, actor, full, names, rollup, role, start, end)


ROWS = [row for name in FILES for row in read(name)]
SLUGS = {
    key: entry
    for path in sorted(ACTORS.glob("*.toml"))
    for key, entry in tomllib.loads(path.read_text(encoding="utf-8")).items()
    if path.name != "titles.toml"
}


def fold(name: str) -> str:
    """Fold a name to lower-case ASCII words."""
    plain = name.translate(str.maketrans("øØłŁıđĐəƏ", "oOlLidDeE"))
    bare = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z]+", re.sub(r"['’ʻ]", "", bare.casefold())))


def test_every_people_file_is_known() -> None:
    assert {path.stem for path in (ACTORS / "people").glob("*")} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_rows_are_sorted_and_stand_once(name: str) -> None:
    keys = [(row.rollup, row.id, row.start) for row in ROWS if row.file == name]
    assert keys == sorted(keys)
    tenures = [row[2:] for row in ROWS if row.file == name]
    assert len(set(tenures)) == len(tenures)


def test_cells_have_the_documented_form() -> None:
    for row in ROWS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.id), row
        assert row.role in ROLES, row
        for name in (row.name, *row.aliases):
            assert name and name == " ".join(name.split()), row
            assert not re.search(r'[|,;:/*#@"\d]', name.replace('"', "")), row
        assert len(set(row.aliases)) == len(row.aliases), row
        assert row.name not in row.aliases, row


def test_dates_are_dates_and_in_order() -> None:
    for row in ROWS:
        assert row.first <= row.last, row
        assert date(1940, 1, 1) <= row.first <= date(2027, 1, 1), row


def test_one_id_is_one_person() -> None:
    seen: dict[str, Row] = {}
    for row in ROWS:
        first = seen.setdefault(row.id, row)
        assert (row.name, row.aliases) == (first.name, first.aliases), f"{first} / {row}"


def test_no_name_is_shared_but_by_listed_namesakes() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for row in ROWS:
        for name in (row.name, *row.aliases):
            owners[name].add(row.id)
    shared = {name for name, ids in owners.items() if len(ids) > 1}
    assert shared == NAMESAKES


def test_single_words_name_one_person_and_no_place_or_organisation() -> None:
    single = {fold(n): row for row in ROWS for n in row.aliases if " " not in n}
    assert not {fold(name) for name in TOO_COMMON} & set(single)
    taken = {fold(name) for name in Locale("en").territories.values()}
    taken |= {fold(country.name) for country in pycountry.countries}
    for entry in SLUGS.values():
        for field in ("demonyms", "capital", "seats", "aliases"):
            taken |= {fold(name) for name in entry.get(field, [])}
        taken.add(fold(entry.get("name", "")))
    assert not {name: str(single[name]) for name in taken & set(single)}


def test_rollups_exist_and_states_keep_to_one_file() -> None:
    homes: dict[str, set[str]] = defaultdict(set)
    for row in ROWS:
        is_code = len(row.rollup) == 3 and row.rollup.isupper()
        known = pycountry.countries.get(alpha_3=row.rollup) if is_code else SLUGS.get(row.rollup)
        assert known or row.rollup == "XKX", row
        homes[row.rollup].add(row.file)
    assert not {rollup: files for rollup, files in homes.items() if len(files) > 1}


def test_nobody_holds_an_office_beside_its_holder() -> None:
    holders: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in ROWS:
        if row.role in SINGLE_OFFICES and row.rollup.isupper():
            holders[row.rollup, row.role].append(row)
    clashes = [
        f"{one} / {other}"
        for (rollup, role), rows in holders.items()
        if not (role == "head_of_state" and rollup in SHARED_HEADSHIPS)
        for one, other in combinations(rows, 2)
        if min(one.surely_to, other.surely_to).toordinal()
        - max(one.surely_from, other.surely_from).toordinal()
        > MAX_OVERLAP_DAYS
    ]
    assert not clashes


def test_nobody_holds_one_office_twice_at_once() -> None:
    own: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in ROWS:
        if row.role not in ("minister", "envoy", "other"):
            own[row.id, row.rollup, row.role].append(row)
    for rows in own.values():
        for one, other in pairwise(sorted(rows, key=lambda row: row.first)):
            assert one.surely_to <= other.surely_from, f"{one} / {other}"


MEMBERS = {
    code
    for code, entry in SLUGS.items()
    if code.isupper() and "rollup" not in entry and pycountry.countries.get(alpha_3=code)
}
# States that had no government of their own in these Julys: not yet independent or recognised,
# at civil war, or under foreign administration.
WITHOUT_HEAD = {
    "IRQ": {2003},
    "SOM": {2000},
    "SSD": set(range(2000, 2011)),
    "TLS": {2000, 2001},
    "XKX": {2000, 2001},
}
TERRITORIES = {"ESH", "PRI"}


@pytest.mark.parametrize("year", range(2000, 2026))
def test_every_state_has_a_head_every_july(year: int) -> None:
    day = date(year, 7, 15)
    headed = {
        row.rollup
        for row in ROWS
        if row.role in ("head_of_state", "head_of_government") and row.first <= day <= row.last
    }
    wanted = (MEMBERS | {"XKX", "TWN", "PSE", "VAT"}) - TERRITORIES
    assert len(wanted) >= 197
    assert wanted - headed == {code for code, years in WITHOUT_HEAD.items() if year in years}


@pytest.mark.parametrize(
    ("name", "day", "rollup", "role"),
    [
        ("Vladimir Putin", "2001-06-01", "RUS", "head_of_state"),
        ("Vladimir Putin", "2010-06-01", "RUS", "head_of_government"),
        ("Putin", "2022-02-24", "RUS", "head_of_state"),
        ("Sergey Shoigu", "2022-02-24", "RUS", "defence_minister"),
        ("Dmitry Peskov", "2024-01-01", "RUS", "spokesperson"),
        ("Volodymyr Zelensky", "2022-02-24", "UKR", "head_of_state"),
        ("Jens Stoltenberg", "2010-01-01", "NOR", "head_of_government"),
        ("Stoltenberg", "2022-02-24", "nato", "leader"),
        ("Mark Rutte", "2025-01-01", "nato", "leader"),
        ("Angela Merkel", "2015-09-01", "DEU", "head_of_government"),
        ("Xi Jinping", "2020-01-01", "CHN", "head_of_state"),
        ("Kim Jong Un", "2018-06-12", "PRK", "leader"),
        ("Recep Tayyip Erdogan", "2016-07-15", "TUR", "head_of_state"),
        ("Donald Trump", "2019-01-01", "USA", "head_of_state"),
        ("Hillary Clinton", "2010-01-01", "USA", "foreign_minister"),
        ("Dong Jun", "2024-06-01", "CHN", "defence_minister"),
        ("Kofi Annan", "2003-03-20", "united-nations", "leader"),
        ("Pope Francis", "2016-01-01", "VAT", "head_of_state"),
        ("Hassan Nasrallah", "2006-07-12", "hezbollah", "leader"),
        ("Narendra Modi", "2020-01-01", "IND", "head_of_government"),
    ],
)
def test_well_known_holders_are_found_by_name_and_date(
    name: str, day: str, rollup: str, role: str
) -> None:
    on = date.fromisoformat(day)
    held = {
        (row.rollup, row.role)
        for row in ROWS
        if name in (row.name, *row.aliases) and row.first <= on <= row.last
    }
    assert (rollup, role) in held


def test_tenures_agree_with_the_reference_list() -> None:
    """The reference gives state, name and years; only people whose names agree are compared.

    A minister of its years may have held an office then that the catalog does not list, so dates
    of about one in six cannot agree.
    """
    reference = ROOT.parent / "shared" / "data" / "actors" / "office_holders.jsonl"
    if not reference.exists():
        pytest.skip("../shared/data/actors/office_holders.jsonl is absent: nothing to compare with")
    spans: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for row in ROWS:
        for name in (row.name, *row.aliases):
            spans[row.rollup, fold(name)].append((row.first.year, row.last.year))
    people = [json.loads(line) for line in reference.read_text(encoding="utf-8").splitlines()]
    found = [p for p in people if (p["state"], fold(p["name"])) in spans]
    agree = [
        person
        for person in found
        if any(
            first <= end + 1 and start - 1 <= last
            for start, end in person["in_government"]
            for first, last in spans[person["state"], fold(person["name"])]
        )
    ]
    assert len(found) >= 0.12 * len(people)
    assert len(agree) >= 0.80 * len(found)
