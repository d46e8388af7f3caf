"""The training of a GAN: from a manifest's reals to a folder with a generator, its history and its sheets."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from dfdetect.fakes.gan.augmenting import draw_disturbance
from dfdetect.fakes.gan.checkpoint import load_state, save_state
from dfdetect.fakes.gan.features import FeatureNetwork, open_mobilenet
from dfdetect.fakes.gan.folder import Folder, Row
from dfdetect.fakes.gan.losses import discriminator_loss, follow, generator_loss
from dfdetect.fakes.gan.networks import build, draw_noise, make_faces, to_pixels
from dfdetect.fakes.gan.quality import measure
from dfdetect.fakes.gan.settings import NO_WEIGHTS, Design, Training
from dfdetect.fakes.registry import Rgb
from dfdetect.gradients import minimiser
from dfdetect.out_folder import check_out
from dfdetect.variables import Parts
from face_extraction.errors import InputError
from face_extraction.images import Unreadable, read_rgb, resize, write_image
from face_extraction.json_file import write_json
from face_extraction.ledger import LedgerRow, write_ledger
from face_extraction.lock import alone
from face_extraction.manifest import REAL, read_manifest
from face_extraction.progress import progress

_SHEET = (6, 10)
"""Rows and columns of a sample sheet."""
_MOST_MEASURED = 1000
_SHEET_NOISE, _MEASURED_NOISE, _FLOOR = 2**32, 2**32 + 1, 2**32 + 2
"""They stand for a step's number where something else is drawn from the seed."""


@dataclass(frozen=True)
class Order:
    """What GAN is wanted.

    Attributes:
        manifest: its reals of the split train are learned from, those of val are measured against.
        design: the networks.
        training: how they are trained.
        steps: so many steps are done in the end, with those of earlier calls.
        every: steps from one row of the history, sheet and checkpoint to the next.
        weights: of the network whose features measure: "imagenet", a file, or "none" to measure nothing.
    """

    manifest: Path
    design: Design
    training: Training
    steps: int
    every: int
    weights: str


class _Held(NamedTuple):
    """What generated faces are measured with: a network, and the features of held-out reals."""

    network: FeatureNetwork
    reals: NDArray[np.float32]


class Trainer:
    """The networks with their optimizers.

    Args:
        design: the networks.
        training: how they are trained.
        faces: real faces, uint8 of shape (n, side, side, 3).

    Attributes:
        done: steps that were done.
    """

    def __init__(self, design: Design, training: Training, faces: Rgb) -> None:
        self.networks = build(design, training.seed)
        self.done = 0
        self._faces, self._training = faces, training
        generator, discriminator = self.networks[:2]
        self._optimizers = [
            keras.optimizers.Adam(training.learning_rate, beta_1=0.0, beta_2=0.99) for _ in range(2)
        ]

        def judging(weight: float) -> Callable[..., list[float]]:
            loss = discriminator_loss(self.networks, weight)
            return minimiser(loss, discriminator, self._optimizers[0], [generator])

        # Penalised at few steps, each time with the weight of all of them (Karras et al. 2020, section 3.1).
        self._judge, self._penalise = judging(0.0), judging(training.gamma * training.penalty_every)
        loss = generator_loss(self.networks)
        self._imitate = minimiser(loss, generator, self._optimizers[1], [discriminator])

    def step(self) -> tuple[float, float, float | None]:
        """Train both networks with one batch each.

        The seed and the number of the step decide all chance, so a training that was cut ends as one that
        was not.

        Returns:
            The losses of discriminator and generator, and the R1 penalty if this step has it.
        """
        training, side = self._training, self._faces.shape[1]
        rng, count = np.random.default_rng((training.seed, self.done)), training.batch_size
        real = to_pixels(self._faces[rng.integers(0, len(self._faces), count)])
        flips = rng.random(count) < 0.5
        real[flips] = real[flips, :, ::-1]
        penalised = self.done % training.penalty_every == 0
        disturbed = [*draw_disturbance(rng, count, side), *draw_disturbance(rng, count, side)]
        judge = self._penalise if penalised else self._judge
        _, wrong, steep = judge(real, *disturbed, *draw_noise(self.networks.generator, rng, count))
        noise = draw_noise(self.networks.generator, rng, count)
        (unmasked,) = self._imitate(*draw_disturbance(rng, count, side), *noise)
        self.done += 1
        # The average follows closely at first, when the weights have far to go.
        momentum = min(training.momentum, self.done / (self.done + 10))
        follow(self.networks.average, self.networks.generator, momentum)
        return wrong, unmasked, steep if penalised else None

    def save(self, path: Path) -> None:
        """Write the whole state, atomically."""
        save_state(path, self.done, self._parts())

    def load(self, path: Path) -> None:
        """Take up the state of a file that `save` wrote.

        Raises:
            InputError: it is no checkpoint, or one of other networks.
        """
        self.done = load_state(path, self._parts())

    def _parts(self) -> Parts:
        return {
            **{name: model.variables for name, model in self.networks._asdict().items()},
            "optimizer_d": self._optimizers[0].variables,
            "optimizer_g": self._optimizers[1].variables,
        }

    def make(self, count: int, number: int) -> Rgb:
        """Faces of the average of the generator's weights: uint8 (count, side, side, 3).

        Args:
            count: how many.
            number: with the training's seed, decides which.
        """
        noise = draw_noise(self.networks.average, np.random.default_rng((self._training.seed, number)), count)
        return make_faces(self.networks.average, noise)


def train_gan(order: Order, out: Path) -> None:
    """Train a GAN, and go on where an earlier call was cut or ended with fewer steps.

    Raises:
        InputError: there are no reals to learn from or to measure against, `out` holds another GAN, or the
            weights cannot be had.
    """
    check_out(out)
    folder = Folder(out)
    with alone(out):
        faces, ledger = read_reals(order.manifest, "train", order.design.side)
        if not len(faces):
            raise InputError(f"{order.manifest}: no real faces of the split train to learn from")
        folder.check(order.design, order.training, order.manifest)
        held, more = _held_out(order, faces, folder)
        folder.begin(order.design, order.training, order.manifest)
        write_ledger(folder.ledger, [*ledger, *more])
        trainer = Trainer(order.design, order.training, faces)
        if folder.checkpoint.is_file():
            trainer.load(folder.checkpoint)
        _train(trainer, order, folder, held)


def _train(trainer: Trainer, order: Order, folder: Folder, held: _Held | None) -> None:
    batch, losses = order.training.batch_size, []
    rows = folder.read_history(trainer.done)
    with progress("gan", order.steps * batch, unit="images", done=trainer.done * batch) as advance:
        while trainer.done < order.steps:
            losses.append(trainer.step())
            advance(batch)
            if trainer.done % order.every and trainer.done < order.steps:
                continue
            rows.append(_row(trainer, losses, held))
            losses = []
            write_image(folder.sheet(trainer.done), tiled(trainer.make(_SHEET[0] * _SHEET[1], _SHEET_NOISE)))
            folder.write_history(rows)
            trainer.save(folder.checkpoint)
            print(", ".join(f"{name} {value}" for name, value in rows[-1].items() if value != ""), flush=True)


def _row(trainer: Trainer, losses: list[tuple[float, float, float | None]], held: _Held | None) -> Row:
    """A row of the history: means since the last row, and measures of the generator as it is now.

    Raises:
        InputError: a loss is not a finite number.
    """
    wrong, unmasked, steep = zip(*losses, strict=True)
    penalties = [value for value in steep if value is not None]
    means = [float(np.mean(each)) for each in (wrong, unmasked)]
    if not np.isfinite(means).all():
        raise InputError(f"the training diverged by step {trainer.done}; a lower --learning-rate may help")
    row: dict[str, float | int | str] = {
        "step": trainer.done,
        "discriminator": f"{means[0]:.4f}",
        "generator": f"{means[1]:.4f}",
        "penalty": f"{np.mean(penalties):.4f}" if penalties else "",
        **dict.fromkeys(("frechet", "precision", "recall", "samples"), ""),
    }
    if held is not None:
        made = trainer.make(len(held.reals), _MEASURED_NOISE)
        quality = measure(held.reals, held.network.compute(made))
        row |= {name: f"{value:.4f}" for name, value in quality._asdict().items()}
        row["samples"] = len(held.reals)
    return row


def _held_out(order: Order, faces: Rgb, folder: Folder) -> tuple[_Held | None, list[LedgerRow]]:
    """What generated faces are measured with, and the reals of val that cannot be read.

    The floor is written into the folder: the same measures between as many train reals and the same val
    reals, because the fewer the samples, the larger the distance.
    """
    if order.weights == NO_WEIGHTS:
        return None, []
    reals, ledger = read_reals(order.manifest, "val", order.design.side)
    rng = np.random.default_rng((order.training.seed, _FLOOR))
    count = min(len(reals), len(faces), _MOST_MEASURED)
    if not count:
        raise InputError(
            f"{order.manifest}: no real faces of the split val to measure against; --weights none measures "
            "nothing"
        )
    network = open_mobilenet(order.weights)
    folder.check_measure(network.name)
    val, train = (
        network.compute(each[np.sort(rng.permutation(len(each))[:count])]) for each in (reals, faces)
    )
    floor = measure(val, train)
    write_json(folder.floor, {"features": network.name, "samples": count, **floor._asdict()})
    print(
        f"{network.name}, {count} val reals against {count} train reals: Frechet distance "
        f"{floor.frechet:.2f}, precision {floor.precision:.2f}, recall {floor.recall:.2f}; a generator "
        "cannot be expected to do better"
    )
    return _Held(network, val), ledger


def read_reals(manifest: Path, split: str, side: int) -> tuple[Rgb, list[LedgerRow]]:
    """The real faces of a split, scaled: uint8 (n, side, side, 3), and a ledger row for each unreadable one.

    Raises:
        InputError: the manifest cannot be read.
    """
    found, ledger = [], []
    for sample in read_manifest(manifest):
        if sample.label == REAL and sample.split == split:
            try:
                found.append(resize(read_rgb(manifest.parent / sample.path), side))
            except Unreadable as error:
                ledger.append(LedgerRow(sample.path, error.reason, error.detail))
    return np.stack(found) if found else np.zeros((0, side, side, 3), np.uint8), ledger


def tiled(faces: Rgb) -> Rgb:
    """Faces in rows of `_SHEET`'s columns: uint8 of shape (rows * side, columns * side, 3)."""
    columns = _SHEET[1]
    return np.vstack([np.hstack(list(faces[at : at + columns])) for at in range(0, len(faces), columns)])
