"""Compressed bytes, unpacked a bounded piece at a time: a bomb costs no more than its limit."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
PIECE_BYTES = 65_536
# What a zstd frame may make a reader allocate (the format allows terabytes): 128 MiB, the most
# that `zstd --long` uses unasked.
MAX_ZSTD_WINDOW = 1 << 27
_ANY_ZLIB = 32 + zlib.MAX_WBITS


class TooLarge(ValueError):  # noqa: N818 - a limit, not a fault
    """More bytes than allowed."""


class BadCompression(ValueError):  # noqa: N818
    """Bytes that aren't what their encoding says, or that end too early."""


class Unpacker(Protocol):
    """Takes compressed pieces, gives unpacked ones of bounded size."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` unpacks to."""
        ...

    def finish(self) -> None:
        """Raise BadCompression if the stream stops short of its end."""
        ...


class _Zlib:
    def __init__(self, window: int = _ANY_ZLIB) -> None:
        self._window = window
        self._inflate = zlib.decompressobj(window)
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._started = self._started or bool(data)
        while True:
            if self._inflate.eof:
                # Members follow each other in a WARC; anything else behind one is padding.
                if not data.startswith(GZIP_MAGIC):
                    return
                self._inflate = zlib.decompressobj(self._window)
            try:
                piece = self._inflate.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise BadCompression(str(error)) from None
            if piece:
                yield piece
            data = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            # A full piece may have more behind it although all input is taken.
            if not data and len(piece) < PIECE_BYTES:
                return

    def finish(self) -> None:
        if self._started and not self._inflate.eof:
            raise BadCompression("the compressed stream is cut short")


class _Deflate:
    """HTTP's `deflate`: zlib by the standard (RFC 9110), raw deflate from some servers."""

    def __init__(self) -> None:
        self._inner: _Zlib | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._inner is None and data:
            self._inner = _Zlib() if data[0] & 0x0F == 8 else _Zlib(-zlib.MAX_WBITS)
        return self._inner.feed(data) if self._inner else iter(())

    def finish(self) -> None:
        if self._inner:
            self._inner.finish()


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._started = self._started or bool(data)
        try:
            piece = self._decoder.process(data, output_buffer_limit=PIECE_BYTES)
            while piece or not self._decoder.can_accept_more_data():
                yield piece
                piece = self._decoder.process(b"", output_buffer_limit=PIECE_BYTES)
        except brotli.error as error:
            raise BadCompression(str(error)) from None

    def finish(self) -> None:
        if self._started and not self._decoder.is_finished():
            raise BadCompression("the compressed stream is cut short")


class _Zstd:
    """Frames one after another, read through a stream whose reads have a size."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        # zstandard's push interface has no output limit, so the packed bytes are collected
        # (their size is limited by the caller) and unpacked by reading.
        self._waiting += data
        return iter(())

    def drain(self) -> Iterator[bytes]:
        """Yield everything that was fed, unpacked."""
        yield from _zstd_pieces(io.BytesIO(bytes(self._waiting)))

    def finish(self) -> None:
        return None


def _zstd_pieces(packed: BinaryIO) -> Iterator[bytes]:
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW).stream_reader(
        packed, read_across_frames=True
    )
    try:
        while piece := reader.read(PIECE_BYTES):
            yield piece
    except zstandard.ZstdError as error:
        raise BadCompression(str(error)) from None


_UNPACKERS: dict[str, Callable[[], Unpacker]] = {
    "gzip": _Zlib,
    "x-gzip": _Zlib,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}
HTTP_ENCODINGS = "gzip, deflate, br, zstd"


def unpack(pieces: Iterator[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """Yield the pieces unpacked by one HTTP content coding, no more than `limit` bytes in all.

    Raises TooLarge beyond the limit and BadCompression for what isn't in that coding; an
    unknown coding is bad too, and "" or "identity" leaves the pieces as they are.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        yield from limited(pieces, limit)
        return
    make = _UNPACKERS.get(name)
    if make is None:
        raise BadCompression(f"unknown content coding {name[:40]!r}")
    unpacker = make()

    def unpacked() -> Iterator[bytes]:
        for piece in limited(pieces, limit):
            yield from unpacker.feed(piece)
        if isinstance(unpacker, _Zstd):
            yield from unpacker.drain()
        unpacker.finish()

    yield from limited(unpacked(), limit)


def limited(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Yield pieces until they exceed `limit` bytes, then raise TooLarge."""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit:
            raise TooLarge(f"more than {limit} bytes")
        yield piece


def file_pieces(file: BinaryIO, limit: int) -> Iterator[bytes]:
    """Yield a file's bytes, unpacked if its first bytes are those of gzip or zstd.

    `limit` is on the unpacked bytes; raises as `unpack` does.
    """
    head = file.read(4)
    file.seek(0)
    if head.startswith(ZSTD_MAGIC):
        yield from limited(_zstd_pieces(file), limit)
        return
    raw = iter(lambda: file.read(PIECE_BYTES), b"")
    if head.startswith(GZIP_MAGIC):
        yield from unpack(raw, "gzip", limit)
    else:
        yield from limited(raw, limit)
