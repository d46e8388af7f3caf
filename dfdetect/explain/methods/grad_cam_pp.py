"""Grad-CAM++: like Grad-CAM, but a map weighs what its own places deserve, not their mean."""

import numpy as np

from dfdetect.explain.probe import Probe
from dfdetect.explain.registry import Maps, Pictures, register


@register(
    "grad_cam_pp",
    "Grad-CAM++",
    "Like Grad-CAM, but small or several places that raise the score are not averaged away.",
    "Chattopadhay et al. 2018, Grad-CAM++, arXiv 1710.11063, equations 10, 11 and 19",
    misfit=lambda probe: probe.map_misfit,
)
def grad_cam_pp(probe: Probe, faces: Pictures) -> Maps:
    """The channels' sum, weighted by their positive gradients, each place by the closed form for exp(logit).

    For exp(S) the second and third derivatives are the powers of the gradient of S, times exp(S), which
    scales all weights alike and is left out.
    """
    values, slopes = probe.inner(faces)
    square = slopes**2
    below = 2 * square + values.sum(axis=(1, 2), keepdims=True) * slopes**3
    alpha = np.divide(square, below, out=np.zeros_like(square), where=np.abs(below) > 1e-30)
    weights = (alpha * np.maximum(slopes, 0)).sum(axis=(1, 2))
    return np.asarray(np.einsum("bhwc,bc->bhw", values, weights), np.float32)
