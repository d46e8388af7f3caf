"""Faces as arrays: tf.data, NumPy batches and scoring share one loader, so they cannot differ."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.augment import augment
from dfdetect.recipe import PAIRED, Recipe
from face_extraction.errors import InputError
from face_extraction.images import Unreadable, read_rgb, resize
from face_extraction.ledger import LedgerRow
from face_extraction.machine import available_cores
from face_extraction.manifest import FAKE, LABEL_NAMES, REAL, UNKNOWN, FaceSample, of_split
from face_extraction.progress import progress

Rgb = NDArray[np.uint8]

# Faces handed to the threads at once: a million waiting jobs would take a gigabyte.
BLOCK = 4096


class Store(Protocol):
    """What a model is trained on and scores: faces or clips.

    Attributes:
        samples: the manifest row of each face, or of each clip's first face.
        labels: int64 of shape (n,).
        shape: the shape of the array that `load` returns.
    """

    samples: Sequence[FaceSample]
    labels: NDArray[np.int64]
    shape: tuple[int, ...]

    def __len__(self) -> int:
        """The number of faces or clips."""

    def load(self, index: int) -> Rgb:
        """Face or clip number `index`: uint8 of `shape`."""


class Paired(Store, Protocol):
    """A store for paired training: it draws faces together with the fakes made from them."""

    def draw(self, indices: Sequence[int], entropy: Sequence[int]) -> list[Rgb]:
        """The real face and the fake of one pair, or a face without a partner."""


class FaceStore:
    """The crops of `samples`, scaled to the model's input.

    Args:
        folder: the manifest's folder; the paths are relative to it.
        samples: the rows to load.
        image_size: side of the square, in pixels.
        cached: keep each decoded face in memory (`image_size` squared times 3 bytes each).
    """

    def __init__(
        self, folder: Path, samples: Sequence[FaceSample], image_size: int, *, cached: bool = False
    ) -> None:
        self.folder = folder
        self.samples = samples
        self.image_size = image_size
        self.labels: NDArray[np.int64] = np.array([sample.label for sample in samples], dtype=np.int64)
        self.shape: tuple[int, ...] = (image_size, image_size, 3)
        self._cache: dict[int, Rgb] | None = {} if cached else None

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.samples)

    def load(self, index: int) -> Rgb:
        """The face of row `index`: uint8 of shape (image_size, image_size, 3), RGB.

        Raises:
            Unreadable: the file cannot be decoded whole.
        """
        if self._cache is not None and index in self._cache:
            return self._cache[index]
        rgb = resize(read_rgb(self.folder / self.samples[index].path), self.image_size)
        if self._cache is not None:
            self._cache[index] = rgb
        return rgb

    def subset(self, rows: Sequence[int]) -> "FaceStore":
        """A store of these rows, in this order, with the faces decoded so far."""
        store = FaceStore(self.folder, [self.samples[row] for row in rows], self.image_size)
        if self._cache is not None:
            store._cache = {new: self._cache[old] for new, old in enumerate(rows) if old in self._cache}
        return store


def open_faces(
    folder: Path, samples: Sequence[FaceSample], image_size: int, *, title: str, cached: bool = False
) -> tuple[FaceStore, list[LedgerRow]]:
    """Decode every crop once, and list those that cannot be decoded.

    A whole pass before the first step finds a broken file now and not hours later, and fixes the number
    of steps an epoch. With `cached`, no later pass decodes.

    Args:
        folder: the manifest's folder.
        samples: the rows to open.
        image_size: side of the square, in pixels.
        title: the title of the progress bar.
        cached: keep the decoded faces in memory.

    Returns:
        A store of the readable samples, and a ledger row for each of the others.
    """
    store = FaceStore(folder, samples, image_size, cached=cached)
    failures: dict[int, LedgerRow] = {}

    def attempt(index: int) -> None:
        try:
            store.load(index)
        except Unreadable as error:
            failures[index] = LedgerRow(samples[index].path, error.reason, error.detail)

    with (
        ThreadPoolExecutor(available_cores()) as pool,
        progress(title, len(samples), unit="faces") as advance,
    ):
        for start in range(0, len(samples), BLOCK):
            for _ in pool.map(attempt, range(start, min(start + BLOCK, len(samples)))):
                advance()
    if not failures:
        return store, []
    readable = [index for index in range(len(samples)) if index not in failures]
    return store.subset(readable), [failures[index] for index in sorted(failures)]


def labelled(samples: Sequence[FaceSample], split: str) -> list[FaceSample]:
    """The samples `of_split` whose label is known."""
    return [sample for sample in of_split(samples, split) if sample.label != UNKNOWN]


NEW_SPLIT = (
    "make a new split with --split group, which fills every split if there are enough groups, "
    "or add videos of other groups"
)
NEW_GROUPS = "give another --seed, --val-share or --test-share, or add videos of other groups"
NEW_FOLDS = "give another --seed, fewer --folds or another --val-share, or add videos of other groups"


def remedy_for(faces: Sequence[FaceSample], units: Sequence[FaceSample], recipe: Recipe) -> str:
    """What a user can do where a split of these data lacks a class.

    Args:
        faces: all faces that the recipe takes, of all splits.
        units: the same, or the first face of each clip that can be made of them.
        recipe: the recipe.
    """
    for label in (REAL, FAKE):
        name = LABEL_NAMES[label]
        if all(face.label != label for face in faces):
            return f"add {name} faces: there are none in any split"
        if all(unit.label != label for unit in units):
            return (
                f"give fewer --frames, or extract more frames of each video: no {name} video has "
                f"{recipe.frames} faces of one person"
            )
    if recipe.folds:
        return NEW_FOLDS
    return NEW_SPLIT if recipe.split == "manifest" else NEW_GROUPS


def check_classes(
    samples: Sequence[FaceSample], split: str, where: Path | str, unit: str = "face", remedy: str = NEW_SPLIT
) -> None:
    """Refuse a split that lacks a class.

    Args:
        samples: faces, or the first face of each clip.
        split: the split to check.
        where: the manifest, with the fold if there is one.
        unit: "face" or "clip".
        remedy: what the user can do.

    Raises:
        InputError: the split is empty or has one class; the line names the file.
    """
    counts = Counter(sample.label for sample in labelled(samples, split))
    if not (counts[REAL] and counts[FAKE]):
        raise InputError(
            f"{where}: split {split!r} has {counts[REAL]} real and {counts[FAKE]} fake {unit}s; "
            f"accepted: at least one of each ({remedy})"
        )


def class_weights(labels: NDArray[np.int64]) -> tuple[float, float]:
    """Weights (real, fake) that give both classes equal influence, with a mean weight of 1."""
    counts = np.bincount(labels, minlength=2)
    real, fake = len(labels) / (2 * counts)
    return float(real), float(fake)


def pair_order(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A random order of a `PairStore`'s pictures that keeps both of a pair side by side.

    The manifest's fakes are taken two by two, so that batches of an even size split no pair.

    Args:
        labels: the store's labels.
        rng: the only source of randomness.
    """
    pairs = 2 * int(np.sum(labels == REAL))
    singles = rng.permutation(np.arange(pairs, len(labels)))
    whole = len(singles) // 2 * 2
    twos = np.concatenate([np.arange(pairs), singles[:whole]]).reshape(-1, 2)
    return np.concatenate([rng.permutation(twos).ravel(), singles[whole:]]).astype(np.int64)


def epoch_order(
    labels: NDArray[np.int64], *, seed: int, epoch: int, balance: str, paired: bool = False
) -> NDArray[np.int64]:
    """The order of an epoch's faces, as indices of shape (n,).

    It depends only on `seed` and `epoch`, so a resumed training sees the same faces. With balance
    "sampling", half are real and half fake: the rarer class is repeated (each face equally often, to within
    one), and the other is drawn without replacement. `paired` labels are those of a `PairStore`, and the
    order keeps its pairs together.
    """
    rng = np.random.default_rng((seed, epoch))
    if paired:
        return pair_order(labels, rng)
    n = len(labels)
    if balance != "sampling":
        return rng.permutation(n)
    halves = []
    for label, count in ((REAL, n // 2), (FAKE, n - n // 2)):
        members = np.flatnonzero(labels == label)
        rounds = [rng.permutation(members) for _ in range(-(-count // len(members)))]
        halves.append(np.concatenate(rounds)[:count])
    return rng.permutation(np.concatenate(halves))


@dataclass(frozen=True, eq=False)
class Pass:
    """One pass over faces or clips, with the same numbers from tf.data and from NumPy.

    Attributes:
        store: the faces or clips.
        order: indices into the store, int64 of shape (n,).
        batch_size: faces or clips a batch; the last batch may be smaller and is never dropped.
        policy: the augmentation's name; "paired" needs a `PairStore` and an order from `pair_order`.
        seed: seed of the augmentation, such as (seed, epoch).
        weights: the weight of each class (real, fake), or None for no weights.
    """

    store: Store
    order: NDArray[np.int64]
    batch_size: int
    policy: str = "none"
    seed: tuple[int, ...] = ()
    weights: tuple[float, float] | None = None

    @property
    def steps(self) -> int:
        """The number of batches."""
        return -(-len(self.order) // self.batch_size)

    @property
    def together(self) -> int:
        """How many positions one call of `rows` should load: 2 for pairs, which are made together."""
        return 2 if self.policy == PAIRED else 1

    def rows(self, start: int, end: int) -> Rgb:
        """The faces or clips at positions `start` to `end` - 1, stacked: uint8 of shape (n, ...)."""
        if self.policy != PAIRED:
            return np.stack([self.item(position) for position in range(start, end)])
        pictures: list[Rgb] = []
        for first in range(start, end, 2):
            indices = [int(index) for index in self.order[first : min(first + 2, end)]]
            pictures += cast(Paired, self.store).draw(indices, (*self.seed, first))
        return np.stack(pictures)

    def item(self, position: int) -> Rgb:
        """The face or clip at `position` of the order, augmented: uint8 of the store's shape.

        All frames of a clip get the same draw: flicker from the augmentation would hide that of a fake.
        """
        if self.policy == PAIRED:
            first = position // 2 * 2
            pair: Rgb = self.rows(first, min(first + 2, len(self.order)))[position - first]
            return pair
        rgb = self.store.load(int(self.order[position]))
        if self.policy == "none":
            return rgb
        if rgb.ndim == 3:
            return self._augment(rgb, position)
        return np.stack([self._augment(frame, position) for frame in rgb])

    def _augment(self, rgb: Rgb, position: int) -> Rgb:
        return augment(rgb, self.policy, np.random.default_rng((*self.seed, position)))

    def targets(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Labels, float32 of shape (n, 1), and weights, float32 of shape (n,), in this order."""
        labels = self.store.labels[self.order]
        weights = np.ones(len(labels)) if self.weights is None else np.take(self.weights, labels)
        return labels[:, None].astype(np.float32), weights.astype(np.float32)
