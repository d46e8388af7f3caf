"""A model whose score is known beforehand, and files for it."""

import keras
import numpy as np
import pytest

from dfdetect.metrics.calibrating import Calibration
from dfdetect.models.light import LightModel
from dfdetect.predict import __main__ as predict
from dfdetect.predict.detector import Detector
from dfdetect.recipe import RECIPE_FILE
from dfdetect.sample.films import film, write_video
from dfdetect.sample.identity import draw_identity
from dfdetect.sample.people import Person
from face_extraction.images import write_image
from face_extraction.settings import ExtractionSettings

ONE_CUT = {level: Calibration().with_cut(0.4, "set by the test") for level in ("face", "video")}


class Brightness(keras.Model):
    """`p_fake` is the crop's mean brightness over 255: a score that a test can compute itself."""

    def build(self, shape):
        self.built = True

    @property
    def input_shape(self):
        return (None, 32, 32, 3)

    def call(self, rgb):
        return keras.ops.mean(keras.ops.cast(rgb, "float32"), axis=(1, 2, 3), keepdims=True)[:, :, 0, 0] / 255


def brightness_without_keras():
    """The same score from a light model."""
    return LightModel((None, 32, 32, 3), "onnxruntime", lambda rgb: rgb.mean(axis=(1, 2, 3))[:, None] / 255)


@pytest.fixture(scope="module")
def clip():
    return film(Person(draw_identity(np.random.default_rng([0, 1]))), np.random.default_rng(2), 12).frames


@pytest.fixture
def detector():
    return Detector(Brightness(), ONE_CUT, ExtractionSettings())


@pytest.fixture(scope="module")
def files(clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_image(folder / "person.png", clip[0])
    write_video(folder / "person.mp4", clip)
    (folder / "words.mp4").write_text("these are words")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("left alone")
    (folder / "._person.png").write_text("what macOS leaves beside person.png")
    (folder / "run").mkdir()
    linked = tmp_path_factory.mktemp("linked")
    write_image(linked / "linked.png", clip[0])
    (folder / "run" / "link").symlink_to(linked)
    return folder


@pytest.fixture
def command(detector, tmp_path_factory, monkeypatch):
    """`predict` with the test's detector; the arguments follow the run's folder."""
    monkeypatch.setattr(predict, "_detector", lambda *_: detector)
    run = tmp_path_factory.mktemp("run")
    (run / RECIPE_FILE).touch()
    return lambda *arguments: predict.main([str(run), *map(str, arguments)])


@pytest.fixture(scope="session")
def one_cut():
    """What grades the scores of the test's detector: substantial from .4 on, little below."""
    return ONE_CUT


@pytest.fixture(scope="session")
def brightness_model():
    """The class of the model, to make others of."""
    return Brightness
