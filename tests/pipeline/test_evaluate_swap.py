from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from random import Random

import pytest

from pipeline.evaluate import BadReferenceError, evaluate_swap
from pipeline.evaluation.stand_ins import StandIns, replace_spans
from transforms.analyse import Analyser
from transforms.catalog import Catalog
from transforms.resources import config_dir
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.lexicon import Lexicon

DAY = date(2026, 11, 2)


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    catalog = Catalog.load([config_dir() / "actors"])
    lexicon = Lexicon.load(config_dir() / "stances.toml")
    return Analyser(catalog, lexicon, ActorSettings(), StanceSettings())


@pytest.fixture(scope="module")
def stand_ins(analyser: Analyser) -> StandIns:
    return StandIns(analyser.catalog, DAY)


@pytest.mark.parametrize(
    ("text", "old", "new", "expected"),
    [
        ("He left the United States today.", "United States", "Norway", "He left Norway today."),
        ("an Iranian ship", "Iranian", "Polish", "a Polish ship"),
        ("A Polish ship", "Polish", "Iranian", "An Iranian ship"),
        ("Peru's port", "Peru", "Saudi Arabia", "Saudi Arabia's port"),
        ("the Norwegian army", "Norwegian", "Thai", "the Thai army"),
    ],
)
def test_articles_follow_the_new_name(text: str, old: str, new: str, expected: str) -> None:
    start = text.index(old)
    assert replace_spans(text, [(start, start + len(old), new)]) == expected


def test_stand_ins_are_of_the_type_and_named_without_doubt(stand_ins: StandIns) -> None:
    catalog = stand_ins.catalog
    lengths = set()
    for number in range(200):
        for kind in ("state", "group", "organisation"):
            found = stand_ins.draw(kind, Random(number))
            assert found is not None
            assert catalog.type_of(found.actor) == kind
            assert {use.actor for use in catalog.names.lookup(found.name)} == {found.actor}
            lengths.add(len(found.name.split()))
    assert len(lengths) >= 3
    named = stand_ins.draw("state", Random(1), frozenset({"demonym", "capital"}))
    assert named is not None
    assert named.demonym
    assert named.capital
    assert stand_ins.draw("moon", Random(1)) is None


def test_texts_and_marked_sentences_are_swapped(analyser: Analyser, tmp_path: Path) -> None:
    phenomena = tmp_path / "phenomena.jsonl"
    texts = [
        "Norway condemned Hungary over the Hungarian tariff.",
        "Warsaw thanked the Kenyan government for its help.",
        "It rained in Oslo.",
    ]
    phenomena.write_text("".join(json.dumps({"id": "x", "text": text}) + "\n" for text in texts))
    marked = tmp_path / "valid.jsonl"
    sentence = "[Anna Berg] praised [Peter Lund] on Monday."
    marked.write_text(json.dumps({"id": "1", "sentence": sentence, "stance": "positive"}))
    report, rows = evaluate_swap([phenomena, marked], analyser)
    assert (report, rows) == evaluate_swap([phenomena, marked], analyser)
    assert [row["before"] for row in rows] == [
        "NOR>HUN opposed",
        "POL>KEN supportive",
        "positive p->q",
    ]
    gone = [("Norway", "Hungar"), ("Warsaw", "Keny"), ("Anna", "Lund")]
    for row, names in zip(rows, gone, strict=True):
        assert not any(name in row["swapped"] for name in names)
    assert rows[0]["swapped"].endswith(" tariff.")
    assert rows[1]["swapped"].endswith(" government for its help.")
    assert report["edges"] == report["sentences"] == 3
    assert report["by_reference"][str(marked)]["unchanged"] == 1.0
    assert report["intervals"]["unchanged"]


def test_a_change_is_seen(
    analyser: Analyser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that only knew Norway would be found out."""
    read = analyser.engine.read_sentences

    def only_norway(doc, *rest):  # type: ignore[no-untyped-def]
        return read(doc, *rest) if "Norway" in doc.text else iter(())

    monkeypatch.setattr(analyser.engine, "read_sentences", only_norway)
    path = tmp_path / "phenomena.jsonl"
    path.write_text(json.dumps({"id": "x", "text": "Norway condemned Hungary."}))
    report, rows = evaluate_swap([path], analyser)
    assert rows[0]["after"] == "neutral"
    assert report["unchanged"] == 0.0


def test_other_files_are_refused(analyser: Analyser, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": "x"}')
    with pytest.raises(BadReferenceError, match="neither marked sentences nor texts"):
        evaluate_swap([path], analyser)
