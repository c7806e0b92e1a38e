from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from near_copy_texts import EDITS, EXTRA, ORIGINALS, SHORT_DIFFERENT, SHORT_SAME, SWAPS, TEMPLATES

from transforms.same_text import same_name, same_text, shared_passage
from transforms.settings import DeduplicateSettings
from transforms.text_rules import shipped_rules
from transforms.text_view import TextView

SETTINGS = DeduplicateSettings()


def view(text: str, title: str = "A headline", outlet: str = "Evening Ledger") -> TextView:
    return TextView("x", title, text, outlet)


def both_ways(first: TextView, second: TextView):
    verdict = same_text(first, second, SETTINGS)
    assert same_text(second, first, SETTINGS) == verdict
    return verdict


@pytest.mark.parametrize("name", ORIGINALS)
@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_copy_is_the_same_text(name, edit):
    original = ORIGINALS[name]
    verdict = both_ways(view(original), view(EDITS[edit](original), "Another headline"))
    assert verdict.same, verdict


@pytest.mark.parametrize("swap", SWAPS)
def test_one_swapped_fact_makes_another_text(swap):
    name, old, new = SWAPS[swap]
    original = ORIGINALS[name]
    assert old in original
    verdict = both_ways(view(original), view(original.replace(old, new)))
    assert not verdict.same
    assert verdict.similarity > 0.75, "the test is pointless if wording alone parts them"


@pytest.mark.parametrize("template", TEMPLATES)
def test_two_fillings_of_a_template_are_two_texts(template):
    frame, one, other = TEMPLATES[template]
    verdict = both_ways(view(frame.format(*one)), view(frame.format(*other)))
    assert not verdict.same, verdict
    same = both_ways(
        view(frame.format(*one)), view("KELBURG (Harbour Wire) - " + frame.format(*one))
    )
    assert same.same


@pytest.mark.parametrize("case", SHORT_SAME)
def test_short_texts_that_are_the_same(case):
    (title, text), (other_title, other) = SHORT_SAME[case]
    verdict = both_ways(view(text, title), view(other, other_title))
    assert verdict.same, verdict


@pytest.mark.parametrize("case", SHORT_DIFFERENT)
def test_short_texts_that_differ(case):
    (title, text), (other_title, other) = SHORT_DIFFERENT[case]
    assert not both_ways(view(text, title), view(other, other_title)).same


def test_a_copy_that_an_editor_touched_in_every_line_is_the_same_text():
    words = ORIGINALS["harvest"].split(" ")
    for place in range(7, len(words), 9):
        if words[place].isalpha() and words[place].islower():
            words[place] = {"the": "their", "and": "plus"}.get(
                words[place], "really " + words[place]
            )
    verdict = both_ways(view(ORIGINALS["harvest"]), view(" ".join(words)))
    assert verdict.same and verdict.method == "containment", verdict


def test_the_shared_passage_is_printed_as_the_first_text_has_it():
    original = ORIGINALS["strike"]
    second = original.split("\n\n")[1]
    copy = view(f"{EXTRA}\n\n{second.upper()}")
    assert shared_passage(view(original), copy, SETTINGS) == second.rstrip(".")
    assert shared_passage(view(original), view(""), SETTINGS) == ""
    assert shared_passage(view(original), view("Nothing of it"), SETTINGS) == ""


def test_articles_on_one_event_that_share_a_paragraph_are_two_texts():
    shared = ORIGINALS["lane"].split("\n\n")[2]
    other = ORIGINALS["strike"].split("\n\n")
    verdict = both_ways(view(ORIGINALS["lane"]), view("\n\n".join([*other, shared])))
    assert not verdict.same


def test_a_round_up_joins_at_most_the_story_it_opens_with():
    parts = {name: "\n\n".join(text.split("\n\n")[:3]) for name, text in ORIGINALS.items()}
    round_up = view("Here is what happened today.\n\n" + "\n\n".join(parts.values()))
    joined = [name for name in parts if both_ways(view(parts[name]), round_up).same]
    assert joined == ["lane"]


def test_one_correction_far_below_the_lead_of_a_long_text_is_excused_but_not_two():
    long_text = "\n\n".join([*ORIGINALS.values(), EXTRA])
    one = long_text.replace("30 hectares", "35 hectares")
    two = one.replace("400,000 tonnes", "600,000 tonnes")
    assert both_ways(view(long_text), view(one)).same
    assert not both_ways(view(long_text), view(two)).same


@pytest.mark.parametrize("text", ["", "   \n", "...", "\u2014 \u2026"])
def test_an_empty_text_is_never_the_same_as_anything(text):
    for other in (text, ORIGINALS["lane"], "One short line."):
        assert not both_ways(view(text), view(other)).same


def test_states_with_similar_names_are_not_taken_for_spellings():
    for one, other in (("Austria", "Australia"), ("Niger", "Nigeria"), ("Slovakia", "Slovenia")):
        text = ORIGINALS["strike"].replace("Quillon", one)
        assert not both_ways(view(text), view(text.replace(one, other))).same, (one, other)


RENAMED = {
    "forename for title": ("the Foreign Minister Ilsa Brandt", "the Veldanian FM Brandt"),
    "spelling": ("an envoy in Kiev", "an envoy in Kyiv"),
    "acronym": ("an envoy of the U.N.", "an envoy of the United Nations"),
    "capital for state": ("a firm from Russia", "a firm from Moscow"),
    "transliteration": ("an aide of Volodymyr Zelensky", "an aide of Volodymyr Zelenskiy"),
    "surname only": ("an aide of Jonas Oduya", "an aide of Oduya"),
    "scale": ("a fund of $1 billion", "a fund of $1bn"),
}


@pytest.mark.parametrize("case", RENAMED)
def test_another_name_for_the_same_is_no_swap(case):
    one, other = RENAMED[case]
    text = ORIGINALS["strike"].replace("a nurse who gave her name as Lena", one)
    assert one in text
    assert both_ways(view(text), view(text.replace(one, other))).same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a firm from North Korea", "a firm from South Korea"),
        ("a firm from the United States", "a firm from the United Kingdom"),
        ("President Ilsa Novik", "President Pavel Sorel"),
        ("President Novik of Veldania", "President Novik of Torrin"),
        ("an envoy of Iran", "an envoy of Iraq"),
    ],
)
def test_another_actor_is_a_swap_wherever_it_stands(one, other):
    text = ORIGINALS["strike"].replace("a nurse who gave her name as Lena", one)
    assert not both_ways(view(text), view(text.replace(one, other))).same


def test_a_state_and_its_people_agree():
    text = ORIGINALS["strike"].replace(
        "transport ministry of neighbouring Quillon", "China ministry"
    )
    assert both_ways(view(text), view(text.replace("China ministry", "Chinese ministry"))).same


PIECES = (
    "the The not said Veldania Torrin U.S. 3 four Monday Feb. 12 . \n \u201c \u201d ( ) - supports "
    "opposes of lane \u4e2d\u6587 \u00df \u0130"
)
WORDS = st.lists(st.sampled_from(PIECES.split(" ")), max_size=120).map(" ".join)
FEW = "alpha beta Gamma 7 eight delta Torrin."


@settings(max_examples=150, deadline=None)
@given(WORDS | st.text(max_size=300), WORDS | st.text(max_size=300))
def test_any_two_texts_get_a_symmetric_verdict(one, other):
    verdict = both_ways(view(one), view(other))
    assert 0.0 <= verdict.similarity <= 1.0


BRIEF = st.lists(
    st.sampled_from([*PIECES.split(" "), "colour", "color", "Herr", "Times"]), max_size=30
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(BRIEF, BRIEF)
def test_words_that_a_short_text_lacks_only_tell_sooner_what_its_alignment_does(one, other):
    found = both_ways(view(one), view(other))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TextView, "weighty_forms", frozenset())
        assert both_ways(view(one), view(other)).same == found.same


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(FEW.split()), min_size=45, max_size=200))
def test_every_long_text_is_the_same_as_itself(words):
    text = " ".join(words)
    assert both_ways(view(text, "One"), view(text, "Other")).same


RULES = shipped_rules()


@pytest.mark.parametrize("state", sorted(set(RULES.same_names.values())))
def test_no_actor_s_name_is_lost_as_part_of_an_agency_s(state):
    text = ORIGINALS["strike"].replace("neighbouring Quillon", state.title())
    assert state.title() in text
    assert not both_ways(view(text), view(text.replace(state.title(), "Maskel"))).same


@pytest.mark.parametrize("outlet", ["Times of Israel", "israel.gov.il", "Israel", "nato.int"])
@pytest.mark.parametrize("actor", ["Israel", "NATO"])
def test_an_outlet_s_name_hides_no_actor_in_its_texts(outlet, actor):
    text = ORIGINALS["strike"].replace("neighbouring Quillon", actor)
    other = text.replace(actor, "Iran")
    assert not both_ways(view(text, outlet=outlet), view(other)).same


@pytest.mark.parametrize(
    ("outlet", "said"),
    [
        ("Times of Israel", "the Times of Israel"),
        ("The Guardian", "Guardian"),
        ("bbc.co.uk", "the BBC"),
        ("U.S. News", "U.S. News"),
        ("", "Agence France-Presse"),
    ],
)
def test_an_outlet_s_whole_name_is_no_fact(outlet, said):
    texts = [
        ORIGINALS["lane"].replace("told reporters", f"told {name}")
        for name in (said, "Pavel Sorel")
    ]
    assert both_ways(view(texts[0], outlet=outlet), view(texts[1])).same
    if outlet:  # an agency is none to anybody
        assert not both_ways(view(texts[0], outlet="Other"), view(texts[1])).same


# What stands in the place of a number, and whether it still says the same.
FIGURES = [
    ("a low of -3", "a low of 3", False),
    ("a low of \u22123", "a low of -3", True),
    ("a low of minus 3", "a low of -3", True),
    ("a fund of $5m", "a fund of \u20ac5m", False),
    ("a fund of $5 million", "a fund of \u00a35 million", False),
    ("a fund of $5 million", "a fund of 5 million dollars", True),
    ("a crowd of 1,234", "a crowd of 1.234", False),
    ("a crowd of 1,234", "a crowd of 1234", True),
    ("a crowd of 1,234", "a crowd of 2,234", False),
    ("a share of 58%", "a share of 58 percent", True),
    ("a share of 58%", "a share of $58", False),
    ("the strain covid-19", "the strain covid 19", True),
    ("a train at 10.30", "a train at 10:30", True),
    ("the years 2014-15", "the years 2014\u201315", True),
]


@pytest.mark.parametrize(("one", "other", "same"), FIGURES)
def test_a_number_counts_with_its_sign_and_its_unit(one, other, same):
    text = ORIGINALS["strike"].replace("a nurse who gave her name as Lena", one)
    assert both_ways(view(text), view(text.replace(one, other))).same is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("of Torrin and Quillon", "of Quillon", False),
        ("of Quillon and Torrin's army", "of Quillon's army", False),
        ("of Quillon, Maskel and Torrin", "of Quillon, Maskel", False),
        ("of Bosnia and Herzegovina", "of Bosnia", True),
        ("of Quillon and the Evening Ledger", "of Quillon", True),
        ("of Quillon and its friends in Torrin", "of Quillon", True),
        ("of Pavel Sorel", "of Sorel", True),
    ],
)
def test_an_actor_joined_to_another_is_no_edit(one, other, same):
    text = ORIGINALS["strike"].replace("of neighbouring Quillon", one)
    assert one in text
    assert both_ways(view(text), view(text.replace(one, other))).same is same


def test_names_that_share_a_stem_may_be_two_all_the_same():
    assert not same_name("niger", "nigerian", RULES) and not same_name("nigerians", "niger", RULES)
    assert same_name("nigeria", "nigerian", RULES) and same_name("china", "chinese", RULES)
    for word, others in RULES.different_names.items():
        assert not any(same_name(word, other, RULES) for other in others)
