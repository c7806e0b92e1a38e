"""Compressed bytes, unpacked a bounded piece at a time: a bomb costs no more than its limit."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol, cast

import brotli  # type: ignore[import-untyped]
import zstandard

from transforms.zstd_frames import MAGIC as ZSTD_MAGIC
from transforms.zstd_frames import FrameReader

GZIP_MAGIC = b"\x1f\x8b"
PIECE_BYTES = 65_536
CUT_SHORT = "the compressed stream is cut short"
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
    """gzip or zlib. Members follow each other in a WARC; zeros behind them are padding.

    What else comes behind a member is passed over where `lenient`, as browsers do, else bad.
    """

    def __init__(self, window: int = _ANY_ZLIB, *, lenient: bool = True) -> None:
        self._window = window
        self._lenient = lenient
        self._inflate = zlib.decompressobj(window)
        self._started = False
        self._tail = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._started = self._started or bool(data)
        while True:
            if self._inflate.eof:
                data = self._behind_member(data)
                if not data:
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

    def _behind_member(self, data: bytes) -> bytes:
        """Return what starts another member; a first byte of one waits for its second."""
        data = (self._tail + data).lstrip(b"\0")
        self._tail = b""
        if data.startswith(GZIP_MAGIC):
            return data
        if GZIP_MAGIC.startswith(data):
            self._tail = data
        elif not self._lenient:
            raise BadCompression("what follows a compressed part is neither another nor padding")
        return b""

    def finish(self) -> None:
        cut = self._started and not self._inflate.eof
        if cut or (self._tail and not self._lenient):
            raise BadCompression(CUT_SHORT)


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
            raise BadCompression(CUT_SHORT)


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
    frames = FrameReader(packed)
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW).stream_reader(
        cast(BinaryIO, frames), read_across_frames=True
    )
    try:
        while piece := reader.read(PIECE_BYTES):
            yield piece
    except zstandard.ZstdError as error:
        raise BadCompression(str(error)) from None
    if not frames.at_end_of_frame:
        raise BadCompression(CUT_SHORT)


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
    yield from limited(_unpacked(limited(pieces, limit), make()), limit)


def _unpacked(pieces: Iterator[bytes], unpacker: Unpacker) -> Iterator[bytes]:
    for piece in pieces:
        yield from unpacker.feed(piece)
    if isinstance(unpacker, _Zstd):
        yield from unpacker.drain()
    unpacker.finish()


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

    `limit` is on the unpacked bytes. Raises as `unpack` does, and for a gzip file that goes on
    with anything but another member or zeros, since a damaged member would hide all that follow.
    """
    head = file.read(4)
    file.seek(0)
    if head.startswith(ZSTD_MAGIC):
        yield from limited(_zstd_pieces(file), limit)
        return
    raw = iter(lambda: file.read(PIECE_BYTES), b"")
    if head.startswith(GZIP_MAGIC):
        yield from limited(_unpacked(raw, _Zlib(lenient=False)), limit)
    else:
        yield from limited(raw, limit)
