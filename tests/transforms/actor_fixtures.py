"""A small catalog of the tests' own, so that changes to the shipped data move no unit test."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from transforms.catalog import Catalog
from transforms.mentions import find_mentions
from transforms.nlp import load_pipeline
from transforms.records import Mention
from transforms.settings import ActorSettings

STATES = """
[RUS]
demonyms = ["Russian", "Russians"]
capital = ["Moscow"]
seats = ["Kremlin", "the Kremlin"]
[CHN]
demonyms = ["Chinese"]
capital = ["Beijing"]
[USA]
demonyms = ["American", "Americans"]
aliases = ["US", "U.S.", "America"]
capital = ["Washington"]
seats = ["White House", "Pentagon", "the Pentagon"]
ambiguous = ["Washington", "America"]
[GBR]
demonyms = ["British"]
capital = ["London"]
aliases = ["Britain", "UK"]
[UKR]
demonyms = ["Ukrainian", "Ukrainians"]
capital = ["Kyiv", "Kiev"]
[IRN]
demonyms = ["Iranian", "Iranians"]
capital = ["Tehran"]
[SYR]
demonyms = ["Syrian", "Syrians"]
capital = ["Damascus"]
[JPN]
demonyms = ["Japanese"]
capital = ["Tokyo"]
[TUR]
demonyms = ["Turkish"]
aliases = ["Turkey"]
capital = ["Ankara"]
ambiguous = ["Turkey"]
[GEO]
demonyms = ["Georgian", "Georgians"]
capital = ["Tbilisi"]
ambiguous = ["Georgia", "Georgian"]
[JOR]
demonyms = ["Jordanian"]
capital = ["Amman"]
ambiguous = ["Jordan"]
[TCD]
demonyms = ["Chadian"]
ambiguous = ["Chad"]
[COD]
aliases = ["Congo", "DR Congo"]
capital = ["Kinshasa"]
ambiguous = ["Congo"]
[COG]
capital = ["Brazzaville"]
ambiguous = ["Congo"]
[KOR]
demonyms = ["South Korean"]
capital = ["Seoul"]
[PRK]
demonyms = ["North Korean"]
capital = ["Pyongyang"]
[MMR]
aliases = ["Burma"]
[CZE]
demonyms = ["Czech"]
aliases = ["Czechia"]
"""

ORGANISATIONS = """
[nato]
type = "organisation"
name = "NATO"
aliases = ["North Atlantic Treaty Organization"]
kind_noun = ["alliance", "military alliance"]
cameo = "IGONAT"
[european-union]
type = "organisation"
name = "European Union"
aliases = ["EU"]
kind_noun = ["bloc"]
[hamas]
type = "group"
name = "Hamas"
[the-west]
type = "bloc"
name = "The West"
demonyms = ["Western"]
[reuters]
type = "media"
name = "Reuters"
[gazprom]
type = "company"
name = "Gazprom"
rollup = "RUS"
"""

PEOPLE = """id,name,aliases,rollup,role,from,to
barack-obama,Barack Obama,Obama,USA,head_of_state,2009-01-20,2017-01-20
boris-johnson,Boris Johnson,,GBR,foreign_minister,2016-07-13,2018-07-09
boris-johnson,Boris Johnson,,GBR,head_of_government,2019-07-24,2022-09-06
dmitry-peskov,Dmitry Peskov,Peskov,RUS,spokesperson,2012-05-22,
dong-jun,Dong Jun,,CHN,defence_minister,2023-12-29,
jens-stoltenberg,Jens Stoltenberg,Stoltenberg,nato,leader,2014-10-01,2024-10-01
joe-biden,Joe Biden,Biden,USA,head_of_state,2021-01-20,2025-01-20
rishi-sunak,Rishi Sunak,,GBR,head_of_government,2022-10-25,2024-07-05
vladimir-putin,Vladimir Putin,Putin,RUS,head_of_state,2012-05-07,
xi-jinping,Xi Jinping,Xi,CHN,head_of_state,2013-03-14,
"""

ON = date(2024, 4, 28)


@cache
def small_catalog() -> Catalog:
    """Return the catalog above, loaded from files as a user's would be."""
    folder = Path(mkdtemp())
    (folder / "states.toml").write_text(STATES, encoding="utf-8")
    (folder / "organisations.toml").write_text(ORGANISATIONS, encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    return Catalog.load([folder])


def mentions(text: str, on: date = ON, catalog: Catalog | None = None) -> list[Mention]:
    """Return the mentions of one text, parsed by the default pipeline."""
    nlp = load_pipeline(ActorSettings().spacy_model)
    return find_mentions(nlp(text), catalog or small_catalog(), on)


def named(text: str, on: date = ON, catalog: Catalog | None = None) -> list[tuple[str, str]]:
    """Return (surface, "actor>rollup") per mention that is no pronoun; roll-up only if other."""
    return [
        (text[m.start : m.end], m.actor if m.actor == m.rollup else f"{m.actor}>{m.rollup}")
        for m in mentions(text, on, catalog)
        if m.form != "pronoun"
    ]
