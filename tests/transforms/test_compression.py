import gzip
import io
import tracemalloc
import zlib

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


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_stream_cut_short_is_bad(coding: str) -> None:
    with pytest.raises(BadCompression):
        list(unpack(iter([PACKED[coding][:-9]]), coding, len(DATA)))


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
