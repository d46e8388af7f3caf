"""Splits by a hash of the group."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_extraction.errors import InputError
from face_extraction.sources import Item, Listing
from face_extraction.sources.registry import LEFT_OUT, NOT_TEST
from face_extraction.splits import SplitRule, drawn_splits, settle

GROUPS = [f"group {number}" for number in range(10_000)]


def test_shares_are_kept_in_expectation():
    counts = Counter(map(SplitRule(val=0.2, test=0.1).split_of, GROUPS))

    # Four standard deviations of a binomial count: 160 and 120.
    assert counts["val"] == pytest.approx(2000, abs=160)
    assert counts["test"] == pytest.approx(1000, abs=120)
    assert counts["train"] == 10_000 - counts["val"] - counts["test"]


@pytest.mark.parametrize(
    ("group", "split"), [("18", "test"), ("20", "test"), ("7", "val"), ("4", "val"), ("5", "train")]
)
def test_the_split_of_a_group_never_changes(group, split):
    # The first 16 digits of SHA-256 of "0:18" and so on, over 16^16: .138, .135, .172, .285, .797.
    assert SplitRule().split_of(group) == split


@pytest.mark.parametrize(
    ("given", "rule", "drawn"),
    [
        ([None], SplitRule(), ["train", "val", "test"]),
        ([None, "test"], SplitRule(val=0), ["train", "test"]),
        ([NOT_TEST, "test", LEFT_OUT], SplitRule(), ["train", "val"]),
        (["train", "test"], SplitRule(), []),
    ],
)
def test_the_splits_to_fill_are_those_that_items_without_one_can_fall_into(given, rule, drawn):
    items = [Item(f"{number}.png", 0, "g", split=split) for number, split in enumerate(given)]

    assert drawn_splits(items, rule) == drawn


def test_the_seed_moves_groups():
    moved = sum(SplitRule(seed=0).split_of(group) != SplitRule(seed=1).split_of(group) for group in GROUPS)

    # Two independent draws of shares .7, .15, .15 differ with probability 1 - .7² - 2 * .15² = .465.
    assert moved == pytest.approx(4650, abs=200)


def test_more_validation_leaves_the_test_groups_alone():
    small, large = SplitRule(val=0.1, test=0.2), SplitRule(val=0.4, test=0.2)

    assert {g for g in GROUPS if small.split_of(g) == "test"} == {
        g for g in GROUPS if large.split_of(g) == "test"
    }


@given(st.text())
def test_without_shares_all_groups_train(group):
    assert SplitRule(val=0, test=0).split_of(group) == "train"


@pytest.mark.parametrize(("val", "test"), [(-0.1, 0.1), (0.1, -0.1), (0.5, 0.5), (0, 1), (float("nan"), 0)])
def test_shares_that_leave_nothing_to_train_on_are_refused(val, test):
    with pytest.raises(InputError, match="accepted: 0 or more, together below 1"):
        SplitRule(val=val, test=test)


def _settled(*items, **shares):
    listing = settle(Listing(list(items), notes=["first"]), SplitRule(**shares))
    return [(item.path, item.split) for item in listing.items], listing.notes


def test_official_splits_stay_and_others_are_drawn():
    # "18" falls into test, "7" into val and "5" into train (above).
    items = [Item(group, 0, group) for group in ("18", "7", "5")] + [Item("x", 0, "18", split="train")]

    assert _settled(*items) == ([("18", "test"), ("7", "val"), ("5", "train"), ("x", "train")], ["first"])


def test_where_the_test_split_is_named_nothing_else_gets_into_it():
    # .138 is below the share of val, so that the group goes there instead.
    items = [Item(group, 0, group, split=NOT_TEST) for group in ("18", "7", "5")]

    assert _settled(*items)[0] == [("18", "val"), ("7", "train"), ("5", "train")]
    drawn = _settled(*(Item(group, 0, group, split=NOT_TEST) for group in GROUPS), test=0.5)[0]
    assert {split for _, split in drawn} == {"train", "val"}


def test_a_swap_between_two_splits_is_left_out_and_counted():
    items = [
        Item("torn", 1, "18", swapped="5"),
        Item("both", 1, "18", swapped="20"),
        Item("shared", 1, "5", split=LEFT_OUT),
    ]

    assert _settled(*items) == (
        [("both", "test")],
        [
            "first",
            "left out, sharing a recording with an official test video: 1",
            "left out, swaps between people of two splits: 1",
        ],
    )
