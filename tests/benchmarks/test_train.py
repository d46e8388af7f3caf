"""The benchmark measures both kinds in processes of their own, and says what it found."""

import io
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from benchmarks import train as benchmark
from benchmarks import worker
from benchmarks.worker import BARE, OURS, Task, as_json, draw_crops, drawn_samples
from dfdetect.recipe import Recipe

SMALL = ("--model", "meso4", "--image-size", "32", "--batch", "2", "--steps", "1", "--repeats", "2")


def test_one_model_is_measured_and_written(tmp_path, capsys):
    status = benchmark.main([*SMALL, "--json", str(tmp_path / "b.json")])
    titles, row, *rest = capsys.readouterr().out.splitlines()
    assert titles.split()[:3] == ["model", "precision", "batch"]
    assert row.split()[:3] == ["meso4", "float32", "2"]
    assert "Baseline: keras.Model.fit on tensors in memory." in " ".join(rest)
    written = json.loads((tmp_path / "b.json").read_text())
    (result,) = written["results"]
    assert result["ratio"] == pytest.approx(result["images"][OURS] / result["images"][BARE])
    assert result["images"][BARE] == pytest.approx(2 / result["step_seconds"])
    assert result["interval"][0] < result["ratio"] < result["interval"][1]
    assert all(peak > 50 for peak in result["peak_mib"].values())
    assert written["machine"]["cores"] == os.cpu_count()
    assert status == (1 if result["interval"][1] < result["goal"] else 0)


def test_the_bare_fit_does_not_wait_for_the_loss_of_each_step(monkeypatch):
    found = []

    class Model:
        def fit(self, *data, callbacks, **settings):
            found.extend(callbacks)

    monkeypatch.setattr(worker, "_compiled", lambda task, recipe: Model())
    recipe = Recipe(model="meso4", image_size=32, batch_size=2)
    worker._bare(Task(BARE, {}, "", 1, 1), recipe, lambda: None)(0)
    # Keras asks callbacks for this; on TensorFlow it waits all the same, on JAX it does not.
    assert [callback.async_safe for callback in found] == [True]


def test_a_worker_that_dies_is_named_and_the_rest_goes_on(monkeypatch, capsys):
    class Dead:
        def __init__(self, task):
            pass

        def heard(self):
            raise benchmark.WorkerFailed("out of memory")

        asked = heard

        def close(self):
            pass

    monkeypatch.setattr(benchmark, "Worker", Dead)
    assert benchmark.main([*SMALL]) == 1
    assert "failed: meso4, float32: out of memory" in capsys.readouterr().err


@pytest.mark.parametrize("dying", [["mesoinception4 bare"], ["mesoinception4 ours"]])
def test_models_get_ready_together_and_are_timed_one_by_one(monkeypatch, capsys, dying):
    told = []

    class Recorded:
        def __init__(self, task):
            self.name, self.left = f"{task.recipe['model']} {task.kind}", task.passes

        def heard(self):
            told.append(f"{self.name} ready")
            if self.name in dying:
                raise benchmark.WorkerFailed("out of memory")

        def asked(self):
            if self.name in dying:
                raise benchmark.WorkerFailed("out of memory")
            if not self.left:
                return {"device_mib": None, "peak_mib": 1.0, "step_flops": None, "environment": {}}
            self.left -= 1
            told.append(f"{self.name} passes")
            return {"seconds": 1.0}

        def close(self):
            told.append(f"{self.name} closed")

    monkeypatch.setattr(benchmark, "Worker", Recorded)
    models = ("--model", "meso4", "mesoinception4", "custom_cnn", "--together", "3")
    assert benchmark.main([*models, *SMALL[2:]]) == 1
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()[1:3]] == ["meso4", "custom_cnn"]
    assert printed.err == "failed: mesoinception4, float32: out of memory\n"
    first_pass = next(n for n, line in enumerate(told) if line.endswith("passes"))
    assert sum(line.endswith("ready") for line in told[:first_pass]) == len(told[:first_pass]) == 6
    # Each is ended before the next is timed: its memory would be missed.
    assert told.index("meso4 bare closed") < told.index("custom_cnn bare passes")


def test_a_worker_killed_between_two_passes_says_why(tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho '{}'\necho out of memory >&2\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    dead = benchmark.Worker(Task(BARE, {}, "", 1, 1))
    assert dead.heard() == {}
    dead._process.wait()
    with pytest.raises(benchmark.WorkerFailed, match="out of memory"):
        dead.asked()
    dead.close()


def test_nothing_runs_beside_the_other_kinds_last_pass(monkeypatch):
    told = []
    monkeypatch.setattr(worker.os, "dup2", lambda *descriptors: None)
    monkeypatch.setattr(worker.os, "fdopen", lambda *settings, **more: io.StringIO())
    monkeypatch.setattr(sys, "argv", ["", as_json(Task(BARE, {"model": "meso4"}, "", 1, 2))])
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(readline=lambda: told.append("waits")))
    monkeypatch.setattr(worker, "_bare", lambda *given: lambda number: told.append(f"pass {number}"))
    monkeypatch.setattr("dfdetect.runs.environment.describe", lambda: told.append("facts") or {})
    worker.main()
    assert told == ["pass 0", "waits", "pass 1", "waits", "pass 2", "waits", "facts"]


def test_the_largest_batch_is_the_last_that_ends(monkeypatch):
    class Limited:
        def __init__(self, task):
            self.size = task.recipe["batch_size"]

        def heard(self):
            if self.size > 12:
                raise benchmark.WorkerFailed("out of memory")

        def close(self):
            pass

    monkeypatch.setattr(benchmark, "Worker", Limited)
    args = benchmark._parser().parse_args(["--batch", "auto"])
    recipe = benchmark._recipe("meso4", "float32", args)
    assert benchmark._largest_batch(recipe, args) == 8
    args.max_batch = 4
    assert benchmark._largest_batch(recipe, args) == 4


def test_batches_are_chosen_before_any_pair_takes_memory(monkeypatch, capsys):
    told = []
    monkeypatch.setattr(benchmark, "_largest_batch", lambda recipe, args: told.append(recipe.model) or 2)

    class Recorded:
        def __init__(self, recipe, args):
            self.recipe = recipe
            told.append(f"{recipe.model} of {recipe.batch_size}")

        def wait(self):
            pass

        def result(self):
            raise benchmark.WorkerFailed("enough")

        close = wait

    monkeypatch.setattr(benchmark, "Pair", Recorded)
    assert benchmark.main(["--model", "meso4", "custom_cnn", "--batch", "auto", "--together", "2"]) == 1
    assert told == ["meso4", "custom_cnn", "meso4 of 2", "custom_cnn of 2"]
    assert capsys.readouterr().err.count("enough") == 2


def measured(ours, bare):
    args = benchmark._parser().parse_args(["--steps", "2"])
    facts = {
        kind: {"device_mib": None, "peak_mib": 1.0, "step_flops": None, "environment": {}}
        for kind in (OURS, BARE)
    }
    recipe = benchmark._recipe("meso4", "float32", args)
    return benchmark._result(recipe, args, {OURS: ours, BARE: bare}, facts)


def test_the_ratio_is_of_pairs_of_passes_with_students_interval():
    result = measured([5.0, 4.0, 20.0], [4.0, 4.0, 16.0])  # ratios .8, 1, .8
    assert result.step_seconds == pytest.approx(256 ** (1 / 3) / 2)
    assert result.images[BARE] == pytest.approx(32 / result.step_seconds)
    assert result.ratio == pytest.approx(0.64 ** (1 / 3))
    # Logarithms -.223144, 0, -.223144: mean -.148762, deviation .128832; t(2) is 4.302653.
    assert result.interval == pytest.approx((0.62575, 1.18682), abs=1e-4)
    assert (result.goal, result.verdict) == (0.97, "open")


@pytest.mark.parametrize(
    ("ours", "verdict", "goal"),
    [([4.0, 4.4], "open", 0.97), ([4.0, 4.01], "met", 0.97), ([8.0, 8.01], "missed", 0.97)],
)
def test_a_goal_is_met_or_missed_only_beyond_the_interval(ours, verdict, goal):
    result = measured(ours, [4.0, 4.0])
    assert (result.verdict, result.goal) == (verdict, goal)


def test_fast_steps_have_the_lower_goal():
    assert measured([1.0, 1.1], [1.0, 1.0]).goal == 0.9


def test_the_models_of_one_goal_are_summed_up():
    slow = measured([5.0, 4.0], [4.0, 4.0]), measured([16.0, 20.0], [16.0, 16.0])
    # Logarithms -.223144, 0, 0, -.223144: mean -.111572, deviation .128832; t(3) is 3.182446.
    line = "2 from 2 s/step on: 0.894 [0.729, 1.098], 4 pairs of passes; goal 0.97 open\n"
    assert benchmark._together(slow) == line
    # Logarithms 0, -.009950: mean -.004975, deviation .007036; t(1) is 12.7062.
    fast = measured([1.0, 1.01], [1.0, 1.0])
    both = f"{line}1 faster: 0.995 [0.934, 1.060], 2 pairs of passes; goal 0.90 met\n"
    assert benchmark._together([*slow, fast]) == both
    assert benchmark._together([]) == ""


def test_drawn_crops_are_as_the_rows_say(tmp_path):
    draw_crops(tmp_path, 3)
    samples = drawn_samples(3)
    assert [sample.label for sample in samples] == [0, 1, 0]
    for sample in samples:
        assert 3_000 < (tmp_path / sample.path).stat().st_size < 12_000


@pytest.mark.parametrize(
    "arguments",
    [["--batch", "many"], ["--steps", "0"], ["--repeats", "1"], ["--together", "0"], ["--peak-tflops", "1"]],
)
def test_wrong_use_is_one_line(monkeypatch, capsys, arguments):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert benchmark.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m benchmarks.train: --")


def test_operations_are_counted_on_jax():
    pytest.importorskip("jax")
    recipe = {"model": "custom_cnn", "image_size": 32, "batch_size": 2, "weights": "none"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", as_json(Task(BARE, recipe, "", 1, 0, flops=True))],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    facts = json.loads(done.stdout.splitlines()[-1])
    # Multiplications of the four convolutions and two dense layers, forward, for two images.
    sides, filters = (32, 16, 8, 4), (3, 32, 64, 128, 256)
    multiplied = sum(
        side**2 * 9 * before * after
        for side, before, after in zip(sides, filters[:-1], filters[1:], strict=True)
    )
    forward = 2 * 2 * (multiplied + 256 * 128 + 128)
    # Backward does the forward's work twice, but not for the image: between two and three times in all;
    # pooling, activations and the rim of the convolutions make the rest.
    assert 2.2 * forward < facts["step_flops"] < 3.6 * forward
