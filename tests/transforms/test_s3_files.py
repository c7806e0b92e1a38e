"""`s3://` as it really goes: Beam's file system and boto3 against an S3 server in this process."""

import gzip
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

boto3 = pytest.importorskip("boto3", reason="needs the extra: pip install 'newsalign[aws]'")
moto_server = pytest.importorskip("moto.server", reason="needs moto and flask-cors")

from apache_beam.io.filesystems import FileSystems  # noqa: E402

from transforms.compression import PIECE_BYTES  # noqa: E402
from transforms.read_files import read_slice  # noqa: E402
from transforms.records import RawItem, Reject  # noqa: E402
from transforms.remote_files import use_options  # noqa: E402
from transforms.settings import ReadSettings  # noqa: E402
from transforms.sources import estimate_bytes, expand_inputs  # noqa: E402

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEXT = "The minister of Valdoria praised the new harbour of Ostrava in a speech on Friday."


def line(number: int, text: str = TEXT) -> bytes:
    return json.dumps({"title": f"Title {number}", "text": text}).encode() + b"\n"


FILES = {
    "2026/a.jsonl": line(1) + line(2),
    "2026/b.jsonl.gz": gzip.compress(line(3)),
    "2026/deep/a name, ü.jsonl": line(4),
    "2026/deep/cut.jsonl.gz": gzip.compress(line(5))[:-6],
    "2026/picture.png": b"\x89PNG\0",
    "2026/folder/": b"",
    # Longer than what is read at a time.
    "2027/long.jsonl": b"".join(line(n, f"{TEXT} {os.urandom(9).hex()}") for n in range(2_000)),
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    client = boto3.client("s3")
    client.create_bucket(Bucket="news")
    for key, body in FILES.items():
        client.put_object(Bucket="news", Key=key, Body=body)
    # As in a process that has made no pipeline yet.
    monkeypatch.setattr(FileSystems, "_pipeline_options", None)
    return client


def read(*paths: str) -> list[RawItem | Reject]:
    settings = ReadSettings()
    return [found for part in expand_inputs(paths) for found in read_slice(part, settings, AT)]


def test_a_pattern_a_file_and_a_folder() -> None:
    assert [one.title for one in read("s3://news/2026/*.jsonl") if isinstance(one, RawItem)] == [
        "Title 1",
        "Title 2",
    ]
    (item,) = read("s3://news/2026/deep/a name, ü.jsonl")
    assert isinstance(item, RawItem)
    assert item.origin == "s3://news/2026/deep/a name, ü.jsonl#1"
    found = read("s3://news/2026/")
    assert [one.title for one in found if isinstance(one, RawItem)] == [
        f"Title {number}" for number in (1, 2, 3, 4)
    ]
    rejects = {one.origin: one.reason for one in found if isinstance(one, Reject)}
    assert rejects == {
        "s3://news/2026/deep/cut.jsonl.gz": "bad_compression",
        "s3://news/2026/picture.png": "unsupported_type",
    }


def test_a_long_file_is_read_whole() -> None:
    url, size = "s3://news/2027/long.jsonl", len(FILES["2027/long.jsonl"])
    assert size > 3 * PIECE_BYTES
    slices = expand_inputs([url])
    assert estimate_bytes(slices) == size
    found = read(url)
    assert [one.title for one in found if isinstance(one, RawItem)] == [
        f"Title {number}" for number in range(2_000)
    ]


def test_beam_s_options_hold_for_listing_too(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    use_options([f"--s3_endpoint_url={endpoint}"])
    assert [one.title for one in read("s3://news/2026/a*") if isinstance(one, RawItem)] == [
        "Title 1",
        "Title 2",
    ]


def test_what_isn_t_there_or_may_not_be_read_is_a_reject(bucket: Any) -> None:
    for url in ("s3://news/absent.txt", "s3://no-such-bucket/a.txt"):
        (found,) = read(url)
        assert isinstance(found, Reject), found
        assert found.origin == url
        assert "\n" not in found.detail
    (part,) = expand_inputs(["s3://news/2026/a.jsonl"])
    bucket.delete_object(Bucket="news", Key="2026/a.jsonl")
    (gone,) = read_slice(part, ReadSettings(), AT)
    assert isinstance(gone, Reject)
    assert gone.reason == "not_found"
