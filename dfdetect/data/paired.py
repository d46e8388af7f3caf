"""Paired training: a batch has each real face together with a fake made from it.

Reference: Shiohara & Yamasaki 2022 (arXiv 2204.08376). Each epoch makes new fakes. The manifest's own fakes,
if there are any, get the same disturbances, without a partner.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.faces import FaceStore, Rgb, open_faces
from dfdetect.fakes.pairs import (
    DEFAULT_SHARES,
    PairSampler,
    check_shares,
    draw_pair,
    scaled_points,
    working_side,
)
from dfdetect.fakes.reals import find_reals, groups_of
from dfdetect.fakes.registry import Face, Points
from dfdetect.recipe import Recipe
from face_extraction.errors import InputError
from face_extraction.images import resize
from face_extraction.ledger import LedgerRow
from face_extraction.manifest import FAKE, REAL, FaceSample


def fake_shares(recipe: Recipe) -> Mapping[str, float]:
    """How often each kind of fake is drawn: from the recipe, or else `DEFAULT_SHARES`."""
    return recipe.fake_shares or DEFAULT_SHARES


def check_kinds(recipe: Recipe) -> None:
    """Refuse unknown kinds of fake.

    Raises:
        InputError: a kind is unknown; the line names it.
    """
    check_shares(fake_shares(recipe))


def check_reals(samples: Sequence[FaceSample], manifest: Path) -> None:
    """Refuse a paired training without real faces.

    Raises:
        InputError: train has no real faces; the line names the manifest.
    """
    if not any(sample.label == REAL and sample.split == "train" for sample in samples):
        raise InputError(f"{manifest}: split 'train' has no real faces; augment paired makes fakes from them")


class PairStore:
    """Pairs made from real faces, then the manifest's own fakes.

    Picture 2k is the real face of pair k, and picture 2k + 1 the fake made from it.

    Args:
        faces: the crops, first the real ones, then the fakes, at the size at which fakes are made.
        points: the landmarks of the real faces, in pixels of the pictures in `faces`.
        image_size: side of the pictures of a pair, in pixels.
        shares: how often each kind of fake is drawn.
    """

    def __init__(
        self, faces: FaceStore, points: Sequence[Points], image_size: int, shares: Mapping[str, float]
    ) -> None:
        reals = faces.samples[: len(points)]
        self.samples: Sequence[FaceSample] = [
            sample for real in reals for sample in (real, replace(real, label=FAKE, method="paired"))
        ] + list(faces.samples[len(points) :])
        self.labels: NDArray[np.int64] = np.array([sample.label for sample in self.samples], dtype=np.int64)
        self.shape: tuple[int, ...] = (image_size, image_size, 3)
        self._faces, self._pairs, self._size = faces, len(points), image_size
        self._sampler = PairSampler(faces.load, points, groups_of(reals), image_size, shares)

    def __len__(self) -> int:
        """The number of pictures: two a pair."""
        return len(self.samples)

    def load(self, index: int) -> Rgb:
        """The face that picture `index` is made from, neither faked nor disturbed.

        Raises:
            Unreadable: the file cannot be decoded whole.
        """
        return resize(self._faces.load(self._row(index)), self._size)

    def _row(self, index: int) -> int:
        return index // 2 if index < 2 * self._pairs else index - self._pairs

    def draw(self, indices: Sequence[int], entropy: Sequence[int]) -> list[Rgb]:
        """Pictures as a training step gets them.

        Args:
            indices: one picture, or the real picture and the fake of one pair, in this order.
            entropy: seed of the random numbers, such as (seed, epoch, position).

        Returns:
            Pictures, each uint8 of `shape`.
        """
        rng = np.random.default_rng(tuple(entropy))
        if indices[0] >= 2 * self._pairs:
            return [self._single(index, rng) for index in indices]
        pair = self._sampler.draw(self._row(indices[0]), rng)
        return [pair.fake if index % 2 else pair.real for index in indices]

    def _single(self, index: int, rng: np.random.Generator) -> Rgb:
        """A fake from the manifest, cut and disturbed as the pairs are."""
        picture = self._faces.load(self._row(index))
        return draw_pair(Face(picture, np.zeros((68, 2), np.float32)), rng, self._size, shares={}).fake


def open_pairs(
    manifest: Path, samples: Sequence[FaceSample], recipe: Recipe, *, title: str, cached: bool = False
) -> tuple[PairStore, list[LedgerRow]]:
    """Open the faces of a paired training: decode every crop once, and list those that cannot be used.

    Args:
        manifest: the manifest; the landmarks are beside it.
        samples: its training rows.
        recipe: the recipe, resolved.
        title: the title of the progress bar.
        cached: keep the decoded faces in memory.

    Returns:
        A store, and a ledger row for each crop that has no landmarks or cannot be decoded.

    Raises:
        InputError: there are no real faces, or they have no landmarks.
    """
    reals, ledger = find_reals(manifest, samples)
    fakes = [sample for sample in samples if sample.label == FAKE]
    side = working_side(recipe.image_size, round(median(min(shape) for shape in reals.shapes)))
    faces, unreadable = open_faces(
        manifest.parent, [*reals.samples, *fakes], side, title=title, cached=cached
    )
    scaled = {
        sample.path: scaled_points(points, shape, side)
        for sample, points, shape in zip(reals.samples, reals.points, reals.shapes, strict=True)
    }
    points = [scaled[sample.path] for sample in faces.samples if sample.label == REAL]
    return PairStore(faces, points, recipe.image_size, fake_shares(recipe)), [*ledger, *unreadable]
