"""Bytes to text: which encoding a document is really in, whatever it says.

The order of trust is: byte order mark, NUL pattern of UTF-16/32, valid UTF-8, the declared name
(HTTP header, then XML declaration or HTML meta), a statistical guess, windows-1252.
Valid UTF-8 outranks a declaration because text of another encoding is hardly ever valid UTF-8,
while wrong declarations are common.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

GUESS_BYTES = 16_384
# Below this many bytes outside ASCII a statistical guess is noise, and windows-1252 the best bet.
MIN_GUESS_EVIDENCE = 12
# Encodings that news is still served in without a declaration; the guesser knows many more, of
# mainframes and of MS-DOS, which it takes short texts for.
GUESSES = [
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp1257",
    "koi8_r",
    "gb18030",
    "big5",
    "cp932",
    "euc_jp",
    "cp949",
]
SNIFF_BYTES = 4_096
REPLACEMENT = "\ufffd"

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What browsers read under these names (WHATWG Encoding Standard): the names are narrower than
# the bytes that are served under them.
_BROWSER_NAMES = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
}
# Encodings whose text is plain ASCII bytes, so that "valid UTF-8" says nothing against them.
_SEVEN_BIT = {"iso2022_jp", "iso2022_kr", "hz"}
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{2,40})"""
    rb"""|<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9._:-]{2,40})""",
    re.IGNORECASE,
)
_CHARSET_PARAMETER = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9._:-]{2,40})""", re.IGNORECASE)
_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 27}) + b"\x7f"
_BINARY_MAGIC = (
    b"%PDF-",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"PK\x03\x04",
    b"\x7fELF",
    b"MZ\x90",
    b"ID3",
    b"OggS",
    b"RIFF",
    b"\xd0\xcf\x11\xe0",
    b"SQLite format 3\x00",
)
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the Python name of its encoding, and flags (`encoding_guessed`, `bytes_replaced`)."""

    text: str
    encoding: str
    flags: tuple[str, ...] = ()


def charset_of(content_type: str | None) -> str | None:
    """Return the charset parameter of a Content-Type header, or None."""
    found = _CHARSET_PARAMETER.search(content_type or "")
    return found.group(1) if found else None


def is_binary(head: bytes) -> bool:
    """Say whether the first bytes of a file are those of something that is not text."""
    if head.startswith(_BINARY_MAGIC):
        return True
    if _bom(head) or _wide(head):
        return False
    sample = head[:SNIFF_BYTES]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return b"\0" in sample or controls * 10 > len(sample)


def decode(body: bytes, declared: str | None = None) -> Decoded:
    """Return the text of `body`; never raises. `declared` is the name that HTTP gave, if any."""
    bom = _bom(body)
    if bom is not None:
        mark, encoding = bom
        return _lenient(body[len(mark) :], encoding)
    wide = _wide(body)
    if wide is not None:
        return _lenient(body, wide)
    names = [name for name in (_codec(declared), _codec(_inner_declaration(body))) if name]
    seven_bit = next((name for name in names if name in _SEVEN_BIT), None)
    if seven_bit is None:
        try:
            return Decoded(_without_marks(body.decode("utf-8")), "utf-8")
        except UnicodeDecodeError:
            pass
    for name in names:
        try:
            return Decoded(scrub_surrogates(_without_marks(body.decode(name))), name)
        except (UnicodeError, ValueError):
            continue
    if _mostly_utf8(body):
        return _lenient(body, "utf-8")
    for guess in (_guess(body), "cp1252"):
        if guess is None:
            continue
        try:
            text = scrub_surrogates(_without_marks(body.decode(guess)))
            return Decoded(text, guess, ("encoding_guessed",))
        except (UnicodeError, ValueError):
            continue
    return _lenient(body, "cp1252", ("encoding_guessed",))


def scrub_surrogates(text: str) -> str:
    """Replace lone surrogates (JSON's `\\ud800`), which no file and no Arrow column can hold."""
    return _SURROGATES.sub(REPLACEMENT, text)


def _lenient(body: bytes, encoding: str, flags: tuple[str, ...] = ()) -> Decoded:
    text = body.decode(encoding, "replace")
    if REPLACEMENT in text:
        flags = (*flags, "bytes_replaced")
    return Decoded(scrub_surrogates(_without_marks(text)), encoding, flags)


def _without_marks(text: str) -> str:
    """Drop a byte order mark that follows leading whitespace, as concatenating scripts leave it."""
    head = text[:64]
    if "\ufeff" in head:
        return head.replace("\ufeff", "") + text[64:]
    return text


def _bom(body: bytes) -> tuple[bytes, str] | None:
    return next((bom for bom in _BOMS if body.startswith(bom[0])), None)


def _wide(body: bytes) -> str | None:
    """Name the UTF-16 or UTF-32 of unmarked text, which in markup has NULs at regular places."""
    head = body[: min(SNIFF_BYTES, len(body)) // 4 * 4]
    if len(head) < 4 or b"\0" not in head:
        return None
    quarter = len(head) // 4
    nuls = [head[place::4].count(0) for place in range(4)]
    if min(nuls[2:]) * 10 > quarter * 9 and nuls[0] * 20 < quarter:
        return "utf-32-le"
    if min(nuls[:2]) * 10 > quarter * 9 and nuls[3] * 20 < quarter:
        return "utf-32-be"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd * 10 > half * 7 and even * 20 < half:
        return "utf-16-le"
    if even * 10 > half * 7 and odd * 20 < half:
        return "utf-16-be"
    return None


def _inner_declaration(body: bytes) -> str | None:
    found = _DECLARED.search(body[:SNIFF_BYTES])
    return (found.group(1) or found.group(2)).decode("ascii") if found else None


def _codec(name: str | None) -> str | None:
    """Return Python's name of a text codec for a declared name, or None for what it isn't."""
    if not name:
        return None
    try:
        info = codecs.lookup(name.strip())
    except (LookupError, ValueError):
        return None
    if not info._is_text_encoding or info.name.startswith(("utf-16", "utf-32", "utf-7", "idna")):
        # A document whose declaration could be read byte by byte is in none of these.
        return None
    if info.name in ("punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs"):
        return None
    return _BROWSER_NAMES.get(info.name, info.name)


def _guess(body: bytes) -> str | None:
    if sum(1 for byte in body[:GUESS_BYTES] if byte > 0x7F) < MIN_GUESS_EVIDENCE:
        return None
    best = from_bytes(body[:GUESS_BYTES], cp_isolation=GUESSES).best()
    return _codec(best.encoding) if best is not None else None


def _mostly_utf8(body: bytes) -> bool:
    """Say whether the text is UTF-8 with a few broken sequences (cut or spliced by a template)."""
    text = body[: GUESS_BYTES * 4].decode("utf-8", "replace")
    wide = sum(1 for char in text if char > "\x7f")
    broken = text.count(REPLACEMENT)
    return wide > broken * 10
