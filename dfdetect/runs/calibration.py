"""The calibrations of a run: one for photos, one for videos."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.calibration_fitting import calibrate
from dfdetect.metrics.estimates import LEVELS, UNITS
from dfdetect.predictions import Predictions
from dfdetect.render.run_content import CHOSEN_ON_VAL
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError, check_name
from face_extraction.json_file import read_json, write_json
from face_extraction.paths import is_there

CALIBRATION_FILE = "calibration.json"
DECIDING = ("method", "slope", "intercept", "knots", "val", "false_alarms", "missed")
"""The fields of a calibration that decide a verdict. A file must state all of them."""
HELD = ("reals", "fakes", "real_groups", "fake_groups")
"""The fields of its `val` that decide a verdict."""

Calibrations = Mapping[str, Calibration]
"""By level, "face" (for photos) and "video"; one of them stands for both where the other is missing."""


def calibrate_levels(
    predictions: Mapping[str, Predictions], levels: tuple[str, ...], least_sharpness: float | None = None
) -> dict[str, Calibration]:
    """Calibrate each level on the val split; a level that cannot be calibrated is left out.

    Args:
        predictions: of "val", and of "test" where there is one.
        levels: "face" and "video", or one of them.
        least_sharpness: the least of the val split's faces; None where it is not known.
    """
    made = {}
    for level in levels:
        val = predictions["val"].at_level(level)
        test = predictions["test"].at_level(level) if "test" in predictions else None
        origin = f"{len(val.known()):,} {UNITS[level]}s of the run's validation split"
        if found := calibrate(val, test, origin=origin):
            made[level] = msgspec.structs.replace(found, least_sharpness=least_sharpness)
    return made


def for_kind(calibrations: Calibrations, kind: str) -> Calibration | None:
    """The calibration of a "photo", a "face" or a "video"; None if there is none.

    Where only one level is calibrated, it stands for both: a sequence model scores no photo, and a data set
    of photos has no videos.
    """
    first, second = ("video", "face") if kind == "video" else ("face", "video")
    return calibrations.get(first) or calibrations.get(second)


def cuts_at_home(run: Run, kind: str) -> Calibration:
    """A run's calibration of a kind as for `for_kind`; its threshold as the one cut if it has none."""
    known = for_kind(read_calibrations(run.folder), kind)
    return known or Calibration().with_cut(run.threshold(), CHOSEN_ON_VAL)


def write_calibrations(folder: Path, calibrations: Calibrations) -> None:
    """Write the calibrations into a run folder."""
    write_json(folder / CALIBRATION_FILE, msgspec.to_builtins(dict(calibrations)))


def read_calibrations(folder: Path) -> dict[str, Calibration]:
    """Read the calibrations from a run folder; none if it has no such file.

    Raises:
        InputError: the file does not hold calibrations.
    """
    path = folder / CALIBRATION_FILE
    if not is_there(path):
        return {}
    values = read_json(path, dict)
    try:
        read = msgspec.convert(values, dict[str, Calibration])
        check_stated(values)
    except (msgspec.ValidationError, InputError) as error:
        raise InputError(f"{path}: not a calibration: {error}") from None
    return read


def check_stated(values: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse calibrations of other levels, or without what decides a verdict.

    Its default in place of a field that was lost would give another verdict without a word.

    Args:
        values: calibrations as a file holds them, by level.

    Raises:
        InputError: a level is unknown, or a field is lacking.
    """
    for level, given in values.items():
        check_name("level", level, LEVELS)
        val = given.get("val", {})
        lacking = [name for name in DECIDING if name not in given]
        lacking += [f"val.{name}" for name in HELD if name not in val and "val" in given]
        if lacking:
            raise InputError(f"{level}: lacks {', '.join(lacking)}")


def calibrated(run: Run) -> dict[str, Calibration]:
    """The calibrations of a finished run; of one that was trained without, made from its predictions."""
    known = read_calibrations(run.folder)
    if known:
        return known
    there = [split for split in ("val", "test") if split in run.metrics()]
    if "val" not in there or not run.has_predictions("val"):
        return {}
    return calibrate_levels({split: run.predictions(split) for split in there}, run.recipe().levels)
