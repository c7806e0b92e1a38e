import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
import zstandard
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.read_files import ReadFiles, read_slice, split_title
from transforms.records import RawItem, Reject
from transforms.settings import ReadSettings
from transforms.sources import SourceSlice, estimate_bytes, expand_inputs

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
FEED = "<rss version='2.0'><channel><title>t</title><item><title>A</title></item></channel></rss>"


def read(*paths: Path, limits: ReadSettings | None = None) -> list[RawItem | Reject]:
    slices = expand_inputs(paths)
    return [one for part in slices for one in read_slice(part, limits or ReadSettings(), AT)]


def only_item(path: Path) -> RawItem:
    (found,) = read(path)
    assert isinstance(found, RawItem), found
    return found


def only_reject(path: Path, limits: ReadSettings | None = None) -> Reject:
    (found,) = read(path, limits=limits)
    assert isinstance(found, Reject), found
    assert (found.stage, found.at) == ("read", AT)
    return found


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lines(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_a_text_file_has_its_first_line_for_title(tmp_path: Path) -> None:
    item = only_item(write(tmp_path / "wire" / "a.txt", "Valdoria signs\n\nThe pact was signed.\n"))
    assert (item.title, item.body) == ("Valdoria signs", "The pact was signed.")
    assert (item.origin, item.outlet, item.fetched_at) == ("a.txt", "wire", AT)
    assert (item.body_is_html, item.is_page) == (False, False)
    assert item.flags == ("outlet_assumed",)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Valdoria signs\nThe pact was signed.", "Valdoria signs"),
        ("Valdoria signed the pact.\nTorrin welcomed it.", None),
        ("The minister of the interior said\nthat the pact was signed.", None),
        ("Only one line", None),
        ("x " * 40 + "\nThe pact.", None),
        ("\n\n Valdoria signs \n\n\n The pact.", "Valdoria signs"),
    ],
)
def test_titles_of_plain_texts(text: str, title: str | None) -> None:
    assert split_title(text)[0] == title


def test_a_page_is_kept_whole_for_cleaning(tmp_path: Path) -> None:
    item = only_item(write(tmp_path / "p.html", "<!doctype html><html><body>x</body></html>"))
    assert (item.is_page, item.body_is_html, item.title) == (True, True, None)


def test_lines_of_json(tmp_path: Path) -> None:
    path = write(
        tmp_path / "batch" / "news.jsonl",
        lines(
            {
                "id": "1",
                "url": "https://d.example/a",
                "title": "A",
                "text": "Text of A.",
                "published_at": 1746952200,
                "outlet": "Daily",
                "author": ["X", "Y"],
                "language": "en",
            },
            {"headline": "B", "content": "<p>Text of B.</p>", "source": {"name": "Wire"}},
            {"body": "Text of C.", "id": "urn:example:3"},
        ),
    )
    first, second, third = read(path)
    assert isinstance(first, RawItem)
    assert first.origin == "news.jsonl#1"
    assert (first.url, first.title, first.body) == ("https://d.example/a", "A", "Text of A.")
    assert (first.published, first.outlet, first.author) == ("1746952200", "Daily", "X, Y")
    assert (first.guid, first.flags) == ("news.jsonl#1", ())
    assert isinstance(second, RawItem)
    assert (second.title, second.outlet, second.body_is_html) == ("B", "Wire", True)
    assert isinstance(third, RawItem)
    assert (third.guid, third.outlet) == ("urn:example:3", "batch")


def test_bad_lines_cost_no_neighbour(tmp_path: Path) -> None:
    good = lines({"text": "Good text."})
    path = write(
        tmp_path / "mixed.jsonl",
        (good + "{broken\n" + "[1]\n" + '"x"\n' + '{"title": "no text"}\n' + "\n").encode()
        + b'{"text": "\xff\xfe"}\n'
        + b"[" * 100_000
        + b"\n"
        + b'{"text": "' + b"y" * 2_000 + b'"}\n'
        + b'{"text": "last", "n": 1}',
    )  # fmt: skip
    found = read(path, limits=ReadSettings(max_document_bytes=1_500))
    reasons = {one.origin: one.reason for one in found if isinstance(one, Reject)}
    assert reasons == {
        "mixed.jsonl#2": "not_json",
        "mixed.jsonl#3": "not_an_object",
        "mixed.jsonl#4": "not_an_object",
        "mixed.jsonl#5": "no_text",
        "mixed.jsonl#8": "line_too_long",
        "mixed.jsonl#9": "line_too_long",
    }
    kept = [one.origin for one in found if isinstance(one, RawItem)]
    assert kept == ["mixed.jsonl#1", "mixed.jsonl#7", "mixed.jsonl#10"]


def test_a_record_with_a_summary_alone_is_an_item(tmp_path: Path) -> None:
    item = only_item(write(tmp_path / "a.jsonl", lines({"title": "A", "description": "Short."})))
    assert (item.body, item.summary) == (None, "Short.")


def test_a_lone_surrogate_never_gets_out(tmp_path: Path) -> None:
    item = only_item(write(tmp_path / "a.jsonl", '{"text": "x \\ud800 y"}'))
    assert item.body == "x \ufffd y"


@pytest.mark.parametrize("size", [1, 7, 50, 1_000_000])
def test_slices_of_lines_add_up_to_the_file(tmp_path: Path, size: int) -> None:
    records = [{"text": f"Text {n}.", "pad": "é" * (n % 5) * 9} for n in range(20)]
    path = write(tmp_path / "a.jsonl", lines(*records).rstrip("\n"))
    slices = expand_inputs([path], slice_bytes=size)
    found = [one for part in slices for one in read_slice(part, ReadSettings(), AT)]
    assert [one.body for one in found if isinstance(one, RawItem)] == [
        record["text"] for record in records
    ]
    assert [one.origin for one in found] == [f"a.jsonl#{n + 1}" for n in range(20)]
    assert estimate_bytes(slices) == path.stat().st_size


@pytest.mark.parametrize("suffix", [".gz", ".zst", ""])
def test_compressed_files(tmp_path: Path, suffix: str) -> None:
    pack = {".gz": gzip.compress, ".zst": zstandard.compress, "": bytes}[suffix]
    found = read(
        write(
            tmp_path / f"a.jsonl{suffix}", pack(lines({"text": "One."}, {"text": "Two."}).encode())
        ),
        write(tmp_path / f"b.xml{suffix}", pack(FEED.encode())),
        write(tmp_path / f"c.txt{suffix}", pack(b"Title\n\nText.")),
    )
    assert [one.origin for one in found if isinstance(one, RawItem)] == [
        f"a.jsonl{suffix}#1",
        f"a.jsonl{suffix}#2",
        f"b.xml{suffix}#1",
        f"c.txt{suffix}",
    ]


def test_a_compressed_file_beyond_the_limit_gives_what_came_before(tmp_path: Path) -> None:
    body = gzip.compress(lines({"text": "One."}).encode() + b"\n" * 300_000)
    found = read(write(tmp_path / "a.jsonl.gz", body), limits=ReadSettings(max_file_bytes=100_000))
    assert [type(one) for one in found] == [RawItem, Reject]
    assert isinstance(found[1], Reject)
    assert found[1].reason == "too_large"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("feed.txt", FEED),
        ("feed.html", FEED),
        ("feed.json", FEED),
        ("feed.xml", FEED),
        ("feed.xml", FEED.replace("<rss", "<?xml version='1.0'?><!-- c --><rss")),
    ],
)
def test_a_feed_is_known_by_its_content(tmp_path: Path, name: str, content: str) -> None:
    item = only_item(write(tmp_path / "saved" / name, content))
    assert (item.title, item.origin, item.outlet) == ("A", f"{name}#1", "saved")


def test_other_contents_that_belie_their_names(tmp_path: Path) -> None:
    assert only_item(write(tmp_path / "a.txt", "<html><body>x</body></html>")).is_page
    assert only_item(write(tmp_path / "b.txt", '{"text": "x"}')).body == "x"
    assert len(read(write(tmp_path / "c.json", '{"text": "x"}\n{"text": "y"}'))) == 2


def test_json_lists_and_json_feeds(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", json.dumps([{"text": "One."}, 3, {"text": "Two."}]))
    found = read(path)
    assert [one.origin for one in found] == ["a.json#1", "a.json#2", "a.json#3"]
    assert [type(one) for one in found] == [RawItem, Reject, RawItem]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [{"id": "1", "content_text": "x"}],
    }
    assert only_item(write(tmp_path / "b.json", json.dumps(feed))).origin == "b.json#1"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "empty_file"),
        ("a.txt", b" \n ", "empty_file"),
        ("a.txt", bytes(range(256)) * 20, "binary"),
        ("a.html", b"\x89PNG\r\n\x1a\n" + b"x" * 50, "binary"),
        ("a.json", b"no json", "not_json"),
        ("a.json", b'{"title": "x"}', "no_text"),
        ("a.jsonl", b"", "empty_file"),
        ("a.xml", b"<html><body>Error</body></html>", "not_a_feed"),
        ("a.xml", b"<rss version='2.0'><channel/></rss>", "empty_feed"),
        ("a.txt.gz", b"\x1f\x8b broken", "bad_compression"),
        ("a.txt.gz", gzip.compress(b"x" * 5_000, mtime=0)[:-20], "bad_compression"),
    ],
)
def test_a_file_that_can_t_be_used_is_one_reject(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    found = only_reject(write(tmp_path / name, content))
    assert (found.reason, found.origin) == (reason, name)


def test_an_oversized_text_is_rejected_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(5_000_000_000)
        file.seek(0)
        file.write(b"Text " * 2_000)
    assert only_reject(path).reason == "too_large"


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    assert only_reject(tmp_path / "absent.txt").reason == "not_found"
    assert only_reject(tmp_path / "*.txt").reason == "not_found"
    (tmp_path / "dangling.txt").symlink_to(tmp_path / "gone")
    assert only_reject(tmp_path / "dangling.txt").reason == "not_found"
    os.mkfifo(tmp_path / "pipe.txt")
    assert only_reject(tmp_path / "pipe.txt").reason == "not_a_file"
    gone = SourceSlice(str(tmp_path / "later.txt"), str(tmp_path))
    (found,) = read_slice(gone, ReadSettings(), AT)
    assert isinstance(found, Reject)
    assert found.reason == "not_found"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write(tmp_path / "secret.txt", "x")
    path.chmod(0)
    assert only_reject(path).reason == "unreadable"


def test_folders_globs_and_repeats(tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/1.txt", "a.html", ".hidden/x.txt", ".x.txt", "b/photo.jpg"):
        write(tmp_path / name, "Title\n\nText.")
    inputs = expand_inputs([tmp_path, tmp_path / "b" / "1.txt"])
    assert [part.origin for part in inputs] == ["a.html", "b/1.txt", "b/2.txt", "b/photo.jpg"]
    assert [part.problem for part in inputs] == [None, None, None, "unsupported_type"]
    globbed = expand_inputs([str(tmp_path / "**" / "*.txt"), str(tmp_path / "[ab]" / "2.txt")])
    assert [part.origin for part in globbed] == ["b/1.txt", "b/2.txt"]
    assert inputs == expand_inputs([tmp_path / "b" / ".." / ".", tmp_path])


def test_as_a_step(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", lines({"text": "One."}, 3))
    write(tmp_path / "b.txt", "Title\n\nText.")
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        outputs = pipeline | ReadFiles(expand_inputs([tmp_path]), ReadSettings(), AT)
        items = outputs.items | "Items" >> beam.Map(lambda one: one.origin)
        rejects = outputs.rejects | "Rejects" >> beam.Map(lambda one: (one.origin, one.reason))
        assert_that(items, equal_to(["a.jsonl#1", "b.txt"]), label="items")
        assert_that(rejects, equal_to([("a.jsonl#2", "not_an_object")]), label="rejects")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=120)
    | st.text(st.sampled_from('{}[]",:\n<rs> text1'), max_size=80).map(str.encode),
    st.sampled_from(["a.txt", "a.html", "a.jsonl", "a.json", "a.xml", "a.jsonl.gz", "a.zst"]),
)
def test_any_file_gives_items_or_rejects(tmp_path: Path, content: bytes, name: str) -> None:
    found = read(write(tmp_path / name, content))
    assert found or name.startswith("a.jsonl")
