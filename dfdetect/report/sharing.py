"""Results that another report has measured: a training of the same recipe and data serves them all."""

from dataclasses import replace
from pathlib import Path

from dfdetect.report.declared import Cell, Experiment
from dfdetect.report.results import DONE, RESULTS, Result, read_results
from dfdetect.report.scores import keeps_scores


def measured_elsewhere(
    experiment: Experiment, cell: Cell, profile: str, manifest: str
) -> tuple[Path, Result] | None:
    """What a report in a folder beside this one has measured with exactly the recipe that a cell declares.

    Args:
        experiment: the report that lacks the cell.
        cell: the cell.
        profile: its size.
        manifest: SHA-256 of the manifest.

    Returns:
        The other report's folder, and its newest such result as this report's own; None if there is none
        whose test predictions it keeps.

    Raises:
        InputError: another report's file is damaged.
    """
    # A name such as "." has no parent of its own.
    beside = experiment.folder.absolute().parent
    for folder in sorted(path.parent for path in beside.glob(f"*/{RESULTS}")):
        if folder == experiment.folder.absolute():
            continue
        for result in reversed(read_results(folder)):
            same = result.status == DONE and result.manifest == manifest and result.has_recipe_of(cell)
            if same and keeps_scores(folder, result):
                return folder, replace(result, at=cell.at, profile=profile)
    return None
