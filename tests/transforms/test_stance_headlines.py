from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.resources import config_dir
from transforms.stances.headlines import headline_words, lower_headline
from transforms.stances.lexicon import Lexicon

WORDS = headline_words(Lexicon.load(config_dir() / "stances.toml"))


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        (
            "Russia Slams NATO Over Expansion",
            [(0, 6), (13, 17)],
            "Russia slams NATO over Expansion",
        ),
        ("TURKEY BACKED AZERBAIJAN", [(0, 6), (14, 24)], "TURKEY backed AZERBAIJAN"),
        (
            "Russia slams NATO over expansion",
            [(0, 6), (13, 17)],
            "Russia slams NATO over expansion",
        ),
        ("Iran Talks", [(0, 4)], "Iran Talks"),
        ("", [], ""),
    ],
)
def test_lowers_known_words_only(text: str, names: list[tuple[int, int]], expected: str) -> None:
    assert lower_headline(text, WORDS, names) == expected


@given(st.text(max_size=80))
@settings(max_examples=60)
def test_never_changes_length_or_letters(text: str) -> None:
    result = lower_headline(text, WORDS, [])
    assert len(result) == len(text)
    assert result.lower() == text.lower()
