"""Where in a zstd frame a stream ends, which zstandard's own reader doesn't say (RFC 8878)."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

MAGIC = b"\x28\xb5\x2f\xfd"
# 0x184D2A50 to 0x184D2A5F start a frame that decoders pass over.
_SKIPPABLE = b"\x2a\x4d\x18"
_DICTIONARY_BYTES = (0, 1, 2, 4)
_SIZE_BYTES = (0, 2, 4, 8)
_RLE = 1


class FrameReader:
    """Reads a file on behalf of a decoder and follows its frames, headers only.

    What isn't zstd at all is the decoder's to complain of.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._header = bytearray()
        self._wanted = len(MAGIC)
        self._skip = 0
        self._has_checksum = False
        self._next: Callable[[bytes], None] = self._frame

    @property
    def at_end_of_frame(self) -> bool:
        """Say whether what was read so far is a number of whole frames."""
        return self._next == self._frame and not self._header and not self._skip

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes."""
        data = self._file.read(size)
        position = 0
        while position < len(data):
            if self._skip:
                passed = min(self._skip, len(data) - position)
                self._skip -= passed
            else:
                passed = min(self._wanted - len(self._header), len(data) - position)
                self._header += data[position : position + passed]
                if len(self._header) == self._wanted:
                    header, self._header = bytes(self._header), bytearray()
                    self._next(header)
            position += passed
        return data

    def _expect(self, size: int, step: Callable[[bytes], None]) -> None:
        self._wanted, self._next = size, step

    def _frame(self, magic: bytes) -> None:
        if magic[1:] == _SKIPPABLE and magic[0] >> 4 == 5:
            self._expect(4, self._skippable)
        else:
            self._expect(1, self._descriptor)

    def _skippable(self, size: bytes) -> None:
        self._skip = int.from_bytes(size, "little")
        self._expect(len(MAGIC), self._frame)

    def _descriptor(self, header: bytes) -> None:
        flags = header[0]
        single = flags >> 5 & 1
        size = _SIZE_BYTES[flags >> 6] or single
        self._has_checksum = bool(flags >> 2 & 1)
        self._skip = (1 - single) + _DICTIONARY_BYTES[flags & 3] + size
        self._expect(3, self._block)

    def _block(self, header: bytes) -> None:
        bits = int.from_bytes(header, "little")
        self._skip = 1 if bits >> 1 & 3 == _RLE else bits >> 3
        if bits & 1:
            self._skip += 4 * self._has_checksum
            self._expect(len(MAGIC), self._frame)
