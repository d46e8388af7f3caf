"""Pairs for training: a real face and a fake made from it, which went through all else alike.

Reference: Shiohara & Yamasaki 2022 (arXiv 2204.08376): each real face gives a pair in the same batch,
made anew in each epoch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from dfdetect.fakes.disturb import disturb
from dfdetect.fakes.registry import Face, Fake, Mask, Points, Rgb, Rng, get_kind, list_kinds
from face_extraction.errors import InputError, check_name

WORKING = 1.25
"""Fakes are made in pictures whose side is this multiple of the model's input side."""
DEFAULT_SHARES: Mapping[str, float] = {"self_blend": 0.6, "region": 0.15, "swap": 0.25}
_ZOOM = (np.log(0.95), np.log(1.55))
"""Logarithms of the least and the highest zoom: crops of other data sets are cut tighter than ours, up to
the face itself (a margin of .3 on each side, zoomed 1.55 times, leaves .02)."""
_NEAREST = 12
"""From so many people nearest in pose the donor is drawn."""


class Pair(NamedTuple):
    """A real face, the fake made from it, and where the fake was changed.

    Attributes:
        real: uint8 of shape (S, S, 3).
        fake: of the same shape.
        mask: float32 of shape (S, S), 0 to 1; 0 where both pictures are equal up to what compression spreads.
        kind: the kind of the fake; "" where none was made.
    """

    real: Rgb
    fake: Rgb
    mask: Mask
    kind: str


Donor = Callable[[Rng], Face]


def draw_pair(
    face: Face,
    rng: Rng,
    size: int,
    shares: Mapping[str, float] = DEFAULT_SHARES,
    donor: Donor | None = None,
) -> Pair:
    """Make a pair from one real face.

    Both pictures go through the same cut, scale, flip, colour, blur, noise and compression.

    Args:
        face: the real face, uint8 of shape (H, W, 3), and its landmarks in pixels.
        rng: the only source of chance.
        size: side S of the pictures, in pixels.
        shares: how often each kind is drawn, in any unit; empty: no fake is made, both pictures are equal.
        donor: gives another person's face; needed if a kind of `shares` needs one.
    """
    face = scaled(face, working_side(size, min(face.picture.shape[:2])))
    kind = draw_kind(shares, rng)
    fake = (
        make_fake(kind, face, rng, donor)
        if kind
        else Fake(face.picture, np.zeros(face.picture.shape[:2], np.float32))
    )
    place = _draw_cut(face.picture.shape[0], size, rng)
    real, changed = (
        cv2.warpAffine(each, place, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        for each in (face.picture, fake.picture)
    )
    mask = cv2.warpAffine(fake.mask, place, (size, size), flags=cv2.INTER_LINEAR)
    real, changed = disturb([np.asarray(real, np.uint8), np.asarray(changed, np.uint8)], rng)
    return Pair(real, changed, np.asarray(mask, np.float32), kind)


def working_side(size: int, side: int) -> int:
    """The side at which the fakes of pictures of `size` are made, from crops of `side` pixels.

    A little larger, so that the fake too is scaled, as it is where a face is cut out of a faked video;
    but no crop is scaled up beyond what is wanted.
    """
    return max(size, min(round(WORKING * size), side))


def make_fake(kind: str, face: Face, rng: Rng, donor: Donor | None = None) -> Fake:
    """A fake of the named kind, at the size of `face`.

    Raises:
        InputError: there is no such kind.
        ValueError: the kind needs a donor, and none was given.
    """
    made = get_kind(kind)
    if made.needs_donor and donor is None:
        raise ValueError(f"the kind {kind!r} needs a donor. Received: None")
    other = donor(rng) if made.needs_donor and donor else None
    if other is not None:
        other = scaled(other, face.picture.shape[0])
    return made.make(face.picture, face.points, rng, other)


def scaled(face: Face, side: int) -> Face:
    """The face scaled to a square of `side` pixels, its landmarks with it."""
    height, width = face.picture.shape[:2]
    if (height, width) == (side, side):
        return face
    how = cv2.INTER_AREA if side < min(height, width) else cv2.INTER_CUBIC
    picture = np.asarray(cv2.resize(face.picture, (side, side), interpolation=how), np.uint8)
    return Face(picture, scaled_points(face.points, (height, width), side))


def scaled_points(points: Points, shape: tuple[int, int], side: int) -> Points:
    """Landmarks on a picture of `shape` (height, width) after it was scaled to a square of `side` pixels."""
    ratio = np.array([side / shape[1], side / shape[0]], np.float32)
    return ((points + 0.5) * ratio - 0.5).astype(np.float32)


def check_shares(shares: Mapping[str, float]) -> None:
    """Refuse unknown kinds, and shares of 0 or less.

    Raises:
        InputError: a kind or share is not accepted; the line names the kind.
    """
    known = [kind.name for kind in list_kinds()]
    for name, share in shares.items():
        check_name("kind of fake", name, known)
        if not 0 < share < float("inf"):
            raise InputError(f"share {share} of the kind of fake {name!r}; accepted: above 0")


def draw_kind(shares: Mapping[str, float], rng: Rng) -> str:
    """Draw a kind of fake by its share; "" if there are no shares."""
    if not shares:
        return ""
    names = sorted(shares)
    weights = np.array([shares[name] for name in names], float)
    return str(rng.choice(names, p=weights / weights.sum()))


def _draw_cut(side: int, size: int, rng: Rng) -> NDArray[np.float64]:
    """The (2, 3) matrix that cuts `size` pixels out of `side`: turned, scaled, shifted and maybe flipped."""
    zoom = size / side * np.exp(rng.uniform(*_ZOOM))
    middle = ((side - 1) / 2, (side - 1) / 2)
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, rng.uniform(-15, 15), zoom), np.float64)
    matrix[:, 2] += (size - side) / 2 + rng.uniform(-0.04, 0.04, 2) * size
    if rng.random() < 0.5:
        matrix[0] = -matrix[0]
        matrix[0, 2] += size - 1
    return matrix


class Donors:
    """Finds for each face others whose pose is near, of other groups."""

    def __init__(self, points: Sequence[Points], groups: Sequence[str]) -> None:
        """Build the index.

        Args:
            points: of each face, (68, 2), in pixels of its own picture.
            groups: the group of each face; its donor comes from another group.
        """
        self._groups = list(groups)
        self._poses = np.stack([pose(each) for each in points])
        self._tree = KDTree(self._poses)

    def near(self, index: int) -> list[int]:
        """Numbers of the faces of other groups nearest to face `index`, nearest first; may be empty."""
        found: list[int] = []
        wanted = 4 * _NEAREST
        while not found:
            wanted = min(wanted, len(self._groups))
            _, near = self._tree.query(self._poses[index], k=wanted)
            found = [int(i) for i in np.atleast_1d(near) if self._groups[i] != self._groups[index]]
            if wanted == len(self._groups):
                break
            wanted *= 4
        return found[:_NEAREST]


def pose(points: Points) -> NDArray[np.float64]:
    """Five numbers that tell how a face is turned and opened, whatever its place and size.

    The turn left or right (nose between the edges of the jaw), up or down (nose between eyes and chin),
    the tilt, the face's proportion, and the mouth's opening.
    """
    eyes, chin, nose = points[36:48].mean(axis=0), points[8], points[30]
    left, right = points[1], points[15]
    length = max(1e-3, float(np.hypot(*(chin - eyes))))
    width = max(1e-3, float(np.hypot(*(right - left))))
    across = (right - left) / width
    down = (chin - eyes) / length
    return np.array(
        [
            2 * float((nose - left) @ across) / width,
            2 * float((nose - eyes) @ down) / length,
            np.arctan2(across[1], across[0]),
            width / length,
            0.5 * float(np.hypot(*(points[66] - points[62]))) / length * 4,
        ]
    )


@dataclass
class PairSampler:
    """Pairs of a set of real faces, the same for the same (seed, epoch, position).

    Attributes:
        load: gives the picture of the face with this number.
        points: the landmarks of each face, in pixels of its picture.
        groups: the group of each face; its donor comes from another group.
        size: side of the pictures, in pixels.
        shares: how often each kind is drawn.
        seed: another seed gives other pairs.
    """

    load: Callable[[int], Rgb]
    points: Sequence[Points]
    groups: Sequence[str]
    size: int
    shares: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_SHARES))
    seed: int = 0

    def __post_init__(self) -> None:
        check_shares(self.shares)
        self._donors = Donors(self.points, self.groups)
        needs = [kind.name for kind in list_kinds() if kind.needs_donor and kind.name in self.shares]
        if needs and len(set(self.groups)) < 2:
            raise InputError(
                f"the kind of fake {needs[0]!r} needs faces of two groups or more in each split; one has "
                "a single group: take more groups, or other kinds (--fakes)"
            )

    def __len__(self) -> int:
        return len(self.points)

    def pair(self, index: int, epoch: int = 0, position: int | None = None) -> Pair:
        """The pair of face `index` in an epoch.

        Args:
            index: the number of the real face.
            epoch: from 0; each has other pairs.
            position: place in the epoch's order, where one face stands there twice; the index by default.
        """
        at = index if position is None else position
        return self.draw(index, np.random.default_rng((self.seed, epoch, at)))

    def draw(self, index: int, rng: Rng) -> Pair:
        """A pair of face `index`; `rng` is the only source of chance."""
        face = Face(self.load(index), self.points[index])
        return draw_pair(face, rng, self.size, self.shares, self.donor_of(index))

    def donor_of(self, index: int) -> Donor:
        """What draws another person's face for face `index`: one of those nearest in pose."""

        def donor(rng: Rng) -> Face:
            other = int(rng.choice(self._donors.near(index)))
            return Face(self.load(other), self.points[other])

        return donor
