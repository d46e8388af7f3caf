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

TITLES = ("claim", "outcome", "measured here", "p, Holm", "published", "seeds", "random starts")


def findings_table(experiment: Experiment, claims: Sequence[ClaimOutcome]) -> Table:
    """One row for each claim of a report."""
    return Table(
        columns(TITLES),
        [
            (
                f"{claim.finding.says} ({claim.finding.place})",
                f"**{claim.outcome}**" if claim.compared else f"{claim.outcome}: {basis(claim)}",
                measured(experiment, claim),
                shown_p(claim.holm),
                published(experiment, claim.finding),
                seeds(claim),
                random_starts(claim),
            )
            for claim in claims
        ],
    )


def bases(claims: Sequence[ClaimOutcome]) -> str:
    """What the claims that were compared rest on, each basis once."""
    return "; ".join(dict.fromkeys(basis(claim) for claim in claims if claim.compared))


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
    """What an outcome rests on: test faces, their data, and the size; or how much is missing."""
    found, size = claim.found, f"size {claim.found.profile}"
    if claim.outcome == MISSING:
        cells = plural(len(claim.finding.points), "cell")
        return f"{size}; {len(found.missing)} of {cells} to run"
    if claim.compared is None:
        return f"{size}; all cells have run, and the scores of some are not here"
    data = ", ".join(found.results[0].data["sources"])
    return f"{claim.compared.n:,} faces of {data}, {size}"


def seeds(claim: ClaimOutcome) -> str:
    """With how many seeds its cells were trained: the fewest, and the most if there are more."""
    if not claim.compared:
        return DASH
    counts = sorted({len(several) for several in claim.found.trainings.values()})
    return " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))


def random_starts(claim: ClaimOutcome) -> str:
    """How many of the cells start from random weights, and whether the claim can be told from such."""
    if not claim.compared:
        return DASH
    found = claim.found
    starts = f"{found.random} of {plural(len(found.trainings), 'cell')}"
    return f"{starts}; claimed of pretrained ones" if claim.untold else starts
