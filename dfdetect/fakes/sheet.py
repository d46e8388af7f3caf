"""A contact sheet of fakes: real, fake, mask and difference side by side, to be looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dfdetect.fakes.pairs import PairSampler, make_fake, scaled
from dfdetect.fakes.reals import Reals
from dfdetect.fakes.registry import Mask, Rgb

_GAIN = 4
"""By how much differences are amplified."""
_COLUMNS = ("real", "fake", "mask", f"difference x {_GAIN}")
HEAD = 48
"""Height in pixels of the strip that names the kind and its columns."""
MARGIN = 4
"""Pixels beside its text."""


@dataclass(frozen=True)
class ContactSheet:
    """What a contact sheet shows.

    Attributes:
        reals: the real faces.
        count: how many faces, one below the other.
        side: of each picture, in pixels.
        disturbed: show them as a training step sees them: cut, disturbed and compressed.
        seed: chooses the faces and the fakes.
    """

    reals: Reals
    count: int
    side: int
    disturbed: bool
    seed: int

    def draw(self, kinds: Sequence[str]) -> Rgb:
        """Draw the fakes of each kind in a column of its own.

        Returns:
            uint8 of shape (HEAD + count * side, kinds * 4 * side, 3).
        """
        return np.hstack([self._column(kind) for kind in kinds])

    def _column(self, kind: str) -> Rgb:
        reals, side, seed = self.reals, self.side, self.seed
        chosen = np.random.default_rng(seed).permutation(len(reals.samples))[: self.count]
        sampler = PairSampler(
            lambda i: reals.load(i).picture, reals.points, reals.groups, side, {kind: 1.0}, seed
        )
        rows = []
        for index in map(int, chosen):
            if self.disturbed:
                pair = sampler.pair(index)
                rows.append(_row(pair.real, pair.fake, pair.mask))
            else:
                face = scaled(reals.load(index), side)
                rng = np.random.default_rng((seed, index))
                fake = make_fake(kind, face, rng, sampler.donor_of(index))
                rows.append(_row(face.picture, fake.picture, fake.mask))
        return np.vstack([_head(kind, side), *rows])


def _row(real: Rgb, fake: Rgb, mask: Mask) -> Rgb:
    grey = np.rint(mask * 255).astype(np.uint8)
    difference = np.minimum(255, _GAIN * np.abs(fake.astype(np.int16) - real)).astype(np.uint8)
    return np.hstack([real, fake, np.repeat(grey[:, :, None], 3, axis=2), difference])


def _head(kind: str, side: int) -> Rgb:
    """The strip above a kind's pictures: its name, and what each column shows."""
    titles = [_line(title, side, 0.45) for title in _COLUMNS]
    return np.vstack([_line(kind, len(_COLUMNS) * side, 0.65), np.hstack(titles)])


def _line(text: str, width: int, size: float) -> Rgb:
    """Text in black on white, half of `HEAD` high, as large as fits the width."""
    strip = np.full((HEAD // 2, width, 3), 255, dtype=np.uint8)
    (long, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    size *= min(1.0, (width - 2 * MARGIN) / long)
    place = (MARGIN, 3 * HEAD // 8)
    cv2.putText(strip, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
    return strip
