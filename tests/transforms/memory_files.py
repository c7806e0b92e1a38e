"""A Beam file system in memory, `mem://`, which stands in for buckets that no test can reach."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata, FileSystem


class MemoryFiles(FileSystem):
    """Holds `files`, URL to bytes; lists and opens them, and can do nothing else.

    `mem://denied/` refuses to be listed, as a bucket without credentials does.
    """

    files: ClassVar[dict[str, bytes]] = {}

    @classmethod
    def scheme(cls) -> str:
        return "mem"

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join((basepath.rstrip("/"), *paths))

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        if dir_or_prefix.startswith("mem://denied"):
            raise BeamIOError("403 Forbidden\nwith a second line")
        for url, body in self.files.items():
            if url.startswith(dir_or_prefix):
                yield FileMetadata(url, len(body))

    def open(
        self,
        path: str,
        mime_type: str = "",
        compression_type: str = CompressionTypes.AUTO,
    ) -> BinaryIO:
        if path not in self.files:
            raise FileNotFoundError(path)
        return io.BytesIO(self.files[path])

    def exists(self, path: str) -> bool:
        if path.startswith("mem://denied"):
            raise BeamIOError("403 Forbidden")
        return path in self.files

    def size(self, path: str) -> int:
        return len(self.files[path])

    def metadata(self, path: str) -> FileMetadata:
        return FileMetadata(path, self.size(path))

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("these files are for reading")

    mkdirs = create = copy = rename = last_updated = checksum = delete = _refuse
