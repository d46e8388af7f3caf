"""Learning rates as a pure function of the step, so that a resumed training needs no extra state."""

import math
from typing import Any

import keras
from keras import ops

# One-cycle: Smith and Topin 2018 (arXiv 1708.07120, section 3), with the usual constants.
START_DIVISOR, END_DIVISOR, RISE = 25.0, 1e4, 0.3


@keras.saving.register_keras_serializable("dfdetect")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The learning rate at each step.

    Args:
        name: "constant" (after the warm-up), "cosine" (to 0 at the last step) or "one-cycle" (rises from
            peak/25 in the first 30 % of the steps, then falls to peak/10,000; ignores `warmup`).
        peak: the highest rate.
        steps: steps of the whole training.
        warmup: share of the steps in which the rate rises linearly from 0 to `peak`.
    """

    def __init__(self, name: str, peak: float, steps: int, warmup: float = 0.0) -> None:
        self.name, self.peak, self.steps, self.warmup = name, peak, steps, warmup

    def __call__(self, step: Any) -> Any:
        """The rate at `step`, counted from 0."""
        position = ops.cast(step, "float32") / max(self.steps, 1)
        if self.name == "one-cycle":
            rise = _between(self.peak / START_DIVISOR, self.peak, position / RISE)
            fall = _between(self.peak, self.peak / END_DIVISOR, (position - RISE) / (1 - RISE))
            return ops.where(position < RISE, rise, fall)
        # The rate of the first warm-up step is above 0, because a step of size 0 would be wasted.
        warm_steps = max(1.0, self.warmup * self.steps)
        ramp = ops.minimum((ops.cast(step, "float32") + 1.0) / warm_steps, 1.0)
        if self.name == "constant":
            return self.peak * ramp
        rest = (position - self.warmup) / (1 - self.warmup)
        return ramp * _between(self.peak, 0.0, ops.maximum(rest, 0.0))

    def get_config(self) -> dict[str, Any]:
        """The arguments, for Keras."""
        return {"name": self.name, "peak": self.peak, "steps": self.steps, "warmup": self.warmup}


def _between(first: float, last: float, position: Any) -> Any:
    """Half a cosine from `first` at position 0 to `last` at position 1 and after."""
    turn = ops.cos(math.pi * ops.minimum(position, 1.0))
    return last + (first - last) * (1 + turn) / 2
