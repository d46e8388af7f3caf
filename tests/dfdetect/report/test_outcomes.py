"""Outcomes of claims: each from differences worked out by hand, and Holm over a report's claims."""

import json
import math
from dataclasses import replace

import pytest

from dfdetect.metrics.comparison import Difference
from dfdetect.report.comparisons import write_entries
from dfdetect.report.outcomes import (
    FAILS,
    FINDINGS,
    HOLDS,
    MISSING,
    UNCOMPARED,
    UNKNOWN,
    Compared,
    claim_outcomes,
    read_compared,
)
from dfdetect.report.reading import read_experiment
from dfdetect.report.results import declared
from face_extraction.errors import InputError
from face_extraction.json_file import write_json

CNN, MESO, BOTH = "custom_cnn, base", "meso4, base", "both, base"
DATA = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
FOR = Difference(0.04, 0.02, 0.06, 0.002)
WEAKLY_FOR = Difference(0.01, -0.01, 0.03, 0.3)
AGAINST = Difference(-0.05, -0.08, -0.02, 0.004)
WEAKLY_AGAINST = Difference(-0.01, -0.03, 0.01, 0.4)
NONE = Difference(*[math.nan] * 4)


def compared(*measured):
    return Compared("key", "full", "m", ["d"], 40, measured)


@pytest.mark.parametrize(
    ("measured", "p", "decisive", "outcome"),
    [
        ([FOR], 0.002, 0, HOLDS),
        ([AGAINST], 0.004, 0, FAILS),
        ([WEAKLY_FOR], 0.3, 0, UNKNOWN),
        ([WEAKLY_AGAINST], 0.4, 0, UNKNOWN),
        # All have to hold: the weakest decides.
        ([FOR, replace(FOR, value=0.03, p=0.01)], 0.01, 1, HOLDS),
        ([FOR, WEAKLY_FOR], 0.3, 1, UNKNOWN),
        # One that is against refutes all, at twice its p-value because it was one of two.
        ([FOR, AGAINST], 0.008, 1, FAILS),
        ([FOR, AGAINST, WEAKLY_AGAINST], 0.012, 1, FAILS),
        ([FOR, WEAKLY_AGAINST], 0.8, 1, UNKNOWN),
        ([Difference(0.0, math.nan, math.nan, 1.0)], 1.0, 0, UNKNOWN),
    ],
)
def test_a_claim_holds_if_all_its_comparisons_do(measured, p, decisive, outcome):
    found = compared(*measured)
    assert found.p == pytest.approx(p)
    assert found.decisive == decisive
    assert found.outcome(found.p) == outcome


def test_what_has_no_interval_cannot_be_told():
    found = compared(FOR, NONE)
    assert found.p != found.p
    assert found.outcome(found.p) == UNKNOWN


FINDING = """
[[findings]]
says = "{says}"
place = "page 1"
metric = "accuracy"
first = {{ model = "{first}", regime = "base" }}
second = {{ model = "{second}", regime = "base" }}
"""


@pytest.fixture
def judged(declare, measured):
    """A report with three findings, results of two of its cells, and a way to judge what was compared."""
    pairs = [("custom_cnn", "meso4"), ("meso4", "custom_cnn"), ("both", "custom_cnn")]
    text = declare.text + "".join(
        FINDING.format(says=f"{first} beats {second}", first=first, second=second) for first, second in pairs
    )
    experiment = read_experiment(declare(text))
    results = [measured(experiment, name, data=DATA) for name in (CNN, MESO)]

    def judge(*parts, more=()):
        lines = [
            Compared(finding.key, "full", "m", [result.digest for result in results], 40, [part])
            for finding, part in zip(experiment.findings, parts, strict=False)
        ]
        return claim_outcomes(experiment, [*results, *more], lines)

    judge.experiment = experiment
    return judge


def test_each_claim_has_its_outcome_and_what_is_missing_is_named(judged):
    first, second, third = judged(FOR, AGAINST)
    assert [one.outcome for one in (first, second, third)] == [HOLDS, FAILS, MISSING]
    assert [cell.name for cell in third.found.missing] == [BOTH]
    assert third.compared is None
    # Holm over the two that were tested: .002 x 2, and .004 x 1, but not less than the first.
    assert first.holm == pytest.approx(0.004)
    assert second.holm == pytest.approx(0.004)
    assert (first.found.profile, first.decisive) == ("full", None)


def test_holm_makes_a_doubtful_claim_one_that_cannot_be_told(judged):
    doubtful = replace(FOR, p=0.03)
    assert judged(doubtful)[0].outcome == HOLDS
    first, second, _ = judged(doubtful, replace(FOR, p=0.04))
    assert (first.holm, first.outcome) == (pytest.approx(0.06), UNKNOWN)
    assert second.outcome == UNKNOWN


@pytest.mark.parametrize(
    ("pretrained", "origin", "outcome", "p"),
    [
        ("true", "random", UNKNOWN, math.nan),
        ('["meso4"]', "random", UNKNOWN, math.nan),
        ('["custom_cnn"]', "random", HOLDS, 0.004),
        ("[]", "random", HOLDS, 0.004),
        ("true", "x.h5", HOLDS, 0.004),
    ],
)
def test_a_claim_of_pretrained_networks_needs_such(declare, measured, pretrained, origin, outcome, p):
    """From random weights it is not told, and does not count in Holm's method: .03, not twice .03."""
    claim = FINDING.format(says="a", first="custom_cnn", second="meso4")
    text = f"{declare.text}{claim}pretrained = {pretrained}\n"
    text += FINDING.format(says="b", first="meso4", second="custom_cnn")
    experiment = read_experiment(declare(text))
    results = [
        measured(experiment, CNN, data=DATA, weights={"origin": "x.h5"}),
        measured(experiment, MESO, data=DATA, weights={"origin": origin}),
    ]
    digests = [one.digest for one in results]
    lines = [
        Compared(finding.key, "full", "m", digests, 40, [part])
        for finding, part in zip(experiment.findings, (FOR, replace(FOR, p=0.03)), strict=True)
    ]
    first, second = claim_outcomes(experiment, results, lines)
    assert (first.outcome, first.untold) == (outcome, outcome == UNKNOWN)
    assert first.holm == pytest.approx(p, nan_ok=True)
    assert (second.outcome, second.holm) == (HOLDS, pytest.approx(0.03))


def test_a_new_result_makes_a_comparison_old(judged, measured):
    newer = measured(judged.experiment, CNN, 0.6, data=DATA)
    assert [one.outcome for one in judged(FOR, AGAINST, more=[newer])][:2] == [UNCOMPARED, UNCOMPARED]


def test_drawn_people_are_no_basis(declare, measured):
    text = declare.text + FINDING.format(says="a", first="custom_cnn", second="meso4")
    experiment = read_experiment(declare(text))
    drawn = [measured(experiment, name, data={**DATA, "sample_set": True}) for name in (CNN, MESO)]
    line = Compared(experiment.findings[0].key, "full", "m", [one.digest for one in drawn], 40, [FOR])
    (claim,) = claim_outcomes(experiment, drawn, [line])
    assert (claim.outcome, len(claim.found.missing)) == (MISSING, 2)


def test_repeated_trainings_count(declare, measured):
    text = declare.text + FINDING.format(says="a", first="custom_cnn", second="meso4")
    text += '[profiles.two]\nabout = "two seeds"\nrepeat = [{ at = { regime = "base" }, seeds = [7] }]\n'
    experiment = read_experiment(declare(text))
    again = {cell.name: cell for cell in experiment.repeats("two")}
    assert list(again) == [f"{name}, seed 7" for name in (CNN, MESO, "absent, base", BOTH)]
    recipe = again[f"{CNN}, seed 7"].recipe
    assert (recipe.seed, recipe.drawing_seed) == (7, 0)  # the same split
    assert {member.recipe.seed for member in again[f"{BOTH}, seed 7"].members} == {7}
    cells = {cell.name: cell for cell in experiment.cells("two")} | again
    results = [
        replace(measured(experiment, name, data=DATA), profile="two", recipe=declared(cells[name + seed]))
        for name, seed in ((CNN, ""), (MESO, ""), (CNN, ", seed 7"), (MESO, ", seed 7"))
    ]
    line = Compared(experiment.findings[0].key, "two", "m", [one.digest for one in results], 40, [FOR])
    (claim,) = claim_outcomes(experiment, results, [line])
    assert (claim.outcome, claim.found.profile) == (HOLDS, "two")
    assert {name: len(several) for name, several in claim.found.trainings.items()} == {CNN: 2, MESO: 2}


def test_the_file_is_read_as_it_was_written_and_a_damaged_one_is_named(tmp_path):
    assert read_compared(tmp_path) == []
    lines = [compared(FOR, NONE)]
    write_entries(tmp_path / FINDINGS, lines)
    measured = [{"value": 0.04, "low": 0.02, "high": 0.06, "p": 0.002}]
    measured += [{"value": None, "low": None, "high": None, "p": None}]
    plain = {"finding": "key", "profile": "full", "manifest": "m", "results": ["d"], "n": 40}
    text = json.dumps({"findings": [{**plain, "measured": measured}]}, indent=2)
    assert (tmp_path / FINDINGS).read_text() == f"{text}\n"
    (again,) = read_compared(tmp_path)
    assert (again.finding, repr(list(again.measured))) == ("key", repr([FOR, NONE]))
    texts = {**FOR.__dict__, "value": "much"}
    for damaged in (
        {},
        {"findings": None},
        {"findings": [{"finding": 1}]},
        {"findings": [{**plain, "measured": [texts]}]},
        {"findings": [{**plain, "measured": [], "n": None}]},
        {"findings": [{**plain, "measured": [], "results": "d"}]},
        {"findings": [{**plain, "measured": [], "more": 1}]},
    ):
        write_json(tmp_path / FINDINGS, damaged)
        with pytest.raises(InputError, match=r"findings\.json: damaged"):
            read_compared(tmp_path)
    (tmp_path / FINDINGS).write_text('{"findings": NaN}')
    with pytest.raises(InputError, match=r"findings\.json: not a readable JSON file"):
        read_compared(tmp_path)


def test_a_finding_over_a_cell_that_the_grid_leaves_out_is_refused(declare):
    text = declare.text + FINDING.format(says="a", first="custom_cnn", second="meso4").replace("base", "l2")
    with pytest.raises(InputError, match="finding 'a': size full has no cell meso4, l2"):
        read_experiment(declare(text))


def test_seeds_of_an_ensemble_need_those_of_its_members(declare):
    repeat = '[profiles.two]\nabout = "two seeds"\nrepeat = [{ at = { model = "%s" }, seeds = [%s] }]\n'
    for model, seeds, message in (
        ("both", "1", "both, base, seed 1: its member custom_cnn, base, seed 1 is not repeated"),
        ("meso4", "0", "seeds \\[0\\]; accepted: whole numbers above 0"),
    ):
        with pytest.raises(InputError, match=message):
            read_experiment(declare(declare.text + repeat % (model, seeds)))
