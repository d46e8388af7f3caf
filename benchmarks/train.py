"""`python -m benchmarks.train`: speed of our `fit` over that of a bare `keras.Model.fit`, in images/s."""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from benchmarks.worker import BARE, OURS, Task, as_json, draw_crops
from dfdetect.metrics.estimates import Estimate
from dfdetect.models.registry import family, list_models
from dfdetect.recipe import AUGMENTATIONS, PRECISIONS, Recipe
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError
from face_extraction.json_file import write_json

SLOW_STEP, SLOW_GOAL, GOAL = 2.0, 0.97, 0.9
"""Our share must be `SLOW_GOAL` if a model's bare step takes `SLOW_STEP` seconds or more, else `GOAL`."""
KINDS = (OURS, BARE)
COLUMNS = {
    "model": -16,
    "precision": -15,
    "batch": 6,
    "s/step": 8,
    "ours": 9,
    "bare": 9,
    "ratio": 7,
    "95 %": -16,
    "goal": -12,
    "ours MiB": 9,
    "bare MiB": 9,
}
"""The width of each column; below 0, its text is aligned left."""


@dataclass(frozen=True)
class Result:
    """One model's measurement.

    Attributes:
        model: its name.
        precision: the recipe's.
        batch: images a step.
        seconds: of every pass, by kind.
        step_seconds: of a bare step; a geometric mean over the passes, as are the numbers below.
        images: images a second, by kind.
        ratio: ours over bare, of `images`.
        interval: the ratio's at 95 %: Student's, from the logarithms of pairs of neighbouring passes.
        goal: what the ratio should be.
        peak_mib: peak memory by kind: the accelerator's if there is one, else the process's.
        step_flops: operations a step; None if they are not counted.
        utilisation: share of the given peak that our `fit` uses; None without one.
        environment: what the worker ran on.
    """

    model: str
    precision: str
    batch: int
    seconds: dict[str, list[float]]
    step_seconds: float
    images: dict[str, float]
    ratio: float
    interval: tuple[float, float]
    goal: float
    peak_mib: dict[str, float]
    step_flops: float | None
    utilisation: float | None
    environment: dict[str, Any]

    @property
    def verdict(self) -> str:
        """Whether the goal is met; it is open if the interval contains the goal."""
        return _verdict(self.goal, *self.interval)


def _verdict(goal: float, low: float, high: float) -> str:
    return "met" if low >= goal else "missed" if high < goal else "open"


class WorkerFailed(Exception):
    """A worker ended early; the text is the last line that it printed."""


class Worker:
    """A process that measures on request, and waits in between."""

    def __init__(self, task: Task) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `close`)
        environment = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", as_json(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment | os.environ,
            text=True,
        )

    def heard(self) -> dict[str, Any]:
        """Read the worker's next line.

        Raises:
            WorkerFailed: it ended.
        """
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self._process.wait()
            self._errors.seek(0)
            lines = self._errors.read().decode(errors="replace").strip().splitlines()
            raise WorkerFailed(lines[-1] if lines else f"ended with status {self._process.returncode}")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def asked(self) -> dict[str, Any]:
        """Tell the worker to go on; returns the seconds of a pass or, after the last, its facts.

        Raises:
            WorkerFailed: it ended.
        """
        if self._process.stdin:
            with suppress(BrokenPipeError):  # `heard` reports how it ended.
                self._process.stdin.write("go\n")
                self._process.stdin.flush()
        return self.heard()

    def close(self) -> None:
        """End the process, if it still runs."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream:
                with suppress(BrokenPipeError):  # The worker never read the last line.
                    stream.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return the exit status."""
    return run(_parser(), _measure_all, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m benchmarks.train",
        "Compare the speed of our training with that of keras.Model.fit on tensors in memory.\n\n"
        "ours: an epoch's training from JPEG crops of 224x224 pixels on disk, decoded and augmented, with\n"
        "progress (dfdetect.train.fitting.train_epoch). bare: keras.Model.fit, same model, loss, optimizer,\n"
        "batch and precision. Passes of both alternate, so that other load on the machine slows both.\n"
        "The ratio's interval shows the scatter of the passes; the last lines join all models with one\n"
        "goal. Each kind runs in its own process, whose peak of memory is shown.\n"
        "Status 1: a ratio's interval lies below its goal.",
        "example:\n  KERAS_BACKEND=jax python -m benchmarks.train --model mobilenet --batch auto",
    )
    add = parser.add_argument
    add("--model", nargs="+", metavar="NAME", help="models (default: all)")
    add("--precision", nargs="+", choices=PRECISIONS, default=["float32"], help="(default: float32)")
    add("--batch", default="32", metavar="N", help="images a step, or auto: the largest power of 2 that fits")
    add("--max-batch", type=int, default=1024, metavar="N", help="where auto stops (%(default)s)")
    add("--steps", type=int, default=8, metavar="N", help="steps a pass (%(default)s)")
    add("--repeats", type=int, default=3, metavar="N", help="measured passes of each kind (%(default)s)")
    add("--image-size", type=int, default=0, metavar="PIXELS", help="input (default: the model's own)")
    add("--augment", choices=AUGMENTATIONS, default="report-c", help="our augmentation (%(default)s)")
    add("--jit", choices=("auto", "on", "off"), default="auto", help="XLA; auto: as Keras decides")
    add("--peak-tflops", type=float, metavar="X", help="the device's peak, for its utilisation (JAX only)")
    add(
        "--together", type=int, default=1, metavar="N",
        help="models compiled at once, then timed one by one; memory must hold all (%(default)s)",
    )  # fmt: skip
    add("--json", type=Path, metavar="FILE", help="write all numbers and the machine's facts there")
    return parser


def _measure_all(args: argparse.Namespace) -> int:
    names = args.model or list_models()
    for name in names:
        family(name)
    if args.batch != "auto" and not (args.batch.isdecimal() and int(args.batch) > 0):
        raise InputError(f"--batch {args.batch!r}; accepted: auto, or a whole number of 1 or more")
    if args.steps < 1:
        raise InputError(f"--steps {args.steps}; accepted: 1 or more")
    if args.repeats < 2:
        raise InputError(f"--repeats {args.repeats}; accepted: 2 or more")
    if args.peak_tflops and os.environ.get("KERAS_BACKEND") != "jax":
        raise InputError("--peak-tflops needs KERAS_BACKEND=jax, whose compiler counts operations")
    if args.together < 1:
        raise InputError(f"--together {args.together}; accepted: 1 or more")
    results, failures = [], []
    print(_line(list(COLUMNS)), flush=True)
    wanted = [_recipe(name, precision, args) for precision in args.precision for name in names]
    for start in range(0, len(wanted), args.together):
        for result in measure(wanted[start : start + args.together], args):
            if isinstance(result, str):
                failures.append(result)
                continue
            results.append(result)
            print(_line(_cells(result)), flush=True)
            if args.json:
                write_json(args.json, {"machine": _machine(), "results": [asdict(r) for r in results]})
    print(f"\nratio: of images/s.\n{_together(results)}{_baseline(results)}")
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    missed = [result.model for result in results if result.verdict == "missed"]
    return FINDING if failures or missed else DONE


def _recipe(name: str, precision: str, args: argparse.Namespace) -> Recipe:
    return Recipe(
        model=name,
        weights="none",
        image_size=args.image_size or family(name).image_size,
        precision=precision,
        augment=args.augment,
    )


class Pair:
    """The two workers of one recipe, and the crops that one of them reads."""

    def __init__(self, recipe: Recipe, args: argparse.Namespace) -> None:
        self.recipe = recipe
        self._args = args
        self._folder = tempfile.TemporaryDirectory()
        draw_crops(Path(self._folder.name), recipe.batch_size * args.steps)
        self._workers = {kind: Worker(self._task(kind)) for kind in KINDS}

    def _task(self, kind: str) -> Task:
        args = self._args
        flops = bool(args.peak_tflops) and kind == BARE
        recipe = asdict(self.recipe)
        return Task(kind, recipe, self._folder.name, args.steps, args.repeats, args.jit, flops)

    def wait(self) -> None:
        """Wait until both are built and warmed up. If one failed, `result` says so."""
        for worker in self._workers.values():
            with suppress(WorkerFailed):
                worker.heard()

    def result(self) -> Result:
        """Time the passes.

        Raises:
            WorkerFailed: a worker ended.
        """
        seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for number in range(self._args.repeats):
            # They take turns in going first.
            for kind in KINDS if number % 2 else KINDS[::-1]:
                seconds[kind].append(self._workers[kind].asked()["seconds"])
        facts = {kind: self._workers[kind].asked() for kind in KINDS}
        return _result(self.recipe, self._args, seconds, facts)

    def close(self) -> None:
        """End the workers, if they still run, and delete the crops."""
        for worker in self._workers.values():
            worker.close()
        self._folder.cleanup()


def measure(recipes: Sequence[Recipe], args: argparse.Namespace) -> Iterator[Result | str]:
    """Measure recipes: all get ready together, then each is timed alone.

    Yields:
        For each recipe its result, or the reason why there is none.
    """
    with ExitStack() as held:
        sized = []
        for recipe in recipes:  # Before any pair exists, which would take memory.
            try:
                batch = _largest_batch(recipe, args) if args.batch == "auto" else int(args.batch)
            except WorkerFailed as error:
                yield _failure(recipe, error)
            else:
                sized.append(recipe.with_changes(batch_size=batch))
        pairs = []
        for recipe in sized:
            pairs.append(Pair(recipe, args))
            held.callback(pairs[-1].close)
        for pair in pairs:
            pair.wait()
        for pair in pairs:
            try:
                yield pair.result()
            except WorkerFailed as error:
                yield _failure(pair.recipe, error)
            pair.close()  # The next pair needs its memory.


def _failure(recipe: Recipe, error: WorkerFailed) -> str:
    return f"{recipe.model}, {recipe.precision}: {error}"


def _largest_batch(recipe: Recipe, args: argparse.Namespace) -> int:
    """The largest power of 2, up to --max-batch, with which a bare step succeeds.

    Raises:
        WorkerFailed: even one image is too many.
    """
    fits, batch = 0, 1
    while batch <= args.max_batch:
        worker = Worker(Task(BARE, asdict(recipe.with_changes(batch_size=batch)), "", 1, 0, args.jit))
        try:
            worker.heard()
        except WorkerFailed:
            if not fits:
                raise
            break
        finally:
            worker.close()
        fits, batch = batch, 2 * batch
    return fits


def _result(
    recipe: Recipe,
    args: argparse.Namespace,
    seconds: dict[str, list[float]],
    facts: dict[str, dict[str, Any]],
) -> Result:
    steps = {kind: geometric_mean(values) / args.steps for kind, values in seconds.items()}
    ratio = _ratio([seconds])
    flops = facts[BARE]["step_flops"]
    return Result(
        model=recipe.model,
        precision=recipe.precision,
        batch=recipe.batch_size,
        seconds=seconds,
        step_seconds=steps[BARE],
        images={kind: recipe.batch_size / value for kind, value in steps.items()},
        ratio=ratio.value,
        interval=(ratio.low, ratio.high),
        goal=SLOW_GOAL if steps[BARE] >= SLOW_STEP else GOAL,
        peak_mib={kind: fact["device_mib"] or fact["peak_mib"] for kind, fact in facts.items()},
        step_flops=flops,
        utilisation=flops / steps[OURS] / (args.peak_tflops * 1e12) if flops else None,
        environment=facts[OURS]["environment"],
    )


def _ratio(seconds: Sequence[dict[str, list[float]]]) -> Estimate:
    """The geometric mean of bare over ours, over all pairs of neighbouring passes."""
    from dfdetect.metrics.folds import student

    pairs = [pair for passes in seconds for pair in zip(passes[OURS], passes[BARE], strict=True)]
    found = student([math.log(bare / ours) for ours, bare in pairs])
    return Estimate(math.exp(found.value), math.exp(found.low), math.exp(found.high))


def _cells(result: Result) -> tuple[str, ...]:
    return (
        result.model,
        result.precision,
        str(result.batch),
        f"{result.step_seconds:.3f}",
        f"{result.images[OURS]:.1f}",
        f"{result.images[BARE]:.1f}",
        f"{result.ratio:.3f}",
        "[{:.3f}, {:.3f}]".format(*result.interval),
        f"{result.goal:.2f} {result.verdict}",
        f"{result.peak_mib[OURS]:,.0f}",
        f"{result.peak_mib[BARE]:,.0f}",
        *([f"utilisation {result.utilisation:.1%}"] if result.utilisation is not None else []),
    )


def _line(cells: Sequence[str]) -> str:
    widths = list(COLUMNS.values())
    padded = [
        f"{cell:<{-width}}" if width < 0 else f"{cell:>{width}}"
        for cell, width in zip(cells, widths, strict=False)
    ]
    return "  ".join([*padded, *cells[len(widths) :]]).rstrip()


def _machine() -> dict[str, Any]:
    """What the numbers depend on besides versions: processor, cores, memory, other load."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    models = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "load": os.getloadavg(),
    }


def _together(results: Sequence[Result]) -> str:
    """A line for the models of each goal together, because their single intervals are wide."""
    lines = []
    for goal, which in ((SLOW_GOAL, f"from {SLOW_STEP:g} s/step on"), (GOAL, "faster")):
        seconds = [result.seconds for result in results if result.goal == goal]
        if not seconds:
            continue
        ratio = _ratio(seconds)
        pairs = sum(len(passes[OURS]) for passes in seconds)
        lines.append(
            f"{len(seconds)} {which}: {ratio}, {pairs} pairs of passes; "
            f"goal {goal:.2f} {_verdict(goal, ratio.low, ratio.high)}\n"
        )
    return "".join(lines)


def _baseline(results: Sequence[Result]) -> str:
    machine = _machine()
    where = results[0].environment if results else {}
    packages = where.get("packages", {})
    versions = ", ".join(
        f"{name} {packages[name]}" for name in ("keras", "tensorflow", "jax") if name in packages
    )
    return (
        f"Baseline: keras.Model.fit on tensors in memory.\n{machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, load {machine['load'][0]:.1f}; {', '.join(where.get('devices', []))}; "
        f"backend {where.get('backend', '-')}; {versions}"
    )


if __name__ == "__main__":
    sys.exit(main())
