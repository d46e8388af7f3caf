"""Decide when a file with a score gets no verdict, because its faces are unlike those tested."""

import numpy as np

from dfdetect.data.sharpness import sharpness
from dfdetect.predict.joining import Judged
from dfdetect.predict.looking import Look
from dfdetect.verdict import BLURRED, FEW_FACES, FEWEST_SHOWN


def withheld(found: Look, judged: Judged, least: float | None) -> tuple[str, str] | None:
    """Why a file gets no verdict although it has a score, as reason and detail; None if it gets one.

    Args:
        found: a file with faces.
        judged: what follows from their scores.
        least: the sharpness that nearly all faces of the validation split reach; None if it is not known.
    """
    if found.shown < FEWEST_SHOWN * found.frames:
        few = f"a face in {found.shown} of {found.frames} frames looked at"
        return FEW_FACES, "; ".join(filter(None, [few, found.detail]))
    if least is None:
        return None
    counting = [face.index for face in judged.faces if face.counts] or range(len(found.crops))
    middle = float(np.median([sharpness(found.crops[index]) for index in counting]))
    if middle >= least:
        return None
    return (
        BLURRED,
        f"they are softer than those it was tested on: sharpness {middle:.3g}, not {least:.3g} or more",
    )
