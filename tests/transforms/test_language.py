import pytest

from transforms.cleaning_rules import load_rules
from transforms.language import declared_language, detect_language

CANDIDATES = load_rules().languages
ENGLISH = "The foreign minister said on Monday that the two governments would sign the treaty soon."
GERMAN = (
    "Der Außenminister sagte am Montag, dass die beiden Regierungen den Vertrag bald schließen."
)


@pytest.mark.parametrize(
    ("text", "declared", "language"),
    [
        (ENGLISH, None, "en"),
        (ENGLISH, "de", "en"),
        (GERMAN, "en-us", "de"),
        ("Президент выступил в парламенте", "en", "ru"),
        ("総理大臣が訪問した", None, "ja"),
        ("Kyiv", "en-GB", "en"),
        ("Kyiv", None, "und"),
        ("2025", None, "und"),
        ("", "fr", "fr"),
    ],
)
def test_letters_outrank_the_declaration_where_there_are_enough(
    text: str, declared: str | None, language: str
) -> None:
    assert detect_language(text, declared, CANDIDATES) == language


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en-GB", "en"),
        ("EN_us", "en"),
        ("nb", "no"),
        ("iw", "he"),
        ("zh-Hant-TW", "zh"),
        ("", None),
        (None, None),
        ("english", None),
        ("xyz", None),
    ],
)
def test_declared_tags(tag: str | None, code: str | None) -> None:
    assert declared_language(tag) == code
