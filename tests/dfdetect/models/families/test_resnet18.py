"""ResNet-18: its blocks add to what they are given."""

import keras
import numpy as np

from dfdetect.models.build import build_model


def test_residual_block_without_its_residual_is_the_identity(lively, faces):
    rgb, _ = faces("resnet18")
    model = lively("resnet18")
    outputs = [model.get_layer(f"conv3_block{n}_out").output for n in (1, 2)]
    both = keras.Model(model.input, outputs)
    before, after = (np.array(x) for x in both(rgb))
    assert not np.array_equal(before, after)
    model.get_layer("conv3_block2_2_bn").gamma.assign(np.zeros(128))
    before, after = (np.array(x) for x in both(rgb))
    np.testing.assert_array_equal(after, before)
    assert before.max() > 0


def test_maps_of_resnet18_are_those_of_the_paper():
    model = build_model("resnet18")
    sides = [model.get_layer(f"conv{n}_block2_out").output.shape[1:] for n in (2, 3, 4, 5)]
    assert sides == [(56, 56, 64), (28, 28, 128), (14, 14, 256), (7, 7, 512)]
