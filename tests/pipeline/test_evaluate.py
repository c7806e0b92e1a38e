from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.evaluate import (
    BadReferenceError,
    evaluate_directed_sentiment,
    evaluate_event_coding,
    evaluate_gold,
    evaluate_phenomena,
    evaluate_seed,
)
from pipeline.evaluation.directed import unmark
from pipeline.evaluation.scores import Tally, bootstrap, class_figures, macro_f1, total
from transforms.analyse import Analyser
from transforms.catalog import Catalog
from transforms.resources import config_dir
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.lexicon import Lexicon

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / ".." / "shared"
ACTORS, STANCES = ActorSettings(), StanceSettings()


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.load(config_dir() / "stances.toml")


@pytest.fixture(scope="module")
def analyser(lexicon: Lexicon) -> Analyser:
    return Analyser(Catalog.load([config_dir() / "actors"]), lexicon, ACTORS, STANCES)


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"../shared/{name} is absent: its figures are not checked")
    return path


def test_tally_by_hand() -> None:
    tally = Tally()
    tally.add({"a", "b", "c"}, {"b", "c", "d", "e"})
    assert (tally.right, tally.extra, tally.missed) == (2, 1, 2)
    assert tally.precision == pytest.approx(2 / 3)
    assert tally.recall == pytest.approx(0.5)
    assert tally.f1 == pytest.approx(4 / 7)
    assert total([tally, tally]).missed == 4
    assert Tally().f1 == Tally().precision == Tally().recall == 0.0


def test_class_figures_by_hand() -> None:
    pairs = [("x", "x"), ("x", "y"), ("y", "y"), ("y", "x"), ("y", "y")]
    figures = class_figures(pairs)
    assert figures["x"]["f1"] == 0.5
    assert figures["y"]["precision"] == figures["y"]["recall"] == 0.6667
    assert macro_f1(pairs, ["x", "y"]) == pytest.approx((0.5 + 0.6667) / 2, abs=1e-4)
    assert macro_f1(pairs, ["x", "never"]) == 0.25


def test_bootstrap_is_seeded_and_holds_the_figure() -> None:
    items = [Tally(1, 0, 0)] * 8 + [Tally(0, 1, 1)] * 2
    low, high = bootstrap(items, lambda t: t.f1)
    assert low < total(items).f1 < high
    assert bootstrap(items, lambda t: t.f1) == [low, high]
    assert bootstrap([], lambda t: t.f1) == [0.0, 0.0]


def test_brackets_come_off_with_offsets() -> None:
    marked = unmark({"id": "a", "sentence": "[Ann]s cat (not [Bo’s]) ran."})
    assert marked.text == "Anns cat (not Bo’s) ran."
    assert marked.text[slice(*marked.p)] == "Ann"
    assert marked.text[slice(*marked.q)] == "Bo’s"
    with pytest.raises(BadReferenceError, match="two bracketed"):
        unmark({"id": "a", "sentence": "[Ann] ran."})


@pytest.mark.parametrize("content", ["{", "[]\n", '"text"\n'])
def test_bad_reference_names_file_and_line(tmp_path: Path, content: str, lexicon: Lexicon) -> None:
    path = tmp_path / "valid.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadReferenceError, match=r"valid\.jsonl:1"):
        evaluate_directed_sentiment(path, lexicon, ACTORS, STANCES)


def test_absent_reference_is_said(tmp_path: Path, analyser: Analyser) -> None:
    with pytest.raises(BadReferenceError, match="no such file"):
        evaluate_seed(tmp_path, analyser)


def test_directed_predictions_by_hand(tmp_path: Path, lexicon: Lexicon) -> None:
    sentences = [
        ("[Mr. Smith] praised [the senator].", "positive", "p->q"),
        ("[The firm] was sued by [the union].", "negative", "q->p"),
        ("[Ann] and [Bob] live in Rome.", "neutral", None),
    ]
    path = tmp_path / "valid.jsonl"
    rows = [
        {"id": str(i), "sentence": text, "stance": stance, "direction": direction}
        for i, (text, stance, direction) in enumerate(sentences)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    report, predictions = evaluate_directed_sentiment(tmp_path, lexicon, ACTORS, STANCES)
    found = [(p["id"], p["stance"], p["direction"]) for p in predictions]
    assert found == [(row["id"], row["stance"], row["direction"]) for row in rows]
    assert report["accuracy"] == 1.0
    assert report["edges"]["right"] == 2


def test_gold_figures(analyser: Analyser) -> None:
    report, predictions = evaluate_gold(ROOT / "seeds", analyser)
    assert report["absent"] == []
    assert report["articles"] == len(predictions) > 80
    assert report["f1"] >= 0.90
    assert report["voice_accuracy"] >= 0.93
    assert report["stories"]["f1"] >= 0.95
    assert report["stories"]["right"] > 20


def test_phenomena_figures(lexicon: Lexicon) -> None:
    data = ROOT / "tests" / "data"
    catalog = Catalog.load([config_dir() / "actors", data / "invented_actors.json"])
    analyser = Analyser(catalog, lexicon, ACTORS, STANCES)
    report, _ = evaluate_phenomena(data / "stance_phenomena.jsonl", analyser)
    assert report["sentences_right"] >= 0.80
    assert report["precision"] >= 0.90


def test_seed_figures(analyser: Analyser) -> None:
    report, predictions = evaluate_seed(shared("seeds"), analyser)
    assert report["required_found"] >= 17
    assert report["traps_sprung"] == []
    voices = {(p["source"], p["target"]): set(p["voices"]) for p in predictions}
    gold = json.loads((shared("seeds") / "gold.json").read_text("utf-8"))
    assert len(gold["third_party"]) == 6
    for dyad in (("RUS", "IRN"), ("RUS", "PRK")):
        assert "third_party" in voices[dyad]


def test_event_coding_figures(lexicon: Lexicon) -> None:
    report, _ = evaluate_event_coding(shared("data/event_coding"), lexicon, ACTORS, STANCES)
    assert report["f1"] >= 0.80


def test_directed_sentiment_figures(tmp_path: Path, lexicon: Lexicon) -> None:
    lines = (shared("data/directed_sentiment") / "valid.jsonl").read_text("utf-8").splitlines()
    sample = tmp_path / "valid.jsonl"
    sample.write_text("\n".join(lines[::4]), encoding="utf-8")
    report, _ = evaluate_directed_sentiment(sample, lexicon, ACTORS, STANCES)
    assert report["sentences"] == len(lines[::4])
    assert report["edges"]["precision"] >= 0.8
    assert report["edges"]["recall"] >= 0.2
