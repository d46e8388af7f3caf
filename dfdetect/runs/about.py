"""The facts that a detector needs about its model. A run and its exports give the same ones."""

from typing import Literal

import msgspec

from dfdetect.metrics.calibrating import Calibration
from dfdetect.runs.calibration import Calibrations, calibrated, for_kind
from dfdetect.runs.folder import Run
from dfdetect.verdict import WITHHELD
from face_extraction.settings import ExtractionSettings, read_settings

SCHEMA: Literal[1] = 1
"""The version of the description that stands in an export."""


class Cuts(msgspec.Struct, frozen=True, kw_only=True):
    """The cuts between the levels of evidence, for calibrated scores."""

    lower: float
    upper: float
    origin: str


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What identifies the run."""

    name: str


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a verdict needs to know of its model. An export says more beside it, for other programs.

    Attributes:
        schema: version of these fields.
        run: where it comes from.
        calibrations: what its scores mean, by level.
        cuts: what follows from them, by kind of file, for programs without this package.
        skill: what the model showed on the run's test split.
        note: the cautions to show beside every verdict.
        unfit: why it gives no verdict on anything, as a reason of `verdict.WITHHELD` and its detail; both ""
            if it gives some.
        extraction: how faces are cropped; None if that is not known.
    """

    schema: Literal[1]
    run: Named
    calibrations: dict[str, Calibration]
    cuts: dict[str, Cuts]
    skill: str
    note: str
    unfit: tuple[str, str]
    extraction: ExtractionSettings | None

    def __post_init__(self) -> None:
        """Refuse a reason that no verdict has.

        Raises:
            ValueError: it is unknown.
        """
        reason, detail = self.unfit
        if reason not in WITHHELD and (reason or detail):
            raise ValueError(f"unfit: unknown reason {reason!r}; accepted: {', '.join(WITHHELD)}")


def about_run(run: Run) -> About:
    """What must be known of a finished run's model."""
    # Imports OpenCV, with the sample set; `export --help` needs the types above alone.
    from dfdetect.runs.skill import note_told, skill_told, unfit

    calibrations = calibrated(run)
    return About(
        schema=SCHEMA,
        run=Named(name=run.name),
        calibrations=calibrations,
        cuts=_cuts(calibrations),
        skill=skill_told(run),
        note=note_told(run),
        unfit=unfit(run),
        extraction=read_settings(run.folder),
    )


def _cuts(calibrations: Calibrations) -> dict[str, Cuts]:
    known = {kind: for_kind(calibrations, kind) for kind in ("photo", "video")}
    return {
        kind: Cuts(lower=found.lower, upper=found.upper, origin=found.origin)
        for kind, found in known.items()
        if found
    }
