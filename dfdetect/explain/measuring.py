"""Measure the heat maps of a run: faithful to the score, dependent on the model, near what was altered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dfdetect.data.faces import labelled, open_faces
from dfdetect.data.opening import Data
from dfdetect.explain import faithfulness, regions
from dfdetect.explain.heat_maps import Rgb, heat_maps, is_empty, suiting
from dfdetect.explain.orders import BASELINES, Ranks, baseline_maps, ranks_of
from dfdetect.explain.probe import BATCH, Probe, probe_of
from dfdetect.explain.randomising import STAGES, correlations
from dfdetect.explain.veil import veiled
from dfdetect.fakes.reals import find_reals, groups_of
from dfdetect.fakes.registry import list_kinds
from dfdetect.metrics.estimates import Estimate
from dfdetect.metrics.means import mean_estimate
from face_extraction.errors import InputError
from face_extraction.ledger import LedgerRow
from face_extraction.manifest import of_split, read_manifest
from face_extraction.progress import progress

Explain = Mapping[str, Callable[[Rgb], NDArray[np.float32]]]
"""From faces to their heat maps, by the method's name."""

RANDOMISED = 16
"""Faces whose maps are compared with those of the randomised model."""
SHOWN = 6
"""Fakes of the figure of examples."""


@dataclass(frozen=True)
class Wanted:
    """What is measured.

    Attributes:
        threshold: a face with this `p_fake` or more is called fake.
        methods: names of the methods; empty for all that suit the model.
        split: the rows whose faces are used, or "all".
        limit: the most faces of each part, drawn at random.
        seed: of all that is drawn.
    """

    threshold: float
    methods: Sequence[str] = ()
    split: str = "test"
    limit: int = 200
    seed: int = 0


@dataclass(frozen=True)
class Fading:
    """Deletion and insertion.

    Attributes:
        scored: faces of known label that were scored.
        faces: those of them that were called fake and measured.
        groups: their groups.
        empty: faces whose map is 0 everywhere, by method: their pixels were taken in random order.
        orders: what was measured, by method or baseline.
    """

    scored: int
    faces: int
    groups: int
    empty: Mapping[str, int]
    orders: Mapping[str, faithfulness.Faithfulness]


@dataclass(frozen=True)
class Change:
    """How similar a method's maps remain after the model is randomised.

    Attributes:
        correlation: the mean rank correlation with the trained model's maps; 1 is no change.
        undefined: faces left out of that mean, because one of their two maps is the same everywhere.
    """

    correlation: Estimate
    undefined: int


@dataclass(frozen=True)
class Kind:
    """Fakes of one kind whose altered region is known.

    Attributes:
        made: how many were made.
        faces: those of them that were called fake and measured.
        groups: their groups.
        area: the mean share of the face that was altered.
        orders: what was measured, by method or baseline.
        repaired: deletion and insertion, where the real face's pixels take the place of the fake's.
    """

    made: int
    faces: int
    groups: int
    area: float
    orders: Mapping[str, regions.Pointing]
    repaired: Mapping[str, faithfulness.Faithfulness]


@dataclass(frozen=True)
class Measured:
    """All that was measured.

    Attributes:
        methods: names of the methods.
        fading: deletion and insertion.
        randomised: by method and stage of `STAGES`.
        kinds: by kind of fake; empty without landmarks.
        left_out: what was not measured, and why.
        unscored: faces that could not be read.
        examples: fakes with their regions, for the figure.
    """

    methods: Sequence[str]
    fading: Fading
    randomised: Mapping[str, Mapping[str, Change]]
    kinds: Mapping[str, Kind]
    left_out: Sequence[str]
    unscored: Sequence[LedgerRow] = ()
    examples: regions.Altered | None = field(default=None, compare=False)


def measure(model: keras.Model, data: Data, wanted: Wanted) -> Measured:
    """Measure the methods on faces that the model calls fake.

    A map explains why a face is called fake, so that others are left out.

    Args:
        model: a model of single faces.
        data: the faces; fakes are made of the real ones whose landmarks are beside its manifest.
        wanted: what is measured.

    Raises:
        InputError: a method is unknown or does not suit the model, there are no rows of that split, or no
            face is called fake.
    """
    probe = probe_of(model)
    methods = list(wanted.methods) or suiting(model)
    faces, groups, scored, unscored = _called_fake(probe, data, wanted)
    explain = {name: partial(_explained, model, name) for name in methods}
    for one in explain.values():
        one(faces[:1])  # a method that does not suit the model ends it here
    with progress("explain faces", 2, unit="steps") as advance:
        maps = {name: one(faces) for name, one in explain.items()}
        ranks = _ranks(maps, faces, wanted.seed)
        advance()
        faded = _faded(probe, faces, veiled(faces.astype(np.float32)), ranks)
        advance()
    empty = {name: sum(map(is_empty, each)) for name, each in maps.items()}
    fading = Fading(scored, len(faces), len(np.unique(groups)), empty, faithfulness.compare(faded, groups))
    few, owners = faces[:RANDOMISED], groups[:RANDOMISED]
    randomised: dict[str, dict[str, Change]] = {name: {} for name in methods}
    with progress("randomise", len(methods) * len(STAGES), unit="maps") as advance:
        for name, stage in product(methods, STAGES):
            again = partial(explain[name], few)
            randomised[name][stage] = _changed(model, again, stage, owners, wanted.seed)
            advance()
    kinds, left_out, examples = _kinds(probe, explain, data, wanted)
    return Measured(methods, fading, randomised, kinds, left_out, unscored, examples)


def _explained(model: keras.Model, method: str, faces: Rgb) -> NDArray[np.float32]:
    return heat_maps(model, faces, method)


def _called_fake(
    probe: Probe, data: Data, wanted: Wanted
) -> tuple[Rgb, NDArray[np.int64], int, list[LedgerRow]]:
    """Faces that are called fake, their groups, how many were scored, and those that cannot be read."""
    samples = labelled(data.samples, wanted.split)
    if not samples:
        raise InputError(f"{data.path}: it has no labelled rows of split {wanted.split!r}")
    store, unscored = open_faces(data.path.parent, samples, probe.side, title=f"open {wanted.split}")
    found: list[Rgb] = []
    owners: list[str] = []
    order = np.random.default_rng(wanted.seed).permutation(len(store))
    scored = 0
    with progress("score", len(store), unit="faces") as advance:
        for start in range(0, len(store), BATCH):
            rows = [int(row) for row in order[start : start + BATCH]]
            batch = np.stack([store.load(row) for row in rows])
            fake = probe.scores(batch.astype(np.float32)) >= wanted.threshold
            found += [face for face, called in zip(batch, fake, strict=True) if called]
            names = groups_of([store.samples[row] for row in rows])
            owners += [name for name, called in zip(names, fake, strict=True) if called]
            scored += len(rows)
            advance(len(rows))
            if len(found) >= wanted.limit:
                break
    if not found:
        raise InputError(
            f"{data.path}: the model calls none of {scored:,} faces of split {wanted.split!r} fake, so that "
            "there is nothing to explain"
        )
    kept = found[: wanted.limit]
    numbers = np.unique(owners[: len(kept)], return_inverse=True)[1]
    return np.stack(kept), numbers.astype(np.int64), scored, unscored


def _ranks(maps: Mapping[str, NDArray[np.float32]], faces: Rgb, seed: int) -> dict[str, Ranks]:
    """The order of each face's pixels, by method and by baseline."""
    maps = {**maps} | {name: baseline_maps(name, len(faces), faces.shape[1], seed) for name in BASELINES}
    return {name: ranks_of(each, seed) for name, each in maps.items()}


def _faded(
    probe: Probe, faces: Rgb, veils: NDArray[Any], ranks: Mapping[str, Ranks]
) -> dict[str, faithfulness.Faded]:
    """What becomes of the scores, by order; in batches, because each holds several copies of its faces."""
    faded = {}
    for name, each in ranks.items():
        batches = (slice(start, start + BATCH) for start in range(0, len(faces), BATCH))
        parts = [
            faithfulness.fade(
                probe, faces[rows].astype(np.float32), veils[rows].astype(np.float32), each[rows]
            )
            for rows in batches
        ]
        faded[name] = faithfulness.Faded(*map(np.concatenate, zip(*map(_both, parts), strict=True)))
    return faded


def _both(faded: faithfulness.Faded) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return faded.deletion, faded.insertion


def _changed(
    model: keras.Model,
    explain: Callable[[], NDArray[np.float32]],
    stage: str,
    groups: NDArray[np.int64],
    seed: int,
) -> Change:
    alike = correlations(model, explain, stage, seed)
    return Change(mean_estimate(alike, groups), int(np.isnan(alike).sum()))


def _kinds(
    probe: Probe, explain: Explain, data: Data, wanted: Wanted
) -> tuple[dict[str, Kind], list[str], regions.Altered | None]:
    """What is measured on each kind of fake, why something is not, and a few fakes to show."""
    try:
        reals, _ = find_reals(data.path, of_split(read_manifest(data.path), wanted.split))
    except InputError as error:
        return {}, [f"No fakes with known regions: {error}"], None
    order = np.random.default_rng(wanted.seed).permutation(len(reals.samples))
    chosen = [int(row) for row in order[: wanted.limit] if reals.readable(int(row))]
    found: dict[str, Kind] = {}
    left_out: list[str] = []
    examples: regions.Altered | None = None
    kinds = list_kinds()
    with progress("explain fakes", len(kinds), unit="kinds") as advance:
        for kind in kinds:
            advance()
            if kind.needs_donor and len(set(reals.groups)) < 2:
                left_out.append(f"{kind.name}: it needs faces of two groups or more; there is one.")
                continue
            made = regions.make_altered(reals, kind.name, chosen, probe.side, wanted.seed)
            called = made.subset(probe.scores(made.faces.astype(np.float32)) >= wanted.threshold)
            if not len(called.faces):
                left_out.append(f"{kind.name}: none of {len(made.faces):,} fakes is called fake.")
                continue
            found[kind.name] = _kind(probe, explain, called, len(made.faces), wanted.seed)
            # The smallest regions show most.
            if examples is None or called.regions.mean() < examples.regions.mean():
                examples = called
    shown = examples.subset(np.arange(len(examples.faces)) < SHOWN) if examples else None
    return found, left_out, shown


def _kind(probe: Probe, explain: Explain, called: regions.Altered, made: int, seed: int) -> Kind:
    ranks = _ranks({name: one(called.faces) for name, one in explain.items()}, called.faces, seed)
    pointed = {name: regions.point(called.regions, each) for name, each in ranks.items()}
    return Kind(
        made,
        len(called.faces),
        len(np.unique(called.groups)),
        float(called.regions.mean()),
        regions.compare(pointed, called.groups),
        faithfulness.compare(_faded(probe, called.faces, called.reals, ranks), called.groups),
    )
