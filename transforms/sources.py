"""Which files an input names, cut into slices that workers read independently of each other."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

from transforms.remote_files import (
    MissingExtraError,
    is_remote,
    list_remote,
    missing_extra,
    open_remote,
)

SLICE_BYTES = 1_000_000
LINE_SUFFIXES = frozenset((".jsonl", ".ndjson"))
COMPRESSED_SUFFIXES = frozenset((".gz", ".zst"))
# What a folder's files are read as; a file named outright is read whatever it is called.
SUFFIXES = LINE_SUFFIXES | {
    *(".txt", ".text", ".md", ".markdown", ".html", ".htm", ".xhtml"),
    *(".xml", ".rss", ".atom", ".rdf", ".json", ".csv", ".tsv", ".parquet", ".warc"),
}
# Notes about a folder's files, which aren't among them.
_NOTES = frozenset(("readme", "license", "licence", "changelog", "contributing"))


@dataclass(frozen=True, slots=True, order=True)
class SourceSlice:
    """A file or a byte range of one: `start` to `end`, which lie on line boundaries.

    `end` is None for "to the end of the file". `first_line` is the number of the line at `start`,
    from 1. `root` is the folder that origins are relative to. `problem` names what forbids
    reading (`not_found`, `not_a_file`, `unsupported_type`, `missing_extra`, `unreadable`), so that
    it becomes a reject, and `detail` says more. A remote file (`gs://…`) is one slice, whose
    `size` was had with its name.
    """

    path: str
    root: str
    start: int = 0
    end: int | None = None
    first_line: int = 1
    problem: str | None = None
    size: int | None = None
    detail: str = ""

    @property
    def origin(self) -> str:
        """The file's POSIX path relative to its root, or its URL; the same on every machine."""
        if is_remote(self.path):
            return self.path
        return Path(os.path.relpath(self.path, self.root)).as_posix()

    @property
    def folder(self) -> str:
        """The name of the folder the file is in."""
        return Path(self.path).parent.name

    @property
    def file_bytes(self) -> int:
        """The whole file's size; 0 for one that isn't there."""
        return _size(Path(self.path)) if self.size is None else self.size

    def open(self) -> BinaryIO:
        """Open the whole file; raises OSError, or whatever a remote file system raises."""
        return open_remote(self.path) if is_remote(self.path) else Path(self.path).open("rb")


def expand_inputs(
    paths: Iterable[str | Path],
    slice_bytes: int = SLICE_BYTES,
    exclude: Sequence[str] = (),
) -> list[SourceSlice]:
    """Return the slices of all files that `paths` (files, folders, globs) name, in sorted order.

    Each may be of this machine or a URL of one of Beam's file systems (`gs://bucket/x/*.jsonl`).

    A folder is searched through, hidden files, links to folders and names that match a pattern of
    `exclude` aside; a file named outright is always read. A file named twice counts once, under
    the first name. Nothing is dropped: what isn't there or can't be read is a slice with a
    `problem`.
    """
    seen: set[str] = set()
    slices: list[SourceSlice] = []
    for path in map(str, paths):
        if is_remote(path):
            slices += [part for part in _remote(path, exclude) if part.path not in seen]
            seen.update(part.path for part in slices)
            continue
        for found, root, problem in _files(path, exclude):
            real = os.path.realpath(found)
            if real in seen:
                continue
            seen.add(real)
            slices.extend(_slices(found, root, problem, slice_bytes))
    return sorted(slices, key=lambda part: (part.origin, part.path, part.start))


def estimate_bytes(slices: Iterable[SourceSlice]) -> int:
    """Return how many bytes lie in the slices, for choosing how to run; unreadable ones are 0."""
    total = 0
    for part in slices:
        end = part.end if part.end is not None else part.file_bytes
        total += max(0, end - part.start)
    return total


def missing_extras(paths: Iterable[str | Path]) -> list[str]:
    """Return what has to be installed before `paths` can be read, a line for each that lacks it."""
    return [problem for path in map(str, paths) if (problem := missing_extra(path)) is not None]


def bare_suffix(path: str) -> str:
    """Return a file's lower-case suffix without that of its compression (`a.jsonl.gz`)."""
    name = Path(path)
    if name.suffix.lower() in COMPRESSED_SUFFIXES:
        name = name.with_suffix("")
    return name.suffix.lower()


def _remote(path: str, exclude: Sequence[str]) -> list[SourceSlice]:
    try:
        files, root = list_remote(path)
    except MissingExtraError as error:
        return [SourceSlice(path, path, problem="missing_extra", detail=str(error))]
    except Exception as error:
        # Clients of clouds raise what they like: no credentials, no bucket, no network.
        detail = f"{type(error).__name__}: {error}"
        return [SourceSlice(path, path, problem="unreadable", detail=detail)]
    if not files:
        return [SourceSlice(path, path, problem="not_found")]
    slices = []
    searched = root.startswith(path.rstrip("/") + "/")
    for file in files:
        inner = file.url.removeprefix(root)
        parts = inner.split("/")
        hidden = any(name.startswith(".") for name in parts)
        if searched and (hidden or any(fnmatchcase(parts[-1], p) for p in exclude)):
            continue
        known = bare_suffix(inner) in SUFFIXES and not _is_note(inner)
        problem = "unsupported_type" if searched and not known else None
        slices.append(SourceSlice(file.url, root, problem=problem, size=file.size))
    return slices


def _files(path: str, exclude: Sequence[str]) -> Iterator[tuple[Path, Path, str | None]]:
    """Yield (file, root, problem) in sorted order for one input."""
    named = Path(os.path.normpath(Path(path).expanduser().absolute()))
    pattern = str(named)
    if named.is_dir():
        yield from _folder(named, named, exclude)
    elif os.path.lexists(named) or not glob.has_magic(pattern):
        yield named, named.parent, None
    else:
        root = next(folder for folder in named.parents if not glob.has_magic(str(folder)))
        matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - the pattern is absolute
        for match in map(Path, matches):
            if match.is_dir():
                yield from _folder(match, root, exclude)
            else:
                yield match, root, None
        if not matches:
            yield named, root, "not_found"


def _folder(
    folder: Path, root: Path, exclude: Sequence[str]
) -> Iterator[tuple[Path, Path, str | None]]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and not any(fnmatchcase(name, p) for p in exclude):
                known = bare_suffix(name) in SUFFIXES and not _is_note(name)
                yield Path(where, name), root, None if known else "unsupported_type"


def _is_note(name: str) -> bool:
    return Path(name).stem.lower() in _NOTES


def _slices(path: Path, root: Path, problem: str | None, slice_bytes: int) -> Iterator[SourceSlice]:
    if problem is None and not _is_regular(path):
        # A pipe or a device would be waited on for ever; a dangling link has nothing to read.
        problem = "not_a_file" if path.exists() else "not_found"
    if problem is None and path.suffix.lower() in LINE_SUFFIXES and _size(path) > slice_bytes:
        try:
            yield from _line_slices(path, root, slice_bytes)
            return
        except OSError:
            # Reading it will fail in the same way, and say so.
            pass
    yield SourceSlice(str(path), str(root), problem=problem)


def _line_slices(path: Path, root: Path, slice_bytes: int) -> list[SourceSlice]:
    slices = []
    start, line, position = 0, 1, 0
    with path.open("rb") as file:
        while chunk := file.read(slice_bytes):
            last = chunk.rfind(b"\n")
            if last >= 0:
                end = position + last + 1
                slices.append(SourceSlice(str(path), str(root), start, end, line))
                line += chunk.count(b"\n")
                start = end
            position += len(chunk)
    if start < position:
        slices.append(SourceSlice(str(path), str(root), start, position, line))
    return slices


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0
