"""The normalisations that backbones were trained with, as a layer inside the model."""

from typing import Any

import keras

from face_extraction.errors import check_name

# Mode: (reverse channels to BGR, mean to subtract, divisor), the last two in units of 0..255 per channel.
# "caffe", "tf" and "torch" are those of keras.applications; the means are ImageNet's.
MODES: dict[str, tuple[bool, tuple[float, ...], tuple[float, ...]]] = {
    "tf": (False, (127.5,) * 3, (127.5,) * 3),
    "caffe": (True, (103.939, 116.779, 123.68), (1.0,) * 3),
    "torch": (
        False,
        (0.485 * 255, 0.456 * 255, 0.406 * 255),
        (0.229 * 255, 0.224 * 255, 0.225 * 255),
    ),
    "unit": (False, (0.0,) * 3, (255.0,) * 3),
    "none": (False, (0.0,) * 3, (1.0,) * 3),
}


@keras.saving.register_keras_serializable("dfdetect")
class Normalize(keras.layers.Layer):  # type: ignore[misc]
    """Turn RGB 0..255 of shape (B, H, W, 3) into what the backbone expects, of the same shape.

    It computes in float32 also under mixed precision, because half precision would round the pixels.

    Args:
        mode: "tf" (x / 127.5 - 1), "caffe" (BGR minus ImageNet's mean), "torch" (0..1, minus mean, divided
            by standard deviation), "unit" (x / 255) or "none" (0..255 unchanged, for a backbone that
            normalises by itself).

    Raises:
        InputError: the mode is unknown.
    """

    def __init__(self, mode: str, **kwargs: Any) -> None:
        check_name("normalisation", mode, MODES)
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.mode = mode

    def call(self, rgb: Any) -> Any:
        """Normalise a batch."""
        reverse, mean, divisor = MODES[self.mode]
        values = keras.ops.cast(rgb, "float32")
        if reverse:
            values = keras.ops.flip(values, axis=-1)
        return (values - keras.ops.array(mean, "float32")) / keras.ops.array(divisor, "float32")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments that rebuild the layer."""
        return {**super().get_config(), "mode": self.mode}
