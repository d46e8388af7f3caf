"""Attention rollout: from which patches the tokens that the head reads have been filled."""

import numpy as np

from dfdetect.explain.probe import Probe
from dfdetect.explain.registry import Maps, Pictures, register


@register(
    "attention_rollout",
    "Attention rollout",
    "Which patches of a vision transformer reach the head; it shows where the model looks, not what raises "
    "the score.",
    "Abnar & Zuidema 2020, Quantifying Attention Flow in Transformers, arXiv 2005.00928, section 3",
    misfit=lambda probe: probe.attention_misfit,
)
def attention_rollout(probe: Probe, faces: Pictures) -> Maps:
    """The heads' mean attention, half of each layer kept by the residual, multiplied from layer to layer.

    The paper follows the class token alone. Some heads read other tokens too, so that each counts by the
    size of the logit's gradient. The least value of a face counts as none, because every patch gets a share.
    """
    flow = probe.reading(faces)
    for scores in reversed(probe.attention(faces)):
        flow = 0.5 * flow + 0.5 * np.einsum("bi,bij->bj", flow, scores.mean(axis=1))
    maps = probe.patches(flow)
    return np.asarray(maps - maps.min(axis=(1, 2), keepdims=True), np.float32)
