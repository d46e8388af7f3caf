"""The content of a run's page and of its model card, which show the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dfdetect.metrics.bootstrap import FEWEST_UNITS
from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.estimates import DASH, Metrics, useful_levels
from dfdetect.metrics.measures import MEASURES
from dfdetect.render.figures.curves import History
from dfdetect.render.figures.drawing import Figure, reading_order
from dfdetect.render.table import Cell, Table, Value, columns
from dfdetect.render.text import decimals
from face_extraction.wording import plural

PARTS = {
    "ranking": "Ranking, without a threshold",
    "decision": "Decisions at the threshold",
    "probability": "p_fake taken as a probability",
}
IDEAL = "ECE if perfectly calibrated"
IDEAL_NOTE = (
    f"“{IDEAL}”: what a perfectly calibrated model with the same scores would show by chance, on average and "
    "in 95 % of cases."
)
CHOSEN_ON_VAL = "chosen on the validation split, where it gives the largest balanced accuracy"
INTERVALS = (
    "Brackets hold the 95 % interval: a bootstrap over groups, because faces of one group are not "
    "independent, expanded for few groups. A dash means that a number is not defined, or cannot be "
    f"estimated: fewer than {FEWEST_UNITS} groups of a class give no interval, nor does a perfect score. "
    "That of the calibration error (ECE) leans upwards."
)
FEW_GROUPS = 20


@dataclass(frozen=True)
class Part:
    """A part of a run's page that a later command adds.

    Attributes:
        lines: sentences above the tables.
        tables: what was measured.
        figures: in the order of display.
    """

    lines: Sequence[str]
    tables: Sequence[Table]
    figures: Sequence[Figure]


@dataclass(frozen=True, kw_only=True)
class RunContent:
    """Everything that the page and the model card of a run show.

    Attributes:
        title: the run's name.
        model: the model's name.
        recipe: every field of the recipe.
        environment: names to facts: versions, commit, manifest's hash, weights' origin, device, times,
            parameters. "command" is the command that made the run. Values may be mappings or lists.
        metrics: by split, such as "test" and "val", and level ("face", "video").
        threshold: a `p_fake` from here on is called fake.
        threshold_origin: how it was chosen, to follow "It was ...".
        notices: warnings to read before any number, such as that the data are a sample set.
        history: one row an epoch; empty for an untrained model.
        figures: in the order of display.
        unscored: (path, reason, detail) of every sample without a score.
        data_table: lines of text with the counts of the data.
        calibrations: what scores mean, by level.
        explanation: how far its heat maps can be trusted; None if that was not measured.
        subgroups: how often it errs in parts of the faces; None if that was not measured.
    """

    title: str
    model: str
    recipe: Mapping[str, Any]
    environment: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Metrics]]
    threshold: float
    threshold_origin: str = CHOSEN_ON_VAL
    notices: Sequence[str] = ()
    history: History = ()
    figures: Sequence[Figure] = ()
    unscored: Sequence[tuple[str, str, str]] = ()
    data_table: str = ""
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    explanation: Part | None = None
    subgroups: Part | None = None

    @property
    def command(self) -> str:
        """The command that made the run; "" if unknown."""
        return str(self.environment.get("command", ""))

    @property
    def frames(self) -> int:
        """Faces of one person that the model takes as one clip; 0 if it takes single faces."""
        return int(self.recipe.get("frames", 0))

    @property
    def monitor(self) -> str:
        """The value that chose the best epoch."""
        return str(self.recipe.get("monitor", "val_auc"))

    def columns(self) -> list[tuple[str, str, Metrics]]:
        """(split, level, metrics) in reading order, video first, without levels that repeat another."""
        return [
            (split, level, levels[level])
            for split in reading_order(self.metrics)
            for levels in [useful_levels(self.metrics[split])]
            for level in ("video", "face")
            if level in levels
        ]

    def headline(self) -> list[tuple[str, str, Metrics]]:
        """The columns shown first: those of the first split in reading order."""
        columns = self.columns()
        return [column for column in columns if column[0] == columns[0][0]]

    def metrics_table(self) -> Table:
        """Every metric of every column, in the groups of `PARTS`."""
        shown = [metrics for *_, metrics in self.columns()]
        titles = [f"{split}, by {level}" for split, level, _ in self.columns()]
        rows: list[list[Cell]] = [
            ["Samples", *(f"{m.n:,}" for m in shown)],
            ["Real / fake", *(f"{m.n_real:,} / {m.n_fake:,}" for m in shown)],
            ["Groups", *(f"{m.n_groups:,}" for m in shown)],
        ]
        headings = {}
        for part, heading in PARTS.items():
            headings[len(rows)] = heading
            rows += _decisions(shown) if part == "decision" else []
            rows += [
                [measure.title, *(Value(m.estimates[name]) for m in shown)]
                for name, measure in MEASURES.items()
                if measure.part == part
            ]
        rows.append([IDEAL, *(str(m.ideal_ece or DASH) for m in shown)])
        return Table(columns(["Metric"], titles), rows, "All metrics", headings=headings)

    def calibration_table(self) -> Table:
        """What calibration and cuts do, a row a level."""
        titles = ("prevalence", "ECE before", "ECE after", IDEAL, "little below", "substantial from")
        shares = {
            "reals called substantial": "reals_called",
            "fakes called substantial": "fakes_called",
            "reals called little": "reals_little",
            "fakes called little": "fakes_little",
        }
        rows: list[list[Cell]] = []
        for level, known in self.calibrations.items():
            rates = known.rates()
            rows.append(
                [
                    f"by {level}",
                    known.method,
                    f"{known.prevalence:.3f}",
                    *(decimals(error.value if error else None) for error in (known.before, known.after)),
                    str((known.after and known.after.ideal) or DASH),
                    f"{known.lower:.4f}",
                    f"{known.upper:.4f}",
                    *(f"{100 * getattr(rates, name):.1f} %" if rates else DASH for name in shares.values()),
                ]
            )
        return Table(columns(["Scores", "method"], [*titles, *shares]), rows, "Calibration")

    def bounds(self) -> str:
        """The errors that the two cuts allow on files like those of validation, in words."""
        told = {
            level: f"of reals like these at most {100 * known.false_alarms:g} % are called substantial, of "
            f"fakes at most {100 * known.missed:g} % little"
            for level, known in self.calibrations.items()
        }
        if len(set(told.values())) == 1:
            return next(iter(told.values()))
        return "; ".join(f"by {level}, {words}" for level, words in told.items())

    def choices(self) -> str:
        """What was chosen on the validation split, in sentences; its numbers are then optimistic."""
        made = ["the epoch to keep"] if self.history and self.monitor != "epoch" else []
        if self.recipe.get("options", {}).get("combine", "mean") != "mean":
            made.append("the members' weights")
        if self.threshold_origin == CHOSEN_ON_VAL:
            made.append("the threshold")
        if not made:
            return "No number here chose anything."
        return (
            f"Chosen by the validation split: {' and '.join(made)}. Its numbers are therefore optimistic; "
            "the test split chose nothing."
        )

    def remarks(self) -> list[str]:
        """Warnings that follow from the data themselves, after the `notices`."""
        found = []
        if "test" not in self.metrics and "val" in self.metrics:
            found.append(
                "There is no test split. Validation numbers are optimistic, because they made choices."
            )
        for split, level, metrics in self.columns():
            if metrics.n_unknown and (level == "face" or self.frames):
                found.append(
                    f"Not counted: {plural(metrics.n_unknown, f'{split} {level}')} of unknown label."
                )
        first = self.headline()[:1]
        for split, _, metrics in first:
            where = "All splits together have" if split == "all" else f"The {split} split has"
            if metrics.n_groups < FEW_GROUPS:
                found.append(
                    f"{where} {plural(metrics.n_groups, 'group')}: "
                    "intervals from so few are rough, and may be too narrow."
                )
            if not (metrics.n_real and metrics.n_fake):
                found.append(f"{where} only one class, so most metrics are not defined.")
        if self.unscored:
            found.append(
                f"{plural(len(self.unscored), 'sample')} could not be scored and went into no number; "
                "the end of the page lists them."
            )
        return found


def _decisions(shown: Sequence[Metrics]) -> list[list[Cell]]:
    """The threshold, and how many samples lie on each side of it."""
    return [
        ["Threshold", *(f"{m.threshold:.4f}" for m in shown)],
        ["Reals called real / fake", *("{:,} / {:,}".format(*m.confusion[0]) for m in shown)],
        ["Fakes called real / fake", *("{:,} / {:,}".format(*m.confusion[1]) for m in shown)],
    ]
