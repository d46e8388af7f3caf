"""Choose and fit a calibration on validation scores, and measure it on test scores.

The map is by temperature (Guo et al. 2017), Platt (1999) or isotonic (Zadrozny & Elkan 2002), whichever has
the lowest log loss on groups that it was not fitted on.
"""

from collections.abc import Callable
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from dfdetect.metrics.bootstrap import draw_weights, percentile_interval
from dfdetect.metrics.calibrating import LEAST, Array, Calibration, Error, Held, logit
from dfdetect.metrics.estimates import Estimate
from dfdetect.metrics.ideal import Ideal, ideal_ece
from dfdetect.metrics.measures import ECE_BINS, ece_bins
from dfdetect.predictions import Predictions

FOLDS = 5
"""Parts of the validation split, by groups, that choose the method; fewer where a class has fewer groups."""
ISOTONIC_FROM = 1000
"""Isotonic regression is tried with this many files; with fewer it follows chance (scikit-learn's guide)."""
RESAMPLES = 1000
"""Resamples of groups for the interval of the calibration error."""
KEPT = 1000
"""Scores of each class that are kept; of more, evenly spaced ones in their order."""

TEST_SPLIT = "files of the test split"
"""What a run's own calibration was tested on, in words."""


def calibrate(
    val: Predictions, test: Predictions | None, *, origin: str, cannot: str = ""
) -> Calibration | None:
    """Choose and fit a calibration on the val split, and measure it on the test split.

    Args:
        val: one prediction a file (`Predictions.at_level`), both classes present.
        test: the same; None without a test split. Those with unknown labels count nowhere.
        origin: the data, in words.
        cannot: what the model cannot judge, in words.

    Returns:
        None if the val split lacks a class, or fakes do not score higher than reals: no map helps then.
    """
    val = val.known()
    test = test.known() if test is not None else None
    if len(set(val.labels)) < 2:
        return None
    losses = _cross_fitted(val)
    method = min(losses, key=lambda name: losses[name]) if losses else "temperature"
    fitted = METHODS[method](val.p_fake, val.labels)
    if fitted is None:
        return None
    measured = test if test is not None and len(test) else val
    calibrated = Predictions(measured.samples, fitted.apply(measured.p_fake))
    return msgspec.structs.replace(
        fitted,
        prevalence=float(val.labels.mean()),
        val=_held(fitted, val),
        test=_held(fitted, test) if test is not None and len(test) else None,
        origin=origin,
        tested_on=f"{len(test):,} {TEST_SPLIT}" if test is not None and len(test) else "",
        cannot=cannot,
        log_loss={name: round(loss, 6) for name, loss in losses.items()},
        before=_error(measured),
        after=_error(calibrated, ideal_ece(calibrated)),
    )


def fit_platt(p_fake: ArrayLike, labels: ArrayLike) -> Calibration | None:
    """A logistic regression of labels on logits (Platt 1999); None if fakes do not score higher."""
    return _logistic("platt", p_fake, labels)


def fit_temperature(p_fake: ArrayLike, labels: ArrayLike) -> Calibration | None:
    """The same without an intercept: the logit is divided by a temperature (Guo et al. 2017)."""
    return _logistic("temperature", p_fake, labels)


def fit_isotonic(p_fake: ArrayLike, labels: ArrayLike) -> Calibration | None:
    """The ascending step function of least squared error (Zadrozny & Elkan 2002); None if it is flat."""
    from sklearn.isotonic import IsotonicRegression

    found = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p_fake, labels)
    values = found.y_thresholds_.tolist()
    if values[0] == values[-1]:
        return None
    return Calibration(method="isotonic", knots=(tuple(found.X_thresholds_.tolist()), tuple(values)))


METHODS: dict[str, Callable[[ArrayLike, ArrayLike], Calibration | None]] = {
    "temperature": fit_temperature,
    "platt": fit_platt,
    "isotonic": fit_isotonic,
}
"""The simplest first: it wins where two are equally good."""


def _logistic(
    method: Literal["temperature", "platt"], p_fake: ArrayLike, labels: ArrayLike
) -> Calibration | None:
    """Platt's regression: its targets lie a little inside 0 and 1, so that it is always finite."""
    from sklearn.linear_model import LogisticRegression

    truth = np.asarray(labels)
    fakes, reals = int(truth.sum()), int((1 - truth).sum())
    target = np.where(truth == 1, (fakes + 1) / (fakes + 2), 1 / (reals + 2))
    x = logit(p_fake)[:, None]
    regression = LogisticRegression(C=np.inf, fit_intercept=method == "platt", max_iter=1000)
    # A soft target is the same as both labels with its two weights.
    regression.fit(np.concatenate([x, x]), np.repeat([1, 0], len(x)), np.concatenate([target, 1 - target]))
    slope = float(regression.coef_[0, 0])
    if slope <= 0:
        return None
    intercept = float(regression.intercept_[0]) if method == "platt" else 0.0
    return Calibration(method=method, slope=slope, intercept=intercept)


def _cross_fitted(val: Predictions) -> dict[str, float]:
    """The log loss of each method on groups that it was not fitted on; none where there are too few."""
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedGroupKFold

    labels, groups = val.labels, val.groups
    folds = min(FOLDS, *(len(set(groups[labels == label].tolist())) for label in (0, 1)))
    if folds < 2:
        return {}
    parts = list(StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(labels, labels, groups))
    losses = {}
    tried = {name: fit for name, fit in METHODS.items() if name != "isotonic" or len(val) >= ISOTONIC_FROM}
    for name, fit in tried.items():
        p = np.full(len(val), np.nan)
        for rest, part in parts:
            found = fit(val.p_fake[rest], labels[rest]) if len(set(labels[rest].tolist())) == 2 else None
            if found is not None:
                p[part] = found.apply(val.p_fake[part])
        if not np.isnan(p).any():
            losses[name] = float(log_loss(labels, np.clip(p, LEAST, 1 - LEAST), labels=[0, 1]))
    return losses


def _held(fitted: Calibration, scored: Predictions) -> Held:
    p, labels, groups = fitted.apply(scored.p_fake), scored.labels, scored.groups
    return Held(
        reals=_kept(p[labels == 0]),
        fakes=_kept(p[labels == 1]),
        real_groups=len(set(groups[labels == 0].tolist())),
        fake_groups=len(set(groups[labels == 1].tolist())),
    )


def _kept(scores: Array) -> tuple[float, ...]:
    """The scores, ascending; evenly spaced ones if there are more than `KEPT`.

    They keep all digits: many files can have one score, and a cut beside it must not fall on its other side.
    """
    ordered = np.sort(scores)
    if len(ordered) > KEPT:
        ordered = ordered[np.round(np.linspace(0, len(ordered) - 1, KEPT)).astype(int)]
    return tuple(ordered.tolist())


def _error(scored: Predictions, ideal: Ideal | None = None) -> Error:
    """The calibration error as `measures` defines it, with its interval over groups."""
    p, labels, groups = scored.p_fake, scored.labels, scored.groups
    n_groups, bins = int(groups.max()) + 1, ece_bins(p)
    gaps = [np.bincount(groups, np.where(bins == bin, p - labels, 0.0), n_groups) for bin in range(ECE_BINS)]
    cells = np.stack([*gaps, np.bincount(groups, minlength=n_groups).astype(float)], axis=1)

    def error(weights: Array) -> Array:
        sums = weights @ cells
        return np.asarray(np.abs(sums[:, :-1]).sum(axis=1) / sums[:, -1])

    drawn = draw_weights(len(cells), RESAMPLES, seed=0, rows=RESAMPLES)
    low, high = percentile_interval(np.concatenate([error(weights) for weights in drawn]), n_groups)
    found = Estimate(float(error(np.ones((1, len(cells))))[0]), low, high)
    return Error(**found.to_dict(), ideal=ideal)
