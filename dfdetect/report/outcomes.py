"""findings.json, and what follows for each claim: it holds, it does not, or that cannot be told here.

`judging` compares predictions and writes the file. Reading it again needs no run folder.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dfdetect.metrics.comparison import Difference, holm
from dfdetect.report.comparisons import LEVEL, read_entries
from dfdetect.report.declared import Cell, Experiment
from dfdetect.report.finding import Comparing, Finding
from dfdetect.report.results import Result, finished, real_manifests

FINDINGS = "findings.json"
HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "cannot be told here"
UNCOMPARED, MISSING = "not compared yet", "not run yet"


@dataclass(frozen=True)
class Compared:
    """A line of findings.json: a finding's comparisons on one manifest at one size.

    Attributes:
        finding: its `key`.
        profile: the size.
        manifest: SHA-256 of the manifest.
        results: digests of the results that were compared.
        n: test faces.
        measured: for each of its comparisons, in order, how much better the first side is.
    """

    finding: str
    profile: str
    manifest: str
    results: Sequence[str]
    n: int
    measured: Sequence[Difference]

    def covers(self, finding: Finding, digests: Sequence[str]) -> bool:
        """Whether it compares what a finding now claims, from exactly the results with these digests."""
        return (
            self.finding == finding.key
            and len(self.measured) == len(finding.comparisons)
            and sorted(self.results) == sorted(digests)
        )

    @property
    def p(self) -> float:
        """The p-value of the claim as a whole; NaN if a comparison has none.

        If every comparison speaks for the claim, it is the largest of them (an intersection-union test).
        Else it is the smallest of those that speak against it, times the number of comparisons, because any
        of them refutes the claim.
        """
        if any(math.isnan(one.value) or math.isnan(one.p) for one in self.measured):
            return math.nan
        if self.favours:
            return max(one.p for one in self.measured)
        against = [one.p for one in self.measured if one.value <= 0]
        return min(1.0, len(self.measured) * min(against))

    @property
    def favours(self) -> bool:
        """Whether every comparison speaks for the claim, however weakly."""
        return all(one.value > 0 for one in self.measured)

    @property
    def decisive(self) -> int:
        """The number of the comparison that speaks least for the claim, from 0.

        If some speak against it, it is the one with the smallest p-value of these.
        """

        def weight(number: int) -> tuple[bool, float, float]:
            one = self.measured[number]
            against = one.value <= 0
            return (not against, one.p if against else 0.0, one.value)

        known = [number for number, one in enumerate(self.measured) if not math.isnan(one.value)]
        return min(known, key=weight, default=0)

    def outcome(self, adjusted: float) -> str:
        """What follows for the claim, given its p-value adjusted for all claims of its report."""
        one = self.measured[self.decisive]
        if math.isnan(adjusted) or adjusted >= LEVEL:
            return UNKNOWN
        if self.favours:
            return HOLDS if one.low > 0 else UNKNOWN
        return FAILS if one.high < 0 else UNKNOWN


@dataclass(frozen=True)
class Found:
    """The results that one finding rests on, on one manifest at one size.

    Attributes:
        profile: the size.
        manifest: SHA-256 of the manifest; "" if nothing was measured.
        trainings: for each of its cells by name, the results of all seeds.
        missing: its cells without a result.
    """

    profile: str
    manifest: str
    trainings: Mapping[str, Sequence[Result]] = field(default_factory=dict)
    missing: Sequence[Cell] = ()

    @cached_property
    def results(self) -> list[Result]:
        """All results, each once."""
        return [result for several in self.trainings.values() for result in several]

    @property
    def random(self) -> int:
        """How many of its cells start from random weights."""
        return sum(bool(several[-1].random_start) for several in self.trainings.values())

    @cached_property
    def digests(self) -> list[str]:
        """Their digests, in order."""
        return sorted(result.digest for result in self.results)


@dataclass(frozen=True)
class ClaimOutcome:
    """What is known about one finding.

    Attributes:
        finding: the claim.
        outcome: one of `HOLDS`, `FAILS`, `UNKNOWN`, `UNCOMPARED`, `MISSING`.
        found: the results that it rests on, where it was judged, or else where the fewest are missing.
        compared: the comparisons; None if there are none.
        holm: the p-value, adjusted for all claims of the report.
    """

    finding: Finding
    outcome: str
    found: Found
    compared: Compared | None = None
    holm: float = math.nan

    @property
    def untold(self) -> bool:
        """Whether it is a claim of pretrained networks, and some here start from random weights."""
        return cannot_tell(self.finding, self.found)

    @property
    def decisive(self) -> Comparing | None:
        """The comparison that decides; None if there is only one, or none was measured."""
        several = len(self.finding.comparisons) > 1
        return self.finding.comparisons[self.compared.decisive] if self.compared and several else None


def read_compared(folder: Path) -> list[Compared]:
    """The lines of findings.json; none if the file is absent.

    Raises:
        InputError: the file is damaged.
    """
    return read_entries(folder / FINDINGS, Compared)


def found_for(
    experiment: Experiment, finding: Finding, results: Sequence[Result], profile: str, manifest: str
) -> Found:
    """The current results of a finding's cells and of their repeated trainings.

    Args:
        experiment: the declaration.
        finding: one of its findings.
        results: all lines of its results.jsonl.
        profile: the size.
        manifest: SHA-256 of the manifest.
    """
    cells = [cell for cell in experiment.cells(profile) if cell.at in finding.points]
    repeats = [cell for cell in experiment.repeats(profile) if cell.at in finding.points]
    trainings: dict[str, list[Result]] = {}
    missing = []
    for cell in cells:
        mine = [each for each in repeats if each.at == cell.at]
        done = [finished(results, each, profile, manifest) for each in (cell, *mine)]
        if done[0] is None:
            missing.append(cell)
        else:
            trainings[cell.name] = [one for one in done if one is not None]
    return Found(profile, manifest, trainings, missing)


def claim_outcomes(
    experiment: Experiment, results: Sequence[Result], compared: Sequence[Compared]
) -> list[ClaimOutcome]:
    """What is known about each finding of a report, in order.

    A finding is judged at the largest size, and there on the manifest measured last, at which its current
    results were compared. Drawn people and sizes that only show that cells run do not count. A claim of
    pretrained networks cannot be told from networks that start from random weights. Holm's method covers
    the others.
    """
    chosen = [_chosen(experiment, finding, results, compared) for finding in experiment.findings]
    tested = {
        number: math.nan if cannot_tell(finding, found) else one.p  # NaN does not count
        for number, (finding, (found, one)) in enumerate(zip(experiment.findings, chosen, strict=True))
        if one is not None
    }
    adjusted = holm(tested)
    made = []
    for number, (finding, (found, one)) in enumerate(zip(experiment.findings, chosen, strict=True)):
        open_ = MISSING if found.missing else UNCOMPARED
        made.append(
            ClaimOutcome(
                finding=finding,
                outcome=one.outcome(adjusted[number]) if one else open_,
                found=found,
                compared=one,
                holm=adjusted.get(number, math.nan),
            )
        )
    return made


def cannot_tell(finding: Finding, found: Found) -> bool:
    """Whether a claim is of pretrained networks, and some of these start from random weights."""
    several = (one[-1] for one in found.trainings.values())
    return any(one.random_start and not finding.pretrained.isdisjoint(one.at.values()) for one in several)


def _chosen(
    experiment: Experiment, finding: Finding, results: Sequence[Result], compared: Sequence[Compared]
) -> tuple[Found, Compared | None]:
    """Where a finding is judged, or else where the fewest of its cells are missing."""
    places = [
        found_for(experiment, finding, results, name, manifest)
        for name, profile in experiment.profiles.items()
        if not profile.smoke
        for manifest in (*real_manifests(results), "")
    ]
    for found in places:
        for one in compared:
            here = (one.profile, one.manifest) == (found.profile, found.manifest)
            if here and not found.missing and one.covers(finding, found.digests):
                return found, one
    # Among equals the smallest size, declared last, needs the least time.
    return min(reversed(places), key=lambda found: len(found.missing)), None
