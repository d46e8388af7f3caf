"""A head that begins with a logistic regression on the frozen features of the training faces.

A random head first pulls at whatever else is trained: the normalisation layers of a foundation backbone,
tuned from one, came out worse than that regression alone.
"""

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from dfdetect.data.faces import Pass
from dfdetect.data.pipeline import make_batches

STRENGTH = 0.01
"""Inverse strength of the penalty on standardised features, scikit-learn's C."""
CONSTANT = 1e-6
"""A feature with a smaller deviation than this counts as constant, and gets no weight."""


def start_head(model: keras.Model, faces: Pass) -> None:
    """Give the layer `logit` the weights of a logistic regression.

    Args:
        model: whose `logit` takes the features directly, or through dropout.
        faces: the training faces, augmented as in an epoch.
    """
    logit = model.get_layer("logit")
    features = keras.Model(model.input, logit.input)
    found = np.concatenate(
        [np.asarray(features(batch[0], training=False)) for batch in make_batches(faces)], dtype=np.float64
    )
    labels, _ = faces.targets()
    kernel, bias = fit_head(found, labels[:, 0])
    logit.set_weights([kernel.astype(np.float32), bias.astype(np.float32)])


def fit_head(
    features: NDArray[np.float64], labels: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A logistic regression on standardised features, as weights for the features themselves.

    Args:
        features: (n, c).
        labels: (n,), 0 or 1, both present.

    Returns:
        The kernel (c, 1) and the bias (1,) of the logit.
    """
    scaler = StandardScaler().fit(features)
    varying = np.sqrt(scaler.var_) > CONSTANT
    scale = np.where(varying, scaler.scale_, 1.0)
    standardised = np.where(varying, (features - scaler.mean_) / scale, 0.0)
    regression = LogisticRegression(C=STRENGTH, max_iter=2000).fit(standardised, labels.astype(int))
    kernel = np.where(varying, regression.coef_[0] / scale, 0.0)
    return kernel[:, None], regression.intercept_ - np.array([kernel @ scaler.mean_])
