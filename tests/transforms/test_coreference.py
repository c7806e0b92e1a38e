"""Pronouns, descriptions and "we": who they refer back to, and when to nobody."""

from __future__ import annotations

import pytest
from actor_fixtures import mentions


def refers(text: str, surface: str, nth: int = 0) -> list[str]:
    """Return the actors that the n-th `surface` of the text refers to."""
    start = -1
    for _ in range(nth + 1):
        start = text.index(surface, start + 1)
    return [m.actor for m in mentions(text) if (m.start, m.end) == (start, start + len(surface))]


@pytest.mark.parametrize(
    ("text", "surface", "actors"),
    [
        ("Iran said that it would answer.", "it", ["IRN"]),
        ("Iran recalled its envoys from Syria.", "its", ["IRN"]),
        ("Russia condemned Iran and imposed sanctions on it.", "it", ["IRN"]),
        ("Joe Biden met Vladimir Putin. He praised Japan.", "He", ["joe-biden"]),
        ("Jens Stoltenberg left. He thanked Japan.", "He", ["jens-stoltenberg"]),
        ("Iran and Syria said they would answer.", "they", ["IRN", "SYR"]),
        ("Russian forces withdrew after they lost the town.", "they", ["RUS"]),
        ("Japan thanked Iran for its help.", "its", ["IRN"]),
        ("The European Union met. The bloc rejected the plan.", "The bloc", ["european-union"]),
        ("NATO met on Monday. The alliance rejected the plan.", "The alliance", ["nato"]),
        ("The NATO chief spoke. The alliance must grow.", "The alliance", ["nato"]),
        (
            "Iran and Syria met. The two countries signed a deal.",
            "The two countries",
            ["IRN", "SYR"],
        ),
        ("Iran and Syria met. Both countries signed a deal.", "Both countries", ["IRN", "SYR"]),
        ("Iran and Syria met. Japan criticised both countries.", "both countries", ["IRN", "SYR"]),
        (
            "Japan, which warned Iran and Syria, sent envoys to both governments.",
            "both governments",
            ["IRN", "SYR"],
        ),
        (
            "Iran accused Syria of closing the road between the two countries.",
            "the two countries",
            ["IRN", "SYR"],
        ),
        (
            "Iran and Syria hailed the deal as good news to both countries.",
            "both countries",
            ["IRN", "SYR"],
        ),
        (
            "Iran and Syria told NATO that the two governments had met.",
            "the two governments",
            ["IRN", "SYR"],
        ),
        (
            "Vladimir Putin met Xi Jinping. Both countries signed a deal.",
            "Both countries",
            ["CHN", "RUS"],
        ),
        (
            "Vladimir Putin and Xi Jinping met. The two leaders dined.",
            "The two leaders",
            ["vladimir-putin", "xi-jinping"],
        ),
        ("Vladimir Putin spoke. The president praised Japan.", "The president", ["vladimir-putin"]),
        (
            "“We oppose Syria,” said Petra Novak, the foreign minister of Iran.",
            "We",
            ["person:petra-novak"],
        ),
        (
            'Omid Rahbari, an Iranian envoy, said: "They left.\n\n"We stand with Japan," he added.',
            "We",
            ["person:omid-rahbari"],
        ),
    ],
)
def test_references_find_their_actors(text: str, surface: str, actors: list[str]) -> None:
    assert refers(text, surface) == actors


@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("Iran met Syria. It is clear that talks failed.", "It"),
        ("Iran met Syria. It rained all day.", "It"),
        ("Iran hired 200 IT workers.", "IT"),
        ("Russia rejected the plan, while Iran welcomed it.", "it"),
        ("We went home before Iran lost.", "We"),
        ("Iran met Syria. A new alliance was born.", "alliance"),
        ("Iran met NATO. Both countries were asked.", "Both countries"),
    ],
)
def test_what_refers_to_no_actor_gives_none(text: str, surface: str) -> None:
    assert refers(text, surface) == []


def test_confidence_falls_with_distance() -> None:
    near = "Jens Stoltenberg left. He thanked Japan."
    far = "Jens Stoltenberg left. The hall was empty. Rain fell. He thanked Japan."
    by_text = [
        next(m.confidence for m in mentions(text) if m.form == "pronoun") for text in (near, far)
    ]
    assert by_text[0] > by_text[1]


def test_a_reference_is_never_surer_than_what_it_refers_to() -> None:
    found = mentions("Iranian protesters marched. They burned a flag, and they left.")
    named = next(m for m in found if m.form != "pronoun")
    assert all(m.confidence <= named.confidence for m in found if m.form == "pronoun")


def test_gender_keeps_two_people_apart() -> None:
    text = (
        "Iranian spokeswoman Mina Karimi met Russian spokesman Oleg Petrov. "
        "He smiled. She praised Japan."
    )
    assert refers(text, "He") == ["person:oleg-petrov"]
    assert refers(text, "She") == ["person:mina-karimi"]
