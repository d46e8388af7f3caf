"""Score a manifest with a finished run, and keep the results in a folder inside the run's."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras

from dfdetect.data.clips import check_videos
from dfdetect.data.opening import Data, open_data, open_manifest
from dfdetect.recipe import PAIRED, Recipe
from dfdetect.render.run_content import CHOSEN_ON_VAL
from dfdetect.runs.environment import describe
from dfdetect.runs.evaluation import SCORED_WEIGHTS, Evaluation
from dfdetect.runs.folder import Run
from dfdetect.runs.lineage import Seen, seen_before
from dfdetect.runs.results import Outcome, write_results
from dfdetect.runs.scoring import score
from face_extraction.digest import file_digest
from face_extraction.errors import InputError
from face_extraction.ledger import read_ledger
from face_extraction.lock import alone
from face_extraction.manifest import LABEL_NAMES, UNKNOWN, FaceSample, of_split
from face_extraction.settings import ExtractionSettings, read_settings

CHANGED = "The rows of this manifest, or how its faces were cut, have changed since the run was trained."


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to score.

    Attributes:
        manifest: the manifest; None for the run's own.
        home: take those rows of `manifest` that the run's recipe takes from its own, which this is.
        split: the rows to score, or "all".
        name: the folder's name; None makes one from the manifest's folder, its content and the chosen rows.
        batch_size: faces a batch; None for the recipe's.
        manifests: other manifests at hand, by their hash: one may be what the run was trained on.
    """

    manifest: Path | None = None
    home: bool = False
    split: str = "test"
    name: str | None = None
    batch_size: int | None = None
    manifests: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Job:
    """An evaluation, ready to be scored.

    Attributes:
        run: the run that scores.
        recipe: its recipe.
        data: the manifest.
        samples: the rows to score.
        split: which rows they are.
        batch_size: faces a batch.
        results: the folder of the results.
        seen: what the run's weights have seen of these faces.
        notices: what else a reader has to know.
    """

    run: Run
    recipe: Recipe
    data: Data
    samples: Sequence[FaceSample]
    split: str
    batch_size: int
    results: Evaluation
    seen: Seen
    notices: Sequence[str]

    def marks(self) -> dict[str, str]:
        """What decides the scores: hashes of the weights, and of the rows scored."""
        rows = repr([(sample.path, sample.label, sample.digest) for sample in self.samples])
        return {
            SCORED_WEIGHTS: file_digest(self.run.weights),
            "scored_rows_sha256": hashlib.sha256(rows.encode("utf-8", "surrogatepass")).hexdigest(),
        }

    def is_done(self) -> bool:
        """Whether the folder holds the results of these rows by these weights, at the run's threshold."""
        results = self.results
        if not (results.finished and results.has_predictions(self.split)):
            return False
        facts = results.environment() | {"threshold": results.threshold()}
        wanted = self.marks() | {"manifest_sha256": self.data.digest, "threshold": self.run.threshold()}
        return all(facts.get(name) == value for name, value in wanted.items())

    def unscored(self) -> int:
        """How many faces or clips have no score."""
        return len(read_ledger(self.results.unscored))


def prepare(run: Run, wanted: Wanted) -> Job:
    """Open what is to be scored; nothing is scored or written yet.

    Raises:
        InputError: the run is not finished, the manifest is wrong or has no such rows, or the name has a
            folder in it.
    """
    recipe = run.recipe()
    run.require_finished()
    trained = run.environment()
    own = wanted.manifest is None or wanted.home
    if wanted.manifest is None:
        data = open_data(run.with_data())
    elif wanted.home:
        data = open_data(replace(recipe, manifest=str(wanted.manifest)))
    else:
        data = open_manifest(wanted.manifest)
    name = _default_name(data, wanted.split, recipe if own else None) if wanted.name is None else wanted.name
    results = run.evaluation(name)
    samples = of_split(data.samples, wanted.split)
    if not samples:
        raise InputError(f"{data.path}: it has no rows of split {wanted.split!r}")
    if recipe.frames:
        check_videos(samples, recipe.frames, data.path)
    changed = own and data.digest != trained["manifest_sha256"]
    notices = [
        *data.notices,
        *([CHANGED] if changed else []),
        *_other_crops(run.folder, data.path.parent),
        *_one_class(samples),
    ]
    return Job(
        run=run,
        recipe=recipe,
        data=data,
        samples=samples,
        split=wanted.split,
        batch_size=wanted.batch_size or recipe.batch_size,
        results=results,
        seen=seen_before(run, samples, data.path.parent, {**wanted.manifests, data.digest: data.path}),
        notices=notices,
    )


def evaluate(job: Job, load: Callable[[Run], keras.Model]) -> None:
    """Score a job, and write its results: predictions, metrics, figures and a page.

    Args:
        job: from `prepare`.
        load: gives the run's model.

    Raises:
        InputError: the weights are damaged, or another process writes into the folder.
    """
    leaks = job.seen.told
    for notice in (*job.notices, *leaks):
        print(notice)
    model = load(job.run)
    # Fail before hours of scoring if the folder cannot be written, or another process writes into it.
    with alone(job.results.folder):
        scored, unscored = score(
            model,
            job.data.path.parent,
            job.samples,
            batch_size=job.batch_size,
            title=f"score {job.split}",
        )
        trained = job.run.environment()
        facts = trained | describe() | {"trained_on": job.recipe.manifest or trained["manifest"]}
        outcome = Outcome(
            recipe=job.recipe,
            environment=facts | job.data.facts() | job.marks(),
            predictions={job.split: scored},
            threshold=job.run.threshold(),
            unscored=unscored,
            crops=job.data.path.parent,
            notices=job.notices,
            leaks=leaks,
            threshold_origin=f"{CHOSEN_ON_VAL}, in the run's own training",
        )
        write_results(job.results, outcome)


def _one_class(samples: Sequence[FaceSample]) -> list[str]:
    """The notice about what cannot be measured because a class is missing."""
    labels = {sample.label for sample in samples} - {UNKNOWN}
    if not labels:
        return ["No face here has a known label: the faces are scored, but nothing is measured."]
    if len(labels) == 1:
        name = LABEL_NAMES[labels.pop()]
        return [f"All labelled faces here are {name}: AUC, EER and balanced accuracy need both classes."]
    return []


def _other_crops(trained: Path, scored: Path) -> list[str]:
    """The caution about crops that were cut with other settings than in training, if both are known."""
    before, now = read_settings(trained), read_settings(scored)
    if before is None or now is None or before == now:
        return []
    old, new = _fields(before), _fields(now)
    differ = [f"{name} {new[name]} (in training {old[name]})" for name in new if new[name] != old[name]]
    return [f"These faces were extracted with other settings than in training: {', '.join(differ)}."]


def _fields(settings: ExtractionSettings) -> dict[str, Any]:
    """Every setting by its name, with those of the crop beside the others."""
    named = asdict(settings)
    del named["crop"]
    return named | asdict(settings.crop)


def _default_name(data: Data, split: str, recipe: Recipe | None) -> str:
    """A name from the manifest's folder and content, the recipe's choice of rows, and the split."""
    chosen = []
    if recipe is not None and (recipe.split != "manifest" or recipe.per_class):
        # The manifest's own rows of this split are another choice, and get another name.
        chosen.append(f"{recipe.split}{recipe.drawing_seed}")
    if recipe is not None and recipe.augment == PAIRED:
        chosen.append("pairs")
    return "-".join([data.path.absolute().parent.name, data.digest[:8], *chosen, split])
