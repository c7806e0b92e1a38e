"""A compressed file that ends too early gives what came before the cut, whole, and a reject."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from transforms.read_files import read_slice
from transforms.records import RawItem, Reject
from transforms.settings import ReadSettings
from transforms.sources import expand_inputs

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
TEXTS = [f"Report {n}: the minister of Valdoria praised harbour {n * n}." for n in range(6)]


def warc(*bodies: str) -> str:
    records = []
    for body in bodies:
        answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>{body}</p>"
        records.append(
            "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://a.example/1\r\n"
            "WARC-Date: 2025-05-01T00:00:00Z\r\n"
            f"Content-Length: {len(answer)}\r\n\r\n{answer}\r\n\r\n"
        )
    return "".join(records)


FILES = {
    "a.txt": "\n\n".join(TEXTS),
    "a.html": "<html><body>" + "".join(f"<p>{text}</p>" for text in TEXTS) + "</body></html>",
    "a.jsonl": "".join(json.dumps({"text": text}) + "\n" for text in TEXTS),
    "a.json": json.dumps([{"text": text} for text in TEXTS]),
    "a.csv": "text\n" + "".join(f'"{text}"\n' for text in TEXTS),
    "a.xml": "<rss version='2.0'><channel>"
    + "".join(f"<item><title>{text}</title></item>" for text in TEXTS)
    + "</channel></rss>",
    "a.warc": warc(*TEXTS),
}
PACK = {".gz": gzip.compress, ".zst": zstandard.compress}


def read(path: Path) -> list[RawItem | Reject]:
    (part,) = expand_inputs([path])
    return list(read_slice(part, ReadSettings(), AT))


def texts(found: list[RawItem | Reject]) -> list[tuple[str | None, str | None]]:
    return [(one.title, one.body) for one in found if isinstance(one, RawItem)]


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_anywhere(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / f"{name}{suffix}"
    packed = PACK[suffix](FILES[name].encode())
    path.write_bytes(packed)
    whole = read(path)
    assert texts(whole)
    assert not [one for one in whole if isinstance(one, Reject)]
    for cut in range(5, len(packed), 3):
        path.write_bytes(packed[:cut])
        found = read(path)
        assert [one.reason for one in found if isinstance(one, Reject)] == ["bad_compression"], cut
        assert texts(found) == texts(whole)[: len(texts(found))]
