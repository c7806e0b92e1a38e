"""Whole documents: what repeats, what is no actor's stance, and what only looks like one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from transforms.analyse import Analyser
from transforms.catalog import Catalog
from transforms.records import Document
from transforms.resources import config_dir
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.lexicon import Lexicon

PUBLISHED = datetime(2026, 11, 20, tzinfo=UTC)
Edge = tuple[str, str, str]


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return Analyser(
        Catalog.load([config_dir() / "actors"]),
        Lexicon.load(config_dir() / "stances.toml"),
        ActorSettings(),
        StanceSettings(),
    )


def counted(analyser: Analyser, title: str, text: str) -> list[Edge]:
    (analysis,) = analyser.analyse([Document("d", title, text, PUBLISHED)])
    assert analysis.error is None
    return [
        (e.source_rollup, e.stance, e.target_rollup)
        for e in analysis.evidence
        if e.counted and e.stance != "neutral"
    ]


def test_headline_that_says_what_the_body_says_counts_once(analyser: Analyser) -> None:
    edges = counted(
        analyser,
        "Norway condemns Belarus over prisoner's death",
        "OSLO, Nov 19 (Reuters) - Norway on Thursday condemned Belarus over the death of a "
        "prisoner. Oslo and Minsk have had no ambassadors since 2022.",
    )
    assert edges == [("NOR", "opposed", "BLR")]


def test_two_statements_on_one_dyad_are_two_pieces(analyser: Analyser) -> None:
    edges = counted(
        analyser,
        "Norway condemns Belarus",
        "Norway condemned Belarus over a prisoner's death. "
        "On Friday Oslo also imposed sanctions on two Belarusian banks.",
    )
    assert edges.count(("NOR", "opposed", "BLR")) == 2


def test_outlets_own_opinion_is_no_actors(analyser: Analyser) -> None:
    assert not counted(
        analyser,
        "Opinion | Why Turkey is wrong about Cyprus",
        "I condemn Turkey. We believe that Ankara is a menace. Cyprus deserves better.",
    )


def test_news_agency_as_speaker_is_the_article(analyser: Analyser) -> None:
    (analysis,) = analyser.analyse(
        [Document("d", "", "According to Reuters, Israel bombed Syria.", PUBLISHED)]
    )
    assert [(e.voice, e.speaker_actor) for e in analysis.evidence] == [("source", None)]


def test_two_names_of_one_actor_are_no_dyad(analyser: Analyser) -> None:
    assert not counted(
        analyser,
        "Kremlin says Moscow stands with Russia's people",
        "The Kremlin criticised Moscow's mayor. Putin praised Russia. Beijing praised Chinese "
        "workers. Washington attacked the US Congress. Jerusalem condemned Israel's parliament.",
    )


@pytest.mark.parametrize(
    ("title", "text"),
    [
        (
            "Spain 3-1 Germany: La Roja crush hosts",
            "BERLIN - Spain crushed Germany 3-1 in the final of the European championship. "
            "The goalkeeper was cheered. Germany attacked Spain from the start.",
        ),
        (
            "Indian teenager beats Chinese grandmaster",
            "India leads the chess olympiad. Uzbekistan crushed Spain in round nine, and the US "
            "team defeated Armenia.",
        ),
    ],
)
def test_sport_is_no_stance(analyser: Analyser, title: str, text: str) -> None:
    assert not counted(analyser, title, text)


def test_war_beside_sport_is_war(analyser: Analyser) -> None:
    edges = counted(
        analyser,
        "Missile strikes chess club",
        "Russia attacked Ukraine with a missile that hit a chess club. A grandmaster was hurt.",
    )
    assert ("RUS", "opposed", "UKR") in edges


@pytest.mark.parametrize(
    "text",
    [
        "Storms hit Spain and France on Wednesday. Flights from Germany to Portugal were stopped.",
        "Coffee prices in Brazil hit Germany. Frost in Poland damaged Lithuanian farms.",
        "Ukraine, Russia, China and Iran are on the agenda. Maps of Ukraine are on sale "
        "in Poland. The exhibition travels from Paris to Berlin.",
        "A Japanese film won a French award. A German tourist attacked a Spanish waiter. "
        "A Canadian woman sued a Mexican hotel. The French chef praised Italian cheese.",
    ],
)
def test_trivial_co_mentions_are_no_stance(analyser: Analyser, text: str) -> None:
    assert not counted(analyser, "", text)


def test_quotation_over_two_sentences_keeps_its_speaker(analyser: Analyser) -> None:
    text = 'Romania\'s president spoke on Friday. "We will never abandon Moldova," he said.'
    (analysis,) = analyser.analyse([Document("d", "", text, PUBLISHED)])
    # The learned reader doubts it; whether it counts is for the threshold to say.
    edges = [(e.source_rollup, e.grammar_vote, e.target_rollup) for e in analysis.evidence]
    assert edges == [("ROU", "supportive", "MDA")]
