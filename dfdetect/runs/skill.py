"""The skill of a run's model in words, and the cautions to show beside its verdicts."""

from dfdetect.metrics.estimates import UNITS, no_skill, useful_levels
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
    return "; ".join(said)


def note_told(run: Run) -> str:
    """The cautions to show beside every verdict and that skill; "" if there are none."""
    drawn = "" if run.recipe().manifest else f"This model was trained on the embedded sample set. {NOTICE}"
    cannot = dict.fromkeys(known.cannot for known in read_calibrations(run.folder).values())
    return " ".join(filter(None, [no_skill(run.metrics()), drawn, *run.cautions(), *cannot]))
