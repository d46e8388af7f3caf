"""Compare the cells that a report's findings rest on, and write findings.json."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from filelock import FileLock

from dfdetect.metrics.comparison import Difference, Resampled, bootstrap, difference_of
from dfdetect.metrics.measures import MEASURES, Array
from dfdetect.report.comparisons import write_entries
from dfdetect.report.declared import Experiment
from dfdetect.report.finding import Comparing, Finding, Side
from dfdetect.report.outcomes import FINDINGS, Compared, Found, found_for, read_compared
from dfdetect.report.published import name_of
from dfdetect.report.results import Result, read_results
from dfdetect.report.scores import Scores, scores_for, still_measures
from face_extraction.errors import InputError
from face_extraction.progress import progress

RESAMPLES = 10_000
"""Chance in the draws must not decide an outcome, and Holm's method multiplies what it does to p: at .005 p
has a standard error of 20 % with so many resamples, and of 63 % with 1,000."""


def judge_findings(experiment: Experiment, profile: str, manifest: str, runs: Path) -> list[str]:
    """Compare the cells of each finding that has all its results; comparisons of the same results are kept.

    Args:
        experiment: the declaration.
        profile: the size.
        manifest: SHA-256 of the manifest.
        runs: the folder of run folders.

    Returns:
        Lines about the findings that could not be compared.
    """
    if experiment.profiles[profile].smoke:
        return []
    results, kept = read_results(experiment.folder), read_compared(experiment.folder)
    known: dict[str, Scores] = {}
    fresh: list[Compared] = []
    told: list[str] = []

    def scores(name: str, result: Result) -> Scores:
        if result.digest not in known:  # several findings rest on one result
            known[result.digest] = _scores(name, experiment.folder, result, runs)
        return known[result.digest]

    with progress("judge", len(experiment.findings), unit="findings") as advance:
        for finding in experiment.findings:
            found = found_for(experiment, finding, results, profile, manifest)
            old = [one for one in kept if one.covers(finding, found.digests)]
            if old or found.missing:
                fresh += old
            else:
                try:
                    fresh.append(_compared(finding, found, scores))
                except InputError as error:
                    told.append(f"finding {finding.says!r} is not compared: {error}")
            advance(note=finding.says)
    _write(experiment, fresh)
    return told


def _scores(name: str, folder: Path, result: Result, runs: Path) -> Scores:
    """The scores behind a result of the cell `name`, of the report in `folder`.

    Raises:
        InputError: they are not here, or are not those that the result was measured on.
    """
    scores = scores_for(folder, result, runs)
    if scores is None:
        raise InputError(f"the scores of {name} ({', '.join(result.runs)}) are neither in {runs} nor kept")
    if not still_measures(result, scores):
        raise InputError(f"the scores of {name} are now others")
    return scores


def _compared(finding: Finding, found: Found, scores: Callable[[str, Result], Scores]) -> Compared:
    """Compare the cells of one finding.

    Raises:
        InputError: scores are missing, or the cells were tested on other faces.
    """
    scored: list[Scores] = []
    trainings: dict[str, list[int]] = {}
    for name, several in found.trainings.items():
        trainings[name] = list(range(len(scored), len(scored) + len(several)))
        scored += [scores(name, result) for result in several]
    drawn = bootstrap(scored, [finding.metric], resamples=RESAMPLES)
    measured = [difference(finding.metric, one, drawn, trainings) for one in finding.comparisons]
    n = sum(len(fold.predictions.known()) for fold in scored[0])
    return Compared(finding.key, found.profile, found.manifest, found.digests, n, measured)


def difference(
    metric: str, comparing: Comparing, drawn: Resampled, trainings: Mapping[str, Sequence[int]]
) -> Difference:
    """How much better the first side of a comparison is, whatever the metric's direction.

    Args:
        metric: what is compared.
        comparing: the comparison.
        drawn: the metric of all models, and on resamples.
        trainings: for each cell by name, the numbers of its models in `drawn`.
    """

    def mean_of(side: Side) -> tuple[float, Array]:
        return drawn.mean(metric, [trainings[name_of(point)] for point in side])

    first, firsts = mean_of(comparing.first)
    units = drawn.units.behind(metric)
    if not comparing.second:
        return difference_of(comparing.below - first, comparing.below - firsts, units)
    second, seconds = mean_of(comparing.second)
    sign = MEASURES[metric].sign
    return difference_of(sign * (first - second), sign * (firsts - seconds), units)


def _write(experiment: Experiment, fresh: Sequence[Compared]) -> None:
    """Write the comparisons, and keep those of current results that other processes added meanwhile."""
    path = experiment.folder / FINDINGS
    with FileLock(f"{path}.lock"):
        alive = {result.digest for result in read_results(experiment.folder)}
        known = {finding.key for finding in experiment.findings}
        places = {(one.finding, one.profile, one.manifest) for one in fresh}
        theirs = [
            old
            for old in read_compared(experiment.folder)
            if (old.finding, old.profile, old.manifest) not in places
            and old.finding in known
            and set(old.results) <= alive
        ]
        if theirs or fresh:
            write_entries(path, [*theirs, *fresh])
