"""Paired comparisons: against values worked out apart, and how often they cry wolf."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from dfdetect.metrics.bootstrap import Units
from dfdetect.metrics.comparison import (
    Resampled,
    Scored,
    comparison_table,
    delong,
    difference_of,
    holm,
    mcnemar,
    paired_bootstrap,
)
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample


def models(rng, n_groups, size, shift=0.0, own=1.0):
    """Labels, groups and two models' scores; faces of a group share `1 - own` of each model's noise.

    A group is an original with its fakes: half of its faces are real.
    """
    groups = np.repeat(np.arange(n_groups), size)
    labels = np.tile(np.arange(size) % 2, n_groups)
    scores = []
    for lead in (shift, 0.0):
        shared = rng.normal(size=n_groups)[groups] * labels  # of the fakes, so it moves the AUC
        noise = np.sqrt(1 - own) * shared + np.sqrt(own) * rng.normal(size=len(groups))
        scores.append(1 / (1 + np.exp(-(noise + (1.0 + lead) * labels - 0.5))))
    return labels, groups, *scores


def predictions(labels, groups, p_fake):
    samples = [
        FaceSample(f"{i}.png", int(label), "test", str(group))
        for i, (label, group) in enumerate(zip(labels, groups, strict=True))
    ]
    return Predictions(samples, p_fake)


def auc(labels, p_fake):
    fake, real = p_fake[labels == 1], p_fake[labels == 0]
    return np.mean((fake[:, None] > real) + 0.5 * (fake[:, None] == real))


def test_mcnemar_is_the_binomial_test_of_the_disagreements():
    first = np.array([1] * 9 + [0] * 2 + [1] * 20 + [0] * 5)
    second = np.array([0] * 9 + [1] * 2 + [1] * 20 + [0] * 5)
    # 9 against 2 of 11: 2 * (C(11,0) + C(11,1) + C(11,2)) / 2^11 = 134 / 2048.
    assert mcnemar(first, second) == pytest.approx(134 / 2048)
    # As groups of one: (9 - 2)^2 / (9 + 2) on one degree of freedom.
    assert mcnemar(first, second, np.arange(36)) == pytest.approx(stats.chi2.sf(49 / 11, 1))
    # Three groups with differences 9, -2 and 0: 49 / 85.
    groups = np.array([0] * 9 + [1] * 2 + [2] * 25)
    assert mcnemar(first, second, groups) == pytest.approx(stats.chi2.sf(49 / 85, 1))
    assert mcnemar(first, first) == mcnemar(first, first, groups) == 1.0


def test_delong_equals_its_formula_written_out():
    labels, _, first, second = models(np.random.default_rng(0), 30, 2)
    first = np.round(first, 1)  # ties
    found = delong(labels, first, second)
    assert found.value == pytest.approx(auc(labels, first) - auc(labels, second))
    fake, real = labels == 1, labels == 0
    v10, v01 = [], []
    for scores in (first, second):
        wins = (scores[fake][:, None] > scores[real]) + 0.5 * (scores[fake][:, None] == scores[real])
        v10.append(wins.mean(axis=1))
        v01.append(wins.mean(axis=0))
    covariance = np.cov(v10) / fake.sum() + np.cov(v01) / real.sum()
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    z = found.value / math.sqrt(variance)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(z)))
    assert found.high - found.low == pytest.approx(2 * 1.959964 * math.sqrt(variance))


def test_delong_with_groups_equals_obuchowskis_formula_written_out():
    labels, groups, first, second = models(np.random.default_rng(1), 12, 6, own=0.3)
    found = delong(labels, first, second, groups)
    m, n, number = int((labels == 1).sum()), int((labels == 0).sum()), 12
    s10, s01, s11 = (np.zeros((2, 2)) for _ in range(3))
    fakes, reals = np.zeros((2, number)), np.zeros((2, number))
    for model, scores in enumerate((first, second)):
        area = auc(labels, scores)
        for face, group in enumerate(groups):
            other = scores[labels != labels[face]]
            sign = 1 if labels[face] else -1
            placement = np.mean((sign * scores[face] > sign * other) + 0.5 * (scores[face] == other))
            (fakes if labels[face] else reals)[model, group] += placement - area
    for a in (0, 1):
        for b in (0, 1):
            s10[a, b] = number / ((number - 1) * m) * np.sum(fakes[a] * fakes[b])
            s01[a, b] = number / ((number - 1) * n) * np.sum(reals[a] * reals[b])
            s11[a, b] = number / (number - 1) * np.sum(fakes[a] * reals[b])
    covariance = s10 / m + s01 / n + (s11 + s11.T) / (m * n)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.value) / math.sqrt(variance), 11))


def test_delong_says_where_it_cannot():
    labels, p_fake = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9])
    other = np.array([0.6, 0.1, 0.4, 0.9])
    assert math.isnan(delong(labels, p_fake, other, np.array([0, 0, 1, 2])).p)
    assert delong(labels, p_fake, p_fake).p == 1.0
    assert math.isnan(delong(np.ones(4, dtype=int), p_fake, other).value)


def test_the_bootstrap_agrees_with_delong_and_with_metrics():
    labels, groups, first, second = models(np.random.default_rng(2), 150, 4, shift=0.4, own=0.5)
    pair = (Scored(predictions(labels, groups, first), 0.5), Scored(predictions(labels, groups, second), 0.4))
    found = paired_bootstrap([pair], ["auc", "accuracy"])
    exact = delong(labels, first, second, groups)
    assert found["auc"].value == pytest.approx(exact.value)
    assert found["auc"].low == pytest.approx(exact.low, abs=0.012)
    assert found["auc"].high == pytest.approx(exact.high, abs=0.012)
    accuracies = [
        compute_metrics(s.predictions, threshold=s.threshold, resamples=0).estimates["accuracy"].value
        for s in pair
    ]
    assert found["accuracy"].value == pytest.approx(accuracies[0] - accuracies[1])


def test_folds_are_averaged_and_equal_models_are_equal():
    rng = np.random.default_rng(3)
    pairs = []
    for _ in range(3):
        labels, groups, first, second = models(rng, 40, 2, shift=1.0)
        groups += 40 * len(pairs)
        pairs.append(tuple(Scored(predictions(labels, groups, p), 0.5) for p in (first, second)))
    single = [paired_bootstrap([pair], ["auc"])["auc"] for pair in pairs]
    together = paired_bootstrap(pairs, ["auc"])["auc"]
    assert together.value == pytest.approx(np.mean([one.value for one in single]))
    assert together.high - together.low < min(one.high - one.low for one in single)
    same = paired_bootstrap([(pair[0], pair[0]) for pair in pairs], ["auc"])["auc"]
    assert (same.value, same.p) == (0.0, 1.0)


def test_a_group_whose_faces_stand_in_several_folds_is_one():
    """Folds split at random over faces, as Report B's: drawn apart, they find differences of equal models."""
    rng = np.random.default_rng(8)
    found = 0
    for _ in range(100):
        labels, groups, first, second = models(rng, 60, 6, own=0.1)
        fold = rng.permutation(len(labels)) % 3
        pairs = [
            tuple(
                Scored(predictions(labels[fold == k], groups[fold == k], p[fold == k]), 0.5)
                for p in (first, second)
            )
            for k in range(3)
        ]
        found += paired_bootstrap(pairs, ["auc"], resamples=200)["auc"].p < 0.05
    assert found <= 12


def test_a_class_of_one_group_tells_no_interval():
    labels, p_fake = np.arange(80) % 2, np.random.default_rng(9).random((2, 80))
    groups = np.where(labels == 1, np.arange(80), 0)
    pair = tuple(Scored(predictions(labels, groups, p), 0.5) for p in p_fake)
    found = paired_bootstrap([pair], ["auc", "accuracy"])
    assert math.isnan(found["auc"].p)
    assert math.isnan(found["auc"].low)
    assert not math.isnan(found["auc"].value)
    assert not math.isnan(found["accuracy"].p)


def test_the_same_faces_in_another_order_are_refused():
    labels, groups, first, _ = models(np.random.default_rng(4), 4, 2)
    ours = predictions(labels, groups, first)
    theirs = Predictions(ours.samples[::-1], first)
    with pytest.raises(InputError, match="their order differs"):
        paired_bootstrap([(Scored(ours, 0.5), Scored(theirs, 0.5))], ["auc"])


def test_different_faces_are_refused():
    labels, groups, first, second = models(np.random.default_rng(4), 4, 2)
    ours, theirs = predictions(labels, groups, first), predictions(labels[:-2], groups[:-2], second[:-2])
    with pytest.raises(InputError, match=r"2 faces differ \(2 only in the first, 0 only in the second\)"):
        paired_bootstrap([(Scored(ours, 0.5), Scored(theirs, 0.5))], ["auc"])


def false_alarms(groups_count, size, own, repeats=400):
    """How often each test finds a difference of equal models, at 5 %: with groups and without."""
    rng = np.random.default_rng(5)
    counts = dict.fromkeys(("delong", "delong plain", "mcnemar", "mcnemar plain"), 0)
    for _ in range(repeats):
        labels, groups, first, second = models(rng, groups_count, size, own=own)
        right = [((scores >= 0.5) == labels).astype(int) for scores in (first, second)]
        counts["delong"] += delong(labels, first, second, groups).p < 0.05
        counts["delong plain"] += delong(labels, first, second).p < 0.05
        counts["mcnemar"] += mcnemar(*right, groups) < 0.05
        counts["mcnemar plain"] += mcnemar(*right) < 0.05
    return {name: count / repeats for name, count in counts.items()}


def test_faces_of_another_data_set_or_in_other_groups_are_refused_and_so_are_none():
    """Both may lie in faces/0.png."""
    scores = np.linspace(0, 1, 8)
    first = predictions(np.arange(8) % 2, np.arange(8) // 2, scores)
    there = Predictions([replace(sample, source="other") for sample in first.samples], scores)
    moved = predictions(np.arange(8) % 2, np.arange(8) // 4, scores)
    for second in (there, moved):
        with pytest.raises(InputError, match="faces differ"):
            paired_bootstrap([(Scored(first, 0.5), Scored(second, 0.5))], ["auc"])
    none = Scored(Predictions([], np.zeros(0)), 0.5)
    with pytest.raises(InputError, match="there are none"):
        paired_bootstrap([(none, none)], ["auc"])


def test_tests_that_know_the_groups_keep_their_level_and_others_do_not():
    rates = false_alarms(60, 12, own=0.2)
    assert 0.02 <= rates["delong"] <= 0.085
    assert 0.02 <= rates["mcnemar"] <= 0.085
    assert rates["delong plain"] > 0.15
    assert rates["mcnemar plain"] > 0.15


def test_the_bootstrap_keeps_its_level():
    rng = np.random.default_rng(6)
    found = 0
    for _ in range(100):
        labels, groups, first, second = models(rng, 50, 6, own=0.2)
        pair = tuple(Scored(predictions(labels, groups, p), 0.5) for p in (first, second))
        found += paired_bootstrap([pair], ["auc"], resamples=200)["auc"].p < 0.05
    assert found <= 12


@pytest.mark.parametrize("groups_count", [6, 8, 12])
def test_tests_of_few_groups_keep_their_level(groups_count):
    """With normal quantiles they found a difference of equal models of 8 groups in 8 to 11 % of cases."""
    rng, repeats = np.random.default_rng(7), 150
    counts = {"auc": 0, "accuracy": 0, "delong": 0}
    for _ in range(repeats):
        labels, groups, first, second = models(rng, groups_count, 8, own=0.2)
        pair = tuple(Scored(predictions(labels, groups, p), 0.5) for p in (first, second))
        found = paired_bootstrap([pair], ["auc", "accuracy"], resamples=400)
        for name, one in found.items():
            counts[name] += one.p < 0.05
            assert not (one.low > 0 and one.p > 0.07)  # p and interval tell the same
        counts["delong"] += delong(labels, first, second, groups).p < 0.05
    assert max(counts.values()) <= 0.08 * repeats


def test_the_number_of_resamples_is_no_bound_of_p():
    """A claim of five comparisons among eight claims multiplies p by 40: 2 / 1,001 could not refute it."""
    spread = np.random.default_rng(0).normal(-0.05, 0.01, 1000)
    found = difference_of(-0.05, spread, 1000)
    assert found.p == pytest.approx(2 * stats.norm.sf(5), rel=0.5)
    # Where some resamples lie on the other side, their share tells: 20 of 1,000.
    spread = np.concatenate([np.full(980, -0.05), np.full(20, 0.01)])
    assert difference_of(-0.05, spread, 10**6).p == pytest.approx(2 * 21 / 1001, rel=1e-3)


def test_five_groups_tell_no_difference():
    labels, groups, first, second = models(np.random.default_rng(0), 5, 20, shift=2.0)
    pair = tuple(Scored(predictions(labels, groups, p), 0.5) for p in (first, second))
    found = paired_bootstrap([pair], ["auc"])["auc"]
    assert found.value > 0.1
    assert math.isnan(found.p)


def test_holm_is_that_worked_out_by_hand():
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005, "e": math.nan})
    # Sorted .005 .01 .03 .04 times 4 3 2 1, never falling.
    assert {name: adjusted[name] for name in "abcd"} == pytest.approx(
        {"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06}
    )
    assert math.isnan(adjusted["e"])
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}


@pytest.mark.parametrize("change", [{"path": "x.png"}, {"label": 0}, {"source": "other"}, {"group": "9"}])
def test_one_face_that_is_another_is_refused(change):
    ours = predictions([0, 1, 0, 1], [0, 0, 1, 1], np.linspace(0, 1, 4))
    theirs = Predictions([*ours.samples[:3], replace(ours.samples[3], **change)], ours.p_fake)
    with pytest.raises(InputError, match="2 faces differ"):
        paired_bootstrap([(Scored(ours, 0.5), Scored(theirs, 0.5))], ["auc"])


def test_one_group_name_of_two_data_sets_is_drawn_as_two_groups():
    """The second is wrong in all of b's: of 6 groups drawn none to all are b's."""
    samples = [
        FaceSample(f"{s}{g}{label}.png", label, "test", g, source=s)
        for s in "ab"
        for g in "xyz"
        for label in (0, 1)
    ]
    right, wrong = [0.1, 0.9] * 3, [0.9, 0.1] * 3
    pair = [Scored(Predictions(samples, np.array([*right, *b])), 0.5) for b in (right, wrong)]
    found = paired_bootstrap([tuple(pair)], ["accuracy"], resamples=2000)["accuracy"]
    # All 6 draws are a's in 1 / 64 of the resamples (1.6 %). The interval leaves out .24 % at each end, so it
    # reaches 0; by symmetry it reaches 1.
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)


def test_the_table_of_all_tests_is_that_worked_out_by_hand():
    """The disagreements of the first test, each model with scores at and below a threshold of its own."""
    labels, groups = np.arange(36) % 2, np.array([0] * 9 + [1] * 2 + [2] * 25)
    same = [1] * 20 + [0] * 5
    pair = []
    for right, threshold in (([1] * 9 + [0] * 2 + same, 0.7), ([0] * 9 + [1] * 2 + same, 0.3)):
        called = labels == np.array(right)
        pair.append(Scored(predictions(labels, groups, np.where(called, threshold, 0.1)), threshold))
    lines = comparison_table(*pair, ["accuracy"]).splitlines()
    assert lines[1].startswith("groups with reals: 3, with fakes: 3; the bootstrap tells no interval")
    accuracy, areas, tests = (line.split()[1:] for line in lines if line.startswith(("Accuracy", "AUC")))
    assert accuracy[0] == "0.194"  # 29 of 36 less 22 of 36
    assert tests[:3] == ["McNemar", "0.0654", "0.4477"]  # 134 / 2048 over faces; 49 / 85 over groups
    assert float(tests[3]) >= 0.4477
    scores = [scored.predictions.p_fake for scored in pair]
    assert areas[2:4] == [f"{delong(labels, *scores, units).p:.4f}" for units in (None, groups)]


def test_a_mean_over_networks_draws_their_trainings():
    """One network of two trainings, always .0 and always 1.0: their mean has the variance 1/2 / 2."""
    drawn = np.array([np.zeros(4000), np.ones(4000), np.linspace(0, 1, 4000)])
    found = Resampled({"auc": np.array([0.0, 1.0, 0.25])}, {"auc": drawn}, Units(40, 40, 40))
    value, spread = found.mean("auc", [[2]])
    assert value == 0.25
    assert spread == pytest.approx(drawn[2])
    value, spread = found.mean("auc", [[0, 1]])
    assert value == 0.5
    assert np.var(spread) == pytest.approx(np.var([0.0, 1.0], ddof=1) / 2, abs=0.001)
    value, spread = found.mean("auc", [[0, 1, 1]])
    assert np.var(spread) == pytest.approx(np.var([0.0, 1.0, 1.0], ddof=1) / 3, abs=0.005)
    value, spread = found.mean("auc", [[0], [2]])
    assert value == 0.125
    assert spread == pytest.approx(drawn[2] / 2)
