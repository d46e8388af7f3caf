"""What was measured of heat maps, as tables, as JSON, and as figures."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dfdetect.explain.heat_maps import heat_maps, overlay
from dfdetect.explain.measuring import Measured
from dfdetect.explain.orders import BASELINES
from dfdetect.explain.randomising import STAGES
from dfdetect.explain.regions import Altered
from dfdetect.explain.registry import get_method
from dfdetect.metrics.estimates import Estimate
from dfdetect.render.figures.drawing import Figure
from dfdetect.render.figures.explanation import fading_curves, heat_sheet
from dfdetect.render.run_content import Part
from dfdetect.render.table import Cell, Table, Value, columns
from face_extraction.wording import plural

ABOUT = (
    "A heat map shows where in a face the evidence lies that it is fake. These tables tell how far to trust "
    "such maps. They are measured on faces that the model calls fake, beside a random map and a blob in the "
    "centre."
)
REGIONS_NOTE = (
    "Pointing: how often the hottest pixel was altered. IoU: overlap of the altered region with as many of "
    "the hottest pixels. Repair: the mean score while the real face's pixels replace the fake's, hottest "
    "first; lower is better."
)
FADING_NOTE = (
    "Deletion: the mean score while the hottest pixels take the face's mean colour; lower is better. "
    "Insertion: the mean score while only the hottest pixels are shown; higher is better. The last columns "
    "are above 0 where the map is better than the baseline. A patch of one colour can itself look forged, so "
    "that these numbers judge the model as well as the map."
)
RANDOM_NOTE = (
    "Rank correlation with the trained model's map. Near 0 the map depends on what was learned; near 1 it "
    "does not. The weights of the last layer were shuffled, of the last quarter and half of the layers, and "
    "of all."
)
PANELS = {
    "deletion": "Hottest pixels taken away: lower is better",
    "insertion": "Only the hottest pixels: higher is better",
}
REPAIRED = "Real face's pixels instead: lower is better"
CURVES, EXAMPLES = "curves.png", "examples.png"


def title(order: str) -> str:
    """The name of a method or baseline for readers."""
    return BASELINES.get(order) or get_method(order).title


def tables(measured: Measured) -> list[Table]:
    """All tables, the first of the altered regions."""
    return [*_region_tables(measured), _fading_table(measured), _random_table(measured)]


def _region_tables(measured: Measured) -> list[Table]:
    """The altered regions: what was reached, and the gain over the baselines."""
    if not measured.kinds:
        return []
    reached: list[Sequence[Cell]] = []
    gained: list[Sequence[Cell]] = []
    headings: dict[int, str] = {}
    gain_headings: dict[int, str] = {}
    for name, kind in measured.kinds.items():
        headings[len(reached)] = (
            f"{name}: {plural(kind.faces, 'fake')} of {kind.made:,} called fake, "
            f"{plural(kind.groups, 'group')}; "
            f"{kind.area:.0%} of the face altered"
        )
        gain_headings[len(gained)] = name
        for order, pointing in kind.orders.items():
            area = kind.repaired[order].deletion
            reached.append([title(order), *map(Value, (pointing.pointing, pointing.iou, area))])
            if pointing.gains:
                repaired = kind.repaired[order].gains
                gains = [
                    each
                    for baseline in BASELINES
                    for each in (*pointing.gains[baseline].values(), repaired[baseline]["deletion"])
                ]
                gained.append([title(order), *map(Value, gains)])
    over = [f"{what} over {name}" for name in BASELINES for what in ("pointing", "IoU", "repair")]
    return [
        Table(
            columns(["map"], ["pointing", "IoU", "repair"]),
            reached,
            "Fakes whose altered region is known",
            notes=(REGIONS_NOTE,),
            headings=headings,
        ),
        Table(
            columns(["map"], over),
            gained,
            "The same, less the random map and the centre blob on the same faces",
            notes=("Above 0 is better than the baseline.",),
            headings=gain_headings,
        ),
    ]


def _fading_table(measured: Measured) -> Table:
    fading = measured.fading
    rows: list[Sequence[Cell]] = []
    for order, faithful in fading.orders.items():
        gains = [each for baseline in faithful.gains.values() for each in baseline.values()]
        shown: list[Cell] = [Value(gain) for gain in gains] or [""] * (2 * len(BASELINES))
        rows.append([title(order), Value(faithful.deletion), Value(faithful.insertion), *shown])
    over = [f"{what} over {name}" for name in BASELINES for what in ("deletion", "insertion")]
    empty = ", ".join(f"{title(name)} {count:,}" for name, count in fading.empty.items() if count)
    return Table(
        columns(["map"], ["deletion", "insertion", *over]),
        rows,
        "Deletion and insertion",
        notes=(
            f"{plural(fading.faces, 'face')} of {plural(fading.groups, 'group')} called fake, of "
            f"{fading.scored:,} scored. {FADING_NOTE}",
            *([f"Empty maps, because nothing in the face raised the score: {empty}."] if empty else []),
        ),
    )


def _random_table(measured: Measured) -> Table:
    rows: list[Sequence[Cell]] = [
        [title(name), *(Value(stages[stage].correlation) for stage in STAGES)]
        for name, stages in measured.randomised.items()
    ]
    flat = sum(change.undefined for stages in measured.randomised.values() for change in stages.values())
    return Table(
        columns(["map"], STAGES),
        rows,
        "Maps after the model's weights were shuffled",
        notes=(RANDOM_NOTE, f"{plural(flat, 'pair')} with an empty map left out.")
        if flat
        else (RANDOM_NOTE,),
    )


def plain(value: Any) -> Any:
    """A measured value as JSON has it; NaN becomes None."""
    if isinstance(value, Estimate):
        return value.to_dict()
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def to_json(measured: Measured, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The content of explain.json.

    Args:
        measured: what was measured.
        facts: of the run and the data, such as the hash of the weights.
    """
    parts = ("methods", "fading", "randomised", "kinds", "left_out")
    return {**facts, **{name: plain(getattr(measured, name)) for name in parts}}


def draw(measured: Measured, model: keras.Model, folder: Path) -> list[Figure]:
    """Draw the curves, and examples of fakes with known regions if there are any.

    Returns:
        The figures, their files relative to the folder above `folder`.
    """
    panels = {
        name: {title(order): each.curves[curve] for order, each in measured.fading.orders.items()}
        for curve, name in PANELS.items()
    }
    if measured.kinds:
        panels[REPAIRED] = {title(order): _repaired(measured, order) for order in measured.fading.orders}
    fading_curves(panels, [*BASELINES.values()], folder / CURVES)
    figures = []
    if measured.examples is not None:
        heat_sheet(*_sheet(measured.examples, measured.methods, model), folder / EXAMPLES)
        figures.append(
            Figure(
                f"{folder.name}/{EXAMPLES}",
                "Heat maps of fakes",
                "Fakes that the model finds, where each was altered (white), and where each method sees the "
                "evidence.",
                wide=True,
                photo=True,
            )
        )
    figures.append(
        Figure(
            f"{folder.name}/{CURVES}",
            "Scores without the hottest pixels, and with them alone",
            "Mean score with a growing share of the pixels changed, hottest first. With a good map it falls "
            "early where lower is better, and rises early where higher is better.",
            wide=True,
        )
    )
    return figures


def _repaired(measured: Measured, order: str) -> list[float]:
    """The mean score over the fakes of all kinds while the real face's pixels replace theirs."""
    curves = [kind.repaired[order].curves["deletion"] for kind in measured.kinds.values()]
    mean: list[float] = np.average(
        curves, axis=0, weights=[kind.faces for kind in measured.kinds.values()]
    ).tolist()
    return mean


def _sheet(
    examples: Altered, methods: Sequence[str], model: keras.Model
) -> tuple[list[list[Any]], list[str]]:
    """The pictures of the sheet, row by row, and the titles of its columns."""
    maps = [heat_maps(model, examples.faces, name) for name in methods]
    rows = [
        [
            face,
            np.repeat(region[:, :, None], 3, axis=2).astype(np.uint8) * 255,
            *(overlay(face, each[row]) for each in maps),
        ]
        for row, (face, region) in enumerate(zip(examples.faces, examples.regions, strict=True))
    ]
    return rows, ["Fake", "Altered", *map(title, methods)]


def explanation(measured: Measured, figures: Sequence[Figure]) -> Part:
    """What the run's page shows."""
    return Part((ABOUT, *measured.left_out), tables(measured), figures)
