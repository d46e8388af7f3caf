"""Fakes of a decoder: a shared encoder and two decoders, as the first deepfake tools had.

Reference: the face-swapping autoencoder of 2017 (github.com/deepfakes/faceswap), described in Roessler et al.
2019, FaceForensics++, arXiv 1901.08971, section 3.1 (DeepFakes). There each decoder learns one person. Here
each learns one half of the people, because a photo or two of a person are too few; a face is then rebuilt by
the decoder that has never seen it. What remains is the mark of decoders: lost detail, upsampling, mean faces.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.fakes.colours import transfer_colours
from dfdetect.fakes.making import MadeSet, check_same, failed, finish, write_crops
from dfdetect.fakes.masks import blend, eye_distance, fill_hulls, raised_brows, soften
from dfdetect.fakes.reals import find_reals
from dfdetect.fakes.registry import Face, Fake, Points, Rgb, Rng
from dfdetect.fakes.warps import elastic_map, warp_rgb
from dfdetect.out_folder import check_out
from face_extraction.atomic import atomic_path
from face_extraction.errors import InputError
from face_extraction.lock import alone
from face_extraction.manifest import FaceSample, of_split, read_manifest
from face_extraction.progress import progress

NAME = "autoencoder"
CHIP = 64
"""Side of the autoencoder's input and output, in pixels. The first deepfake tools had this resolution."""
EYES_APART, EYES_DOWN = 0.35, 0.29
"""Distance between the eyes, and theirs from the top, as shares of a chip's side: the chin lies within."""


@dataclass(frozen=True)
class Training:
    """How the autoencoder is trained.

    Attributes:
        steps: batches, each of both halves of the people.
        batch_size: chips of each half.
        learning_rate: of Adam.
        seed: sets weights, order and warps.
    """

    steps: int = 3000
    batch_size: int = 8
    learning_rate: float = 1e-3
    seed: int = 0


def chip_matrix(points: Points) -> NDArray[np.float64]:
    """The (2, 3) matrix that brings a face into a chip: eyes level, at one place and of one distance."""
    left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    across, down = (float(value) for value in right - left)
    scale = EYES_APART * CHIP / max(1.0, float(np.hypot(across, down)))
    middle = (left + right) / 2
    centre, angle = (float(middle[0]), float(middle[1])), float(np.degrees(np.arctan2(down, across)))
    matrix = np.asarray(cv2.getRotationMatrix2D(centre, angle, scale), np.float64)
    matrix[:, 2] += (CHIP / 2 - middle[0], EYES_DOWN * CHIP - middle[1])
    return matrix


def cut_chip(face: Face) -> Rgb:
    """The face as the autoencoder sees it: uint8 of shape (CHIP, CHIP, 3)."""
    matrix = chip_matrix(face.points)
    chip = cv2.warpAffine(
        face.picture, matrix, (CHIP, CHIP), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(chip, np.uint8)


def halves(groups: Sequence[str]) -> NDArray[np.int64]:
    """Which half of the people each face belongs to, 0 or 1; a group is never in both.

    Args:
        groups: the group of each face.
    """
    order = {group: number for number, group in enumerate(sorted(set(groups)))}
    return np.array([order[group] % 2 for group in groups], dtype=np.int64)


def build(seed: int) -> tuple[Any, list[Any]]:
    """The network, not trained.

    Returns:
        A model of two inputs, chips of both halves as float32 (B, CHIP, CHIP, 3) in 0..1, and two outputs;
        and for each decoder a model from a chip of any half to that decoder's face.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    chip = keras.Input((CHIP, CHIP, 3))
    x = chip
    for filters in (24, 48, 96, 192):
        x = layers.Conv2D(filters, 5, strides=2, padding="same")(x)
        x = layers.LeakyReLU(negative_slope=0.1)(x)
    x = layers.Dense(256)(layers.Flatten()(x))
    x = layers.Dense(8 * 8 * 64)(x)
    x = layers.Reshape((8, 8, 64))(x)
    encoder = keras.Model(chip, x, name="encoder")
    decoders = [_decoder(f"decoder_{half}") for half in "ab"]
    inputs = [keras.Input((CHIP, CHIP, 3)) for _ in decoders]
    outputs = [decoder(encoder(each)) for decoder, each in zip(decoders, inputs, strict=True)]
    single = keras.Input((CHIP, CHIP, 3))
    rebuilds = [keras.Model(single, decoder(encoder(single))) for decoder in decoders]
    return keras.Model(inputs, outputs), rebuilds


def _decoder(name: str) -> Any:
    """From (8, 8, 64) to a face, doubling the side three times by learned transposed convolutions."""
    import keras
    from keras import layers

    code = keras.Input((8, 8, 64))
    x = code
    for filters in (96, 48, 24):
        x = layers.Conv2DTranspose(filters, 4, strides=2, padding="same")(x)
        x = layers.LeakyReLU(negative_slope=0.1)(x)
    return keras.Model(code, layers.Conv2D(3, 3, padding="same", activation="sigmoid")(x), name=name)


def train_autoencoder(
    chips: NDArray[np.uint8], half: NDArray[np.int64], training: Training, weights: Path
) -> list[Any]:
    """Train the autoencoder, or load the weights that an earlier call left.

    Args:
        chips: uint8 of shape (n, CHIP, CHIP, 3).
        half: of each chip, 0 or 1; both must be there.
        training: how.
        weights: the file for the weights, written atomically at the end.

    Returns:
        For each decoder a model from chips in 0..1 to its faces.
    """
    import keras

    model, rebuilds = build(training.seed)
    if weights.is_file():
        model.load_weights(weights)
        return rebuilds
    # Without XLA, whose compilation takes longer than a short training.
    model.compile(keras.optimizers.Adam(training.learning_rate), loss=["mae", "mae"], jit_compile=False)
    batches = _batches(chips, half, training)
    with progress("autoencoder", training.steps, unit="steps") as advance:
        for inputs, targets in batches:
            losses = model.train_on_batch(inputs, targets)
            advance(note=f"loss {float(np.ravel(losses)[0]):.4f}")
    with atomic_path(weights) as temporary:
        model.save_weights(temporary)
    return rebuilds


def _batches(
    chips: NDArray[np.uint8], half: NDArray[np.int64], training: Training
) -> Iterator[tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]]:
    """Warped chips of both halves as input, and the chips as they are as target."""
    rng = np.random.default_rng(training.seed)
    members = [np.flatnonzero(half == each) for each in (0, 1)]
    for _ in range(training.steps):
        rows = [rng.choice(each, training.batch_size) for each in members]
        flips = [rng.random(training.batch_size) < 0.5 for _ in rows]
        targets = [
            np.stack([chips[row][:, ::-1] if flip else chips[row] for row, flip in zip(*both, strict=True)])
            for both in zip(rows, flips, strict=True)
        ]
        warped = [np.stack([_warped(chip, rng) for chip in each]) for each in targets]
        yield [_unit(each) for each in warped], [_unit(each) for each in targets]


def _warped(chip: Rgb, rng: Rng) -> Rgb:
    return warp_rgb(np.ascontiguousarray(chip), elastic_map(CHIP, CHIP, rng, 0.03 * CHIP, nodes=5))


def _unit(chips: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(chips, np.float32) / np.float32(255)


def rebuilt(face: Face, rebuild: Any, rng: Rng) -> Fake:
    """The face with what a decoder makes of it in its place.

    Args:
        face: the real face.
        rebuild: a model from `train_autoencoder`.
        rng: draws the blend.
    """
    made = np.asarray(rebuild(_unit(cut_chip(face)[None]), training=False))[0]
    chip = np.clip(np.rint(made * 255), 0, 255).astype(np.uint8)
    height, width = face.picture.shape[:2]
    back = cv2.invertAffineTransform(chip_matrix(face.points))
    source = np.asarray(
        cv2.warpAffine(chip, back, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )
    hull = fill_hulls(face.picture.shape, [raised_brows(face.points, rng.uniform(0, 0.5))])
    # Beyond the chip nothing was made.
    inside = np.asarray(cv2.warpAffine(np.ones((CHIP, CHIP), np.float32), back, (width, height)), np.float32)
    hull = hull * (inside > 0.99)
    source = transfer_colours(source, face.picture, hull, rng.uniform(0.5, 1.0))
    return blend(face.picture, source, soften(hull, rng, eye_distance(face.points)))


def make_decoded_set(manifest: Path, split: str, training: Training, out: Path) -> MadeSet:
    """Train the autoencoder on a manifest's real faces, and make a set of fakes with it.

    The set is laid out as `make_set` does it; the weights stay in it, as autoencoder.weights.h5. The same
    call goes on after a stop: a training that was cut begins anew, one that ended is not repeated.

    Args:
        manifest: the manifest of real faces, with landmarks beside it.
        split: which rows; "all" for all of them.
        training: how the autoencoder is trained.
        out: the folder to write into.

    Raises:
        InputError: the manifest has no real faces, no landmarks or a single group, or `out` holds another
            set.
    """
    check_out(out)
    reals, ledger = find_reals(manifest, of_split(read_manifest(manifest), split))
    half = halves(reals.groups)
    if len(set(half.tolist())) < 2:
        raise InputError(f"{manifest}: the two decoders need faces of two groups or more; there is one")
    with alone(out):
        check_same({"kinds": [NAME], "split": split, **asdict(training)}, manifest, out)
        whole = [index for index in range(len(half)) if reals.readable(index)]
        chips = np.stack([cut_chip(reals.load(index)) for index in whole])
        rebuilds = train_autoencoder(chips, half[whole], training, out / "autoencoder.weights.h5")
        rows: list[FaceSample] = []
        with progress("fakes", len(half), unit="faces") as advance:
            for index, sample in enumerate(reals.samples):
                try:
                    face = reals.load(index)
                    rng = np.random.default_rng((training.seed, index))
                    make = partial(rebuilt, face, rebuilds[1 - half[index]], rng)
                    rows += write_crops(out, sample, face.picture, {NAME: make})
                except Exception as error:
                    ledger.append(failed(sample, error))
                advance()
        finish(out, manifest, rows, ledger)
    return MadeSet(len(rows), ledger)
