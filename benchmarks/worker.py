"""One measurement in its own process, so that its peak of memory is its own.

The parent starts `python -m benchmarks.worker TASK`, with a `Task` as JSON. The worker does one pass to warm
up, and another for each line that it reads; after each it writes a line with the seconds. For one more line
it writes the facts. Without being asked it would collect them, and end, during the other kind's last pass.

`ours` times `dfdetect.train.fitting.train_epoch`, with decoding, augmentation and the progress callback, but
without validation and checkpoint, which follow it in a training. `bare` times `keras.Model.fit` on as many
faces in memory, from its call to the end of its last step. What follows is at times an idle wait for
tf.data's autotuning (see `dfdetect.data.pipeline`), as long as all steps together. The line is written before
that wait, so that the other kind's pass can begin.
"""

import functools
import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dfdetect.recipe import Recipe, from_mapping

OURS, BARE = "ours", "bare"


@dataclass(frozen=True)
class Task:
    """What one worker measures.

    Attributes:
        kind: `OURS` or `BARE`.
        recipe: fields of the recipe.
        folder: the folder of the drawn crops.
        steps: steps a pass.
        passes: measured passes, after the one that warms up.
        jit: "auto" as Keras decides, "on" or "off".
        flops: also count the step's operations (JAX only).
    """

    kind: str
    recipe: dict[str, Any]
    folder: str
    steps: int
    passes: int
    jit: str = "auto"
    flops: bool = False


def main() -> None:
    """Measure, and talk to the parent over standard input and output."""
    task = Task(**json.loads(sys.argv[1]))
    # Everything else that is printed goes to standard error.
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(**facts: Any) -> None:
        print(json.dumps(facts), file=channel)

    import keras

    if task.jit != "auto":
        # The recipe has no such field, and `fit` compiles by itself.
        compile_ = functools.partialmethod(keras.Model.compile, jit_compile=task.jit == "on")
        keras.Model.compile = compile_
    recipe = from_mapping(task.recipe)

    def ended() -> None:
        say(seconds=time.monotonic() - start)

    step_flops = _step_flops(recipe) if task.flops else None
    gc.collect()  # The model used for counting must not add to the peak of memory.
    one_pass = {OURS: _ours, BARE: _bare}[task.kind](task, recipe, ended)
    for number in range(1 + task.passes):
        if number:
            sys.stdin.readline()
        start = time.monotonic()
        one_pass(number)
    sys.stdin.readline()
    from dfdetect.runs.environment import describe

    peaks = {"peak_mib": _peak_mib(), "device_mib": _device_mib()}
    environment = {name: fact for name, fact in describe().items() if name != "command"}
    say(**peaks, step_flops=step_flops, environment=environment)


def _ours(task: Task, recipe: Recipe, ended: Callable[[], None]) -> Callable[[int], None]:
    from dfdetect.data.faces import FaceStore
    from dfdetect.train.fitting import train_epoch

    samples = drawn_samples(task.steps * recipe.batch_size)
    train = FaceStore(Path(task.folder), samples, recipe.image_size)
    model = _compiled(task, recipe)

    def one_pass(number: int) -> None:
        train_epoch(model, recipe, train, number)
        ended()

    return one_pass


def _bare(task: Task, recipe: Recipe, ended: Callable[[], None]) -> Callable[[int], None]:
    import keras

    model = _compiled(task, recipe)
    rgb, labels = _batch(task.steps * recipe.batch_size, recipe.image_size)
    tensors = keras.ops.convert_to_tensor(rgb), keras.ops.convert_to_tensor(labels)

    def step_ended(batch: int, logs: Any) -> None:
        if batch == task.steps - 1:
            ended()

    watch = keras.callbacks.LambdaCallback(on_train_batch_end=step_ended)
    # Like our progress bar. Without it Keras on JAX would wait for each step's loss before the next step.
    watch.async_safe = True

    def one_pass(number: int) -> None:
        model.fit(*tensors, batch_size=recipe.batch_size, shuffle=False, verbose=0, callbacks=[watch])

    return one_pass


def _compiled(task: Task, recipe: Recipe) -> Any:
    from dfdetect.runs.build import build_from_recipe
    from dfdetect.train.fitting import phases, start_phase

    model = build_from_recipe(recipe)
    (phase,) = phases(replace(recipe, epochs=1 + task.passes))
    return start_phase(model, recipe, phase, task.steps)


def drawn_samples(count: int) -> list[Any]:
    """Rows for the crops that `draw_crops` wrote, real and fake in turn."""
    from face_extraction.manifest import FaceSample

    return [FaceSample(f"{n}.jpg", n % 2, "train", str(n)) for n in range(count)]


def draw_crops(folder: Path, count: int) -> None:
    """Write JPEG files of 224x224 pixels, about as large as Report C's faces (a few kB)."""
    import cv2

    from face_extraction.images import write_image

    rng = np.random.default_rng(0)
    for number in range(count):
        noise = rng.integers(0, 256, (224, 224, 3), dtype=np.uint8)
        smooth = np.clip(12.0 * (cv2.GaussianBlur(noise, (0, 0), 10) - 127.5) + 127.5, 0, 255)
        write_image(folder / f"{number}.jpg", smooth.astype(np.uint8), "jpg", 75)


def _batch(count: int, size: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    return rgb, (np.arange(count, dtype=np.float32) % 2)[:, None]


def _peak_mib() -> float:
    """Peak resident memory of this process, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _device_mib() -> float | None:
    """Peak memory in use on the first accelerator, in MiB; None without one."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        stats = jax.local_devices()[0].memory_stats()
        return stats["peak_bytes_in_use"] / 2**20 if stats else None
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return None
    return float(tf.config.experimental.get_memory_info("GPU:0")["peak"]) / 2**20


def _step_flops(recipe: Recipe) -> float:
    """Operations of a step's forward and backward pass, by XLA's cost analysis of the unoptimised program.

    A multiplication and an addition count as two. The optimizer's few operations are left out. The
    optimised program would not do, because it calls libraries whose operations XLA does not count.
    """
    import jax
    import keras

    from dfdetect.runs.build import build_from_recipe

    model = build_from_recipe(recipe)
    rgb, labels = _batch(recipe.batch_size, recipe.image_size)

    def loss(trainable: Any, other: Any) -> Any:
        p_fake, _ = model.stateless_call(trainable, other, rgb, training=True)
        return keras.ops.mean(keras.losses.binary_crossentropy(labels, p_fake))

    values = [
        [variable.value for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables)
    ]
    costs: Any = jax.jit(jax.value_and_grad(loss)).lower(*values).cost_analysis()
    return float(costs["flops"])


def as_json(task: Task) -> str:
    """The worker's argument."""
    return json.dumps(asdict(task))


if __name__ == "__main__":
    main()
