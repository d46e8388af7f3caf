"""Counts of what crosses, and what must go, as worked out by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.audit.links import crossings, leaking, link, to_drop

TRAIN, VAL, TEST = 0, 1, 2


def of(crossing):
    return crossing.splits, crossing.pairs, crossing.rows, crossing.groups


def test_pairs_rows_and_groups_are_counted_between_each_two_splits():
    splits = np.array([TRAIN, TRAIN, TEST, TRAIN, VAL, TEST], dtype=np.int8)
    groups = np.array([0, 1, 2, 3, 4, 4])
    links = link(enumerate("aaabbc"))
    found = crossings(links, splits, groups)
    assert [of(each) for each in found] == [
        (("train", "val"), 1, (1, 1), 2),
        (("train", "test"), 2, (2, 1), 3),
    ]
    assert [each.examples for each in found] == [((3, 4),), ((0, 2),)]
    assert leaking([links], splits).tolist() == [True] * 5 + [False]


def test_two_rows_that_share_two_things_are_one_pair():
    splits = np.array([TRAIN, TEST, TEST], dtype=np.int8)
    people = [(0, "033"), (0, "097"), (1, "097"), (1, "033"), (2, "097")]
    links = link(people, twice=link([(0, "both"), (1, "both")]))
    assert [of(each) for each in crossings(links, splits, np.arange(3))] == [
        (("train", "test"), 2, (1, 2), 3)
    ]


def test_nothing_crosses_within_a_split_or_without_links():
    splits = np.array([TRAIN, TRAIN, TEST], dtype=np.int8)
    assert crossings(link(enumerate("aab")), splits, np.arange(3)) == []
    assert crossings(link([]), splits, np.arange(3)) == []
    assert not to_drop([link([])], splits).any()


def test_train_yields_to_val_and_both_to_test():
    splits = np.array([TRAIN, VAL, TEST, TRAIN, VAL, TRAIN], dtype=np.int8)
    # Val row 1 goes because of the test row 2; it then no longer drives train row 0 out.
    links = [link([(0, "a"), (1, "a"), (1, "b"), (2, "b")]), link([(3, "x"), (4, "x"), (5, "y")])]
    assert np.flatnonzero(to_drop(links, splits)).tolist() == [1, 3]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(0, 4)), max_size=30))
def test_without_the_dropped_rows_nothing_crosses_and_no_row_goes_in_vain(rows):
    splits = np.array([split for split, *_ in rows], dtype=np.int8)
    kinds = [link(enumerate(row[place] for row in rows)) for place in (1, 2)]
    gone = to_drop(kinds, splits)
    kept = [row for row, out in zip(rows, gone, strict=True) if not out]
    for place in (1, 2):
        homes = {}
        for row in kept:
            homes.setdefault(row[place], set()).add(row[0])
        assert all(len(home) == 1 for home in homes.values())
    assert not (gone & (splits == TEST)).any()
    for row in np.flatnonzero(gone):
        mine = rows[row]
        later = [other for other in kept if other[0] > mine[0]]
        assert any(mine[1] == other[1] or mine[2] == other[2] for other in later)
