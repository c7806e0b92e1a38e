from __future__ import annotations

import hashlib
import os
import re
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
from transforms.signatures import (
    BATCH,
    VALUE_BYTES,
    SketchInput,
    estimate_jaccard,
    sketch,
    sketch_batch,
    sketch_many,
)
from transforms.words import hash_words

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
    assert digest.hexdigest() == "17e74654d9467127"


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
    assert len(made.signature) == 16 * VALUE_BYTES and made.bands


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_word_hashes_depend_on_the_word_and_a_number_s_marks_alone(texts):
    words = hash_words(texts)
    assert words.counts.sum() == len(words.hashes) and len(words) == len(texts)
    alone = [
        int(hash_words([with_marks(text, start, end)]).hashes[-1])
        for number, text in enumerate(texts)
        for start, end in spans(words, number)
    ]
    assert alone == words.hashes.tolist()


def with_marks(text, start, end):
    """A word with all around it that can be a number's sign, unit or first figures."""
    return text[max(0, start - 3) : end + (text[end : end + 1] == "%")]


def spans(words, number):
    """Where the words of a text stand in it."""
    span = slice(*words.bounds[number : number + 2].tolist())
    return list(zip(words.starts[span].tolist(), words.ends[span].tolist(), strict=True))


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="aB1 \u00e9\u00df\u2019\u201c.\u4e2d\u6587-", max_size=60))
def test_words_are_cut_out_of_the_text(text):
    words = hash_words([text])
    pieces = [text[start:end] for start, end in spans(words, 0)]
    assert all(not any(c in " .-\u2019\u201c" for c in piece) and piece for piece in pieces)
    assert all(len(piece) == 1 for piece in pieces if "\u4e2d" in piece)
    kept = re.sub("[ .\u2019\u201c-]", "", text)
    assert "".join(pieces) == kept


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("\u00c9cole", "\u00e9cole", True),
        ("Stra\u00dfe", "STRA\u1e9eE", True),
        ("\u00e9cole", "ecole", False),
        ("\u00e9t\u00e9", "\u00eat\u00e9", False),
        ("longwordlongword", "longwordlongword" * 2, False),
        ("x" * 100 + "a", "x" * 100 + "b", False),
        ("x" * 100 + "a", "X" * 100 + "A", True),
        ("abcdefgh", "abcdefgh0", False),
    ],
)
def test_words_have_one_hash_when_they_are_equal_but_for_case(one, other, equal):
    assert (hash_words([one]).hashes[0] == hash_words([other]).hashes[0]) is np.bool_(equal)


def test_more_articles_than_a_batch_are_refused_and_cut_by_sketch_many():
    inputs = [SketchInput(str(n), "", f"word{n} " * 50, NOW) for n in range(BATCH + 1)]
    with pytest.raises(ValueError, match="more than"):
        sketch_batch(inputs, SETTINGS)
    assert [made.item_id for made in sketch_many(inputs, SETTINGS)] == [i.item_id for i in inputs]


def test_what_an_outlet_puts_around_a_text_leaves_no_trace():
    text = ORIGINALS["lane"]
    framed = f"PORT SARN (Harbour Wire) - {text}\n\n(Reporting by A. Brandt; editing by B. Falk)"
    assert of(framed).bands == of(text).bands and of(framed).text_hash == of(text).text_hash
