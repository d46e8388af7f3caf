"""Several trained models as one model that combines their scores (Reports A and D)."""

import math
from collections.abc import Sequence

import keras
from PIL import Image

from dfdetect.models.build import frames_of
from dfdetect.models.layers.frames import fold, unfold
from dfdetect.models.layers.resample import resampling

LEAST_P_FAKE = 1e-7
LARGEST_LOGIT = math.log((1 - LEAST_P_FAKE) / LEAST_P_FAKE)


def combine_models(members: Sequence[keras.Model], *, on_logits: bool) -> keras.Model:
    """Build one model from several; its layer `combine` is a linear unit over the members' outputs.

    It takes images of the largest member's size, and scales them down for smaller members.

    Args:
        members: models from `build_model`; all take single faces, or all take clips of equally many frames.
        on_logits: combine the logits, clipped at `LARGEST_LOGIT`, and take the sigmoid (a stacked logistic
            regression); if false, combine the members' `p_fake`.

    Returns:
        A model with the output `p_fake` of shape (B, 1). Its `combine` layer has a kernel of shape
        (members, 1) and a bias of shape (1,), still to be set.
    """
    size = max(member.input_shape[-2] for member in members)
    frames = frames_of(members[0])
    image = keras.Input((frames, size, size, 3) if frames else (size, size, 3), name="image")
    scores = []
    for number, member in enumerate(members, start=1):
        layer = "logit" if on_logits else "p_fake"
        part = keras.Model(member.input, member.get_layer(layer).output, name=f"member{number}")
        x = image
        side = member.input_shape[-2]
        if side != size:
            # Not the layer `Resizing`: if the caller does not say whether the model is in training, it tells
            # all layers after it that it is, and their dropout acts (Keras 3.15).
            down = resampling(size, side, Image.Resampling.BILINEAR)
            x = keras.ops.cast(fold(x) if frames else x, "float32")
            x = keras.ops.einsum("hg,bgkc->bhkc", down, x)
            x = keras.ops.einsum("wk,bhkc->bhwc", down, x)
            x = unfold(x, frames) if frames else x
        score = part(x)
        if on_logits:
            # Beyond this, single precision rounds p_fake to 0 or 1; the weights were fitted on such scores.
            score = keras.ops.clip(score, -LARGEST_LOGIT, LARGEST_LOGIT)
        scores.append(score)
    joined = keras.layers.Concatenate(dtype="float32", name="members")(scores)
    combined = keras.layers.Dense(1, dtype="float32", name="combine")(joined)
    if on_logits:
        last = keras.layers.Activation("sigmoid", dtype="float32", name="p_fake")
    else:
        # Rounding can put a mean of values up to 1 slightly above 1.
        last = keras.layers.ReLU(max_value=1.0, dtype="float32", name="p_fake")
    return keras.Model(image, last(combined), name="ensemble")
