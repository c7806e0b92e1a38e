from __future__ import annotations

import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest

from transforms.analyse import Analyser
from transforms.catalog import Catalog
from transforms.records import Document, Evidence
from transforms.resources import config_dir
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.factors import BLAME, Factors
from transforms.stances.lexicon import Lexicon, LexiconError

SHIPPED = config_dir() / "stances.toml"

SMALL = """
format = 1
[classes]
arms = ["drone"]
[words]
bad = ["evil"]
[verbs.blame]
lemmas = ["blame", "lash out at"]
stance = "opposed"
kind = "statement"
weight = 0.9
target = ["object"]
[verbs.send]
lemmas = ["send"]
stance = "supportive"
kind = "act"
weight = 0.8
target = ["to"]
needs = ["arms"]
[operators.cancel]
lemmas = ["refuse"]
"""


def load(tmp_path: Path, text: str) -> Lexicon:
    path = tmp_path / "lexicon.toml"
    path.write_text(text, encoding="utf-8")
    return Lexicon.load(path)


def test_small_lexicon_is_indexed_by_first_word(tmp_path: Path) -> None:
    lexicon = load(tmp_path, SMALL)
    assert lexicon.verbs["blame"][0].sign == -1
    phrase = lexicon.verbs["lash"][0]
    assert phrase.rest == ("out", "at")
    assert phrase.target == ("at",)
    assert lexicon.verbs["send"][0].needs == {"drone"}
    assert lexicon.operators["refuse"][0].group == "cancel"
    assert lexicon.words["bad"] == {"evil"}
    assert lexicon.words["good"] == frozenset()


@pytest.mark.parametrize(
    ("change", "entry", "key"),
    [
        (('stance = "opposed"', 'stance = "hostile"'), "verbs.blame", "stance"),
        (('kind = "act"', 'kind = "deed"'), "verbs.send", "kind"),
        (("weight = 0.9", "weight = 1.9"), "verbs.blame", "weight"),
        (("weight = 0.9", "weight = true"), "verbs.blame", "weight"),
        (("weight = 0.9", 'weight = 0.9\ndenied = "never"'), "verbs.blame", "denied"),
        (('target = ["to"]', 'target = ["towards-ish"]'), "verbs.send", "target"),
        (('needs = ["arms"]', 'needs = ["legs"]'), "verbs.send", "needs"),
        (('needs = ["arms"]', 'needz = ["arms"]'), "verbs.send", "needz"),
        (('lemmas = ["refuse"]', 'lemmas = ["refuse", "refuse"]'), "operators.cancel", "lemmas"),
        (('lemmas = ["refuse"]', 'lemmas = ["refuse", 3]'), "operators.cancel", "lemmas"),
        (("[operators.cancel]", "[operators.stop]"), "operators", "stop"),
        (("[words]\nbad", "[words]\nbat"), "words", "bat"),
        (("format = 1", "format = 2"), "top", "format"),
        (("[classes]", "[klasses]"), "klasses", "klasses"),
        (("weight = 0.8", "weight = 0.8\nlean = 0.5"), "verbs.send", "lean"),
        (("weight = 0.8", "weight = 0.8\naccusation = 1"), "verbs.send", "accusation"),
        (("weight = 0.8", 'weight = 0.8\nreciprocal = "yes"'), "verbs.send", "reciprocal"),
        (("[words]", "[factors]\nalleged = 1.1\n[words]"), "factors", "alleged"),
        (("[words]", "[factors]\nalleged = true\n[words]"), "factors", "alleged"),
        (("[words]", "[factors]\nalledged = 0.1\n[words]"), "factors", "alledged"),
        (("[words]", "[factors]\nblame = 0.1\n[words]"), "factors", "blame"),
        (("[words]", "[factors.blame]\ndenying = 1\n[words]"), "factors.blame", "denying"),
        (("[words]", "[factors.blame]\njudging = -1\n[words]"), "factors.blame", "judging"),
    ],
)
def test_faults_name_file_entry_and_key(
    tmp_path: Path, change: tuple[str, str], entry: str, key: str
) -> None:
    assert change[0] in SMALL
    with pytest.raises(LexiconError) as error:
        load(tmp_path, SMALL.replace(*change))
    message = str(error.value)
    assert "lexicon.toml" in message
    assert f"[{entry}] {key}:" in message
    assert "\n" not in message


def test_factors_that_a_lexicon_lacks_are_the_shipped_ones(tmp_path: Path) -> None:
    assert load(tmp_path, SMALL).factors == Factors() == Lexicon.load(SHIPPED).factors
    some = "[factors]\nalleged = 0\n[factors.blame]\njudging = 1\n[words]"
    factors = load(tmp_path, SMALL.replace("[words]", some)).factors
    assert factors == Factors(alleged=0.0, blame={**BLAME, "judging": 1.0})


def read(text: str, dyad: str, lexicon: Lexicon) -> Evidence:
    catalog = Catalog.load([config_dir() / "actors"])
    document = Document("x", "", text, datetime(2026, 11, 2, tzinfo=UTC))
    settings = StanceSettings(engine="grammar")
    (analysis,) = Analyser(catalog, lexicon, ActorSettings(), settings).analyse([document])
    (found,) = [e for e in analysis.evidence if f"{e.source_rollup}>{e.target_rollup}" == dyad]
    return found


@pytest.mark.parametrize(
    ("text", "dyad", "old", "new"),
    [
        ("Peru said Chile hit Norway.", "CHL>NOR", "third_party = 0.8", "third_party = 0.2"),
        ("Reports said Chile hit Norway.", "CHL>NOR", "speaker = 0.85", "speaker = 0.2"),
        ("Peru accused Chile of hitting Norway.", "CHL>NOR", "alleged = 0.5", "alleged = 0.2"),
        ("Chile might hit Norway.", "CHL>NOR", "hypothetical = 0.45", "hypothetical = 0.2"),
        ("Peru said Chile hit Norway.", "PER>CHL", "neutral = 0.8", "neutral = 0.2"),
        ("According to Peru, Chile hit Norway.", "PER>CHL", "according = 0.6", "according = 0.2"),
    ],
)
def test_factors_weigh(tmp_path: Path, text: str, dyad: str, old: str, new: str) -> None:
    shipped = SHIPPED.read_text(encoding="utf-8")
    assert shipped.count(old) == 1
    before = read(text, dyad, Lexicon.load(SHIPPED))
    after = read(text, dyad, load(tmp_path, shipped.replace(old, new)))
    assert abs(after.score) < abs(before.score) - 0.05


def test_lists_are_read_by(tmp_path: Path) -> None:
    shipped = SHIPPED.read_text(encoding="utf-8")
    own = load(
        tmp_path,
        shipped.replace("negative_adverbs = [", 'negative_adverbs = ["rarely", ').replace(
            "\nformer = [", '\nformer = ["sometime", '
        ),
    )
    denied, past = "Chile rarely praised Norway.", "Chile is a sometime ally of Norway."
    assert read(denied, "CHL>NOR", Lexicon.load(SHIPPED)).factuality == "asserted"
    assert read(denied, "CHL>NOR", own).factuality == "negated"
    assert not read(past, "CHL>NOR", Lexicon.load(SHIPPED)).is_background
    assert read(past, "CHL>NOR", own).is_background


def test_absent_or_unreadable_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="cannot be read"):
        Lexicon.load(tmp_path / "none.toml")
    with pytest.raises(LexiconError, match="not TOML"):
        load(tmp_path, "format = ")


def test_fingerprint_follows_the_content(tmp_path: Path) -> None:
    first = load(tmp_path, SMALL).fingerprint
    assert load(tmp_path, SMALL).fingerprint == first
    assert load(tmp_path, SMALL.replace("0.9", "0.8")).fingerprint != first


def test_shipped_lexicon_loads_and_pickles() -> None:
    lexicon = Lexicon.load(config_dir() / "stances.toml")
    assert pickle.loads(pickle.dumps(lexicon)) == lexicon
    for frames in lexicon.verbs.values():
        lengths = [len(frame.rest) for frame in frames]
        assert lengths == sorted(lengths, reverse=True), "longer phrases must be tried first"
