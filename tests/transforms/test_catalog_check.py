"""What `actors check` reports: each kind of fault, with the line it stands in."""

from __future__ import annotations

from pathlib import Path

from transforms.catalog_check import Finding, check_catalog

HEADER = "id,name,aliases,rollup,role,from,to\n"


def check(folder: Path, **files: str) -> list[Finding]:
    for stem, text in files.items():
        name = stem.replace("_", ".")
        (folder / name).write_text(text, encoding="utf-8")
    return check_catalog([folder])


def lines(findings: list[Finding], kind: str) -> list[tuple[str, int]]:
    return [(f.path.name, f.line) for f in findings if f.kind == kind]


def test_a_clean_catalog_has_no_findings(tmp_path: Path) -> None:
    assert (
        check(
            tmp_path,
            states_toml='[RUS]\ndemonyms = ["Russian"]\n',
            people_csv=HEADER + "a,Anna Lind,,RUS,other,2001,2002\n",
        )
        == []
    )


def test_a_name_of_two_actors_is_a_clash(tmp_path: Path) -> None:
    text = (
        '[a]\ntype = "group"\nname = "Red Front"\n'
        '[b]\ntype = "group"\nname = "Blue Front"\naliases = [\n  "x",\n  "Red Front",\n]\n'
    )
    (finding,) = check(tmp_path, g_toml=text)
    assert (finding.kind, finding.line) == ("clash", 9)
    assert "Red Front" in finding.message


def test_a_name_that_both_call_ambiguous_is_no_clash(tmp_path: Path) -> None:
    text = (
        '[a]\ntype = "group"\nname = "Aa"\naliases = ["Front"]\nambiguous = ["Front"]\n'
        '[b]\ntype = "group"\nname = "Bb"\naliases = ["Front"]\nambiguous = ["Front"]\n'
    )
    assert check(tmp_path, g_toml=text) == []


def test_a_name_given_twice_is_a_duplicate(tmp_path: Path) -> None:
    doubled = '[a]\ntype = "group"\nname = "Aa"\naliases = ["Front"]\nseats = ["Front"]\n'
    (finding,) = check(tmp_path, g_toml=doubled)
    assert (finding.kind, finding.line) == ("duplicate", 5)


def test_an_id_in_two_files_is_a_duplicate(tmp_path: Path) -> None:
    one = '[a]\ntype = "group"\nname = "Aa"\n'
    two = '\n[a]\ntype = "group"\nname = "Other"\n'
    findings = check(tmp_path, g_toml=one, h_toml=two)
    assert lines(findings, "duplicate") == [("h.toml", 2)]


def test_one_person_under_two_names_is_a_duplicate(tmp_path: Path) -> None:
    rows = "a,Anna Lind,,RUS,other,2001,2002\na,Anna Lund,,RUS,other,2003,2004\n"
    findings = check(tmp_path, states_toml="[RUS]\n", people_csv=HEADER + rows)
    assert lines(findings, "duplicate") == [("people.csv", 3)]


def test_roll_ups_in_a_circle_are_a_cycle(tmp_path: Path) -> None:
    text = "".join(
        f'[{a}]\ntype = "group"\nname = "{a}{a}"\nrollup = "{b}"\n' for a, b in ("ab", "bc", "ca")
    )
    (finding,) = check(tmp_path, g_toml=text)
    assert finding.kind == "cycle"
    assert "a -> b -> c -> a" in finding.message


def test_a_roll_up_to_itself_is_a_cycle(tmp_path: Path) -> None:
    text = '[a]\ntype = "group"\nname = "Aa"\nrollup = "a"\n'
    assert lines(check(tmp_path, g_toml=text), "cycle") == [("g.toml", 1)]


def test_a_roll_up_to_nobody_is_unknown(tmp_path: Path) -> None:
    rows = "a,Anna Lind,,RUS,other,2001,2002\nb,Bo Ek,,QQQ,other,2001,2002\n"
    findings = check(tmp_path, states_toml="[RUS]\n", people_csv=HEADER + rows)
    assert lines(findings, "unknown") == [("people.csv", 3)]


def test_two_holders_of_one_office_overlap(tmp_path: Path) -> None:
    rows = (
        "a,Anna Lind,,RUS,head_of_government,2001-01-01,2005-06-01\n"
        "b,Bo Ek,,RUS,head_of_government,2005-01-01,2008\n"
        "c,Cy Ro,,RUS,head_of_government,2009,\n"
    )
    findings = check(tmp_path, states_toml="[RUS]\n", people_csv=HEADER + rows)
    assert lines(findings, "overlap") == [("people.csv", 3)]


def test_a_handover_day_is_no_overlap(tmp_path: Path) -> None:
    rows = (
        "a,Anna Lind,,RUS,head_of_government,2001-01-01,2005-01-01\n"
        "b,Bo Ek,,RUS,head_of_government,2005-01-01,2008\n"
    )
    assert check(tmp_path, states_toml="[RUS]\n", people_csv=HEADER + rows) == []


def test_an_office_held_twice_at_once_by_one_person_is_an_error(tmp_path: Path) -> None:
    rows = (
        "a,Anna Lind,,RUS,foreign_minister,2001-01-01,2005-01-01\n"
        "a,Anna Lind,,RUS,foreign_minister,2003-01-01,2008\n"
    )
    findings = check(tmp_path, states_toml="[RUS]\n", people_csv=HEADER + rows)
    assert ("error", 3) in [(f.severity, f.line) for f in findings if f.kind == "overlap"]


def test_an_end_before_its_beginning_is_an_error(tmp_path: Path) -> None:
    rows = "a,Anna Lind,,RUS,other,2005,2001\n"
    findings = check(tmp_path, states_toml="[RUS]\n", people_csv=HEADER + rows)
    assert lines(findings, "dates") == [("people.csv", 2)]


def test_a_file_that_cannot_be_read_is_reported_and_the_rest_checked(tmp_path: Path) -> None:
    rows = HEADER + "a,Anna Lind,,RUS,other,2005,2001\n"
    findings = check(tmp_path, states_toml="[RUS]\n\nx = 5\n", people_csv=rows)
    assert lines(findings, "unreadable") == [("states.toml", 3)]
    assert lines(findings, "dates") == [("people.csv", 2)]


def test_a_missing_path_is_reported(tmp_path: Path) -> None:
    (finding,) = check_catalog([tmp_path / "absent"])
    assert finding.kind == "unreadable"


def test_files_that_override_each_other_do_not_clash(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[a]\ntype = "group"\nname = "Front"\n')
    (tmp_path / "b.toml").write_text('[b]\ntype = "group"\nname = "Front"\n')
    assert check_catalog([tmp_path / "a.toml", tmp_path / "b.toml"]) == []
