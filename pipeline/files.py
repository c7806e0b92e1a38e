"""Small files that must be whole or absent."""

from __future__ import annotations

import os
from pathlib import Path

from transforms.segments import fsync_folder


def write_durably(path: Path, text: str) -> None:
    """Replace a file's text at once and for good (temporary name, fsync, rename, fsync)."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(path)
    fsync_folder(path.parent)


def keep_newest(folder: Path, most: int) -> None:
    """Delete the files of a folder beyond the `most` that were written last."""
    if not folder.is_dir():
        return
    files = [path for path in folder.iterdir() if path.is_file()]
    files.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[most:]:
        path.unlink(missing_ok=True)
