"""Files that Beam's file systems reach: `gs://` and `s3://` with the extras, and any other scheme
that a registered `apache_beam.io.filesystem.FileSystem` serves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import BinaryIO, cast

# The optional dependencies of this project that bring a scheme's file system.
EXTRAS = {"gs": "gcp", "s3": "aws"}
# What a file system that registers itself without its client can't do without.
_CLIENTS = {"s3": "boto3"}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_MAGIC = re.compile(r"[*?\[]")


class MissingExtraError(ValueError):
    """A scheme that no installed file system serves; str() says what to install, in one line."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file's URL and its size in bytes."""

    url: str
    size: int


def use_options(arguments: Sequence[str]) -> None:
    """Have file systems take Beam options such as `--s3_region_name=eu-north-1`.

    A pipeline sets its own, in its workers too; this is for what is looked up before there is one.
    """
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    FileSystems.set_options(PipelineOptions(list(arguments)))


def is_remote(path: str) -> bool:
    """Say whether a path is a URL of a file system rather than a path of this machine."""
    return _SCHEME.match(path) is not None


def list_remote(path: str) -> tuple[list[RemoteFile], str]:
    """Return the files that a URL, a folder's URL or a pattern names, by name, and their root.

    `*` stops at a slash, `**` doesn't. The root is the folder that was searched, with its slash.
    Raises MissingExtraError without the scheme's file system, else what that raises.
    """
    _require(path)
    pattern = _MAGIC.search(path)
    if pattern is not None:
        return _match(path), path[: path.rindex("/", 0, pattern.start()) + 1]
    if not path.endswith("/") and (found := _match(path)):
        return found, path[: path.rindex("/") + 1]
    folder = path.rstrip("/") + "/"
    return _match(folder + "**"), folder


def open_remote(url: str) -> BinaryIO:
    """Open a file for reading as it is stored, compressed or not; raises as `list_remote` does."""
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    _require(url)
    kind = CompressionTypes.UNCOMPRESSED
    return cast(BinaryIO, FileSystems.open(url, compression_type=kind))


def missing_extra(path: str) -> str | None:
    """Return what to install for a path's scheme, in one line; None where nothing is missing."""
    found = _SCHEME.match(path)
    if found is None:
        return None
    # Here, since loading Beam takes a second, which paths of this machine need not wait for.
    import apache_beam.io.filesystems  # noqa: F401 - registers the file systems that there are
    from apache_beam.io.filesystem import FileSystem

    scheme = found.group(1)
    served = any(system.scheme() == scheme for system in FileSystem.get_all_subclasses())
    client = _CLIENTS.get(scheme)
    if served and (client is None or find_spec(client) is not None):
        return None
    extra = EXTRAS.get(scheme)
    if extra is None:
        return f"{path}: nothing installed reads {scheme}://"
    return f"{path}: {scheme}:// needs an extra: pip install 'newsalign[{extra}]'"


def _require(path: str) -> None:
    from apache_beam.io.filesystems import FileSystems

    problem = missing_extra(path)
    if problem is not None:
        raise MissingExtraError(problem)
    if FileSystems._pipeline_options is None:
        # S3's refuses to work without any.
        use_options(())


def _match(pattern: str) -> list[RemoteFile]:
    from apache_beam.io.filesystems import FileSystems

    (result,) = FileSystems.match([pattern])
    files = [RemoteFile(str(one.path), int(one.size_in_bytes)) for one in result.metadata_list]
    # Stores that know no folders list them as empty objects whose names end in a slash.
    return sorted((one for one in files if not one.url.endswith("/")), key=lambda one: one.url)
