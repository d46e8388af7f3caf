"""The page of a search."""

from collections.abc import Mapping, Sequence
from typing import Any

from dfdetect.render.figures.drawing import Figure
from dfdetect.render.templating import render
from dfdetect.render.text import short
from tuning.job import Job
from tuning.opening import Search
from tuning.rows import DONE, FAILED, PRUNED, best_of
from tuning.tables import Trials, ablation, importance, note, trial_table


def render_search(search: Search, trials: Trials, figures: Sequence[Figure]) -> str:
    """The page as HTML text; all text from outside is escaped."""
    job, rows = search.job, trials.rows
    states = [row.state for row in rows]
    cases = dict.fromkeys(row.case for row in rows)
    best = [best_of([row for row in rows if row.case == case]) for case in cases]
    return render(
        "search.html.j2",
        name=search.folder.absolute().name,
        job=job,
        trials=len(rows),
        counts=", ".join(
            f"{states.count(state)} {state}" for state in (DONE, PRUNED, FAILED) if state in states
        ),
        notices=search.notices,
        best=[(row, _values(row.values)) for row in best if row],
        out=search.place.out,
        figures=figures,
        ablation=ablation(trials),
        note=note(job.folds),
        importance=importance(trials.importances),
        trial_table=trial_table(rows, job.objective),
        budget={
            "strategy": job.strategy,
            "most trials of each case": job.trials,
            "objective": f"{job.objective}, mean over {job.folds} folds" if job.folds else job.objective,
            "report": job.report,
        },
        space=_space(job),
        fixed={name: value for name, value in job.recipe.items() if name not in _space(job)},
        data_table=next(iter(search.data.values())).table(),
    )


def _values(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.removeprefix('options.').replace('_', ' ')} {short(value)}" for name, value in values.items()
    )


def _space(job: Job) -> dict[str, Any]:
    return {
        axis.name: list(axis.values)
        or f"{axis.low:.6g} to {axis.high:.6g}{', logarithmic' if axis.log else ''}"
        for axis in job.space
    }
