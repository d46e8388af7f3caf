"""Occlusion: how far the logit falls when a part of the face is hidden. It needs no gradient."""

from itertools import product

import numpy as np

from dfdetect.explain.probe import Probe
from dfdetect.explain.registry import Maps, Pictures, register
from dfdetect.explain.veil import veiled

PARTS = 8
"""The face is moved over in this many steps along each side; the window is two steps wide."""


@register(
    "occlusion",
    "Occlusion",
    "How far the score falls when a window of the face is hidden; slow, and it suits every model.",
    "Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks, arXiv 1311.2901, section "
    "4.2",
)
def occlusion(probe: Probe, faces: Pictures) -> Maps:
    """The mean fall over the windows that cover a place, on a grid of `PARTS` by `PARTS`."""
    return np.stack([_falls(probe, face, veil) for face, veil in zip(faces, veiled(faces), strict=True)])


def _falls(probe: Probe, face: Pictures, veil: Pictures) -> Maps:
    edges = np.linspace(0, probe.side, PARTS + 1).round().astype(int)
    # Windows begin outside too, so that each place is covered by four.
    cells = [
        tuple(slice(max(first, 0), min(first + 2, PARTS)) for first in corner)
        for corner in product(range(-1, PARTS), repeat=2)
    ]
    hidden = np.repeat(face[None], 1 + len(cells), axis=0)
    for picture, (rows, columns) in zip(hidden[1:], cells, strict=True):
        inside = np.ix_(*(range(edges[span.start], edges[span.stop]) for span in (rows, columns)))
        picture[inside] = veil[inside]
    before, *after = probe.logits(hidden)
    falls = np.zeros((PARTS, PARTS), np.float32)
    for cell, logit in zip(cells, after, strict=True):
        falls[cell] += (before - logit) / 4
    return falls
