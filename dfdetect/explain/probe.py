"""A model opened for explanation: its logit, the maps inside it, and the gradients between them."""

from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from dfdetect.explain.registry import Pictures
from dfdetect.models.build import frames_of
from dfdetect.models.compiling import Array, Outputs, Slopes, outputs_of, slopes_of
from dfdetect.models.head import logits_of
from face_extraction.errors import InputError

BATCH = 16
"""Faces that are explained at once."""
SCORED = 32
"""Faces that are scored at once."""


class Inner(NamedTuple):
    """What a layer gave, and how the logit follows it.

    Attributes:
        values: float32 of shape (B, h, w, c).
        slopes: the logit's gradient by each value, of the same shape.
    """

    values: Array
    slopes: Array


class Probe:
    """A model of single faces, opened. Each part is compiled when it is first needed.

    Args:
        model: a model of `dfdetect.models`; it is not changed.

    Attributes:
        model: the same.
        side: side of the faces that it takes, in pixels.

    Raises:
        InputError: the model takes clips.
    """

    def __init__(self, model: keras.Model) -> None:
        if frames_of(model):
            raise InputError(f"{model.name}: it takes clips; accepted: a model of single faces")
        self.model = model
        self.side = int(model.input_shape[1])

    def judge(self, faces: Pictures) -> tuple[Array, Array]:
        """The logit and `p_fake` of each face: float32 of shape (B,)."""
        parts = [self._judging(faces[start : start + SCORED]) for start in range(0, len(faces), SCORED)]
        logits, scores = (np.concatenate(each)[:, 0] for each in zip(*parts, strict=True))
        return logits, scores

    def logits(self, faces: Pictures) -> Array:
        """The logit of each face: float32 of shape (B,)."""
        return self.judge(faces)[0]

    def scores(self, faces: Pictures) -> Array:
        """`p_fake` of each face: float32 of shape (B,)."""
        return self.judge(faces)[1]

    @cached_property
    def _judging(self) -> Outputs:
        return outputs_of(keras.Model(self.model.input, [logits_of(self.model), self.model.output]))

    def pixel_slopes(self, faces: Pictures) -> Pictures:
        """The gradient of each face's logit by its pixels: float32 of the faces' shape."""
        return self._pixel_slopes(faces)

    @cached_property
    def _pixel_slopes(self) -> Slopes:
        return slopes_of(keras.Model(self.model.input, logits_of(self.model)))

    @property
    def map_misfit(self) -> str:
        """Why the model has no inner map that its logit depends on; "" if it has one."""
        if self._cut:
            return ""
        return f"{self.model.name} has no layer 'features' that is a map"

    def inner(self, faces: Pictures) -> Inner:
        """The last spatial map that the logit depends on, and its gradients.

        It is the layer `features`. Of a vision transformer it is the input of the last attention, without
        the class token and the registers: the logit may depend on no patch after it.

        Raises:
            ValueError: the model has none, which `map_misfit` tells beforehand.
        """
        if not self._cut:
            raise ValueError(self.map_misfit)
        front, back = self._stages
        values = front(faces)
        found = (values[0], back(*values))
        return Inner(*map(self.patches, found)) if self._attentions else Inner(*found)

    @cached_property
    def _cut(self) -> list[Any]:
        """The graph's tensor of the inner map, and the others that the rest of the graph needs; or none."""
        if self._attentions:
            norm = self.model.get_layer(self._attentions[-1].name.replace("_attention", "_norm1"))
            return [norm.output, norm.input]
        features = next((each.output for each in self.model.layers if each.name == "features"), None)
        return [features] if features is not None and len(features.shape) == 4 else []

    @cached_property
    def _stages(self) -> tuple[Outputs, Slopes]:
        """From the image to the cut, and the logit's gradient at the cut."""
        front = outputs_of(keras.Model(self.model.input, self._cut))
        return front, slopes_of(keras.Model(self._cut, logits_of(self.model)))

    # Vision transformers.

    @cached_property
    def _attentions(self) -> list[Any]:
        """The layers of attention over all tokens, first to last."""
        return [each for each in self.model.layers if isinstance(each, keras.layers.MultiHeadAttention)]

    @property
    def attention_misfit(self) -> str:
        """Why there is no attention over the whole picture to follow; "" if there is."""
        if self._attentions:
            return ""
        if any("attention" in layer.name for layer in self.model.layers):
            return (
                f"{self.model.name} attends within windows, and joins tokens from stage to stage, so that no "
                "token can be followed through it"
            )
        return f"{self.model.name} has no attention"

    def patches(self, tokens: NDArray[Any]) -> NDArray[Any]:
        """The tokens of the patches as a map: (B, n, ...) to (B, h, w, ...)."""
        layer = self.model.get_layer("tokens")
        own = tokens[:, layer.leading + layer.registers :]
        side = round(own.shape[1] ** 0.5)
        return own.reshape(own.shape[0], side, side, *own.shape[2:])

    def attention(self, faces: Pictures) -> list[Array]:
        """How much each token takes from each other, by layer: (B, heads, n, n), rows sum to 1."""
        return self._attending(faces)

    @cached_property
    def _attending(self) -> Outputs:
        scores = [_Scores(each)(each.input[0]) for each in self._attentions]
        return outputs_of(keras.Model(self.model.input, scores))

    def reading(self, faces: Pictures) -> Array:
        """Which tokens the head reads: the size of the logit's gradient by each, as shares: (B, n)."""
        front, back = self._head
        sizes = np.linalg.norm(back(*front(faces)), axis=-1)
        return np.asarray(sizes / np.maximum(sizes.sum(axis=1, keepdims=True), 1e-30), np.float32)

    @cached_property
    def _head(self) -> tuple[Outputs, Slopes]:
        """From the image to all tokens of `features`, and the logit's gradient by them."""
        features = self.model.get_layer("features").output
        front = outputs_of(keras.Model(self.model.input, features))
        return front, slopes_of(keras.Model(features, logits_of(self.model)))


class _Scores(keras.layers.Layer):  # type: ignore[misc]
    """The scores of an attention, computed a second time.

    Keras 3.15 cannot connect a layer again with more outputs than it had at first.
    """

    def __init__(self, attention: keras.layers.MultiHeadAttention) -> None:
        super().__init__(dtype=attention.dtype_policy)
        self.attention = attention

    def call(self, tokens: Any) -> Any:
        """From tokens (B, n, c) to scores (B, heads, n, n)."""
        return self.attention(tokens, tokens, return_attention_scores=True)[1]


@lru_cache(maxsize=2)
def probe_of(model: keras.Model) -> Probe:
    """The probe of a model. The latest two are kept, because each connects and compiles the model anew."""
    return Probe(model)
