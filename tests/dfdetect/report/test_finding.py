"""A finding as declared: its sides, its comparisons, and what a wrong one says."""

import pytest

from dfdetect.report.finding import Comparing, read_finding
from face_extraction.errors import InputError

AXES = {"model": ["a", "b", "c"], "regime": ["base", "l2"]}
WORDS = {"says": "it helps", "place": "page 1", "metric": "accuracy"}


def at(model, regime="base"):
    return {"model": model, "regime": regime}


def read(**entry):
    return read_finding({**WORDS, **entry}, AXES, "x.toml")


def test_two_sides_are_compared_by_their_means():
    found = read(first=at(["a", "b"], "l2"), second=at(["a", "b"]))
    assert found.comparisons == [Comparing([at("a", "l2"), at("b", "l2")], [at("a"), at("b")])]
    assert found.points == [at("a", "l2"), at("b", "l2"), at("a"), at("b")]


def test_each_goes_cell_by_cell_and_one_cell_meets_all():
    found = read(first=at("a"), second=at(["b", "c"]), each=True)
    assert found.comparisons == [Comparing([at("a")], [at("b")]), Comparing([at("a")], [at("c")])]
    found = read(first=at(["a", "b"], "l2"), second=at(["a", "b"]), each=True)
    assert found.comparisons == [
        Comparing([at("a", "l2")], [at("a")]),
        Comparing([at("b", "l2")], [at("b")]),
    ]


def test_an_order_compares_neighbours_and_a_value_takes_the_place_of_a_side():
    order = read(order=[at("a"), at("b"), at("c")])
    assert order.comparisons == [Comparing([at("a")], [at("b")]), Comparing([at("b")], [at("c")])]
    assert read(first=at("a"), below=0.55).comparisons == [Comparing([at("a")], below=0.55)]


def test_the_key_changes_with_what_is_compared_and_not_with_words():
    one = read(first=at("a"), below=0.55)
    assert one.key == read(first=at("a"), below=0.55, says="else", published="52 %").key
    others = [read(first=at("a"), below=0.6), read(first=at("b"), below=0.55)]
    others.append(read(first=at("a"), below=0.55, metric="auc"))
    assert len({one.key, *(other.key for other in others)}) == 4


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"frist": at("a")}, "unknown key 'frist' \\(nearest: first\\)"),
        ({"first": at("a"), "below": 0.5, "metric": "acc"}, "unknown metric 'acc'"),
        ({"first": at("a"), "below": 0.5, "place": ""}, "finding 'it helps': no place"),
        ({"first": at("a")}, "accepted: first with second or below, or order alone"),
        ({"first": at("a"), "second": at("b"), "below": 0.5}, "or order alone"),
        ({"first": at("a"), "order": [at("a"), at("b")]}, "or order alone"),
        ({"first": at("a"), "below": "half"}, "below 'half'; accepted: a number"),
        ({"order": [at("a")]}, "an order has two sides or more"),
        (
            {"first": at("a"), "below": 0.5, "pretrained": "yes"},
            "pretrained 'yes'; accepted: true, or a list of some of a, base",
        ),
        (
            {"first": at("a"), "below": 0.5, "pretrained": ["b"]},
            r"pretrained \['b'\]; accepted: true, or a list",
        ),
        (
            {"first": at("a"), "below": 0.5, "pretrained": [{}]},
            r"pretrained \[{}\]; accepted: true, or a list",
        ),
        ({"first": {"model": "a"}, "below": 0.5}, "a side has a choice of regime too"),
        ({"first": at("d"), "below": 0.5}, "unknown choice of model 'd'"),
        ({"first": {**at("a"), "split": "x"}, "below": 0.5}, "unknown axis 'split'"),
        ({"first": at(["a", "b"]), "second": at(["a", "b", "c"]), "each": True}, "2 cells against 3"),
    ],
)
def test_a_wrong_finding_is_refused_by_name(entry, message):
    with pytest.raises(InputError, match=message):
        read(**entry)
