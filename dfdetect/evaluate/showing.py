"""The slices of an evaluation on its page, and in slices.json."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dfdetect.evaluate.evaluating import Job
from dfdetect.evaluate.slicing import (
    ALPHA,
    FEWEST_FACES,
    FEWEST_GROUPS,
    SIDES,
    Rate,
    Sliced,
    Subgroups,
    measure,
    subgroups,
)
from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.estimates import DASH, Estimate
from dfdetect.predictions import Predictions
from dfdetect.render.run_content import Part
from dfdetect.render.table import Cell, Table, Value, columns
from dfdetect.runs.calibration import cuts_at_home
from dfdetect.runs.results import add_subgroups
from face_extraction.json_file import write_json
from face_extraction.wording import plural


def write_slices(job: Job) -> list[str]:
    """Slice the faces of a finished evaluation; write slices.json, and the page again.

    Returns:
        The sentences that the page shows above the tables.
    """
    level = job.recipe.levels[0]
    scored = job.results.predictions(job.split).at_level(level).known()
    cuts = cuts_at_home(job.run, level)
    rows = {sample.path: sample for sample in job.samples}
    samples = [rows.get(sample.path, sample) for sample in scored.samples]
    values = measure(job.data.path.parent, samples, job.recipe.image_size)
    found = subgroups(Predictions(samples, scored.p_fake), values, cuts)
    write_json(job.results.slices_file, to_json(found))
    part = show(found)
    add_subgroups(job.results, job.recipe, part)
    return list(part.lines)


def titles(cuts: Calibration) -> dict[str, str]:
    """What the errors are called, for calibrated runs and for those with a threshold alone."""
    if cuts.cut is None:
        return {"false_alarms": "reals called substantial", "misses": "fakes called little"}
    return {"false_alarms": "reals called fake", "misses": "fakes called real"}


def show(found: Subgroups) -> Part:
    """The part of the page."""
    called = titles(found.cuts)
    where = (
        f"the run's cuts: {called['false_alarms']} from {found.cuts.upper:.4f} on, {called['misses']} below "
        f"{found.cuts.lower:.4f}, after calibration"
        if found.cuts.cut is None
        else f"the run's threshold {found.cuts.upper:.4f}"
    )
    lines = [
        f"Errors at {where}.",
        *_said(found),
        *(
            f"{each.slice.title}: not known of any face here. {each.slice.meaning}"
            for each in found.slices
            if not each.bands
        ),
    ]
    return Part(lines, [_table(each, called) for each in found.slices if each.bands], ())


def _said(found: Subgroups) -> list[str]:
    """What differs, and how to read it."""
    fewest = f"{FEWEST_FACES} faces of a class, or fewer than {FEWEST_GROUPS} groups of them"
    if not found.looked_at:
        return [f"There are too few faces for any number: each band has fewer than {fewest}."]
    marked = list(_marked(found))
    return [
        f"{plural(found.looked_at, 'band')} of faces with a number, and {plural(found.tests, 'error rate')} "
        f"compared with that of the other bands of the same property. {_summary(found, len(marked))}",
        *marked,
        "The intervals of differences are Newcombe's (1998), with groups as units, and hold together with "
        f"{100 * (1 - ALPHA):.0f} % (Bonferroni). AUCs are not compared. A band with fewer than {fewest} "
        "gets no number.",
        "A difference need not be caused by the property: the faces of a band can come from other videos, or "
        "be made by other methods, than the rest.",
    ]


def _summary(found: Subgroups, marked: int) -> str:
    if not found.tests:
        return "There are too few faces to tell any difference."
    if not marked:
        return "None differs by more than chance allows."
    return f"{'One differs' if marked == 1 else f'{marked} differ'} by more than chance allows:"


def _marked(found: Subgroups) -> Iterator[str]:
    called = titles(found.cuts)
    for each in found.slices:
        for band in each.bands:
            for side, rate in band.rates.items():
                if rate.share and rate.compared and rate.compared.differs:
                    yield (
                        f"{each.slice.title}, {band.name}: {called[side]} {100 * rate.share.value:.1f} %, in "
                        f"the rest {100 * rate.compared.rest:.1f} % ({in_points(rate.compared.difference)})."
                    )


def in_points(difference: Estimate) -> str:
    """A difference of shares in words, such as "difference 12.3 points [2.9, 22.0]"."""
    value, low, high = (100 * each for each in (difference.value, difference.low, difference.high))
    # An end that excludes 0 must not look like 0.
    digits = next(digits for digits in range(1, 9) if round(low, digits) and round(high, digits))
    return f"difference {value:.{digits}f} points [{low:.{digits}f}, {high:.{digits}f}]"


def _table(sliced: Sliced, called: Mapping[str, str]) -> Table:
    rows: list[Sequence[Cell]] = []
    for band in sliced.bands:
        alarms, misses = (band.rates[side] for side in SIDES.values())
        rows.append(
            [
                band.name,
                _shown(alarms),
                _shown(misses),
                Value(band.auc) if band.auc else DASH,
                f"{alarms.n:,} / {misses.n:,}",
                f"{alarms.groups:,} / {misses.groups:,}",
            ]
        )
    if sliced.unknown:
        rows.append([f"not known: {plural(sliced.unknown, 'face')}", *[DASH] * 5])
    marked = any(
        rate.compared and rate.compared.differs for band in sliced.bands for rate in band.rates.values()
    )
    return Table(
        columns(["band"], [*called.values(), "AUC", "real / fake", "groups"]),
        rows,
        sliced.slice.title,
        notes=(sliced.slice.meaning,),
        footnotes=("differs from the other bands by more than chance allows.",) if marked else (),
    )


def _shown(rate: Rate) -> Cell:
    if rate.share is None:
        return "too few" if rate.n else DASH
    return Value(rate.share, footnote=1 if rate.compared and rate.compared.differs else 0, n=rate.n)


def to_json(found: Subgroups) -> dict[str, Any]:
    """The content of slices.json."""
    return {
        "upper_cut": found.cuts.upper,
        "lower_cut": found.cuts.lower,
        "tests": found.tests,
        "slices": {
            each.slice.name: {
                "not_known": each.unknown,
                "bands": {
                    band.name: {
                        "auc": band.auc.to_dict() if band.auc else None,
                        **{side: _rate_json(rate) for side, rate in band.rates.items()},
                    }
                    for band in each.bands
                },
            }
            for each in found.slices
        },
    }


def _rate_json(rate: Rate) -> dict[str, Any]:
    compared = rate.compared
    return {
        "n": rate.n,
        "groups": rate.groups,
        "share": rate.share.to_dict() if rate.share else None,
        "difference": compared.difference.to_dict() if compared else None,
        "differs": bool(compared and compared.differs),
    }
