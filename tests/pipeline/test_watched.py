"""Watched files: new, changed, still growing, gone, unreadable."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

from pipeline.watched import Watched
from transforms.settings import ReadSettings

LONG_AGO = 1_700_000_000.0


def put(path: Path, text: str, at: float = LONG_AGO) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))


def names(watched: Watched, now: float | None = None) -> list[str]:
    return [file.source.origin for file in watched.changed(now)]


def read(watched: Watched) -> list[str]:
    files = list(watched.changed())
    watched.note(files)
    return [file.source.origin for file in files]


def make(tmp_path: Path, *paths: Path, exclude: tuple[str, ...] = ()) -> Watched:
    ledger = tmp_path / "state" / "watched.sqlite"
    return Watched(ledger, [str(p) for p in paths], exclude, 2.0, ReadSettings())


def test_each_file_is_read_once_and_again_when_it_changes(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    put(folder / "a.txt", "one")
    put(folder / "sub" / "b.jsonl", "{}")
    watched = make(tmp_path, folder)
    assert read(watched) == ["a.txt", "sub/b.jsonl"]
    assert read(watched) == []
    put(folder / "a.txt", "other", LONG_AGO)
    put(folder / "c.txt", "new")
    assert read(watched) == ["a.txt", "c.txt"]
    put(folder / "a.txt", "again", LONG_AGO + 1)
    assert read(watched) == ["a.txt"], "same size, another time"


def test_a_ledger_outlives_the_process_and_unnoted_files_come_again(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.txt", "one")
    assert names(make(tmp_path, tmp_path / "in")) == ["a.txt"]
    assert read(make(tmp_path, tmp_path / "in")) == ["a.txt"]
    assert read(make(tmp_path, tmp_path / "in")) == []


def test_a_file_that_may_still_be_growing_waits(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.txt", "half", LONG_AGO)
    watched = make(tmp_path, tmp_path / "in")
    assert names(watched, now=LONG_AGO + 1.5) == []
    assert names(watched, now=LONG_AGO + 2.5) == ["a.txt"]


def test_a_clock_set_back_does_not_hide_files(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.txt", "from the future", LONG_AGO + 3_600)
    assert names(make(tmp_path, tmp_path / "in"), now=LONG_AGO) == ["a.txt"]


def test_folders_to_come_and_files_to_skip(tmp_path: Path) -> None:
    watched = make(tmp_path, tmp_path / "later", exclude=("README*",))
    assert names(watched) == []
    put(tmp_path / "later" / "README.txt", "about")
    put(tmp_path / "later" / ".hidden.txt", "no")
    put(tmp_path / "later" / "a.txt", "yes")
    assert names(watched) == ["a.txt"]


def test_what_cannot_be_read_comes_once_for_its_reject(tmp_path: Path) -> None:
    put(tmp_path / "in" / "picture.bin", "?")
    watched = make(tmp_path, tmp_path / "in")
    assert read(watched) == ["picture.bin"]
    assert read(watched) == []


def test_a_link_to_nothing_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.txt").symlink_to(tmp_path / "later.txt")
    watched = make(tmp_path, folder)
    assert read(watched) == []
    put(tmp_path / "later.txt", "here")
    assert read(watched) == ["link.txt"]


def test_files_are_read_anew_when_they_are_to_be_read_in_another_way(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.jsonl", "{}")
    ledger, paths = tmp_path / "watched.sqlite", [str(tmp_path / "in")]
    assert read(Watched(ledger, paths, (), 2.0, ReadSettings())) == ["a.jsonl"]
    assert read(Watched(ledger, paths, (), 2.0, ReadSettings())) == []
    other = ReadSettings(columns={"headline": "title"})
    assert read(Watched(ledger, paths, (), 2.0, other)) == ["a.jsonl"]


def ledger(tmp_path: Path) -> list[str]:
    with sqlite3.connect(tmp_path / "state" / "watched.sqlite") as db:
        return [Path(path).name for (path,) in db.execute("SELECT path FROM watched ORDER BY path")]


def test_files_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for name in ("a.txt", "b.txt", "day/c.txt"):
        put(folder / name, name)
    assert read(make(tmp_path, folder)) == ["a.txt", "b.txt", "day/c.txt"]
    (folder / "a.txt").unlink()
    shutil.rmtree(folder / "day")
    # Whoever reads other files of the same store forgets none that are there.
    assert read(make(tmp_path, tmp_path / "other")) == []
    assert ledger(tmp_path) == ["b.txt"]
    assert read(make(tmp_path, folder)) == []
    put(folder / "a.txt", "a.txt")
    assert read(make(tmp_path, folder)) == ["a.txt"]


def test_nothing_is_forgotten_of_a_folder_that_is_empty(tmp_path: Path) -> None:
    """It may be one that something was mounted on, which comes back as it was."""
    mounted, away = tmp_path / "in", tmp_path / "away"
    put(mounted / "day" / "a.txt", "one")
    assert read(make(tmp_path, mounted)) == ["day/a.txt"]
    mounted.rename(away)
    mounted.mkdir()
    assert read(make(tmp_path, mounted)) == []
    mounted.rmdir()
    away.rename(mounted)
    assert read(make(tmp_path, mounted)) == []
