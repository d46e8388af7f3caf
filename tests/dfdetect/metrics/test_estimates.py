"""Metrics against scikit-learn, hand-computed examples, and explicit recomputation."""

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk

from dfdetect.metrics.estimates import (
    Estimate,
    Metrics,
    choose_threshold,
    compute_metrics,
    no_skill,
    shown_p,
    signed,
)
from dfdetect.metrics.measures import MEASURES, exact_auc, measure, prepare
from dfdetect.predictions import Predictions
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample

ONE_CLASS = {"accuracy", "recall_weighted", "log_loss", "brier", "ece"}


def make(labels: list[int], scores: list[float], groups: list[str] | None = None) -> Predictions:
    names = groups or [str(index) for index in range(len(labels))]
    samples = [
        FaceSample(path=f"{index}.png", label=label, split="test", group=group)
        for index, (label, group) in enumerate(zip(labels, names, strict=True))
    ]
    return Predictions(samples, np.array(scores, dtype=np.float64))


def value(predictions: Predictions, name: str, threshold: float = 0.5) -> float:
    return compute_metrics(predictions, threshold=threshold, resamples=0).estimates[name].value


def tied_data(seed: int, n: int = 200) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels and scores with many ties, both ends of the range among them."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    scores = np.clip(np.round(rng.normal(0.4 + 0.2 * labels, 0.25), 2), 0, 1)
    return labels, scores


def expected(labels: NDArray[np.int64], scores: NDArray[np.float64], threshold: float) -> dict[str, float]:
    """The same metrics from scikit-learn, where it has them."""
    called = (scores >= threshold).astype(int)
    fpr, tpr, _ = sk.roc_curve(labels, scores, drop_intermediate=False)
    found = {
        "auc": sk.roc_auc_score(labels, scores),
        "average_precision": sk.average_precision_score(labels, scores),
        "tpr_at_1_fpr": tpr[fpr <= 0.01].max(),
        "accuracy": sk.accuracy_score(labels, called),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, called),
        "precision": sk.precision_score(labels, called),
        "recall": sk.recall_score(labels, called),
        "f1": sk.f1_score(labels, called),
        "log_loss": sk.log_loss(labels, np.clip(scores, 1e-7, 1 - 1e-7)),
        "brier": sk.brier_score_loss(labels, scores),
    }
    for name in ("precision", "recall", "f1"):
        score = getattr(sk, f"{name}_score")
        found[f"{name}_weighted"] = score(labels, called, average="weighted", zero_division=0)
    return found


def near(name: str, number: float) -> object:
    """1 - (1 - 1e-7), which scikit-learn takes the logarithm of, is 1e-7 to 9 digits."""
    return pytest.approx(number, abs=1e-9 if name == "log_loss" else 1e-12)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.57])
def test_values_equal_those_of_scikit_learn(seed: int, threshold: float) -> None:
    labels, scores = tied_data(seed)
    metrics = compute_metrics(make(labels.tolist(), scores.tolist()), threshold=threshold, resamples=0)
    for name, number in expected(labels, scores, threshold).items():
        assert metrics.estimates[name].value == near(name, number), name
    matrix = sk.confusion_matrix(labels, scores >= threshold)
    assert metrics.confusion == tuple(tuple(row) for row in matrix.tolist())
    assert (metrics.n, metrics.n_real, metrics.n_fake) == (200, *np.bincount(labels).tolist())


@pytest.mark.parametrize("seed", range(3))
def test_weights_equal_a_recomputation_on_the_resampled_faces(seed: int) -> None:
    labels, scores = tied_data(seed)
    rng = np.random.default_rng(100 + seed)
    groups = rng.integers(0, 30, len(labels))
    groups[:30] = np.arange(30)
    weights = rng.multinomial(30, np.full(30, 1 / 30), size=20).astype(np.float64)
    found = measure(prepare(labels, scores, groups, 0.5), weights)
    for row, times in enumerate(weights):
        chosen = np.repeat(np.arange(len(labels)), times[groups].astype(int))
        again = expected(labels[chosen], scores[chosen], 0.5)
        once = np.ones((1, len(chosen)))
        plain = measure(prepare(labels[chosen], scores[chosen], np.arange(len(chosen)), 0.5), once)
        for name in MEASURES:
            number = again.get(name, plain[name][0])
            assert found[name][row] == near(name, number), name


def test_auc_is_the_share_of_pairs_in_order_and_ties_count_half() -> None:
    # Pairs (real, fake): .2<.5, .2<.9, .5=.5, .5<.9, .5=.5, .5<.9: 4 in order, 2 ties, of 6.
    assert value(make([0, 0, 0, 1, 1], [0.2, 0.5, 0.5, 0.5, 0.9]), "auc") == pytest.approx(5 / 6, abs=1e-15)


@pytest.mark.parametrize(
    ("labels", "scores", "rate"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], 0.0),
        ([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9], 1.0),
        ([0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3], 0.5),
        # ROC through (0, 1/2), (1/2, 1/2), (1/2, 1): FPR = 1 - TPR at FPR 1/2.
        ([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], 0.5),
        # Three reals, two fakes: (0, 1/2) up to (1/3, 1/2) up to (1/3, 1): crossing at 1/3.
        ([0, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.5], 1 / 3),
        # A tie of one real and one fake slopes from (0, 1/2) to (1/3, 1): FPR = 1 - TPR at FPR 1/5.
        ([0, 0, 1, 0, 1], [0.1, 0.2, 0.4, 0.4, 0.5], 1 / 5),
    ],
)
def test_equal_error_rate_by_hand(labels: list[int], scores: list[float], rate: float) -> None:
    assert value(make(labels, scores), "eer") == pytest.approx(rate, abs=1e-15)


def test_calibration_error_by_hand() -> None:
    # Bins of 1/15: .02 and .03 in the first, .5 in the eighth, 1 in the last.
    labels, scores = [0, 1, 1, 1], [0.02, 0.03, 0.5, 1.0]
    gaps = [abs(0.02 + 0.03 - 1), abs(0.5 - 1), 0.0]
    assert value(make(labels, scores), "ece") == pytest.approx(sum(gaps) / 4, abs=1e-15)


def test_a_bin_holds_its_upper_edge_and_the_first_holds_zero() -> None:
    # In one bin the gaps 0 - 1 and 1/15 - 0 add up before they count; in two they would not.
    assert value(make([1, 0], [0.0, 1 / 15]), "ece") == pytest.approx((14 / 15) / 2, abs=1e-15)


def test_tpr_at_one_percent_takes_the_best_allowed_threshold() -> None:
    reals = [0.5] + [index / 1000 for index in range(99)]
    labels = [0] * 100 + [1] * 4
    # One false alarm of 100 reals is allowed, so 3 of 4 fakes are found; of 99 reals none is: 2 of 4.
    assert value(make(labels, [*reals, 0.9, 0.8, 0.3, 0.0]), "tpr_at_1_fpr") == 0.75
    assert value(make(labels[1:], [*reals[:-1], 0.9, 0.8, 0.3, 0.0]), "tpr_at_1_fpr") == 0.5


def test_log_loss_of_a_sure_mistake_is_finite_and_the_same_for_both_classes() -> None:
    assert value(make([1, 0], [0.0, 0.0]), "log_loss") == pytest.approx(-math.log(1e-7) / 2)
    assert value(make([1, 0], [1.0, 1.0]), "log_loss") == pytest.approx(-math.log(1e-7) / 2)
    assert value(make([1, 0], [1.0, 1 - 1e-12]), "log_loss") == pytest.approx(-math.log(1e-7) / 2)


def test_a_score_equal_to_the_threshold_is_called_fake() -> None:
    assert compute_metrics(make([0, 1], [0.4, 0.6]), threshold=0.6).confusion == ((1, 0), (0, 1))
    assert compute_metrics(make([0, 1], [0.4, 0.6]), threshold=0.4).confusion == ((0, 1), (0, 1))


def test_precision_is_not_defined_when_nothing_is_called_fake() -> None:
    metrics = compute_metrics(make([0, 0, 1], [0.1, 0.2, 0.3]), threshold=0.5, resamples=0)
    assert math.isnan(metrics.estimates["precision"].value)
    assert metrics.estimates["precision_weighted"].value == pytest.approx((2 / 3) * (2 / 3))
    assert metrics.estimates["f1"].value == 0.0


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_leaves_comparisons_undefined(label: int) -> None:
    metrics = compute_metrics(make([label] * 5, [0.1, 0.3, 0.5, 0.7, 0.9]), threshold=0.5, resamples=50)
    defined = ONE_CLASS | ({"recall"} if label else set())
    for name, estimate in metrics.estimates.items():
        assert math.isnan(estimate.value) == (name not in defined), name
        assert name in defined or (math.isnan(estimate.low) and math.isnan(estimate.high)), name
    assert metrics.estimates["accuracy"].value == pytest.approx(0.6 if label else 0.4)


def test_unknown_labels_are_told_and_not_counted() -> None:
    base = make([0, 1, 1], [0.1, 0.4, 0.9])
    more = make([0, 1, 1, -1, -1], [0.1, 0.4, 0.9, 0.0, 1.0])
    one, two = (compute_metrics(each, threshold=0.5) for each in (base, more))
    assert (two.n, two.n_unknown, two.n_groups) == (3, 2, 3)
    assert one.to_dict()["estimates"] == two.to_dict()["estimates"]


@pytest.mark.parametrize("labels", [[], [-1, -1]])
def test_nothing_to_measure_gives_no_number(labels: list[int]) -> None:
    metrics = compute_metrics(make(labels, [0.5] * len(labels)), threshold=0.5, level="video")
    assert (metrics.n, metrics.n_unknown) == (0, len(labels))
    assert all(math.isnan(estimate.value) for estimate in metrics.estimates.values())


def test_video_level_scores_the_mean_of_each_clip() -> None:
    methods = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures")
    samples = [
        FaceSample(f"{m}{i}", 1, "test", "000", video="000_003", method=m) for m in methods for i in (0, 1)
    ] + [FaceSample(f"real{i}", 0, "test", "000", video="000") for i in (0, 1)]
    scores = np.array([0.9, 0.1, 0.9, 0.7, 0.9, 0.7, 0.2, 0.2, 0.1, 0.5])
    video = compute_metrics(Predictions(samples, scores), threshold=0.5, level="video")
    assert (video.n, video.n_real, video.n_fake) == (5, 1, 4)
    # Clip means: fakes .5, .8, .8, .2; the real .3: three of four pairs in order.
    assert video.estimates["auc"].value == 0.75
    assert video.confusion == ((1, 0), (1, 3))


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(InputError, match=r"level 'clip'.*face, video"):
        compute_metrics(make([0, 1], [0.1, 0.9]), threshold=0.5, level="clip")


def test_json_gives_the_metrics_back() -> None:
    metrics = compute_metrics(make([1, 1, 1], [0.1, 0.6, 0.9]), threshold=0.5, resamples=20)
    text = json.dumps(metrics.to_dict(), allow_nan=False)
    again = Metrics.from_dict(json.loads(text))
    assert again.to_dict() == metrics.to_dict()
    assert math.isnan(again.estimates["auc"].value)
    assert again.confusion == ((0, 0), (1, 2))


@pytest.mark.parametrize("record", [{}, {"estimates": {}, "confusion": [[1]]}, {"estimates": 3}])
def test_a_wrong_record_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(InputError, match="not a record of metrics"):
        Metrics.from_dict(record)


@pytest.mark.parametrize(
    ("labels", "scores", "threshold"),
    [
        ([0, 0, 1, 1], [0.1, 0.3, 0.6, 0.9], 0.45),
        # Between .1 and .2 or between .6 and .8, equally good: the one nearer to 0.5.
        ([0, 1, 0, 1], [0.1, 0.2, 0.6, 0.8], 0.7),
        # Unbalanced: accuracy would take 0.85, balanced accuracy takes all three fakes.
        ([0] * 6 + [1, 0, 1], [0.1] * 6 + [0.2, 0.3, 0.9], 0.15),
        ([1, 0], [0.0, 1.0], 0.0),
    ],
)
def test_threshold_by_hand(labels: list[int], scores: list[float], threshold: float) -> None:
    assert choose_threshold(make(labels, scores)) == pytest.approx(threshold, abs=1e-15)


@pytest.mark.parametrize("seed", range(10))
def test_no_threshold_has_a_larger_balanced_accuracy(seed: int) -> None:
    labels, scores = tied_data(seed, n=30)
    predictions = make(labels.tolist(), scores.tolist())
    chosen = value(predictions, "balanced_accuracy", choose_threshold(predictions))
    others = [value(predictions, "balanced_accuracy", t) for t in np.linspace(0, 1, 401)]
    assert chosen == pytest.approx(max(others), abs=1e-15)


def test_a_threshold_lies_between_adjacent_floats() -> None:
    # The mean of two neighbours rounds to the even one: down for one of these two pairs.
    first, second, third = 0.3, math.nextafter(0.3, 1), math.nextafter(math.nextafter(0.3, 1), 1)
    for low, high in ((first, second), (second, third)):
        assert choose_threshold(make([0, 1], [low, high])) == high


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], [1, -1]])
def test_a_threshold_needs_both_classes(labels: list[int]) -> None:
    with pytest.raises(InputError, match="needs real and fake samples"):
        choose_threshold(make(labels, [0.1, 0.9]))


def test_unknown_labels_move_no_threshold() -> None:
    assert choose_threshold(make([0, 1, -1], [0.2, 0.8, 0.3])) == 0.5


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.9996, 0.9992, 1.0, "0.9996 [0.999, 1.000]"),
        (0.00041, 0.0, 0.0123, "0.0004 [0.000, 0.012]"),
        (0.99949, 0.5, 0.5, "0.999 [0.500, 0.500]"),
        (1.0, 0.99997, 1.0, "1.000 [0.99997, 1.000]"),
    ],
)
def test_nothing_is_rounded_to_all_or_nothing(value: float, low: float, high: float, text: str) -> None:
    assert str(Estimate(value, low, high)) == text


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((0.0312, 0.012, 0.05), "+0.031 [+0.012, +0.050]"),
        ((-0.2, -0.3, 0.1), "-0.200 [-0.300, +0.100]"),
        ((0.0, math.nan, math.nan), "+0.000 [–]"),
        ((math.nan, math.nan, math.nan), "–"),
    ],
)
def test_a_difference_is_shown_with_its_sign(ends, text):
    assert signed(Estimate(*ends)) == text


def test_a_difference_is_shown_with_as_many_digits_as_asked():
    assert signed(Estimate(-0.00042, -0.0011, 0.0003), digits=4) == "-0.0004 [-0.0011, +0.0003]"


def test_a_p_value_is_never_shown_as_0():
    assert [shown_p(p) for p in (0.0004, 0.0049, 0.05, 1.0)] == ["<0.001", "0.005", "0.050", "1.000"]
    assert [shown_p(p, 4) for p in (0.00009, 0.00012, math.nan)] == ["<0.0001", "0.0001", "–"]


def test_an_average_that_is_not_defined_is_written_as_null():
    assert Estimate(0.5, math.nan, math.nan).to_dict() == {"value": 0.5, "low": None, "high": None}
    assert Estimate(math.nan, math.nan, math.nan).to_dict()["value"] is None


LABELS = [0, 1] * 30


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        ({"test": [0.4] * 60}, "AUC 0.500 [–] on 60 test faces"),
        ({"val": [0.1, 0.9] * 30, "test": [0.3, 0.3, 0.7, 0.7] * 15}, "on 60 test faces"),
        # The test split decides; val counts beside it only where all its scores are equal.
        ({"val": [0.3, 0.3, 0.7, 0.7] * 15, "test": [0.1, 0.9] * 30}, ""),
        ({"val": [0.4] * 60, "test": [0.1, 0.9] * 30}, "AUC 0.500 [–] on 60 val faces"),
        ({"val": [0.9, 0.1] * 30}, "AUC 0.000 [–] on 60 val faces"),
        ({"val": [0.1, 0.9] * 30}, ""),
    ],
)
def test_a_model_whose_auc_may_be_that_of_chance_has_no_skill(splits, said):
    metrics = {
        split: {"face": compute_metrics(make(LABELS, scores), threshold=0.5)}
        for split, scores in splits.items()
    }
    assert said in no_skill(metrics)
    assert bool(said) == bool(no_skill(metrics))


def test_too_few_groups_show_no_skill_but_a_perfect_auc_does():
    groups = [str(row % 5) for row in range(40)]
    sure, fair = (
        make([0, 1] * 20, [0.1, 0.9] * 20, groups),
        make([0, 1] * 20, [0.1, 0.9, 0.6, 0.5] * 10, groups),
    )
    metrics = compute_metrics(fair, threshold=0.5)
    assert metrics.estimates["auc"].value == 0.75
    assert "AUC 0.750 [–] on 40 test faces, of too few groups" in no_skill({"test": {"face": metrics}})
    assert not no_skill({"test": {"face": compute_metrics(sure, threshold=0.5)}})


def test_where_videos_have_several_faces_their_scores_tell_the_skill():
    """Each real video has a face that is taken for fake, and one that is not."""
    labels = [0, 0, 1, 1] * 15
    samples = [
        FaceSample(f"{row}.png", label, "test", str(row // 2), video=str(row // 2))
        for row, label in enumerate(labels)
    ]
    scored = Predictions(samples, np.array([0.1, 0.9, 0.5, 0.5] * 15))
    levels = {name: compute_metrics(scored, threshold=0.5, level=name) for name in ("face", "video")}
    assert "on 30 test videos" in no_skill({"test": levels})
    assert "on 30 videos, and chance" in no_skill({"all": levels})


def test_the_auc_of_one_epoch_is_scikit_learns_and_knows_no_order() -> None:
    """Rounding must not decide which of two equal epochs is kept."""
    drawn = np.random.default_rng(0)
    labels = drawn.integers(0, 2, 701)
    for decimals in (1, 2, 6):
        p_fake = drawn.random(701).round(decimals)
        auc = exact_auc(labels, p_fake)
        assert auc == pytest.approx(sk.roc_auc_score(labels, p_fake), abs=1e-12)
        for _ in range(5):
            order = drawn.permutation(701)
            assert exact_auc(labels[order], p_fake[order]) == auc
