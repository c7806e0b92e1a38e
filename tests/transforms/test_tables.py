import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms.read_files import read_slice
from transforms.records import RawItem, Reject
from transforms.settings import ReadSettings
from transforms.sources import expand_inputs

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)


def read(path: Path, **limits: Any) -> list[RawItem | Reject]:
    found = [
        one
        for part in expand_inputs([path])
        for one in read_slice(part, ReadSettings(**limits), AT)
    ]
    assert all(one.origin.startswith(path.name) for one in found)
    return found


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_csv_whatever_its_delimiter_and_encoding(
    tmp_path: Path, delimiter: str, encoding: str
) -> None:
    rows = [
        ["Title", "Text", "URL"],
        ["Größe", '"Line one.\nLine ""two"""', "https://d.example/1"],
        ["Second", "Text – two", ""],
    ]
    path = tmp_path / "news.csv"
    path.write_bytes("\r\n".join(delimiter.join(row) for row in rows).encode(encoding))
    first, second = read(path)
    assert isinstance(first, RawItem)
    assert (first.title, first.body) == ("Größe", 'Line one.\nLine "two"')
    assert (first.url, first.origin) == ("https://d.example/1", "news.csv#1")
    assert isinstance(second, RawItem)
    assert (second.title, second.body, second.url) == ("Second", "Text – two", None)


def test_bad_rows_of_csv_cost_no_neighbour(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_bytes(b'title,text\nA,One\nB\n\nC,Two,extra\nD,Three\n"E,unclosed\nF,last')
    found = read(path)
    assert [type(one) for one in found] == [RawItem, Reject, RawItem, RawItem, Reject]
    assert [one.body for one in found if isinstance(one, RawItem)] == ["One", "Two", "Three"]


def test_parquet_with_its_own_column_names(tmp_path: Path) -> None:
    path = tmp_path / "news.parquet"
    table = pa.table(
        {
            "Schlagzeile": ["A", "B"],
            "Artikel": ["Text of A.", None],
            "published_at": [datetime(2025, 5, 11, 8, 30, tzinfo=UTC), None],
        }
    )
    pq.write_table(table, path)
    item, reject = read(path, columns={"title": "Schlagzeile", "text": "Artikel"})
    assert isinstance(item, RawItem)
    assert (item.title, item.body) == ("A", "Text of A.")
    assert item.published == "2025-05-11T08:30:00+00:00"
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.origin) == ("no_text", "news.parquet#2")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.parquet", b"PAR1 and then junk PAR1", "bad_table"),
        ("a.parquet", b"PAR1", "bad_table"),
        ("a.csv", b"\x00\x01\x02" * 50, "binary"),
    ],
)
def test_what_is_no_table(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    (found,) = read(path)
    assert isinstance(found, Reject)
    assert found.reason == reason


def test_column_names_map_for_json_too(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"inhalt": "Text.", "text": "not this"}))
    (item,) = read(path, columns={"text": "inhalt"})
    assert isinstance(item, RawItem)
    assert item.body == "Text."
