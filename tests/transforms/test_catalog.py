"""Loading catalogs: formats, merging, roll-ups by date, holders, and errors with their place."""

from __future__ import annotations

import json
import pickle
from datetime import date
from pathlib import Path

import pytest
from actor_fixtures import mentions, small_catalog
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.catalog import Catalog, CatalogError
from transforms.catalog_files import parse_bound, read_actors
from transforms.country_names import country_names
from transforms.name_table import NameTable, NameUse, fold, split_pieces


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_country_names_come_from_iso_and_cldr() -> None:
    entry = small_catalog().actor("TUR")
    assert {"Türkiye", "Turkey"} <= set(entry.names)
    assert (entry.iso2, entry.iso3, entry.type) == ("TR", "TUR", "state")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("IRN", "Islamic Republic of Iran"),
        ("KOR", "Republic of Korea"),
        ("TTO", "Trinidad and Tobago"),
        ("LCA", "Saint Lucia"),
        ("MMR", "Burma"),
        ("TWN", "Taiwan"),
        ("XKX", "Kosovo"),
        ("VGB", "British Virgin Islands"),
    ],
)
def test_inverted_and_bracketed_names_are_read(code: str, name: str) -> None:
    found = country_names(code)
    assert found is not None
    assert name in found.names


def test_a_code_that_no_list_knows_has_no_names() -> None:
    assert country_names("QQQ") is None


def test_roll_ups_follow_the_date() -> None:
    catalog = small_catalog()
    assert catalog.rollup("boris-johnson", date(2017, 1, 1)) == "GBR"
    assert catalog.role("boris-johnson", date(2017, 1, 1)) == "foreign_minister"
    assert catalog.role("boris-johnson", date(2020, 1, 1)) == "head_of_government"
    assert catalog.role("boris-johnson", date(2023, 1, 1)) == "former"
    assert catalog.rollup("boris-johnson", date(2023, 1, 1)) == "GBR"
    assert catalog.rollup("person:unknown", date(2023, 1, 1)) == "person:unknown"


def test_a_roll_up_changes_with_the_office(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "p.csv",
        "id,name,aliases,rollup,role,from,to\n"
        "anna-lind,Anna Lind,,NLD,head_of_government,2010,2024-06\n"
        "anna-lind,Anna Lind,,nato,leader,2024-10-01,\n",
    )
    catalog = Catalog.load([path])
    assert catalog.rollup("anna-lind", date(2024, 6, 30)) == "NLD"
    assert catalog.rollup("anna-lind", date(2024, 8, 1)) == "NLD"
    assert catalog.rollup("anna-lind", date(2024, 10, 1)) == "nato"
    assert catalog.rollup("anna-lind", date(2000, 1, 1)) == "NLD"


def test_roll_ups_chain_and_cycles_end(tmp_path: Path) -> None:
    text = (
        '[a]\ntype = "company"\nname = "Aa"\nrollup = "b"\n'
        '[b]\ntype = "company"\nname = "Bb"\nrollup = "c"\n'
        '[c]\ntype = "organisation"\nname = "Cc"\n'
        '[x]\ntype = "company"\nname = "Xx"\nrollup = "y"\n'
        '[y]\ntype = "company"\nname = "Yy"\nrollup = "x"\n'
    )
    catalog = Catalog.load([write(tmp_path, "o.toml", text)])
    assert catalog.rollup("a", date(2024, 1, 1)) == "c"
    assert catalog.rollup("x", date(2024, 1, 1)) == "x"


def test_the_later_holder_counts_on_the_day_of_a_handover(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "p.csv",
        "id,name,aliases,rollup,role,from,to\n"
        "a,Anna Lind,,SWE,head_of_government,2010-01-01,2014-10-03\n"
        "b,Bo Ek,,SWE,head_of_government,2014-10-03,\n",
    )
    catalog = Catalog.load([path])
    assert catalog.holder("head_of_government", "SWE", date(2014, 10, 2)) == "a"
    assert catalog.holder("head_of_government", "SWE", date(2014, 10, 3)) == "b"
    assert catalog.holder("head_of_state", "SWE", date(2014, 10, 3)) is None


def test_a_json_catalog_keeps_its_ids_and_makes_demonyms(tmp_path: Path) -> None:
    entries = [{"id": "QRL", "names": ["Quarlath"]}, {"id": "VND", "names": ["Vandora"]}]
    catalog = Catalog.load([write(tmp_path, "actors.json", json.dumps(entries))])
    found = mentions("Quarlathi troops met VANDORA's envoys. Vandoran aid came.", catalog=catalog)
    assert [m.actor for m in found] == ["QRL", "VND", "VND"]


def test_a_demonym_that_two_names_could_make_is_left_out(tmp_path: Path) -> None:
    entries = [{"id": "A", "names": ["Tarda"]}, {"id": "B", "names": ["Tardan"]}]
    catalog = Catalog.load([write(tmp_path, "a.json", json.dumps(entries))])
    assert {use.actor for use in catalog.names.lookup("Tardan")} == {"B"}
    assert catalog.names.lookup("Tardans") == ()


def test_a_code_csv_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "code,name,aliases\nQRL,Quarlath,Quarlathi|Port Quarl\n")
    catalog = Catalog.load([path])
    assert [m.actor for m in mentions("Port Quarl condemned it.", catalog=catalog)][:1] == ["QRL"]


def test_later_catalogs_override_names_and_add_to_entries(tmp_path: Path) -> None:
    first = write(tmp_path, "a.toml", '[RUS]\ndemonyms = ["Russian"]\n[EGY]\n')
    later = write(tmp_path, "b.json", json.dumps([{"id": "UAR", "names": ["Egypt"]}]))
    more = write(tmp_path, "c.toml", '[RUS]\ncapital = ["Moscow"]\nname = "Rus"\n')
    catalog = Catalog.load([first, later, more])
    assert [use.actor for use in catalog.names.lookup("Egypt")] == ["UAR"]
    assert catalog.actor("RUS").name == "Rus"
    assert catalog.actor("RUS").demonyms == ("Russian",)
    assert catalog.actor("RUS").capitals == ("Moscow",)


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    path = write(tmp_path, "a.toml", '[RUS]\ndemonyms = ["Russian"]\n')
    first = Catalog.load([path]).fingerprint
    assert Catalog.load([path]).fingerprint == first
    write(tmp_path, "a.toml", '[RUS]\ndemonyms = ["Russian", "Russians"]\n')
    assert Catalog.load([path]).fingerprint != first


def test_a_catalog_travels_by_value() -> None:
    catalog = small_catalog()
    copy = pickle.loads(pickle.dumps(catalog))
    assert copy.fingerprint == catalog.fingerprint
    text = "The Kremlin spokesman met Russian troops."
    assert mentions(text, catalog=copy) == mentions(text, catalog=catalog)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.toml", "[RUS\n", "a.toml"),
        ("a.toml", "x = 1\n", "a.toml:1: x"),
        ("a.toml", '[RUS]\n\ndemonym = ["Russian"]\n', "a.toml:3: RUS.demonym: unknown key"),
        ("a.toml", "[RUS]\ndemonyms = 5\n", "a.toml:2: RUS.demonyms"),
        ("a.toml", '[RUS]\ndemonyms = [""]\n', "a.toml:2: RUS.demonyms: has an empty string"),
        ("a.toml", '[q]\ntype = "land"\n', "a.toml:2: q.type"),
        ("a.toml", '[q]\nformer = [{ name = "Q", to = "soon" }]\n', "a.toml:2: q.former"),
        ("a.csv", "a,b\n1,2\n", "a.csv:1: header"),
        ("a.csv", "id,name,aliases,rollup,role,from,to\nx,X,,RUS,boss,,\n", "a.csv:2: role"),
        ("a.csv", "id,name,aliases,rollup,role,from,to\nx,X,,RUS\n", "a.csv:2: 4 cells"),
        ("a.csv", "id,name,aliases,rollup,role,from,to\nx,X,,RUS,other,1-2,\n", "a.csv:2: x"),
        ("a.csv", "code,name,aliases\n,X,\n", "a.csv:2: code and name"),
        ("a.json", "[{]", "a.json:1"),
        ("a.json", "{}", "a.json:1"),
        ("a.json", "[1]", "entry 0"),
        ("a.json", '[{"id": "X", "names": []}]', "a.json:1: X.names"),
        ("a.txt", "X", "unknown kind"),
    ],
)
def test_a_faulty_file_is_an_error_that_says_where(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(CatalogError) as caught:
        Catalog.load([path])
    assert said in str(caught.value)


def test_a_missing_path_and_an_empty_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no such file"):
        Catalog.load([tmp_path / "absent"])
    with pytest.raises(CatalogError, match="no catalog file"):
        Catalog.load([tmp_path])


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogError, match="not UTF-8"):
        Catalog.load([tmp_path / "a.toml"])


@given(st.binary(max_size=300), st.sampled_from([".toml", ".csv", ".json"]))
@settings(max_examples=60, deadline=None)
def test_any_bytes_load_or_say_why(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("any") / f"a{suffix}"
    path.write_bytes(raw)
    try:
        list(read_actors(path))
    except CatalogError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize(
    ("value", "start", "end"),
    [
        ("2020", date(2020, 1, 1), date(2020, 12, 31)),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29)),
        ("2020-12", date(2020, 12, 1), date(2020, 12, 31)),
        ("2020-05-06", date(2020, 5, 6), date(2020, 5, 6)),
    ],
)
def test_bounds_of_years_and_months_are_inclusive(value: str, start: date, end: date) -> None:
    assert parse_bound(value, end=False) == start
    assert parse_bound(value, end=True) == end


def test_search_finds_names_exact_first() -> None:
    found = [entry.id for entry in small_catalog().search("russia")]
    assert found[0] == "RUS"
    assert small_catalog().search("...") == []


def test_folding_takes_accents_and_case_off() -> None:
    assert fold("Türkiye") == fold("TÜRKIYE") == fold("Tu\u0308rkiye") == "turkiye"


def table(*names: tuple[str, str]) -> NameTable:
    return NameTable.build(NameUse(actor, "name", name, "proper") for name, actor in names)


def test_the_longest_name_wins_at_each_place() -> None:
    names = table(("Sudan", "SDN"), ("South Sudan", "SSD"))
    text = "Sudan and South Sudan met"
    found = names.find(text, split_pieces(text))
    assert [match.uses[0].actor for match in found] == ["SDN", "SSD"]


@pytest.mark.parametrize("text", ["South, Sudan", "the South. Sudan left", "south\nSudan"])
def test_a_name_does_not_run_over_punctuation(text: str) -> None:
    found = table(("South Sudan", "SSD")).find(text, split_pieces(text))
    assert found == []
