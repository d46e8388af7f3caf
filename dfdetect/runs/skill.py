"""The skill of a run's model in words, and the cautions to show beside its verdicts."""

from collections.abc import Iterator

import numpy as np

from dfdetect.metrics.calibration_fitting import TEST_SPLIT
from dfdetect.metrics.estimates import UNITS, no_skill, useful_levels
from dfdetect.metrics.measures import exact_auc
from dfdetect.runs.calibration import read_calibrations
from dfdetect.runs.folder import Run
from dfdetect.sample.sample_set import NOTICE
from dfdetect.verdict import DRAWN, NO_SKILL


def unfit(run: Run) -> tuple[str, str]:
    """Why a run's model gives no verdict on anything, as reason and detail; both "" if it gives some."""
    if told := no_skill(run.metrics()):
        return NO_SKILL, told
    return ("", "") if run.recipe().manifest else (DRAWN, NOTICE)


def skill_told(run: Run) -> str:
    """What a run's model showed on its test split."""
    tested = run.metrics().get("test")
    if not tested:
        return "the run has no test split: what it can do on faces that chose nothing is not known"
    said = (
        f"on its {measured.n:,} test {UNITS[level]}s: AUC {measured.estimates['auc']}"
        for level, measured in useful_levels(tested).items()
    )
    return "; ".join([*said, *_elsewhere(run)])


def _elsewhere(run: Run) -> Iterator[str]:
    """The same on other files than the test split, where its calibration was tested on such.

    As the videos of a detector that ships: they are compressed, and its test faces are not.
    """
    known = read_calibrations(run.folder).get("video")
    if known is None or known.test is None or not known.tested_on or TEST_SPLIT in known.tested_on:
        return
    reals, fakes = known.test.reals, known.test.fakes
    labels = np.repeat([0, 1], [len(reals), len(fakes)])
    yield f"on {known.tested_on}: AUC {exact_auc(labels, np.array([*reals, *fakes])):.3f}"


def note_told(run: Run) -> str:
    """The cautions to show beside every verdict and that skill; "" if there are none."""
    drawn = "" if run.recipe().manifest else f"This model was trained on the embedded sample set. {NOTICE}"
    cannot = dict.fromkeys(known.cannot for known in read_calibrations(run.folder).values())
    return " ".join(filter(None, [no_skill(run.metrics()), drawn, *run.cautions(), *cannot]))
