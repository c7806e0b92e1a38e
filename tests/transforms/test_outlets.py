"""What a user says of outlets, and what follows from an article alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from transforms.outlets import OutletsError, load_outlets, outlet_row
from transforms.resources import config_dir


def test_the_shipped_file_is_valid_and_used() -> None:
    known = load_outlets(config_dir() / "outlets.toml")
    row = outlet_row({"outlet": "harbourwire.example"}, known)
    assert row == {
        "outlet": "harbourwire.example",
        "name": "Harbour Wire",
        "domain": "harbourwire.example",
        "country": "SGP",
        "language": "en",
    }


def test_an_unknown_outlet_is_named_as_it_is() -> None:
    row = outlet_row({"outlet": "Orbit News Service"}, {})
    assert (row["name"], row["domain"], row["country"]) == ("Orbit News Service", None, None)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[x]\ncolour = 'red'\n", "x.colour: unknown key"),
        ("x = 3\n", "x: a table"),
        ("[x]\nname = 3\n", "x.name: a string"),
        ("[x\n", "Expected"),
    ],
)
def test_mistakes_name_file_and_key(tmp_path: Path, text: str, part: str) -> None:
    file = tmp_path / "outlets.toml"
    file.write_text(text)
    with pytest.raises(OutletsError) as caught:
        load_outlets(file)
    assert str(caught.value).startswith(str(file))
    assert part in str(caught.value)
