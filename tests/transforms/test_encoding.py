import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.encoding import charset_of, decode, is_binary, scrub_surrogates

RUSSIAN = "Министр заявил, что договор подписан"


@pytest.mark.parametrize(
    ("body", "declared", "text"),
    [
        (codecs.BOM_UTF16_LE + "Übung".encode("utf-16-le"), "utf-8", "Übung"),
        (codecs.BOM_UTF16_BE + "Übung".encode("utf-16-be"), None, "Übung"),
        (codecs.BOM_UTF32_LE + "Übung".encode("utf-32-le"), None, "Übung"),
        ("<rss>Übung</rss>".encode("utf-16-le"), None, "<rss>Übung</rss>"),
        ("<rss>Übung</rss>".encode("utf-16-be"), "utf-8", "<rss>Übung</rss>"),
        ("<rss>Übung</rss>".encode("utf-32-le"), None, "<rss>Übung</rss>"),
        ("<rss>Übung</rss>".encode("utf-32-be"), "utf-8", "<rss>Übung</rss>"),
        (codecs.BOM_UTF8 + "Übung".encode(), "iso-8859-1", "Übung"),
        (b"\n " + codecs.BOM_UTF8 + b"<rss/>", None, "\n <rss/>"),
        ("“Zitat”".encode("cp1252"), "iso-8859-1", "“Zitat”"),
        (RUSSIAN.encode("cp1251"), "windows-1251", RUSSIAN),
        (RUSSIAN.encode("koi8-r"), "koi8-r", RUSSIAN),
        ("日本語".encode("iso2022_jp"), "iso-2022-jp", "日本語"),
        ("日本語".encode("cp932"), "shift_jis", "日本語"),
    ],
)
def test_text_survives_its_encoding(body: bytes, declared: str | None, text: str) -> None:
    assert decode(body, declared).text == text


def test_valid_utf8_outranks_a_wrong_declaration() -> None:
    body = b'<?xml version="1.0" encoding="iso-8859-1"?><a>' + "Größe".encode()
    assert decode(body, "windows-1252").text.endswith("Größe")


def test_declaration_inside_the_document_is_used() -> None:
    body = b'<meta charset="windows-1251"><p>' + RUSSIAN.encode("cp1251")
    assert decode(body).text.endswith(RUSSIAN)
    assert decode(body).flags == ()


def test_a_wrong_declaration_is_passed_over_and_the_guess_is_flagged() -> None:
    decoded = decode((RUSSIAN * 4).encode("cp1251"), "utf-8")
    assert decoded.text == RUSSIAN * 4
    assert decoded.flags == ("encoding_guessed",)


def test_short_unknown_text_is_read_as_windows_1252() -> None:
    assert decode("Größe".encode("cp1252")).text == "Größe"


def test_utf8_with_a_cut_character_stays_utf8() -> None:
    decoded = decode(("é" * 40).encode() + b"\xc3")
    assert decoded.text == "é" * 40 + "\ufffd"
    assert decoded.flags == ("bytes_replaced",)


@pytest.mark.parametrize("name", ["base64", "hex", "rot13", "utf-7", "no-such", "unicode_escape"])
def test_codecs_that_are_no_text_encodings_are_ignored(name: str) -> None:
    assert decode(b"caf\xe9 \\u0041", name).text == "café \\u0041"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"%PDF-1.7", True),
        (b"\x89PNG\r\n", True),
        (bytes(range(256)), True),
        (b"", False),
        ("Größe\n".encode("cp1252"), False),
        ("plain".encode("utf-16"), False),
        ("<a>text</a>".encode("utf-16-le"), False),
    ],
)
def test_binary_is_told_from_text(head: bytes, expected: bool) -> None:
    assert is_binary(head) is expected


def test_charset_parameter() -> None:
    assert charset_of('text/html; charset="UTF-8"') == "UTF-8"
    assert charset_of("text/html") is None
    assert charset_of(None) is None


def test_lone_surrogates_are_replaced() -> None:
    assert scrub_surrogates("a\ud800b") == "a\ufffdb"


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([None, "utf-8", "cp1251", "utf-16", "x", "gb2312"]))
def test_any_bytes_become_text_that_can_be_stored(body: bytes, declared: str | None) -> None:
    decode(body, declared).text.encode("utf-8")
