"""Lines of a slice, none of them held when it is longer than a document may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from transforms.compression import PIECE_BYTES, file_pieces
from transforms.settings import ReadSettings
from transforms.sources import SourceSlice


def slice_lines(
    part: SourceSlice, file: BinaryIO, settings: ReadSettings
) -> Iterator[tuple[int, bytes | None]]:
    """Yield (line number in the file, line), None for one beyond `max_document_bytes`.

    Raises what reading and unpacking raise.
    """
    limit = settings.max_document_bytes
    buffer = bytearray()
    too_long = False
    number = part.first_line
    for piece in _slice_pieces(part, file, settings):
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            too_long = too_long or len(buffer) + end - start > limit
            yield number, None if too_long else bytes(buffer) + piece[start:end]
            buffer.clear()
            too_long = False
            number += 1
            start = end + 1
        if not too_long:
            buffer += piece[start:]
            if len(buffer) > limit:
                too_long = True
                buffer.clear()
    if buffer or too_long:
        yield number, None if too_long else bytes(buffer)


def _slice_pieces(part: SourceSlice, file: BinaryIO, settings: ReadSettings) -> Iterator[bytes]:
    if part.start == 0 and part.end is None:
        # A plain file of lines is never held as a whole, so its size is its owner's affair.
        yield from file_pieces(file, max(settings.max_file_bytes, part.file_bytes))
        return
    file.seek(part.start)
    left = (part.end or 0) - part.start
    while left > 0 and (piece := file.read(min(left, PIECE_BYTES))):
        left -= len(piece)
        yield piece
