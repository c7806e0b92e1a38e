from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from transforms.analyse import Analyser
from transforms.catalog import Catalog
from transforms.records import Analysis, Document
from transforms.resources import config_dir
from transforms.schemas import ACTORS
from transforms.sentences import split_document
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.lexicon import Lexicon

PUBLISHED = datetime(2026, 11, 3, 12, tzinfo=UTC)
TEXT = (
    "Norway condemned Belarus on Monday. It also imposed sanctions on Iran. "
    "“We stand with Ukraine,” the Norwegian foreign minister said. "
    "Sweden did not back Hungary. Weather in Peru was fine."
)


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return Analyser(
        Catalog.load([config_dir() / "actors"]),
        Lexicon.load(config_dir() / "stances.toml"),
        ActorSettings(),
        StanceSettings(),
    )


def one(analyser: Analyser, text: str, title: str = "", **more: object) -> Analysis:
    document = Document("x", title, text, PUBLISHED, **more)  # type: ignore[arg-type]
    return analyser.analyse([document])[0]


def edges(analysis: Analysis) -> set[tuple[str, str, str]]:
    return {(e.source_rollup, e.stance, e.target_rollup) for e in analysis.evidence if e.counted}


def test_whole_document(analyser: Analyser) -> None:
    analysis = one(analyser, TEXT)
    assert analysis.error is None
    assert edges(analysis) == {
        ("NOR", "opposed", "BLR"),
        ("NOR", "opposed", "IRN"),
        ("NOR", "supportive", "UKR"),
    }
    assert {"NOR", "BLR", "IRN", "UKR", "SWE", "HUN", "PER"} <= set(analysis.rollups)
    assert analysis.actors == sorted(analysis.actors)
    negated = [e for e in analysis.evidence if e.factuality == "negated"]
    assert [(e.stance, e.counted) for e in negated] == [("neutral", False)]


def test_offsets_point_into_the_original_sentence(analyser: Analyser) -> None:
    title = "Norway Slams Belarus Over Ukraine War"
    analysis = one(analyser, TEXT, title)
    sentences = {s.text: s.hash for s in split_document(title, TEXT)}
    assert analysis.evidence
    for piece in analysis.evidence:
        assert sentences[piece.sentence] == piece.sentence_hash
        assert piece.sentence[piece.trigger_start : piece.trigger_end] == piece.trigger
        assert piece.trigger
        assert 0 <= piece.source_start < piece.source_end <= len(piece.sentence)
        assert 0 <= piece.target_start < piece.target_end <= len(piece.sentence)
    slams = next(e for e in analysis.evidence if e.trigger == "Slams")
    assert slams.sentence[slams.source_start : slams.source_end] == "Norway"
    assert slams.sentence[slams.target_start : slams.target_end] == "Belarus"


def test_probabilities_and_rounding(analyser: Analyser) -> None:
    for piece in one(analyser, TEXT).evidence:
        values = (piece.p_supportive, piece.p_opposed, piece.p_neutral)
        assert sum(values) == pytest.approx(1.0, abs=1e-9)
        assert all(0 <= v <= 1 and round(v, 4) == v for v in (*values, piece.confidence))
        assert piece.score == pytest.approx(piece.p_supportive - piece.p_opposed, abs=1e-9)


def test_only_own_sentences_are_reported_with_context_to_resolve_them(analyser: Analyser) -> None:
    analysis = one(analyser, TEXT, own=(1,))
    assert edges(analysis) == {("NOR", "opposed", "IRN")}, "needs the sentence before for 'It'"
    assert "BLR" not in analysis.rollups
    assert one(analyser, TEXT, own=()).evidence == []
    assert one(analyser, TEXT, own=(99,)).error is None


def test_a_result_does_not_depend_on_its_batch(analyser: Analyser) -> None:
    documents = [
        Document(str(i), "", f"{TEXT} Chile {verb} Peru.", PUBLISHED)
        for i, verb in enumerate(["praised", "condemned", "sued", "thanked"])
    ]
    together = analyser.analyse(documents)
    for document, analysis in zip(documents, together, strict=True):
        assert analyser.analyse([document])[0] == analysis
    assert analyser.analyse(documents[::-1])[::-1] == together


def test_one_bad_document_spoils_nothing(analyser: Analyser) -> None:
    good = Document("good", "", TEXT, PUBLISHED)
    bad = Document("bad", "", None, PUBLISHED)  # type: ignore[arg-type]
    late = Document("late", "", TEXT, "yesterday")  # type: ignore[arg-type]
    analyses = analyser.analyse([good, bad, late, good])
    assert [a.id for a in analyses] == ["good", "bad", "late", "good"]
    assert analyses[1].error and analyses[2].error
    assert analyses[0].error is None
    assert analyses[0] == analyses[3]
    assert edges(analyses[0])


@pytest.mark.parametrize("text", ["", "   \n", "…", "\x00\x01", "a" * 5000, "? ! ?"])
def test_texts_without_language(analyser: Analyser, text: str) -> None:
    analysis = one(analyser, text, text)
    assert analysis.error is None
    assert analysis.evidence == []


def test_a_quote_in_headline_and_body_counts_once(analyser: Analyser) -> None:
    title = "Norway condemned Belarus on Monday"
    analysis = one(analyser, "Norway condemned Belarus on Monday. More to follow.", title)
    assert len([e for e in analysis.evidence if e.target_rollup == "BLR"]) == 1


def test_actor_rows_fit_the_schema(analyser: Analyser) -> None:
    analysis = one(analyser, f"{TEXT} Emmanuel Macron praised Ilsa Brandtner, a nurse.")
    table = pa.Table.from_pylist(analysis.actor_rows, schema=ACTORS.schema)
    assert set(table["actor"].to_pylist()) >= set(analysis.actors) | set(analysis.rollups)
    by_actor = {row["actor"]: row for row in analysis.actor_rows}
    assert by_actor["NOR"]["in_catalog"] and by_actor["NOR"]["iso3"] == "NOR"


def test_swapped_actors_change_nothing_but_the_names(analyser: Analyser) -> None:
    templates = (
        "{a} condemned {b}.",
        "{a} sent drones to {b} on Friday.",
        "{a} said that {b} had attacked {c}.",
        "{b} was criticised by {a} for its silence.",
        "{a}'s support for {b} angered {c}.",
        "{a} refused to back {b}.",
        "{a} imposed sanctions on {b} and {c}.",
        "{a} and {b} signed a defence pact.",
        "{a}, an ally of {b}, accused {c} of piracy.",
        "{a} lifted its sanctions on {b}.",
    )
    casts = [
        ("Norway", "Belarus", "Iran"),
        ("Belarus", "Norway", "Canada"),
        ("China", "Russia", "Japan"),
        ("Ukraine", "Poland", "Cuba"),
        ("Kenya", "Israel", "Syria"),
    ]
    codes = {
        "Norway": "NOR",
        "Belarus": "BLR",
        "Iran": "IRN",
        "Canada": "CAN",
        "China": "CHN",
        "Russia": "RUS",
        "Japan": "JPN",
        "Ukraine": "UKR",
        "Poland": "POL",
        "Cuba": "CUB",
        "Kenya": "KEN",
        "Israel": "ISR",
        "Syria": "SYR",
    }
    shapes: dict[str, list[set[tuple[str, str, str]]]] = {}
    documents = [
        Document(f"{i}:{j}", "", template.format(a=a, b=b, c=c), PUBLISHED)
        for i, template in enumerate(templates)
        for j, (a, b, c) in enumerate(casts)
    ]
    for document, analysis in zip(documents, analyser.analyse(documents), strict=True):
        template, cast = document.id.split(":")
        role = {codes[name]: letter for name, letter in zip(casts[int(cast)], "abc", strict=True)}
        shape = {(role[s], stance, role[t]) for s, stance, t in edges(analysis)}
        shapes.setdefault(template, []).append(shape)
    same = sum(shape == found[0] for found in shapes.values() for shape in found)
    assert same >= 0.95 * len(documents)
