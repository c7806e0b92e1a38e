from pathlib import Path

import pytest

from transforms.boilerplate import strip_boilerplate, strip_dateline, stub_kind
from transforms.cleaning_rules import RulesError, load_rules
from transforms.mojibake import fix_mojibake

RULES = load_rules()
NEWS = "Valdoria said on Monday that it would sign."


@pytest.mark.parametrize(
    "dateline",
    [
        "GENEVA — ",
        "GENEVA (Agency) — ",
        "NEW DELHI, May 3 (Wire News) -- ",
        "TEL AVIV, Israel - ",
        "Nairobi (Agency) - ",
        "Lima, 3 May 2025 – ",
        "LONDON/PARIS, May 5 (Wire) - ",
        "Port-au-Prince, Haiti (AP) — ",
        "(Wire News) - ",
    ],
)
def test_datelines_go(dateline: str) -> None:
    assert strip_dateline(dateline + NEWS, RULES) == NEWS


@pytest.mark.parametrize(
    "text",
    [
        "NATO — The alliance said no.",
        "Moscow – which backs the plan – said yes.",
        "EU-China talks - officials say - failed.",
        "Geneva (population 200,000) said no.",
        NEWS,
        "",
    ],
)
def test_what_only_looks_like_a_dateline_stays(text: str) -> None:
    assert strip_dateline(text, RULES) == text


@pytest.mark.parametrize(
    "paragraph",
    [
        "Read more: Ministers meet",
        "ALSO READ | Ministers meet",
        "Share on Facebook",
        "Facebook | Twitter | Email",
        "Sign up for our daily newsletter",
        "Get the latest news in your inbox with our newsletter",
        "Advertisement",
        "Follow us on Telegram",
        "The post Ministers meet appeared first on Daily.",
        "© 2025 Daily. All rights reserved.",
        "(Reporting by A. Writer; Editing by B. Writer)",
        "Photo: Daily",
        "Related stories",
        "3 min read",
        "* * *",
        "Already a subscriber? Log in",
    ],
)
def test_boilerplate_paragraphs_go(paragraph: str) -> None:
    assert strip_boilerplate(f"{NEWS}\n\n{paragraph}\n\nMore text.", "", RULES) == (
        f"{NEWS}\n\nMore text."
    )


@pytest.mark.parametrize(
    "paragraph",
    [
        "Share prices fell sharply in Lima.",
        "Watch the border closely, the minister told reporters.",
        "Copyright law reform was backed by the parliament.",
        "The union read more into the statement than was there.",
        "Follow-up talks will be held in Geneva.",
        "More from the ministry is expected on Tuesday, a spokesman said.",
    ],
)
def test_news_that_starts_like_boilerplate_stays(paragraph: str) -> None:
    assert strip_boilerplate(paragraph, "", RULES) == paragraph


@pytest.mark.parametrize("piece", ["4", "44 ", "x", "share", "comments", "4,", "share4"])
def test_what_repeats_without_end_is_read_in_one_pass(piece: str) -> None:
    # A group that could divide a number in many ways took twice as long with each digit.
    text = piece * 60 + "end of the harbour"
    assert strip_boilerplate(text, None, RULES) == text


@pytest.mark.parametrize(
    "tail",
    [" [...]", " […]", " Read more »", " Continue reading →", " [+2034 chars]"],
)
def test_tails_of_teasers_go(tail: str) -> None:
    assert strip_boilerplate(NEWS + tail, "", RULES) == NEWS


def test_a_title_repeated_in_the_text_goes() -> None:
    text = f"Valdoria to sign!\n\nGENEVA (Agency) — {NEWS}"
    assert strip_boilerplate(text, "Valdoria to sign", RULES) == NEWS


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Teaser. Subscribe to continue reading.", "paywall_stub"),
        ("This article is for subscribers only. Log in.", "paywall_stub"),
        ("We use cookies. Accept all cookies or manage settings.", "consent_stub"),
        ("Please enable JavaScript and cookies to continue.", "consent_stub"),
        (NEWS, None),
        (NEWS * 40 + " Subscribe to continue reading.", None),
    ],
)
def test_doors_are_told_from_articles(text: str, kind: str | None) -> None:
    assert stub_kind(text, RULES) == kind


@pytest.mark.parametrize(
    ("broken", "right"),
    [
        ("The â€œpactâ€\x9d", "The “pact”"),
        ("cafÃ©\nGröße", "café\nGröße"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
        ("Â£5m", "£5m"),
    ],
)
def test_mojibake_is_undone(broken: str, right: str) -> None:
    assert fix_mojibake(broken) == (right, True)


@pytest.mark.parametrize(
    "text", ["Größe, naïve, “quoted”", "À la carte… «Ã»", "Привет", "São Tomé", "x" * 10]
)
def test_right_text_is_left_alone(text: str) -> None:
    assert fix_mojibake(text) == (text, False)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[stubs]", "[stub]", "stubs: Field required"),
        ("max_words = 40", 'max_words = "x"', "text.max_words"),
        ("'newsletter',", "'(newsletter',", "text.paragraphs["),
        ("[urls]", "[urls", "line"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = Path("configs/cleaning.toml").read_text()
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RulesError, match=r"mine\.toml") as caught:
        load_rules(str(path))
    assert message in str(caught.value)
