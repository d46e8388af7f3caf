"""The table of findings: each claim of a report, what it published, what was measured, and what follows."""

import math
from collections.abc import Sequence

from dfdetect.metrics.estimates import DASH, shown, shown_p, signed
from dfdetect.metrics.measures import MEASURES
from dfdetect.render.table import Table, columns
from dfdetect.report.declared import Experiment
from dfdetect.report.finding import Comparing, Finding, Side
from dfdetect.report.outcomes import MISSING, ClaimOutcome
from face_extraction.wording import plural

TITLES = ("report", "claim", "outcome", "measured here", "p, Holm", "published", "rests on")


def findings_table(rows: Sequence[tuple[str, Experiment, ClaimOutcome]]) -> Table:
    """One row a claim.

    Args:
        rows: the report as the table names it, its declaration, and what is known about a claim.
    """
    return Table(
        columns(TITLES),
        [
            (
                name,
                f"{claim.finding.says} ({claim.finding.place})",
                f"**{claim.outcome}**" if claim.compared else claim.outcome,
                measured(experiment, claim),
                shown_p(claim.holm),
                published(experiment, claim.finding),
                basis(claim),
            )
            for name, experiment, claim in rows
        ],
    )


def published(experiment: Experiment, finding: Finding) -> str:
    """What the report says in words, or the differences (or the value) of its own numbers; or a dash."""
    if finding.published:
        return finding.published
    stated = [_published(experiment, finding.metric, one) for one in finding.comparisons]
    known = sorted(value for value in stated if value is not None)
    if not known:
        return DASH
    title = MEASURES[finding.metric].title
    few = "" if len(known) == len(stated) else f" ({len(known)} of {len(stated)})"
    if not finding.comparisons[0].second:
        return f"{title} {shown(known[0])}{few}"
    ends = f"{known[0]:+.3f}" if len(known) == 1 else f"{known[0]:+.3f} to {known[-1]:+.3f}"
    return f"{title} {ends}{few}"


def _published(experiment: Experiment, metric: str, comparing: Comparing) -> float | None:
    """The published difference of two sides, or the value of the first; None if a number is missing."""

    def mean(side: Side) -> float:
        found = [experiment.published.value(point, metric) for point in side]
        known = [number.value for number in found if number is not None]
        return sum(known) / len(side) if len(known) == len(side) else math.nan

    first = mean(comparing.first)
    if not comparing.second:
        return None if math.isnan(first) else first
    difference = MEASURES[metric].sign * (first - mean(comparing.second))
    return None if math.isnan(difference) else difference


def measured(experiment: Experiment, claim: ClaimOutcome) -> str:
    """The decisive difference with its interval, and which of several comparisons it is."""
    if claim.compared is None:
        return DASH
    one = claim.compared.measured[claim.compared.decisive]
    text = signed(one)
    deciding = claim.decisive
    comparing = deciding or claim.finding.comparisons[0]
    if not comparing.second:
        text += f" below {shown(comparing.below)}"
    if deciding is None:
        return f"{MEASURES[claim.finding.metric].title} {text}"
    sides = " over ".join(_named(experiment, side) for side in (deciding.first, deciding.second) if side)
    return f"{MEASURES[claim.finding.metric].title} {text}, of {sides}"


def _named(experiment: Experiment, side: Side) -> str:
    return " and ".join(", ".join(experiment.titles(point)) for point in side)


def basis(claim: ClaimOutcome) -> str:
    """What an outcome rests on: size, faces, trainings and starts; or how much is missing."""
    found, size = claim.found, f"size {claim.found.profile}"
    if claim.outcome == MISSING:
        cells = plural(len(claim.finding.points), "cell")
        return f"{size}; {len(found.missing)} of {cells} to run"
    if claim.compared is None:
        return f"{size}; all cells have run, and the scores of some are not here"
    several = claim.trainings
    trained = "one training each" if several == 1 else f"{several} trainings each or more"
    data = ", ".join(found.results[0].data["sources"])
    faces = f"{size}, {claim.compared.n:,} faces of {data}"
    return "; ".join([faces, trained, *_starts(claim)])


def _starts(claim: ClaimOutcome) -> list[str]:
    """How many of the cells start from random weights, and whether the claim can be told from such."""
    found = claim.found
    if not found.random:
        return []
    starts = f"{found.random} of {plural(len(found.trainings), 'cell')} from random weights"
    return [f"{starts}, and the claim is of pretrained ones" if claim.untold else starts]
