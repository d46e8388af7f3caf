"""Held-out people as they look in videos: moving faces, real and faked, through a camera and a real codec.

Portraits are sharper and better lit than the faces of videos. A threshold chosen on portraits would call
too many real videos fake. So the cuts of a detector that ships are chosen on these videos. They are
recoloured, blurred, compressed and made noisy, as the training pairs are.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.data.paired import fake_shares
from dfdetect.fakes.disturb import disturb
from dfdetect.fakes.motion import moving, write_video
from dfdetect.fakes.pairs import Donors, draw_kind, make_fake, scaled
from dfdetect.fakes.reals import Reals
from dfdetect.fakes.registry import Rgb
from dfdetect.recipe import Recipe
from face_extraction.frames import read_frames
from face_extraction.images import resize

FRAMES = 8
"""Frames of a video, so that the codec predicts most of them from others."""
LOOKED = 4
"""Frames of each that are scored."""
WORKING = 160
"""Side of the crop at which faces are moved and faked, in pixels."""
SIDES = range(80, WORKING + 1, 16)
"""Sides of the face's crop in the video, in pixels: whole macroblocks of the codec."""
QUALITIES = (18, 38)
"""x264's best and coarsest quality."""


@dataclass(frozen=True)
class Trial:
    """The faces of all videos, those of each video together.

    Attributes:
        crops: uint8 of shape (videos * LOOKED, S, S, 3).
        labels: of each video, 0 or 1.
        people: the group of each video.
    """

    crops: Rgb
    labels: NDArray[np.int64]
    people: list[str]


def make_trial(reals: Reals, recipe: Recipe, size: int) -> Trial:
    """Two videos of each real face, itself and a fake of it, equal in motion, size and quality.

    Equal recipes give equal videos before the codec; after it a few grey levels may differ.

    Args:
        reals: faces of people that were not trained on.
        recipe: tells the kinds of fake, their shares, and the seed.
        size: side of the crops.
    """
    donors = Donors(reals.points, reals.groups)
    crops: list[Rgb] = []
    for index in range(len(reals.samples)):
        rng = np.random.default_rng((recipe.seed, 1, index))
        for frames in _pair(reals, donors, index, recipe, rng):
            crops += [resize(frame, size) for frame in frames]
    labels = np.tile([0, 1], len(reals.samples))
    return Trial(np.stack(crops), labels, [group for group in reals.groups for _ in (0, 1)])


def _pair(
    reals: Reals, donors: Donors, index: int, recipe: Recipe, rng: np.random.Generator
) -> Iterator[list[Rgb]]:
    """The scored frames of the real video, then of the faked one."""
    kind = draw_kind(fake_shares(recipe), rng)
    donor = scaled(reals.load(int(rng.choice(donors.near(index)))), WORKING)
    faces = list(moving(scaled(reals.load(index), WORKING), rng, FRAMES))
    side, crf = int(rng.choice(SIDES)), round(rng.uniform(*QUALITIES))
    seed = int(rng.integers(2**32))
    # The same seed in each frame: a fake's flaws stay where they are on the face.
    fakes = [make_fake(kind, face, np.random.default_rng(seed), lambda _: donor).picture for face in faces]
    # One camera took both: the same colours, blur and noise.
    seen = disturb([*(face.picture for face in faces), *fakes], rng)
    for pictures in (seen[:FRAMES], seen[FRAMES:]):
        yield _through_codec([_shrunk(picture, side) for picture in pictures], crf)


def _shrunk(picture: Rgb, side: int) -> Rgb:
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _through_codec(pictures: list[Rgb], crf: int) -> list[Rgb]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.mp4"
        write_video(path, pictures, crf)
        return [frame.rgb for frame in read_frames(path, count=LOOKED)]
