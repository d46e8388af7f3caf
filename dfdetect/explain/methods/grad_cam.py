"""Grad-CAM: the last maps, each weighted by how much the logit rises with it on average."""

import numpy as np

from dfdetect.explain.probe import Probe
from dfdetect.explain.registry import Maps, Pictures, register


@register(
    "grad_cam",
    "Grad-CAM",
    "Which places of the network's last map raise the score; coarse, and cheap enough for every face.",
    "Selvaraju et al. 2017, Grad-CAM, arXiv 1610.02391, section 3",
    misfit=lambda probe: probe.map_misfit,
)
def grad_cam(probe: Probe, faces: Pictures) -> Maps:
    """The channels' sum, weighted by their mean gradients; below 0 is what lowers the logit."""
    values, slopes = probe.inner(faces)
    weights = slopes.mean(axis=(1, 2))
    return np.asarray(np.einsum("bhwc,bc->bhw", values, weights), np.float32)
