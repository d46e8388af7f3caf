"""Every run on every manifest: the cells of a matrix, each kept in its own evaluation folder."""

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import keras

from dfdetect.data.opening import open_manifest
from dfdetect.evaluate.evaluating import Job, Wanted, evaluate, prepare
from dfdetect.metrics.estimates import useful_levels
from dfdetect.predictions import Predictions
from dfdetect.runs.build import load_model
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError, one_line, unforeseen

Load = Callable[[Run], keras.Model]


@dataclass(frozen=True)
class Set:
    """A manifest of the matrix.

    Attributes:
        name: its name for readers; no two sets share one.
        manifest: its path.
        digest: its hash.
        split: which rows are scored.
        folder: the name of its evaluations' folders; None for their usual one.
    """

    name: str
    manifest: Path
    digest: str
    split: str
    folder: str | None = None


@dataclass(frozen=True)
class Cell:
    """One run on one manifest.

    Attributes:
        run: the run.
        set: the manifest.
        home: whether it is the run's own.
        job: its evaluation, finished unless `failure` tells why not; None if it could not even begin.
        failure: in one line; "" if it was scored.
    """

    run: Run
    set: Set
    home: bool
    job: Job | None
    failure: str = ""

    @cached_property
    def predictions(self) -> Predictions:
        """What a scored cell's faces got."""
        assert self.job is not None
        return self.job.results.predictions(self.job.split)

    @cached_property
    def levels(self) -> list[str]:
        """The levels at which a scored cell is shown."""
        assert self.job is not None
        metrics = self.job.results.metrics().get(self.job.split, {})
        return list(useful_levels(metrics)) if metrics else []

    @property
    def whole(self) -> bool:
        """Whether every face has a score."""
        return self.job is not None and not self.failure and not self.job.unscored()


def open_sets(manifests: Sequence[Path], names: Sequence[str] | None, split: str) -> list[Set]:
    """The manifests of a matrix.

    Args:
        manifests: each a file, or a folder that holds manifest.csv.
        names: one for each, which also names its evaluations' folders; None for those of their folders.
        split: which rows to score, or "all".

    Raises:
        InputError: a manifest is missing or wrong, stands twice, or has another's name.
    """
    opened = [open_manifest(path) for path in manifests]
    shown = list(names) if names else [data.path.absolute().parent.name for data in opened]
    for what, values in (("manifest", [data.digest for data in opened]), ("name", shown)):
        twice = next((place for place, value in enumerate(values) if value in values[:place]), None)
        if twice is not None:
            raise InputError(
                f"{opened[twice].path}: its {what} {shown[twice]!r} stands twice; accepted: manifests that "
                "differ, and names that differ (--name, once for each manifest)"
            )
    folders = list(names) if names else [None] * len(opened)
    return [
        Set(name, data.path, data.digest, split, folder)
        for name, data, folder in zip(shown, opened, folders, strict=True)
    ]


def fill(runs: Sequence[Run], sets: Sequence[Set], batch_size: int | None = None) -> list[Cell]:
    """Score every set with every run; what is scored already is taken from its folder.

    A cell that fails is kept with the reason, and the others go on.

    Args:
        runs: finished runs, with different folder names.
        sets: from `open_sets`.
        batch_size: faces a batch; None for each run's.

    Raises:
        InputError: a run is not finished, or two have one name.
    """
    names = [run.name for run in runs]
    twice = next((run for place, run in enumerate(runs) if names[place] in names[:place]), None)
    if twice is not None:
        raise InputError(f"{twice.folder}: another run has this name; accepted: folders of different names")
    for run in runs:
        run.require_finished()
    manifests = {each.digest: each.manifest for each in sets}
    cells = []
    for run in runs:
        load = cache(load_model)
        for each in sets:
            cells.append(_cell(run, each, manifests, batch_size, load))
        # Models of several runs need not fit into memory together.
        load.cache_clear()
        keras.utils.clear_session()
        gc.collect()
    return cells


def _cell(run: Run, each: Set, manifests: Mapping[str, Path], batch_size: int | None, load: Load) -> Cell:
    home = each.digest == run.environment()["manifest_sha256"]
    wanted = Wanted(
        manifest=each.manifest,
        home=home,
        split=each.split,
        name=each.folder,
        batch_size=batch_size,
        manifests=manifests,
    )
    print(f"{run.name} on {each.name}")
    job = None
    try:
        job = prepare(run, wanted)
        if job.is_done():
            print(f"scored already: {job.results.folder}")
        else:
            evaluate(job, load)
        failure = ""
    except (InputError, OSError) as error:
        failure = one_line(error)
    except Exception as error:  # One broken cell must not cost the others.
        failure = unforeseen(error)
    if failure:
        print(f"failed: {failure}")
    return Cell(run, each, home, job, failure)
