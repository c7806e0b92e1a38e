"""Masking: the learned reader gets pieces without names, at known places."""

from __future__ import annotations

from transforms.stances.masking import (
    CLS,
    MARKS,
    MAX_PIECES,
    SEP,
    WINDOW,
    Named,
    Pieces,
    mask_pair,
    way_between,
)


def pieces(size: int) -> Pieces:
    return Pieces([1000 + i for i in range(size)], list(range(size)))


def test_names_become_one_mark_each() -> None:
    masked = mask_pair(
        pieces(10), Named(1, 3, "place"), Named(6, 7, "person"), [Named(8, 10, "organisation")], {3}
    )
    assert masked is not None
    assert masked.ids == [
        *(CLS, 1000, MARKS["P", "place"], 1003, 1004, 1005, MARKS["Q", "person"], 1007),
        *(MARKS["O", "organisation"], SEP),
    ]
    assert masked.path == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert (masked.ids[masked.p], masked.ids[masked.q]) == (
        MARKS["P", "place"],
        MARKS["Q", "person"],
    )


def test_the_window_is_cut_around_the_pair() -> None:
    masked = mask_pair(pieces(400), Named(200, 201, "place"), Named(210, 211, "place"), [], set())
    assert masked is not None
    assert len(masked.ids) == 2 * WINDOW + 11 + 2
    assert masked.q - masked.p == 10


def test_no_input_is_longer_than_the_model_takes() -> None:
    lengths = set()
    for gap in range(1, 120):
        masked = mask_pair(
            pieces(400), Named(200, 201, "place"), Named(200 + gap, 201 + gap, "place"), [], set()
        )
        if masked is None:
            assert gap > MAX_PIECES - 3
        else:
            assert len(masked.ids) == len(masked.path)
            lengths.add(len(masked.ids))
    assert max(lengths) <= MAX_PIECES


def test_what_overlaps_or_has_no_pieces_is_not_read() -> None:
    assert mask_pair(pieces(9), Named(1, 3, "place"), Named(2, 4, "place"), [], set()) is None
    assert mask_pair(pieces(3), Named(0, 1, "place"), Named(5, 6, "place"), [], set()) is None


def test_the_way_goes_over_the_common_head() -> None:
    heads = [1, 1, 3, 1, 3]
    assert way_between(heads, 0, 4) == {0, 1, 3, 4}
    assert way_between([0, 1], 0, 1) == {0, 1}
