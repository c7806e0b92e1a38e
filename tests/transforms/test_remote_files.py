import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import astuple
from datetime import UTC, datetime

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from memory_files import MemoryFiles

from pipeline.config import ConfigError, load_config
from pipeline.run import run
from transforms import remote_files
from transforms.read_files import ReadFiles, read_slice
from transforms.records import RawItem, Reject
from transforms.remote_files import is_remote, missing_extra
from transforms.settings import ReadSettings
from transforms.sources import SourceSlice, estimate_bytes, expand_inputs, missing_extras

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEXT = "The minister of Valdoria praised the new harbour of Ostrava in a speech on Friday."


def line(number: int) -> bytes:
    return json.dumps({"title": f"Title {number}", "text": TEXT, "outlet": "O"}).encode() + b"\n"


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"title": ["Row"], "text": [TEXT]}), sink)
    return sink.getvalue()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    files = {
        "mem://news/2026/a.jsonl": line(1) + line(2),
        "mem://news/2026/b.jsonl": line(3),
        "mem://news/2026/deep/c.jsonl.gz": gzip.compress(line(4)),
        "mem://news/2026/deep/table.parquet": parquet(),
        "mem://news/2026/deep/picture.png": b"\x89PNG",
        "mem://news/2026/.hidden.jsonl": line(9),
        "mem://news/2026/README.md": b"# Notes",
        "mem://news/2026/empty/": b"",
    }
    monkeypatch.setattr(MemoryFiles, "files", files)
    yield files


def read(*paths: str) -> list[RawItem | Reject]:
    settings = ReadSettings()
    return [found for part in expand_inputs(paths) for found in read_slice(part, settings, AT)]


def titles(*paths: str) -> list[str | None]:
    found = read(*paths)
    assert [one for one in found if isinstance(one, Reject)] == []
    return [one.title for one in found if isinstance(one, RawItem)]


def test_a_pattern_names_files_and_a_star_stops_at_a_slash(bucket: dict[str, bytes]) -> None:
    assert titles("mem://news/2026/*.jsonl") == ["Title 9", "Title 1", "Title 2", "Title 3"]
    assert titles("mem://news/**/c.jsonl.gz") == ["Title 4"]
    assert titles("mem://news/2026/[b]*.jsonl") == ["Title 3"]


def test_a_file_named_outright_is_read_and_its_url_is_the_origin(bucket: dict[str, bytes]) -> None:
    (item,) = read("mem://news/2026/b.jsonl")
    assert isinstance(item, RawItem)
    assert item.origin == "mem://news/2026/b.jsonl#1"
    assert titles("mem://news/2026/deep/table.parquet") == ["Row"]
    assert titles("mem://news/2026/.hidden.jsonl") == ["Title 9"]


@pytest.mark.parametrize("folder", ["mem://news/2026", "mem://news/2026/"])
def test_a_folder_is_searched_as_a_local_one_is(bucket: dict[str, bytes], folder: str) -> None:
    found = read(folder)
    rejects = {one.origin: one.reason for one in found if isinstance(one, Reject)}
    assert rejects == {
        "mem://news/2026/README.md": "unsupported_type",
        "mem://news/2026/deep/picture.png": "unsupported_type",
    }
    items = [one.title for one in found if isinstance(one, RawItem)]
    assert items == ["Title 1", "Title 2", "Title 3", "Title 4", "Row"]


def test_sizes_are_known_and_names_count_once(bucket: dict[str, bytes]) -> None:
    slices = expand_inputs(["mem://news/2026/a.jsonl", "mem://news/2026/*.jsonl"])
    assert len(slices) == len({part.path for part in slices}) == 3
    assert estimate_bytes(slices) == sum(len(bucket[part.path]) for part in slices)
    assert [SourceSlice(*astuple(part)) for part in slices] == slices
    assert [part.folder for part in slices] == ["2026"] * 3


def test_exclude_holds_in_folders(bucket: dict[str, bytes]) -> None:
    slices = expand_inputs(["mem://news/2026/deep/"], exclude=("*.png", "table*"))
    assert [part.path for part in slices] == ["mem://news/2026/deep/c.jsonl.gz"]


def test_what_cannot_be_had_is_a_reject(bucket: dict[str, bytes]) -> None:
    (absent,) = read("mem://news/absent.txt")
    assert isinstance(absent, Reject)
    assert (absent.reason, absent.origin) == ("not_found", "mem://news/absent.txt")
    (denied,) = read("mem://denied/*.jsonl")
    assert isinstance(denied, Reject)
    assert denied.reason == "unreadable"
    assert "403" in denied.detail
    (part,) = expand_inputs(["mem://news/2026/b.jsonl"])
    bucket.clear()
    (gone,) = read_slice(part, ReadSettings(), AT)
    assert isinstance(gone, Reject)
    assert gone.reason == "not_found"


def test_the_limit_on_bytes_holds(bucket: dict[str, bytes]) -> None:
    bucket["mem://news/big.txt"] = b"word " * 1_000
    (part,) = expand_inputs(["mem://news/big.txt"])
    settings = ReadSettings(max_document_bytes=100, max_file_bytes=100)
    (found,) = read_slice(part, settings, AT)
    assert isinstance(found, Reject)
    assert found.reason == "too_large"


def test_a_scheme_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_files, "find_spec", lambda name: None)
    said = "s3://bucket/*.jsonl: s3:// needs an extra: pip install 'newsalign[aws]'"
    assert missing_extra("s3://bucket/*.jsonl") == said
    (found,) = read("s3://bucket/*.jsonl")
    assert isinstance(found, Reject)
    assert (found.reason, found.detail) == ("missing_extra", said)
    assert missing_extra("ftpx://a/b") == "ftpx://a/b: nothing installed reads ftpx://"
    assert missing_extra("mem://news/x") is None
    assert missing_extras(["a/b.txt", "mem://x/y"]) == []
    # With its client there, S3 is asked, whatever comes of it.
    monkeypatch.setattr(remote_files, "find_spec", lambda name: object())
    assert missing_extra("s3://bucket/x") is None


def test_a_run_stops_before_it_starts_where_an_extra_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(remote_files, "find_spec", lambda name: None)
    output = tmp_path_factory.mktemp("run") / "out"
    overrides = {"input.paths": ["s3://bucket/x"], "output.path": str(output)}
    with pytest.raises(ConfigError, match=r"input\.paths: s3://bucket/x.*newsalign\[aws\]"):
        run(load_config(None, overrides))
    assert not output.exists()


def test_the_step_reads_remote_files(bucket: dict[str, bytes]) -> None:
    slices = expand_inputs(["mem://news/2026/*.jsonl"])
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        read = pipeline | ReadFiles(slices, ReadSettings(), AT)
        found = read.items | beam.Map(lambda item: item.title)
        assert_that(found, equal_to(["Title 9", "Title 1", "Title 2", "Title 3"]))


@pytest.mark.parametrize(
    ("path", "remote"),
    [
        ("gs://b/x", True), ("s3://b/*.jsonl", True), ("mem://x", True), ("news/a.txt", False),
        ("/a://b", False), ("C://x", False), ("a:b", False),
    ],
)  # fmt: skip
def test_which_paths_are_remote(path: str, remote: bool) -> None:
    assert is_remote(path) is remote
