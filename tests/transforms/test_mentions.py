"""Each way that texts mention actors, one test a kind, with sentences of our own."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from actor_fixtures import mentions, named, small_catalog
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.catalog import Catalog
from transforms.mentions import find_mentions
from transforms.nlp import load_pipeline, parse_documents
from transforms.resources import config_dir
from transforms.settings import ActorSettings

SEED = Path(__file__).resolve().parents[3] / "shared/seeds/000_ec39493773d21da9.txt"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Russian President Vladimir Putin met reporters.",
            [("Russian President Vladimir Putin", "vladimir-putin>RUS")],
        ),
        (
            "The NATO chief thanked Japan.",
            [("The NATO chief", "jens-stoltenberg>nato"), ("Japan", "JPN")],
        ),
        (
            "Chinese Defense Minister Dong Jun warned Japan.",
            [("Chinese Defense Minister Dong Jun", "dong-jun>CHN"), ("Japan", "JPN")],
        ),
        (
            "Kremlin spokesman Dmitry Peskov denied it.",
            [("Kremlin spokesman Dmitry Peskov", "dmitry-peskov>RUS")],
        ),
        ("The Kremlin spokesman denied it.", [("The Kremlin spokesman", "dmitry-peskov>RUS")]),
        ("A Kremlin spokesman denied it.", [("A Kremlin spokesman", "RUS")]),
        (
            "NATO Secretary General Jens Stoltenberg left.",
            [("NATO Secretary General Jens Stoltenberg", "jens-stoltenberg>nato")],
        ),
        (
            "Petra Novak, the foreign minister of Czechia, thanked Japan.",
            [
                ("Petra Novak, the foreign minister of Czechia", "person:petra-novak>CZE"),
                ("Japan", "JPN"),
            ],
        ),
        (
            "Iranian Trade Minister Omid Rahbari thanked Japan.",
            [("Iranian Trade Minister Omid Rahbari", "person:omid-rahbari>IRN"), ("Japan", "JPN")],
        ),
        ("Ukraine's Peskov denied it.", [("Ukraine's Peskov", "dmitry-peskov>RUS")]),
    ],
)
def test_titles_and_roles_give_one_mention_of_the_person(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert named(text) == expected


@pytest.mark.parametrize(
    ("on", "holder"),
    [
        (date(2015, 6, 1), "barack-obama>USA"),
        (date(2022, 6, 1), "joe-biden>USA"),
        (date(1990, 6, 1), "USA"),
    ],
)
def test_the_publication_date_picks_the_office_holder(on: date, holder: str) -> None:
    assert named("The US president condemned the attack.", on)[0][1] == holder


def test_an_office_of_the_past_is_nobody_s() -> None:
    assert named("A former US president praised Japan.") == [("Japan", "JPN")]


@pytest.mark.parametrize(
    ("text", "surface", "head", "actor"),
    [
        ("Russian forces shelled the town.", "Russian forces", "forces", "RUS"),
        ("The Chinese government objected.", "Chinese government", "government", "CHN"),
        ("Soldiers from Syria crossed the river.", "Soldiers from Syria", "Soldiers", "SYR"),
        ("Iran's army crossed the river.", "Iran's army", "army", "IRN"),
        ("Officials in Tbilisi objected.", "Officials in Tbilisi", "Officials", "GEO"),
        (
            "White House security officials objected.",
            "White House security officials",
            "officials",
            "USA",
        ),
        ("The Russian war economy grew.", "Russian", "Russian", "RUS"),
        ("The Russian language is widely spoken.", "Russian", "Russian", "RUS"),
        ("The Biden administration objected.", "Biden administration", "administration", "USA"),
    ],
)
def test_the_head_is_the_noun_whose_role_counts(
    text: str, surface: str, head: str, actor: str
) -> None:
    (mention,) = mentions(text)
    doc = load_pipeline(ActorSettings().spacy_model)(text)
    assert text[mention.start : mention.end].removeprefix("The ") == surface
    assert doc[mention.head].text == head
    assert mention.rollup == actor


def test_demonyms_in_a_list_share_the_noun_after_them() -> None:
    text = "The British, Russian and Chinese warships sailed."
    found = mentions(text)
    assert [mention.actor for mention in found] == ["GBR", "RUS", "CHN"]
    assert len({mention.head for mention in found}) == 1


def test_a_leader_s_office_speaks_for_the_leader() -> None:
    (mention,) = mentions("The Russian president's office denied it.")
    assert (mention.actor, mention.rollup) == ("vladimir-putin", "RUS")
    doc = load_pipeline(ActorSettings().spacy_model)("The Russian president's office denied it.")
    assert doc[mention.head].text == "office"


def test_places_in_a_list_share_the_noun_before_it() -> None:
    text = "The ambassadors of Russia, China and Iran walked out."
    found = mentions(text)
    assert [mention.actor for mention in found] == ["RUS", "CHN", "IRN"]
    assert len({mention.head for mention in found}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "The Iranian-backed militia attacked a convoy.",
        "Pro-Russian separatists seized the hall.",
        "They broke up an anti- Russia parade.",
        "US-led planes bombed the depot.",
        "Iran beat Japan 2-1 in the final match.",
        "The office is at 12 Jordan Street.",
        "Georgia lawmakers meeting in Atlanta passed the bill.",
        "The cooks stuffed the turkey.",
        "A new law lets us vote earlier.",
        "He was arrested in Moscow on Friday.",
        "Two men were seen near the Pentagon.",
        "She speaks Russian.",
        "MOSCOW (Reuters) - The river rose again.",
    ],
)
def test_what_only_looks_like_an_actor_is_none(text: str) -> None:
    assert named(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Georgia closed a bridge, officials in Tbilisi said.", ["GEO", "GEO"]),
        ("Jordan condemned Syria.", ["JOR", "SYR"]),
        ("Dana Jordan, a councillor, condemned Syria.", ["person:dana-jordan", "SYR"]),
        ("Chad backed Syria.", ["TCD", "SYR"]),
        ("Chad Ellery, a coach, backed Syria.", ["person:chad-ellery", "SYR"]),
        ("Türkiye backed Japan.", ["TUR", "JPN"]),
        ("Tu\u0308rkiye backed Japan.", ["TUR", "JPN"]),
        ("TURKEY BACKED JAPAN", ["TUR", "JPN"]),
        ("The US condemned Syria.", ["USA", "SYR"]),
        ("Congo accused Syria, officials in Kinshasa said.", ["COD", "SYR", "COD"]),
        ("Congo accused Syria, officials in Brazzaville said.", ["COG", "SYR", "COG"]),
        ("The Pentagon said the drone was lost.", ["USA"]),
        ("Moscow rejected the plan.", ["RUS"]),
        ("Burma closed its schools.", ["MMR"]),
        ("North Korea fired a missile toward South Korea.", ["PRK", "KOR"]),
    ],
)
def test_ambiguous_names_are_settled_by_context(text: str, expected: list[str]) -> None:
    assert [m.actor for m in mentions(text) if m.form != "pronoun"] == expected


@pytest.mark.parametrize("noun", ["rebels", "separatists", "opposition"])
def test_who_fights_a_state_does_not_roll_up_to_it(noun: str) -> None:
    (mention,) = mentions(f"The Syrian {noun} rejected the plan.")
    assert mention.rollup != "SYR"
    assert mention.actor_type == "group"


def test_an_opposition_leader_is_not_the_government() -> None:
    first, second = mentions("Iran's opposition leader condemned Iran's president.")
    assert first.rollup == "group:irn-opposition"
    assert second.rollup == "IRN"


@pytest.mark.parametrize(
    ("text", "actors"),
    [
        ("Turkish opposition to the Syrian plan grew.", ["TUR", "SYR"]),
        ("Iran's opposition to Japan's plan angered China.", ["IRN", "JPN", "CHN"]),
        ("Iran's opposition to boycott vote", ["group:irn-opposition"]),
        ("Iran's opposition went to Japan.", ["group:irn-opposition", "JPN"]),
    ],
)
def test_opposition_to_something_is_the_state_s_stance(text: str, actors: list[str]) -> None:
    assert [m.actor for m in mentions(text)] == actors


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The defence ministry in Tokyo praised Iran.", [("ministry in Tokyo", "JPN")]),
        ("A source at the foreign ministry in Kyiv praised Iran.", [("ministry in Kyiv", "UKR")]),
        ("Japan's defence ministry in Tokyo praised Iran.", [("Japan's defence ministry", "JPN")]),
        ("The Russian embassy in Tokyo praised Iran.", [("Russian embassy", "RUS")]),
        ("The embassy in Tokyo praised Iran.", []),
    ],
)
def test_a_ministry_is_that_of_its_capital(text: str, expected: list[tuple[str, str]]) -> None:
    assert named(text) == [*expected, ("Iran", "IRN")]


def test_a_name_inside_a_longer_name_is_dropped() -> None:
    assert named("The Bank of China opened a branch.")[0][1] == "org:bank-of-china"
    assert [actor for _, actor in named("He studied at the University of Jordan.")] in (
        [],
        ["org:university-of-jordan"],
    )


def test_state_bodies_mean_the_state() -> None:
    assert named("The Russian Foreign Ministry summoned him.")[0][1] == "RUS"
    assert named("The US Congress passed the bill.")[0][1] == "USA"


def test_acronyms_that_the_text_defines_are_used_after() -> None:
    text = "The Black River Union (BRU) met on Monday. The BRU rejected the plan of Japan."
    found = named(text)
    assert found[0] == ("Black River Union (BRU)", "org:black-river-union")
    assert ("BRU", "org:black-river-union") in found[1:]


def test_a_surname_after_the_full_name_is_the_same_person() -> None:
    text = "Iranian envoy Omid Rahbari met reporters. Rahbari praised Japan."
    assert [actor for _, actor in named(text)] == [
        "person:omid-rahbari>IRN",
        "person:omid-rahbari>IRN",
        "JPN",
    ]


def test_a_place_name_after_a_person_of_that_name_is_the_person() -> None:
    text = "Dana Jordan spoke first. Jordan praised Japan."
    assert [actor for _, actor in named(text)] == ["person:dana-jordan"] * 2 + ["JPN"]


def test_outlets_are_media_and_companies_roll_up_when_listed() -> None:
    by_type = {m.actor: m for m in mentions("Gazprom told Reuters that gas would flow.")}
    assert by_type["reuters"].actor_type == "media"
    assert by_type["gazprom"].rollup == "RUS"


def test_sentence_boundaries_can_be_preset() -> None:
    nlp = load_pipeline(ActorSettings().spacy_model)
    text = "Japan wins. China loses"
    (doc,) = parse_documents(nlp, [(text, [(0, 11), (12, 23)])])
    assert [sentence.text for sentence in doc.sents] == ["Japan wins.", "China loses"]
    (whole,) = parse_documents(nlp, [(text, [(0, 23)])])
    assert len(list(whole.sents)) == 1


@given(st.text(max_size=200))
@settings(max_examples=40, deadline=None)
def test_any_text_gives_sorted_mentions_inside_it(text: str) -> None:
    nlp = load_pipeline(ActorSettings().spacy_model)
    found = find_mentions(nlp(text), small_catalog(), date(2024, 1, 1))
    assert [m.start for m in found] == sorted(m.start for m in found)
    assert all(0 <= m.start < m.end <= len(text) for m in found)


@given(
    st.lists(
        st.sampled_from(
            [
                "Russia",
                "the",
                "president",
                "of",
                "(",
                "NATO",
                ")",
                "'s",
                ",",
                "Putin",
                "said",
                "he",
                "“",
                "”",
                "their",
                "two",
                "countries",
                "Iran",
                "-",
                "backed",
                "forces",
                "\n",
                "US",
                ".",
                "and",
            ]
        ),
        max_size=30,
    )
)
@settings(max_examples=40, deadline=None)
def test_word_salad_gives_mentions_that_do_not_overlap(words: list[str]) -> None:
    text = " ".join(words)
    nlp = load_pipeline(ActorSettings().spacy_model)
    spans = sorted(
        {(m.start, m.end) for m in find_mentions(nlp(text), small_catalog(), date(2024, 1, 1))}
    )
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return Catalog.load([config_dir() / "actors"])


@pytest.mark.skipif(not SEED.exists(), reason="../shared/seeds is absent")
def test_the_real_article_names_every_actor(shipped: Catalog) -> None:
    text = SEED.read_text(encoding="utf-8")
    nlp = load_pipeline(ActorSettings().spacy_model)
    found = find_mentions(nlp(text), shipped, date(2024, 4, 28))
    assert {m.rollup for m in found if m.actor_type in ("state", "organisation", "bloc")} >= {
        "nato",
        "RUS",
        "CHN",
        "IRN",
        "PRK",
        "JPN",
        "KOR",
        "UKR",
        "USA",
        "the-west",
    }
    people = {m.actor: m.rollup for m in found if m.actor_type == "person"}
    assert {
        "jens-stoltenberg": "nato",
        "vladimir-putin": "RUS",
        "xi-jinping": "CHN",
        "dmitry-peskov": "RUS",
        "kim-jong-un": "PRK",
        "dong-jun": "CHN",
    }.items() <= people.items()
    assert people.get("sergei-shoigu", people.get("sergey-shoigu")) == "RUS"
