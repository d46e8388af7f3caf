"""Scoring: every sample gets its score or a ledger row, in order, at any batch size."""

import keras
import numpy as np
import pytest

from dfdetect.data.faces import FaceStore
from dfdetect.runs.scoring import BATCH, score, score_crops, score_store
from face_extraction.images import write_image
from face_extraction.manifest import FaceSample

LEVELS = (10, 250, 90, 30, 170)


@pytest.fixture(scope="module")
def brightness():
    """A model whose score of a picture is its mean brightness, 0 to 1."""
    image = keras.Input((8, 8, 3))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    p_fake = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(1 / 3))
    return keras.Model(image, p_fake(mean))


def grey(level):
    return np.full((8, 8, 3), level, np.uint8)


@pytest.fixture
def samples(tmp_path):
    """A grey crop of each level, with labels of all kinds."""
    for level in LEVELS:
        write_image(tmp_path / f"{level}.png", grey(level))
    return [FaceSample(f"{level}.png", place % 3 - 1, "test", "g") for place, level in enumerate(LEVELS)]


@pytest.mark.parametrize("batch_size", [1, 2, 5, 64])
def test_scores_stand_in_the_samples_order_at_any_batch_size(brightness, samples, tmp_path, batch_size):
    scored, ledger = score(brightness, tmp_path, samples, batch_size=batch_size)
    assert ledger == []
    assert [sample.path for sample in scored.samples] == [sample.path for sample in samples]
    np.testing.assert_allclose(scored.p_fake, np.array(LEVELS) / 255, atol=1e-6)


def test_a_crop_that_cannot_be_read_gets_a_row_and_no_score(brightness, samples, tmp_path):
    (tmp_path / "90.png").write_bytes(b"no picture")
    scored, ledger = score(brightness, tmp_path, samples, batch_size=2)
    assert [row.path for row in ledger] == ["90.png"]
    np.testing.assert_allclose(scored.p_fake, np.array([10, 250, 30, 170]) / 255, atol=1e-6)


def test_nothing_to_score_is_no_score(brightness, tmp_path):
    assert score_store(brightness, FaceStore(tmp_path, [], 8), 4).shape == (0,)


def test_crops_in_memory_keep_their_order_over_several_batches(brightness):
    levels = np.arange(2 * BATCH + 3)
    p_fake = score_crops(brightness, np.stack([grey(level) for level in levels]))
    np.testing.assert_allclose(p_fake, levels / 255, atol=1e-6)
