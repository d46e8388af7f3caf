"""A set of generated faces as files, with the reals that they are to be told from.

All faces of one GAN are one group, however many seeds draw them: they share its traces, and it learned from
people of the split train. So they stand in one split, by default train. Fakes for val or test come from
another GAN, trained with another seed, which is another group.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dfdetect.fakes.disturb import compress
from dfdetect.fakes.gan.checkpoint import load_state
from dfdetect.fakes.gan.folder import Folder
from dfdetect.fakes.gan.networks import BATCH, build_generator, draw_noise, make_faces
from dfdetect.fakes.gan.settings import NATIVE, NO_REALS
from dfdetect.fakes.making import MadeSet, check_same, failed, finish, write_crops
from dfdetect.fakes.masks import eye_distance
from dfdetect.fakes.registry import Points, Rgb, Rng
from dfdetect.out_folder import check_out
from face_extraction.cutting import choose_faces
from face_extraction.detect import FaceDetector
from face_extraction.digest import crop_digest
from face_extraction.errors import InputError
from face_extraction.images import Unreadable, read_rgb, resize, write_image
from face_extraction.ledger import NO_FACE, ItemFailed, LedgerRow
from face_extraction.lock import alone
from face_extraction.manifest import FAKE, REAL, Box, FaceSample, read_manifest
from face_extraction.progress import progress

if TYPE_CHECKING:
    import keras

NAME = "gan"
_TRIES = 4
"""Pictures made for each wanted face before giving up."""
_EYES_APART = (0.12, 0.6)
"""The distance between the eyes, as a share of a crop's side."""


@dataclass(frozen=True)
class SetOrder:
    """What set is wanted.

    Attributes:
        generator: the folder of a GAN.
        manifest: whose reals come into the set.
        count: generated faces wanted.
        split: of the reals and of the generated faces: "train", "val" or "test".
        seed: another seed, other faces.
        reals: "resampled" to the GAN's resolution and back, "native", or "none".
    """

    generator: Path
    manifest: Path
    count: int
    split: str
    seed: int
    reals: str


def make_gan_set(order: SetOrder, out: Path) -> MadeSet:
    """Make a set: OUT/manifest.csv, faces/, and a ledger of the faces that were refused.

    Generated faces and resampled reals go the same way: from the GAN's resolution to the side of the
    manifest's crops, through a codec, and past dlib's detector. So neither blur nor compression nor the
    detector tells them apart. The same call, given again, writes the same files.

    Args:
        order: what is wanted.
        out: the folder to write into.

    Raises:
        InputError: there is no trained GAN, the manifest has no reals of the split, dlib finds a face in no
            generated picture, or `out` holds another set.
    """
    check_out(out)
    folder = Folder(order.generator)
    design = folder.design()
    samples = [
        each for each in read_manifest(order.manifest) if each.label == REAL and each.split == order.split
    ]
    if not samples:
        raise InputError(f"{order.manifest}: no real faces of the split {order.split}")
    generator = build_generator(design)
    load_state(folder.checkpoint, {"average": generator.variables})
    side = _side(order.manifest, samples)
    maker = _Maker(order, generator, side, _group(folder), out)
    wanted = {"kinds": [NAME], "split": order.split, "seed": order.seed, "count": order.count}
    wanted |= {"reals": order.reals, "gan": maker.group, "weights": _digest(generator)}
    with alone(out):
        check_same(wanted, order.manifest, out)
        wanted_reals = samples if order.reals != NO_REALS else []
        reals, lost = maker.reals(wanted_reals, design.side)
        fakes, refused = maker.fakes()
        rows, ledger = [*reals, *fakes], [*lost, *refused]
        finish(out, order.manifest, rows, ledger)
    return MadeSet(len(rows), ledger)


class _Maker:
    """Writes the faces of a set.

    Args:
        order: what is wanted.
        generator: makes the faces.
        side: of the crops, in pixels.
        group: of the generated faces.
        out: the set's folder.
    """

    def __init__(self, order: SetOrder, generator: "keras.Model", side: int, group: str, out: Path) -> None:
        self.order, self.side, self.group = order, side, group
        self._generator, self._out = generator, out
        self._detector = FaceDetector("hog")

    def reals(self, samples: list[FaceSample], small: int) -> tuple[list[FaceSample], list[LedgerRow]]:
        """Write the reals; resampled ones only if dlib finds them as it has to find the generated ones."""
        rows, ledger = [], []
        with progress("reals", len(samples), unit="faces") as advance:
            for number, sample in enumerate(samples):
                try:
                    picture = read_rgb(self.order.manifest.parent / sample.path)
                    if self.order.reals != NATIVE:
                        picture = self._finished(resize(picture, small), self._rng(0, number))
                        find_face(picture, self._detector)
                    (row,) = write_crops(self._out, sample, picture, {})
                    if self.order.reals != NATIVE:
                        # Another face than the crop, and no frame of its video, for joined manifests.
                        video = f"{row.video} {self.order.reals}" if row.video else ""
                        row = self._marked(replace(row, video=video))
                    rows.append(row)
                except Exception as error:
                    ledger.append(failed(sample, error))
                advance()
        return rows, ledger

    def fakes(self) -> tuple[list[FaceSample], list[LedgerRow]]:
        """Write up to the wanted number of generated faces that dlib finds; say so if there are fewer.

        Raises:
            InputError: it finds none.
        """
        rows, ledger = [], []
        with progress("fakes", self.order.count, unit="faces") as advance:
            for number, small in islice(self._generated(), _TRIES * self.order.count):
                name = f"{self.group.removeprefix('gan-')}-{self.order.seed}-{number:06d}"
                path = f"faces/fake/{NAME}/{name}.png"
                picture = self._finished(small, self._rng(1, number))
                try:
                    box = find_face(picture, self._detector)
                except ItemFailed as error:
                    ledger.append(LedgerRow(path, error.reason, error.detail))
                    continue
                write_image(self._out / path, picture)
                rows.append(self._row(path, box))
                advance()
                if len(rows) == self.order.count:
                    break
        if not rows:
            raise InputError(
                f"{self.order.generator}: dlib finds a face in none of {len(ledger)} generated pictures; "
                "train it for more steps"
            )
        if len(rows) < self.order.count:
            print(f"dlib found a face in {len(rows)} of {len(rows) + len(ledger)} generated pictures")
        return rows, ledger

    def _row(self, path: str, box: Box) -> FaceSample:
        row = FaceSample(path, FAKE, self.order.split, self.group, box=box, method=NAME, source=NAME)
        row = replace(row, width=self.side, height=self.side, found_by=self._detector.kind)
        return self._marked(row)

    def _marked(self, row: FaceSample) -> FaceSample:
        """The row with its crop's digest: a GAN that was trained further makes another manifest."""
        return replace(row, digest=crop_digest(self._out / row.path))

    def _generated(self) -> Iterator[tuple[int, Rgb]]:
        """Numbers and faces, at the GAN's resolution, without end."""
        number = 0
        while True:
            noise = draw_noise(self._generator, self._rng(2, number), BATCH)
            for face in make_faces(self._generator, noise):
                yield number, face
                number += 1

    def _finished(self, small: Rgb, rng: Rng) -> Rgb:
        """A face of the GAN's resolution as a crop: scaled up and compressed."""
        return compress(rng, self.side)(resize(small, self.side))

    def _rng(self, what: int, number: int) -> Rng:
        return np.random.default_rng((self.order.seed, what, number))


def find_face(picture: Rgb, detector: FaceDetector) -> Box:
    """Where dlib finds the largest face, if its landmarks form one.

    Raises:
        ItemFailed: it finds none, or the landmarks form none.
    """
    box = choose_faces(detector.search(picture), detector, "largest")[0].box
    check_landmarks(detector.landmarks(picture, box, 68).astype(np.float32), picture.shape[:2])
    return box


def check_landmarks(points: Points, shape: tuple[int, ...]) -> None:
    """Refuse landmarks that form no face.

    Args:
        points: (68, 2), x and y in pixels.
        shape: height and width of the picture.

    Raises:
        ItemFailed: the middle of the face is outside the picture, the eyes are too near or too far, or the
            mouth is not below them.
    """
    height, width = shape
    apart = eye_distance(points) / min(height, width)
    inner = points[17:]  # without the jaw, which crops may cut
    if (inner < 0).any() or (inner >= (width, height)).any():
        raise ItemFailed(NO_FACE, "its landmarks reach beyond the picture")
    if not _EYES_APART[0] <= apart <= _EYES_APART[1]:
        raise ItemFailed(NO_FACE, f"its eyes are {apart:.2f} of the side apart")
    if points[48:, 1].mean() - points[36:48, 1].mean() < apart * height / 3:
        raise ItemFailed(NO_FACE, "its mouth is not below its eyes")


def _side(manifest: Path, samples: Sequence[FaceSample]) -> int:
    """The shorter side of the first crop that can be read.

    Raises:
        InputError: none can.
    """
    for sample in samples:
        try:
            return int(min(read_rgb(manifest.parent / sample.path).shape[:2]))
        except Unreadable:  # it gets its row in the ledger later
            continue
    raise InputError(f"{manifest}: none of its {len(samples):,} real faces of the split can be read")


def _group(folder: Folder) -> str:
    """The group of a GAN's faces. Further steps of the same training leave it as it is."""
    return f"gan-{hashlib.sha256(folder.record.read_bytes()).hexdigest()[:10]}"


def _digest(generator: "keras.Model") -> str:
    """SHA-256 of the generator's weights."""
    digest = hashlib.sha256()
    for variable in generator.variables:
        digest.update(np.ascontiguousarray(variable).tobytes())
    return digest.hexdigest()
