"""Integrated gradients: what each pixel adds to the logit on the way from a blank face to the face."""

import numpy as np

from dfdetect.explain.probe import Probe
from dfdetect.explain.registry import Maps, Pictures, register
from dfdetect.explain.veil import smoothed, veiled

STEPS = 16
"""Points on the way, each in the middle of its part."""


@register(
    "integrated_gradients",
    "Integrated gradients",
    "What each pixel adds to the score on the way from a blank face to the face; fine, but grainy.",
    "Sundararajan et al. 2017, Axiomatic Attribution for Deep Networks, arXiv 1703.01365, section 3",
)
def integrated_gradients(probe: Probe, faces: Pictures) -> Maps:
    """What the pixels add, summed over colours and a little smoothed, because single pixels flicker."""
    return smoothed(attributions(probe, faces).sum(axis=-1), share=1 / 48)


def attributions(probe: Probe, faces: Pictures, steps: int = STEPS) -> Pictures:
    """What each value of a face adds: (B, S, S, 3). Together they are its logit less the blank face's."""
    start = veiled(faces)
    way = faces - start
    slopes = sum(probe.pixel_slopes(start + way * ((step + 0.5) / steps)) for step in range(steps))
    return np.asarray(way * slopes / steps, np.float32)
