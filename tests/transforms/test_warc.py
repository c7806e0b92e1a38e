import base64
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.read_files import read_slice
from transforms.records import RawItem, Reject
from transforms.settings import ReadSettings
from transforms.sources import expand_inputs
from transforms.warc import CutChunksError, read_warc, unchunk

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
URL = "https://daily.example.net/pact"
PAGE = "<html><body><p>Größe zählt.</p></body></html>"


def record(body: bytes, kind: str = "response", length: int | None = None, url: str = URL) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Date: 2025-05-11T08:30:00Z\r\n"
        f"WARC-Target-URI: {url}\r\nContent-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


def answer(body: bytes, headers: str = "", status: int = 200, kind: str = "text/html") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{headers}\r\n"
    return record(head.encode() + body)


def chunked(body: bytes) -> bytes:
    half = len(body) // 2
    parts = (body[:half], body[half:])
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def read(path: Path) -> list[RawItem | Reject]:
    return [one for part in expand_inputs([path]) for one in read_slice(part, ReadSettings(), AT)]


@pytest.mark.parametrize("packed", [True, False])
def test_an_archive_gives_its_pages(tmp_path: Path, packed: bool) -> None:
    latin = PAGE.replace("<body>", "<meta charset='iso-8859-1'><body>").encode("latin-1")
    records = [
        record(b"software: x\r\n", "warcinfo"),
        record(b"GET / HTTP/1.1\r\n\r\n", "request"),
        answer(
            chunked(gzip.compress(latin)),
            "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n",
        ),
        answer(latin, "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n"),
        answer(b"gone", status=404),
        answer(b"\x89PNG\r\n", kind="image/png"),
        record(b"no http"),
        b"junk between records\r\nmore junk\r\n",
        answer(b"Title\n\nPlain text.", kind="text/plain"),
        record(b"HTTP/1.1 200 OK\r\n\r\ncut", length=500)[:-4],
    ]
    path = tmp_path / ("a.warc.gz" if packed else "a.warc")
    path.write_bytes(b"".join(map(gzip.compress, records) if packed else records))
    found = read(path)
    assert [one.origin for one in found] == [f"{path.name}#{n}" for n in range(3, 11)]
    pages = [one for one in found if isinstance(one, RawItem)]
    assert [page.is_page for page in pages] == [True, True, False]
    assert all("Größe zählt" in (page.body or "") for page in pages[:2])
    assert {page.url for page in pages} == {URL}
    assert {page.fetched_at for page in pages} == {datetime(2025, 5, 11, 8, 30, tzinfo=UTC)}
    assert [one.reason for one in found if isinstance(one, Reject)] == [
        "http_404",
        "unsupported_type",
        "bad_record",
        "bad_record",
        "truncated_record",
    ]


def test_an_oversized_answer_is_skipped_and_the_next_one_read() -> None:
    body = answer(b"x" * 500_000) + answer(PAGE.encode())
    big, small = read_warc(iter([body]), 1_000)
    assert big.problem == "too_large"
    assert (small.problem, small.body) == (None, PAGE.encode())


def test_unchunk_leaves_what_has_no_chunks() -> None:
    assert unchunk(chunked(b"some body")) == b"some body"
    for body in (b"<html>", b"", b"dead beef\r\n"):
        assert unchunk(body) == body


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4), st.data())
def test_a_chunked_body_is_whole_or_said_to_be_cut(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    assert unchunk(whole + b"0\r\n\r\n") == b"".join(parts)
    first = len(b"%x\r\n" % len(parts[0]))
    at = data.draw(st.integers(first + 1, len(whole)))
    with pytest.raises(CutChunksError):
        unchunk(whole[:at])


def test_a_text_that_starts_with_a_number_has_no_chunks() -> None:
    for body in (b"2\nports of Ostrava closed today", b"12\nmore"):
        assert unchunk(body) == body


def test_an_answer_cut_within_its_chunks_is_a_reject_and_the_next_is_read() -> None:
    head = "Transfer-Encoding: chunked\r\n"
    cut = chunked(PAGE.encode())[: len(PAGE) // 2]
    first, second = read_warc(iter([answer(cut, head) + answer(PAGE.encode())]), 1_000_000)
    assert (first.problem, first.body) == ("truncated_record", b"")
    assert (second.problem, second.body) == (None, PAGE.encode())


def test_public_case() -> None:
    cases = Path("../shared/cases/cases.jsonl")
    if not cases.exists():
        pytest.skip("../shared/cases is absent")
    found = [json.loads(line) for line in cases.read_text().splitlines()]
    case = next(one for one in found if one["id"] == "warc-chunked-gzip-charset")
    body = base64.b64decode(case["input"][0]["content_b64"])
    page, cut = read_warc(iter([body]), 1_000_000)
    assert (page.url, page.date) == (case["expected"]["url"], "2025-03-12T09:00:00Z")
    assert case["expected"]["text"] in page.body.decode("latin-1")
    assert cut.problem == "truncated_record"


PARTS = st.sampled_from(
    [
        b"WARC/1.0\r\n",
        b"WARC-Type: response\r\n",
        b"Content-Length: 30\r\n",
        b"Content-Length: -1\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"5\r\nhello\r\n",
        b"<p>",
        b"\x00\xff",
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(PARTS, max_size=20).map(b"".join))
def test_any_bytes_end(body: bytes) -> None:
    list(read_warc(iter([body]), 1_000))
