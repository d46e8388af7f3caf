"""Models at a small size. Tests take them by name, so that a new family is tested by itself."""

import functools

import keras
import numpy as np
import pytest

from dfdetect.models.build import build_model
from dfdetect.models.registry import family, list_models

# Cheap enough to train in every test run; any other family trains with the slow tests.
LIGHT = ("custom_cnn", "meso4", "mesoinception4")
# Gigabytes of weights at any image size: built with the slow tests alone.
HUGE = ("vit_l16",)


def pytest_generate_tests(metafunc):
    """`any_name` runs over all models, `trained_name` too, but its heavy ones are slow."""
    slow = {"any_name": HUGE, "trained_name": {*list_models()} - {*LIGHT}}
    for fixture in slow.keys() & {*metafunc.fixturenames}:
        names = [
            pytest.param(name, marks=pytest.mark.slow if name in slow[fixture] else ())
            for name in list_models()
        ]
        # By module: the tests of one model then run together, and its memory is given back after them.
        metafunc.parametrize(fixture, names, scope="module")


def small_size(name: str) -> int:
    """A side that keeps tests fast and is not the family's own."""
    step = family(name).size_step
    return -(-max(family(name).min_image_size, 64) // step) * step


def awaken(model: keras.Model, rgb: np.ndarray) -> None:
    """Give batch normalisation the statistics of `rgb`: random layers else fade to a score of 0.5.

    Dropout rests meanwhile: it would change the statistics, which deep networks then magnify.
    """
    kinds = {keras.layers.BatchNormalization: "momentum", keras.layers.Dropout: "rate"}
    usual = [(layer, kinds[type(layer)]) for layer in model.layers if type(layer) in kinds]
    values = [getattr(layer, name) for layer, name in usual]
    for layer, name in usual:
        setattr(layer, name, 0.0)
    model(rgb, training=True)
    for (layer, name), value in zip(usual, values, strict=True):
        setattr(layer, name, value)


def draw(name: str, size: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Eight images, half of them with a bright square, and their labels; small by default."""
    size = size or small_size(name)
    rng = np.random.default_rng(7)
    rgb = rng.integers(0, 100, (8, size, size, 3)).astype("uint8")
    labels = np.tile([0.0, 1.0], 4).astype("float32")
    rgb[labels == 1, size // 4 : size // 2, size // 4 : size // 2] = 250
    return rgb, labels


@functools.lru_cache(maxsize=1)
def _shared_model(name: str) -> keras.Model:
    model = build_model(name, image_size=small_size(name))
    awaken(model, draw(name)[0])
    return model


@pytest.fixture(autouse=True)
def _memory_back(request):
    """A full-size model is gone before the next is built: twenty of them fill a machine."""
    yield
    if request.node.get_closest_marker("slow"):
        keras.utils.clear_session()


@pytest.fixture
def small():
    """Builds a fresh small model."""

    def make(name: str, **settings) -> keras.Model:
        return build_model(name, image_size=small_size(name), **settings)

    return make


@pytest.fixture
def model(any_name):
    """A small model of any family, built once: to look at, not to change."""
    return _shared_model(any_name)


@functools.lru_cache(maxsize=1)
def _shared_scores(name: str) -> tuple[np.ndarray, np.ndarray]:
    model = _shared_model(name)
    both = keras.Model(model.input, [model.get_layer("logit").output, model.output])
    logit, p_fake = both(draw(name)[0])
    return np.array(logit), np.array(p_fake)


@pytest.fixture
def scores(any_name):
    """The logits and p_fake that this model gives the drawn images, computed once."""
    return _shared_scores(any_name)


@pytest.fixture(name="awaken")
def _awaken():
    """Gives batch normalisation the statistics of some images."""
    return awaken


@pytest.fixture
def lively():
    """Builds a fresh small model whose scores differ from image to image."""

    def make(name: str, size: int = 0, **settings) -> keras.Model:
        model = build_model(name, image_size=size or small_size(name), **settings)
        awaken(model, draw(name, size)[0])
        return model

    return make


@pytest.fixture
def faces():
    """Drawn images of a model's small size, and their labels."""
    return draw
