import gzip
import io
import tracemalloc
import zlib
from typing import Any

import brotli
import pytest
import zstandard

from transforms.compression import BadCompression, TooLarge, file_pieces, unpack

DATA = bytes(range(256)) * 2_000 + b"x" * 400_000
PACKED = {
    "gzip": gzip.compress(DATA),
    "deflate": zlib.compress(DATA),
    "br": brotli.compress(DATA, quality=1),
    "zstd": zstandard.compress(DATA),
    "": DATA,
}


def pieces(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


@pytest.mark.parametrize("coding", PACKED)
@pytest.mark.parametrize("size", [777, 1 << 30])
def test_round_trip_whatever_the_pieces(coding: str, size: int) -> None:
    unpacked = unpack(iter(pieces(PACKED[coding], size)), coding, len(DATA))
    assert b"".join(unpacked) == DATA


def test_raw_deflate_and_several_gzip_members() -> None:
    raw = zlib.compress(DATA)[2:-4]
    assert b"".join(unpack(iter([raw]), "deflate", len(DATA))) == DATA
    twice = PACKED["gzip"] * 2 + b"\0" * 10
    assert b"".join(unpack(iter([twice]), "gzip", 2 * len(DATA))) == DATA * 2


@pytest.mark.parametrize("coding", PACKED)
def test_the_limit_is_on_what_comes_out(coding: str) -> None:
    with pytest.raises(TooLarge):
        list(unpack(iter([PACKED[coding]]), coding, len(DATA) - 1))


SHORT = b"".join(b"Report %d of the harbour of Ostrava. " % number for number in range(40))
_RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)


def zstd(level: int = 3, **parameters: Any) -> bytes:
    made = zstandard.ZstdCompressionParameters.from_level(level, **parameters)
    return zstandard.ZstdCompressor(compression_params=made).compress(SHORT)


# Every way in which a stream may say how long it is, and whether it was damaged.
WHOLE = {
    "gzip": ("gzip", gzip.compress(SHORT)),
    "gzip, stored": ("gzip", gzip.compress(SHORT, 0)),
    "deflate": ("deflate", zlib.compress(SHORT)),
    "raw deflate": ("deflate", _RAW.compress(SHORT) + _RAW.flush()),
    "br": ("br", brotli.compress(SHORT)),
    "br, stored": ("br", brotli.compress(SHORT, quality=0)),
    "zstd": ("zstd", zstd()),
    "zstd with a checksum": ("zstd", zstd(write_checksum=True)),
    "zstd without its size": ("zstd", zstd(write_content_size=False)),
    "zstd of one byte again and again": ("zstd", zstandard.compress(b"x" * 300_000)),
    "zstd behind a skipped frame": ("zstd", b"\x5a\x2a\x4d\x18\x03\0\0\0abc" + zstd()),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_stream_cut_short_anywhere_is_bad(name: str, size: int) -> None:
    coding, packed = WHOLE[name]
    whole = b"".join(unpack(iter(pieces(packed, size)), coding, 1_000_000))
    assert len(whole) in (len(SHORT), 300_000)
    end_of_skipped = 11 if "skipped" in name else 0
    for cut in range(1, len(packed)):
        if cut == end_of_skipped:
            continue
        unpacked = unpack(iter(pieces(packed[:cut], size)), coding, 1_000_000)
        with pytest.raises(BadCompression):
            list(unpacked)


@pytest.mark.parametrize("name", ["gzip", "zstd", "zstd with a checksum", "zstd without its size"])
def test_a_file_of_several_parts_cut_short_anywhere_but_between_them_is_bad(name: str) -> None:
    one = WHOLE[name][1]
    for cut in range(1, 2 * len(one) + 1):
        unpacked = file_pieces(io.BytesIO((one + one)[:cut]), 1_000_000)
        if cut < 4 and not one.startswith(b"\x1f"):
            assert b"".join(unpacked) == one[:cut]
        elif cut % len(one) == 0:
            assert b"".join(unpacked) == SHORT * (cut // len(one))
        elif cut > 1:
            with pytest.raises(BadCompression):
                list(unpacked)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("size", [1, 2, 3, 97])
def test_parts_are_found_wherever_the_pieces_end(coding: str, size: int) -> None:
    body = WHOLE[coding][1] * 3
    assert b"".join(unpack(iter(pieces(body, size)), coding, 1_000_000)) == SHORT * 3


def test_behind_a_gzip_file_s_members_come_only_zeros() -> None:
    one = WHOLE["gzip"][1]
    assert b"".join(file_pieces(io.BytesIO(one + bytes(99)), 1_000_000)) == SHORT
    assert b"".join(file_pieces(io.BytesIO(one + bytes(9) + one), 1_000_000)) == SHORT * 2
    damaged = one + b"\x1f\x8c" + one[2:]
    with pytest.raises(BadCompression):
        list(file_pieces(io.BytesIO(damaged), 1_000_000))
    # A server's body has one member, and browsers don't mind what comes behind it.
    assert b"".join(unpack(iter([one + b"<!-- cached -->"]), "gzip", 1_000_000)) == SHORT


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "compress"])
def test_what_isn_t_in_its_coding_is_bad(coding: str) -> None:
    with pytest.raises(BadCompression):
        list(unpack(iter([b"<rss>not packed at all</rss>"]), coding, 1_000))


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_bomb_costs_little_memory(coding: str) -> None:
    pack = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress}[coding]
    packed = pack(bytes(20_000_000))
    tracemalloc.start()
    with pytest.raises(TooLarge):
        for _ in unpack(iter([packed]), coding, 1_000_000):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("coding", ["gzip", "zstd", ""])
def test_files_are_unpacked_by_what_they_are(coding: str) -> None:
    assert b"".join(file_pieces(io.BytesIO(PACKED[coding]), len(DATA))) == DATA
