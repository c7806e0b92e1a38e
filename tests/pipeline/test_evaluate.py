from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from pipeline.evaluate import (
    BadReferenceError,
    evaluate_cases,
    evaluate_directed_sentiment,
    evaluate_event_coding,
    evaluate_gold,
    evaluate_phenomena,
    evaluate_seed,
    evaluate_swap,
)
from pipeline.evaluation.calibration import calibration_error, curve_figures, perfect_error
from pipeline.evaluation.directed import unmark
from pipeline.evaluation.event_coding_faults import load_faults
from pipeline.evaluation.intervals import with_intervals
from pipeline.evaluation.scores import Tally, class_figures, macro_f1, total
from transforms.analyse import Analyser
from transforms.catalog import Catalog
from transforms.resources import config_dir
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.lexicon import Lexicon

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / ".." / "shared"
DATA = ROOT / "tests" / "data"
ACTORS, STANCES = ActorSettings(), StanceSettings()
# The least that each engine may score: just under what was measured (docs/evaluation.md).
FLOORS = {
    "grammar": {
        "gold_f1": 0.92,
        "voice": 0.97,
        "phenomena": 0.97,
        "cases": 0.96,
        "news": 0.92,
        "held_out": 0.75,
        "planted": 0.88,
        "swap": 0.95,
        "events_f1": 0.86,
        "events_mended_f1": 0.93,
        "directed_macro_f1": 0.41,
        "directed_accuracy": 0.74,
        "edges_precision": 0.85,
        "edges_recall": 0.27,
        "directed_swap": 0.96,
        "directed_all_unchanged": 0.98,
    },
    "both": {
        "gold_f1": 0.92,
        "voice": 0.97,
        "phenomena": 0.96,
        "cases": 0.96,
        "news": 0.92,
        "held_out": 0.78,
        "planted": 0.88,
        "swap": 0.95,
        "events_f1": 0.86,
        "events_mended_f1": 0.93,
        "directed_macro_f1": 0.49,
        "directed_accuracy": 0.755,
        "edges_precision": 0.80,
        "edges_recall": 0.40,
        "directed_swap": 0.95,
        "directed_all_unchanged": 0.97,
    },
}
# What any engine must reach, where none of its own is listed.
LEAST = {
    "gold_f1": 0.90,
    "voice": 0.93,
    "phenomena": 0.90,
    "cases": 0.90,
    "news": 0.85,
    "held_out": 0.65,
    "planted": 0.80,
    "swap": 0.95,
    "events_f1": 0.80,
    "events_mended_f1": 0.80,
    "directed_swap": 0.80,
    "directed_all_unchanged": 0.90,
}
# And the most that their confidence may be off: a perfect reader's edges, as few, show .06 to .09.
MOST_CALIBRATION_ERROR = {"grammar": 0.14, "both": 0.075}
FLOOR = FLOORS.get(STANCES.engine, LEAST)


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
    assert macro_f1(figures, ["x", "y"]) == pytest.approx((0.5 + 0.6667) / 2, abs=1e-4)
    assert macro_f1(figures, ["x", "never"]) == 0.25


def test_intervals_are_seeded_and_hold_the_figures() -> None:
    items = [("a", True)] * 80 + [("b", False)] * 20

    def report(drawn: Sequence[tuple[str, bool]]) -> dict[str, Any]:
        groups = {name: [right for key, right in drawn if key == name] for name in "ab"}
        return {
            "items": len(drawn),
            "share": sum(right for _, right in drawn) / len(drawn),
            "groups": {name: {"share": sum(g) / len(g)} for name, g in groups.items() if g},
            "names": ["a", "b"],
        }

    done = with_intervals(items, report)
    low, high = done["intervals"]["share"]
    # The binomial's own 95 % interval of 80 in 100 is .72 to .88.
    assert (low, high) == (pytest.approx(0.72, abs=0.015), pytest.approx(0.88, abs=0.015))
    assert done["intervals"]["groups"] == {"a": {"share": [1.0, 1.0]}, "b": {"share": [0.0, 0.0]}}
    assert "items" not in done["intervals"]
    assert with_intervals(items, report) == done
    assert with_intervals([], lambda drawn: {"share": 0.0})["intervals"] == {}


def test_calibration_by_hand() -> None:
    assert calibration_error([0.9] * 150, [True] * 135 + [False] * 15) > 0.0
    assert calibration_error([1.0, 1.0, 0.0], [True, True, False]) == 0.0
    assert calibration_error([0.5] * 4, [True] * 4) == 0.5
    assert calibration_error([], []) == 0.0
    # Two bins' worth of items each wrong by .2, in opposite ways: errors don't cancel.
    told = [0.3] * 15 + [0.7] * 15
    was = ([True] * 5 + [False] * 5 + [True] * 5) + [True] * 15
    assert calibration_error(told, was) > 0.3


def test_a_perfect_reader_shows_an_error_that_falls_with_more_items() -> None:
    few, many = perfect_error([0.7] * 60), perfect_error([0.7] * 3000)
    assert few > 0.1 > 0.04 > many > 0.0
    assert perfect_error([1.0] * 60) == perfect_error([]) == 0.0


def test_curve_by_hand() -> None:
    told = [0.9, 0.8, 0.7, 0.6, 0.6]
    right = [True, True, False, True, False]
    figures = curve_figures(told, right, wanted=5)
    # After .8: precision 1, recall .4; after .6: precision .6, recall .6.
    assert figures["precision_at_recall_40"] == 1.0
    assert figures["recall_at_precision_80"] == 0.4
    assert figures["threshold"] == 0.8
    assert curve_figures([], [], 3) == {
        "precision_at_recall_40": 0.0,
        "recall_at_precision_80": 0.0,
        "threshold": 1.0,
    }


def test_faults_name_records_and_edges_of_the_reference() -> None:
    lines = (shared("data/event_coding") / "dev.jsonl").read_text("utf-8").splitlines()
    records = {row["id"]: row for row in map(json.loads, lines)}
    for key, fault in load_faults().items():
        expected = {(e["source"], e["target"], e["stance"]) for e in records[key]["expected"]}
        assert fault.wrong <= expected, key
        assert not fault.stated & expected, key
        assert fault.reason


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
    assert report["f1"] >= FLOOR["gold_f1"]
    assert report["voice_accuracy"] >= FLOOR["voice"]
    assert report["stories"]["f1"] >= 0.95
    assert report["stories"]["right"] > 20


@pytest.fixture(scope="module")
def inventive(lexicon: Lexicon) -> Analyser:
    """The analyser with the invented states of tests/data."""
    catalog = Catalog.load([config_dir() / "actors", DATA / "invented_actors.json"])
    return Analyser(catalog, lexicon, ACTORS, STANCES)


def test_phenomena_figures(inventive: Analyser) -> None:
    report, _ = evaluate_phenomena(DATA / "stance_phenomena.jsonl", inventive)
    assert report["sentences"] >= 200
    assert len(report["by_phenomenon"]) >= 20
    assert report["sentences_right"] >= FLOOR["phenomena"]


def test_case_figures(analyser: Analyser) -> None:
    report, rows = evaluate_cases(shared("cases"), analyser)
    assert report["sentences"] >= 28
    assert report["sentences_right"] >= FLOOR["cases"], [r["id"] for r in rows if not r["right"]]


def test_news_figures(inventive: Analyser) -> None:
    report, _ = evaluate_phenomena(DATA / "stance_news.jsonl", inventive)
    assert report["sentences"] >= 190
    assert report["sentences_right"] >= FLOOR["news"]


def test_held_out_figures(inventive: Analyser) -> None:
    """Read no misses of this set, tune nothing to it: its figure is worth what it is untouched."""
    report, _ = evaluate_phenomena(DATA / "stance_held_out.jsonl", inventive)
    assert report["sentences"] >= 190
    assert len(report["by_phenomenon"]) >= 20
    assert report["sentences_right"] >= FLOOR["held_out"]
    tuned = ("stance_phenomena.jsonl", "stance_news.jsonl", "stance_sentences.jsonl")
    seen = "".join((DATA / name).read_text("utf-8") for name in tuned)
    held_out = (DATA / "stance_held_out.jsonl").read_text("utf-8").splitlines()
    assert not any(json.dumps(json.loads(line)["text"]) in seen for line in held_out)


def test_realignments_are_read_as_well_as_ordinary_news(inventive: Analyser) -> None:
    report, _ = evaluate_phenomena(DATA / "stance_realignments.jsonl", inventive)
    planted, ordinary = report["by_set"]["planted"], report["by_set"]["ordinary"]
    assert planted["sentences"] == ordinary["sentences"] >= 60
    assert planted["sentences_right"] >= FLOOR["planted"]
    low, high = report["intervals"]["ordinary_minus_planted"]
    assert low <= 0.0 <= high


def test_planted_sentences_are_whole_pairs_of_one_grammar() -> None:
    lines = (DATA / "stance_realignments.jsonl").read_text("utf-8").splitlines()
    pairs: dict[str, list[dict[str, Any]]] = {}
    for row in map(json.loads, lines):
        pairs.setdefault(row["pair"], []).append(row)
    for planted, ordinary in pairs.values():
        assert (planted["set"], ordinary["set"]) == ("planted", "ordinary")
        assert planted["text"] != ordinary["text"]
        for key in ("expected", "must_not"):
            signs = [[edge["stance"] for edge in row[key]] for row in (planted, ordinary)]
            assert signs[0] == signs[1]


def test_sentences_are_read_and_not_names(inventive: Analyser) -> None:
    report, _ = evaluate_swap([DATA / "stance_realignments.jsonl"], inventive)
    assert report["edges"] > 80
    assert report["unchanged"] >= FLOOR["swap"]


def test_seed_figures(analyser: Analyser) -> None:
    report, predictions = evaluate_seed(shared("seeds"), analyser)
    assert report["required_found"] == report["required"] == 18
    assert report["traps_sprung"] == []
    assert len(report["extra"]) <= 4
    voices = {(p["source"], p["target"]): set(p["voices"]) for p in predictions}
    gold = json.loads((shared("seeds") / "gold.json").read_text("utf-8"))
    assert len(gold["third_party"]) == 6
    for dyad in (("RUS", "IRN"), ("RUS", "PRK")):
        assert "third_party" in voices[dyad]


def test_event_coding_figures(lexicon: Lexicon) -> None:
    report, _ = evaluate_event_coding(shared("data/event_coding"), lexicon, ACTORS, STANCES)
    assert report["f1"] >= FLOOR["events_f1"]
    assert report["mended"]["f1"] >= FLOOR["events_mended_f1"]
    assert len(report["faults"]) >= 15


@pytest.mark.parametrize("engine", sorted(FLOORS))
def test_directed_sentiment_figures(lexicon: Lexicon, engine: Literal["grammar", "both"]) -> None:
    split = shared("data/directed_sentiment") / "valid.jsonl"
    stances = StanceSettings(engine=engine)
    report, _ = evaluate_directed_sentiment(split, lexicon, ACTORS, stances)
    floor = FLOORS[engine]
    assert report["sentences"] == len(split.read_text("utf-8").splitlines())
    assert report["macro_f1"] >= floor["directed_macro_f1"]
    assert report["accuracy"] >= floor["directed_accuracy"]
    assert report["edges"]["precision"] >= floor["edges_precision"]
    assert report["edges"]["recall"] >= floor["edges_recall"]
    assert report["calibration"]["edges"] >= 150
    assert report["calibration"]["error"] <= MOST_CALIBRATION_ERROR[engine]


def test_marked_names_are_not_read(analyser: Analyser) -> None:
    report, _ = evaluate_swap([shared("data/directed_sentiment")], analyser)
    assert report["edges"] >= 150
    assert report["unchanged"] >= FLOOR["directed_swap"]
    assert report["all_unchanged"] >= FLOOR["directed_all_unchanged"]
