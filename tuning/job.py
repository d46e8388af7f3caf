"""A search as data: what it varies, how, and for how long."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from dfdetect.recipe import Recipe, from_mapping
from face_extraction.atomic import write_text
from face_extraction.errors import InputError, check_name
from face_extraction.toml import read_toml
from tuning.space import OPTION, Space, check_space, parse_space, write_space

JOBS = Path(__file__).parent / "jobs"
DEFAULT = "default"
OBJECTIVES = ("val_auc", "val_accuracy")
STRATEGIES = ("random", "grid", "bayesian", "hyperband", "tpe", "tpe-median", "tpe-halving")


@dataclass(frozen=True, kw_only=True)
class Job:
    """A search.

    Attributes:
        report: the report and section that it follows; "" for none.
        strategy: one of `STRATEGIES`.
        trials: the most trials of each case.
        objective: one of `OBJECTIVES`, measured at the kept epoch.
        folds: the number of parts of the faces outside the test split; each validates in turn, and the
            objective is the mean. 0: the recipe's own validation split.
        per_fold: run a separate search in each of the recipe's own folds (Report B).
        recipe: the fixed fields of the recipe.
        space: what varies.
        cases: fields by case name that override `recipe`; each case is a separate search.
    """

    report: str = ""
    strategy: str = "bayesian"
    trials: int = 20
    objective: str = "val_auc"
    folds: int = 0
    per_fold: bool = False
    recipe: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    space: Space = ()
    cases: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    def searches(self) -> Mapping[str, Mapping[str, Any]]:
        """The cases, or one nameless case that changes nothing."""
        return self.cases or {"": {}}

    def content(self) -> dict[str, Any]:
        """The content that `parse_job` reads."""
        return {**vars(self), "space": write_space(self.space)}


@dataclass(frozen=True)
class Case:
    """One search of a job.

    Attributes:
        name: the name in the job, or the model's name.
        recipe: the recipe that the space varies.
    """

    name: str
    recipe: Recipe


def list_jobs() -> list[str]:
    """Names of the jobs that come with the package."""
    return sorted(path.stem for path in JOBS.glob("*.toml"))


def read_job(name: str) -> Job:
    """Read a job: one that comes with the package, by name, or any other, by its file.

    Raises:
        InputError: there is none, or it holds something that a job does not accept. The line names the file.
    """
    path = Path(name)
    if path.suffix != ".toml":
        check_name("job", name, list_jobs())
        path = JOBS / f"{name}.toml"
    return parse_job(read_toml(path), str(path))


def parse_job(content: Mapping[str, Any], where: str) -> Job:
    """A job from the content of its file.

    Raises:
        InputError: a name is unknown or a value is not accepted.
    """
    names = [item.name for item in dataclasses.fields(Job)]
    for name in content:
        check_name("name in a job", name, names, where)
    for item in dataclasses.fields(Job):
        if item.name in content:
            _check_kind(item.name, content[item.name], getattr(Job(), item.name), where)
    job = Job(**{**content, "space": parse_space(content.get("space", {}), where)})
    _check(job, where)
    return job


def write_job(path: Path, job: Job) -> None:
    """Write a file that `read_job` reads, atomically."""
    write_text(path, tomli_w.dumps(job.content()))


def cases(job: Job) -> list[Case]:
    """The job's searches, in order, each with a checked recipe.

    Raises:
        InputError: a recipe is not accepted, or two cases would share their files.
    """
    found = list(_cases(job))
    names: dict[str, str] = {}
    for case in found:
        key = slug(case.name).casefold()
        if key in names:
            raise InputError(
                f"cases {names[key]!r} and {case.name!r} would share files: file names ignore capitals and "
                "signs other than . _ -; accepted: names that differ in letters or digits"
            )
        names[key] = case.name
        check_space(job.space, case.recipe)
    return found


def slug(case: str) -> str:
    """A case's name, made fit for file names."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in case)


def _cases(job: Job) -> Iterator[Case]:
    base = {**job.recipe, "monitor": job.objective}
    for name, changes in job.searches().items():
        recipe = from_mapping({**base, **changes}, f"case {name}" if name else "")
        title = name or recipe.model
        for part in recipe.trainings():
            yield Case(f"{title}, fold {part.fold}" if part.fold else title, part)


def _check_kind(name: str, value: Any, default: Any, where: str) -> None:
    kinds = {str: "text", int: "a whole number", bool: "true or false"}
    kind: Any = type(default) if type(default) in kinds else Mapping
    if not isinstance(value, kind) or (type(value) is bool) != (kind is bool):
        raise InputError(f"{where}: {name} {value!r}; accepted: {kinds.get(kind, 'a table')}")


def _check(job: Job, where: str) -> None:
    for name, accepted in (("strategy", STRATEGIES), ("objective", OBJECTIVES)):
        check_name(name, getattr(job, name), accepted, where)
    if job.trials < 1:
        raise InputError(f"{where}: trials {job.trials}; accepted: 1 or more")
    if job.folds < 0 or job.folds == 1:
        raise InputError(f"{where}: folds {job.folds}; accepted: 0, or 2 or more")
    if job.folds and job.per_fold:
        raise InputError(f"{where}: folds {job.folds} with per_fold; accepted: one of the two")
    names = [axis.name for axis in job.space]
    if job.strategy == "hyperband" and "epochs" in names:
        raise InputError(f"{where}: epochs in the space; Hyperband itself decides how long a trial trains")
    for case, changes in job.searches().items():
        place = f"{where}: case {case}" if case else where
        if not isinstance(changes, Mapping):
            raise InputError(f"{place} {changes!r}; accepted: a table of recipe fields")
        if bool({**job.recipe, **changes}.get("folds")) != job.per_fold:
            raise InputError(
                f"{place}: per_fold and the recipe's folds need each other: each fold is a separate search; "
                "for the mean over folds, give the job's own folds"
            )
        varied = {name.removeprefix(OPTION) for name in names} & set(changes)
        if varied or "monitor" in changes:
            raise InputError(
                f"{place} sets {', '.join(sorted(varied)) or 'monitor'}, which the "
                f"{'space varies' if varied else 'objective decides'}"
            )
