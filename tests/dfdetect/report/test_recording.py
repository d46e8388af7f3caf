"""What a result records of its runs."""

import numpy as np

from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe
from dfdetect.report import recording
from face_extraction.manifest import FaceSample


class Begun:
    """A run of which only the beginning is asked for."""

    def __init__(self, weights, random, partial=False):
        self._recipe = Recipe(model="xception", weights=weights, partial_weights=partial)
        self._random = random

    def recipe(self):
        return self._recipe

    def environment(self):
        return {"random_layers": self._random}


def test_trained_weights_do_not_stand_for_imagenet():
    assert recording.same_start("imagenet", Begun("x.h5", ["logit"]))
    assert not recording.same_start("imagenet", Begun("runs/other", []))
    assert not recording.same_start("imagenet", Begun("none", ["block1_conv1", "logit"]))
    assert recording.same_start("none", Begun("none", []))


def test_the_curve_of_a_result_is_that_drawn_by_hand():
    # Reals .1 and .4, fakes .3 and .9: from (0, 1/2) to (1/2, 1/2), up to (1/2, 1) and on to (1, 1).
    samples = [FaceSample(f"{row}.png", row // 2, "test", str(row)) for row in range(4)]
    heights = recording._roc(Predictions(samples, np.array([0.1, 0.4, 0.3, 0.9])))
    assert heights[[0, 49, 50, 100]].tolist() == [0.5, 0.5, 1.0, 1.0]
