"""Groups into splits: filled where that can be, shares by class, the same whatever the order."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.grouping import assign_groups

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}


def faces(groups, homes):
    """Real and fake faces by split."""
    return {
        split: tuple(sum(groups[name][label] for name in groups if homes[name] == split) for label in (0, 1))
        for split in SHARES
    }


@pytest.mark.parametrize("seed", range(20))
def test_a_handful_of_groups_fills_every_split(seed):
    # Three mixed groups, and each of the other two pairs would do too.
    groups = {"a": (5, 5), "b": (3, 0), "c": (0, 4), "d": (2, 9), "e": (0, 1)}
    counts = faces(groups, assign_groups(groups, SHARES, seed))
    assert all(real and fake for real, fake in counts.values()), counts


@pytest.mark.parametrize("seed", range(20))
def test_a_real_group_and_a_fake_one_stand_for_a_mixed_one(seed):
    # Filled in one way only: each mixed group alone, the other two together.
    groups = {"mixed 1": (1, 1), "mixed 2": (1, 1), "real": (1, 0), "fake": (0, 1)}
    homes = assign_groups(groups, SHARES, seed)
    assert homes["real"] == homes["fake"]
    assert sorted({homes["mixed 1"], homes["mixed 2"], homes["real"]}) == ["test", "train", "val"]


def test_where_two_splits_alone_can_be_filled_training_has_one():
    homes = assign_groups({"a": (9, 9), "b": (1, 1)}, {"train": 0.7, "val": 0.2, "test": 0.1}, 0)
    assert homes == {"a": "train", "b": "val"}


def test_shares_are_kept_in_both_classes():
    groups = {str(n): (1 + n % 3, n % 5) for n in range(1000)}
    totals = [sum(counts[label] for counts in groups.values()) for label in (0, 1)]
    counts = faces(groups, assign_groups(groups, SHARES, 3))
    for split, share in SHARES.items():
        for label in (0, 1):
            # No group is larger than 4 faces.
            assert counts[split][label] == pytest.approx(share * totals[label], abs=4)


@pytest.mark.parametrize("seed", range(20))
def test_a_large_group_swells_no_small_split_whenever_it_is_drawn(seed):
    groups = {"large": (10, 10)} | {str(n): (1, 1) for n in range(10)}
    counts = faces(groups, assign_groups(groups, SHARES, seed))
    assert counts == {"train": (16, 16), "val": (2, 2), "test": (2, 2)}


def test_the_seed_moves_groups_and_the_order_does_not():
    groups = {str(n): (1, 2) for n in range(300)}
    first = assign_groups(groups, SHARES, 0)
    assert assign_groups(dict(reversed(groups.items())), SHARES, 0) == first
    other = assign_groups(groups, SHARES, 1)
    # Two independent draws of shares .8, .1, .1 differ with probability 1 - .66 = .34.
    assert sum(first[name] != other[name] for name in groups) == pytest.approx(102, abs=40)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=3),
        st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(any),
        min_size=1,
        max_size=9,
    ),
    st.integers(0, 5),
)
def test_all_splits_are_filled_exactly_if_that_can_be(groups, seed):
    kinds = Counter((real > 0, fake > 0) for real, fake in groups.values())
    possible = kinds[True, True] + min(kinds[True, False], kinds[False, True])
    counts = faces(groups, assign_groups(groups, SHARES, seed))
    assert sum(real > 0 and fake > 0 for real, fake in counts.values()) >= min(3, possible)
