from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from near_copy_texts import EDITS, ORIGINALS

from transforms.settings import DeduplicateSettings
from transforms.signatures import SketchInput, estimate_jaccard, sketch, sketch_many
from transforms.words import fold, hash_words, word_spans

SETTINGS = DeduplicateSettings()
NOW = datetime(2026, 2, 4, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


def of(text: str, title: str = "Headline"):
    return sketch("a", title, text, NOW, SETTINGS)


def test_signatures_are_the_same_bytes_in_every_process():
    script = (
        "import sys; from datetime import UTC, datetime; sys.path.insert(0, 'tests/transforms')\n"
        "from near_copy_texts import ORIGINALS; from transforms.signatures import sketch\n"
        "from transforms.settings import DeduplicateSettings\n"
        "for text in ORIGINALS.values():\n"
        "    made = sketch('a', '', text, datetime.now(UTC), DeduplicateSettings())\n"
        "    print(made.signature.hex(), made.bands, made.text_hash)\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    here = "".join(
        f"{made.signature.hex()} {made.bands} {made.text_hash}\n"
        for made in (of(text) for text in ORIGINALS.values())
    )
    assert outputs == {here}


def test_stored_signatures_stay_comparable_across_versions():
    """Signatures are in the store: a change here must come with a rebuild of every index."""
    made = of(ORIGINALS["lane"])
    digest = hashlib.blake2b(made.signature + repr(made.bands).encode(), digest_size=8)
    assert digest.hexdigest() == "6616305ae7bab6f7"


def test_a_batch_gives_what_single_calls_give():
    inputs = [
        SketchInput(name, "", text, NOW)
        for name, text in {**ORIGINALS, "none": "", "one": "Word", "short": "Two words."}.items()
    ]
    single = [sketch(i.item_id, i.title, i.text, i.published_at, SETTINGS) for i in inputs]
    assert sketch_many(inputs, SETTINGS) == single
    assert sketch_many(inputs[::-1], SETTINGS) == single[::-1]


@pytest.mark.parametrize("name", ORIGINALS)
@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_copy_shares_a_band_with_its_original(name, edit):
    original, copy = of(ORIGINALS[name]), of(EDITS[edit](ORIGINALS[name]))
    assert set(original.bands) & set(copy.bands)


def test_different_articles_share_no_band():
    made = [set(of(text).bands) for text in ORIGINALS.values()]
    assert not (made[0] & made[1] or made[1] & made[2] or made[0] & made[2])


def test_a_teaser_shares_a_band_with_its_article():
    for text in ORIGINALS.values():
        teaser = text.split(". ")[0] + "."
        assert set(of(teaser).bands) & set(of(text).bands)


def test_case_and_typography_leave_no_trace():
    plain = of('He said: "It isn\'t over" - and left.')
    fancy = of("He said: \u201cIT ISN\u2019T OVER\u201d \u2014 and left\u2026")
    assert plain.text_hash == fancy.text_hash
    assert plain.bands == fancy.bands


def test_texts_without_words_have_no_band_and_short_ones_no_signature():
    assert of(" \u2014 ...").bands == ()
    assert of("").signature == b""
    two = of("Two words")
    assert two.signature == b"" and len(two.bands) == 1 and two.shingles == 0 and two.words == 2


def test_bands_are_signed_64_bit_and_sorted():
    bands = of(ORIGINALS["strike"]).bands
    assert list(bands) == sorted(set(bands))
    assert all(-(2**63) <= band < 2**63 for band in bands)


def test_estimate_is_near_the_exact_jaccard():
    words = [f"word{number}" for number in range(800)]
    first, second = of(" ".join(words[:600])), of(" ".join(words[200:]))
    exact = 397 / (597 + 597 - 397)
    assert estimate_jaccard(first.signature, second.signature) == pytest.approx(exact, abs=0.13)
    assert estimate_jaccard(first.signature, first.signature) == 1.0
    assert estimate_jaccard(first.signature, b"") == 0.0


def test_more_bands_than_the_signature_holds_are_cut_to_what_it_holds():
    settings = SETTINGS.model_copy(update={"permutations": 16, "bands": 100, "band_rows": 8})
    made = sketch("a", "", ORIGINALS["lane"], NOW, settings)
    assert len(made.signature) == 16 * 4 and made.bands


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_word_hashes_depend_on_the_word_alone(texts):
    hashes, counts = hash_words([fold(text) for text in texts])
    assert counts.sum() == len(hashes)
    alone = [hash_words([word])[0][0] for text in texts for word in fold(text).split()]
    assert hashes.tolist() == [int(value) for value in alone]


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="aB1 \u00e9\u00df\u2019\u201c.\u4e2d-", max_size=60))
def test_word_spans_cut_the_words_out_of_the_text(text):
    hashes, starts, ends = word_spans(text)
    for value, start, end in zip(hashes, starts, ends, strict=True):
        piece = text[start:end]
        assert piece and not any(character in " .-\u2019\u201c" for character in piece)
        assert np.array_equal(word_spans(piece)[0], [value])
