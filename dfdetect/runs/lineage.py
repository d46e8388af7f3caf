"""Where a run's weights come from, and which data they saw: in the run's training and in earlier ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from dfdetect.data.doubles import same_files
from dfdetect.data.faces import labelled
from dfdetect.data.opening import Data
from dfdetect.data.splitting import choose
from dfdetect.models.head import in_head
from dfdetect.models.names import PUBLISHED
from dfdetect.models.shipped import is_shipped
from dfdetect.recipe import ENSEMBLE, Recipe, read_recipe
from dfdetect.runs.folder import Run, located, started_from
from face_extraction.digest import file_digest
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample, manifest_hash, read_manifest

Groups = set[tuple[str, str]]
# A recipe, and SHA-256 of the weights file that its training started from; "" if unknown.
Start = tuple[Recipe, str]
# The facts that tell what a run started from; an ensemble keeps its members' facts.
STARTED_FROM = ("weights_file", "weights_sha256")


def training_leaks(recipe: Recipe, data: Data) -> list[str]:
    """The cautions about groups of val and test that a training's starting weights have already seen.

    Args:
        recipe: the training's recipe, resolved.
        data: the training's rows.
    """
    scored = [*labelled(data.samples, "val"), *labelled(data.samples, "test")]
    lines, unknown = _inherited([(recipe, "")], data.samples, scored)
    return [*lines, *_not_known(unknown)]


@dataclass(frozen=True)
class Seen:
    """What a run's weights have seen of the faces that the run scores, in sentences.

    Attributes:
        lines: one for each way in which faces were seen: numbers of these faces do not measure skill.
        unknown: which training data are gone, so that nothing can be said.
    """

    lines: Sequence[str] = ()
    unknown: Sequence[str] = ()

    @property
    def told(self) -> list[str]:
        """All of it."""
        return [*self.lines, *self.unknown]


def scoring_leaks(run: Run, samples: Sequence[FaceSample]) -> list[str]:
    """The cautions about scored groups that the model has seen, or when that is unknown.

    Args:
        run: the run whose model scores.
        samples: the samples to score.
    """
    return seen_before(run, samples).told


def seen_before(
    run: Run,
    samples: Sequence[FaceSample],
    folder: Path | None = None,
    manifests: Mapping[str, Path] | None = None,
) -> Seen:
    """The cautions about scored faces that the model has seen, or when that is unknown.

    Args:
        run: the run whose model scores.
        samples: the samples to score.
        folder: of their manifest; without it, no files are compared.
        manifests: manifests at hand, by their hash: one may be the run's, whose own path is gone.
    """
    found = _rows(run, manifests)
    rows = found.samples if found else []
    own = rows if _trains(run) else []
    shared = _groups(samples) & _groups(labelled(own, "train"))
    chose = _groups(samples) & _groups(labelled(rows, "val")) - shared
    lines = [
        f"{len(groups)} of the groups scored {what}"
        for groups, what in (
            (shared, "were trained on: these numbers do not measure skill."),
            (chose, "chose the epoch or the threshold: their numbers are optimistic."),
        )
        if groups
    ]
    if found and folder:
        # Files of groups that were seen are counted already.
        others = [row for row in samples if (row.source, row.group) not in shared | chose]
        used = [row for row in rows if row.split == "val" or (row.split == "train" and own)]
        if doubled := same_files(folder, others, found.folder, used):
            lines.append(
                f"{len(doubled)} of the files scored are equal to files of other groups that the run was "
                "trained or validated on: these numbers do not measure skill."
            )
    inherited, unknown = _inherited(_starts(run), own, samples)
    return Seen([*lines, *inherited], _not_known([*([] if found else [str(run.folder)]), *unknown]))


def random_backbone(run: Run) -> list[str]:
    """Names of the layers before the head that started random, because the weights file did not cover them.

    For an ensemble: the layers of all members, each with its member's name in front.
    """
    recipe = run.recipe()
    if recipe.model != ENSEMBLE and (recipe.weights == "none" or not recipe.partial_weights):
        return []
    return [layer for layer in run.environment().get("random_layers", ()) if not in_head(layer)]


def _inherited(
    starts: Sequence[Start], own: Sequence[FaceSample], scored: Sequence[FaceSample]
) -> tuple[list[str], list[str]]:
    """The caution about the runs that weights come from, and the names of runs of which nothing is known.

    Groups that chose an ancestor's epoch count as seen too, except those that choose this run's own.
    """
    ancestors, unknown = _ancestors(starts)
    wanted, own_val = _groups(scored), _groups(labelled(own, "val"))
    shared: Groups = set()
    names = []
    for run in ancestors:
        found_rows = _rows(run)
        if found_rows is None:
            unknown.append(str(run.folder))
        elif found_rows.samples != own and _trains(run):  # the same rows in the same split tell nothing new
            trained, chosen = (_groups(labelled(found_rows.samples, split)) for split in ("train", "val"))
            found = wanted & (trained | (chosen - own_val))
            shared |= found
            names += [str(run.folder)] if found else []
    if not shared:
        return [], unknown
    line = (
        f"{len(shared)} of the groups scored were trained or validated on by {' and '.join(names)}, "
        "whose weights this run started from: these numbers do not measure skill."
    )
    return [line], unknown


def _ancestors(starts: Sequence[Start]) -> tuple[list[Run], list[str]]:
    """The runs whose weights the recipes start from, and their own ancestors, nearest first; then those gone.

    A run that was trained again counts as gone: its records describe the new weights.
    """
    waiting, found, gone = list(starts), dict[Path, Run](), list[str]()
    for recipe, digest in waiting:  # the list grows in the loop
        try:
            run = started_from(recipe)
        except InputError:  # the folder exists but is no longer a run
            gone.append(recipe.weights)
            continue
        if run is None:
            gone += [recipe.weights] if _is_gone(recipe.weights) else []
        elif digest and run.weights.is_file() and file_digest(run.weights) != digest:
            gone.append(str(run.folder))
        elif run.folder.resolve() not in found:
            found[run.folder.resolve()] = run
            waiting += _starts(run)
    return list(found.values()), gone


def _is_gone(weights: str) -> bool:
    """Whether the weights of a run are gone; a file from elsewhere never told what it was trained on."""
    named = weights in ("", "none", *PUBLISHED)
    path = Path(weights)
    of_a_run = path.suffix != ".h5" or path == Run(path.parent).weights
    return of_a_run and not (named or path.exists())


def _starts(run: Run) -> list[Start]:
    """What a run started from; for an ensemble, what each member started from."""
    recipes, facts = [run.recipe()], [run.recorded()]
    if members := run.members():
        recipes = list(map(read_recipe, members))
        facts = facts[0].get("members_starts") or [{}] * len(members)
        if len(facts) != len(members):
            told = f"members_starts tells of {len(facts)}, and the folder members/ holds {len(members)}"
            raise InputError(f"{run.environment_file}: {told}; combine the members again")
    return [
        (located(recipe, known), known.get("weights_sha256", ""))
        for recipe, known in zip(recipes, facts, strict=True)
    ]


def _trains(run: Run) -> bool:
    return any(recipe.head_epochs + recipe.epochs for recipe, _ in _starts(run))


class _Rows(NamedTuple):
    """The rows that a run was made from, each with its split, and the folder of their manifest."""

    folder: Path
    samples: list[FaceSample]


def _rows(run: Run, manifests: Mapping[str, Path] | None = None) -> _Rows | None:
    """The rows that a run was made from; None if they are gone or changed.

    Args:
        run: the run.
        manifests: manifests at hand, by their hash.
    """
    recipe = run.recipe()
    try:
        facts = run.environment()
        manifest = (manifests or {}).get(facts["manifest_sha256"])
        if manifest is None:
            manifest = Path(located(recipe, facts).manifest or facts["manifest"])
            if manifest_hash(manifest) != facts["manifest_sha256"]:
                return None
        rows = choose(read_manifest(manifest), recipe)
    except (InputError, OSError, KeyError):
        return None
    if "search_fold" in facts:
        # A search splits train and val rows anew, so any of them can have trained one of its folds.
        rows = [replace(row, split="train") if row.split == "val" else row for row in rows]
    return _Rows(manifest.parent, rows)


def _not_known(names: Sequence[str]) -> list[str]:
    shipped, gone = list[str](), list[str]()
    for name in dict.fromkeys(names):
        (shipped if is_shipped(Path(name)) else gone).append(name)
    lines = [
        f"{Path(name).name} ships without its training data: whether it has seen these faces is unknown."
        for name in shipped
    ]
    if gone:
        of = " and ".join(gone)
        lines.append(f"The run or the manifest of {of} is gone or changed: its training data are unknown.")
    return lines


def _groups(samples: Iterable[FaceSample]) -> Groups:
    return {(sample.source, sample.group) for sample in samples}
