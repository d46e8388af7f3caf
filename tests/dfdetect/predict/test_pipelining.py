"""Files that other processes read: the same verdicts, in order, and a death costs one file."""

import json
import shutil
import signal
import sys
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from dfdetect.predict import looking, pipelining
from dfdetect.predict.detector import Detector
from dfdetect.predict.looking import Look, Seen, SeenFace
from face_extraction import pool
from face_extraction.errors import InputError
from face_extraction.images import write_image
from face_extraction.manifest import Box
from face_extraction.pool import Readers, local_pool

needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")


class Deadly(Executor):
    """A pool in which files named "deadly" kill the process that reads them."""

    def __init__(self, pool):
        self._pool = pool

    def submit(self, function, path, wanted):
        if path.stem == "deadly":
            return self._pool.submit(signal.raise_signal, signal.SIGKILL)
        return self._pool.submit(function, path, wanted)


@needs_kill
def test_a_file_that_kills_its_process_costs_itself_alone_and_is_not_met_again(
    command, detector, files, tmp_path, monkeypatch, capsys
):
    @contextmanager
    def pool(workers, time_limit):
        with local_pool(workers, time_limit) as real:
            yield Deadly(real)

    monkeypatch.setattr("face_extraction.pool.local_pool", pool)
    deadly = tmp_path / "deadly.png"
    shutil.copy(files / "person.png", deadly)
    paths, out = [files / "person.png", deadly, files / "empty.jpg"], tmp_path / "scores.jsonl"

    assert command("--out", out, *paths) == 1

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["file"] for row in rows] == [str(path) for path in paths]
    assert rows[0]["score"] == detector.judge(paths[0]).score
    assert (rows[1]["score"], rows[1]["reason"]) == (None, "failed")
    assert rows[1]["detail"] == "its process was ended (exit code -9; out of memory?)"
    assert rows[2]["reason"] == "unreadable"
    monkeypatch.setattr("face_extraction.pool.local_pool", None)  # a second call starts no process
    capsys.readouterr()
    assert command("--out", out, *paths) == 1
    assert capsys.readouterr().out == f"{out}: 3 files, 0 with substantial evidence, 2 without a verdict\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to the limit")
def test_a_file_that_takes_too_much_memory_costs_itself_alone(
    command, detector, files, tmp_path, monkeypatch
):
    monkeypatch.setattr(pool, "LEAST_MEMORY", 300_000_000)
    monkeypatch.setattr(pool, "MOST_MEMORY", 300_000_000)
    write_image(tmp_path / "big.png", np.zeros((9000, 9000, 3), np.uint8))
    paths, out = [tmp_path / "big.png", files / "person.png"], tmp_path / "scores.jsonl"

    assert command("--out", out, *paths) == 1

    big, person = (json.loads(line) for line in out.read_text().splitlines())
    assert (big["score"], big["reason"]) == (None, "failed")
    assert big["detail"].startswith("out of memory")
    assert person["score"] == detector.judge(paths[1]).score


def test_more_faces_than_memory_for_them_are_refused(files, detector, monkeypatch):
    monkeypatch.setattr(looking, "MOST_BYTES", 3 * detector.model.input_shape[1] ** 2 - 1)
    for name in ("person.png", "person.mp4"):
        verdict = detector.judge(files / name)
        assert (verdict.score, verdict.reason) == (None, "too_many_faces")
        assert verdict.detail.startswith("more than 0 faces")


@pytest.mark.parametrize(
    ("memory", "workers", "files"), [(64 << 30, 2, 8), (4 << 30, 2, 4), (1 << 30, 2, 3), (None, 2, 8)]
)
def test_the_faces_of_files_in_work_fit_in_a_quarter_of_the_memory(monkeypatch, memory, workers, files):
    monkeypatch.setattr(pipelining, "available_memory", lambda: memory)
    assert pipelining._ahead(workers) == files


def test_files_with_many_faces_are_not_judged_together(detector, tmp_path, monkeypatch):
    crops = np.zeros((30, 32, 32, 3), np.uint8)
    many = Look(faces=(SeenFace(Box(0, 9, 9, 0)),) * 30, crops=crops, frames=1, shown=1)
    judged = []

    class Quick(Executor):
        def submit(self, function, *args):
            future = Future()
            future.set_result(many)
            return future

    def judge_looks(looks):
        judged.append(len(looks))
        return looks

    monkeypatch.setattr("face_extraction.pool.local_pool", lambda *args: nullcontext(Quick()))
    monkeypatch.setattr(pipelining, "MOST_BYTES", 2 * crops.nbytes)
    monkeypatch.setattr(pipelining, "_ahead", lambda workers: 4)
    monkeypatch.setattr(detector, "judge_looks", judge_looks)
    paths = [tmp_path / str(number) for number in range(5)]
    verdicts = list(pipelining.judge_files(paths, detector, Readers(1)))
    assert verdicts == [replace(many, path=str(path)) for path in paths]
    assert max(judged) == 2


def test_workers_change_no_verdict_and_no_order(command, files, tmp_path, capsys):
    for number in (1, 2):
        shutil.copy(files / "person.png", tmp_path / f"{number}.png")
    paths = [files / "person.mp4", tmp_path / "1.png", files / "empty.jpg", tmp_path / "2.png"]
    said = []
    for workers in (0, 2):
        assert command("--json", "--frames", 2, "--workers", workers, *paths) == 1
        said.append(json.loads(capsys.readouterr().out))
    for alone, shared in zip(*said, strict=True):
        assert _without_scores(shared) == _without_scores(alone)
        assert _scores(shared) == pytest.approx(_scores(alone), abs=1e-6)


def _without_scores(value):
    """A row of JSON without the numbers that the size of a batch may round otherwise."""
    if isinstance(value, dict):
        return {name: _without_scores(item) for name, item in value.items() if not isinstance(item, float)}
    return [_without_scores(item) for item in value] if isinstance(value, list) else value


def _scores(value):
    if isinstance(value, dict):
        return [score for item in value.values() for score in _scores(item)]
    if isinstance(value, list):
        return [score for item in value for score in _scores(item)]
    return [value] if isinstance(value, float) else []


class Failing(Executor):
    """A pool in which each file fails with the next error."""

    def __init__(self, *errors):
        self._errors = list(errors)

    def submit(self, function, *args):
        future = Future()
        future.set_exception(self._errors.pop(0))
        return future


def _found_with(monkeypatch, wanted, *errors):
    monkeypatch.setattr("face_extraction.pool.local_pool", lambda *args: nullcontext(Failing(*errors)))
    paths = [Path(f"{number}.png") for number in range(len(errors))]
    return [look for looks in pipelining.found_in(paths, wanted, Readers(1)) for look in looks]


def test_what_goes_wrong_in_a_process_costs_its_file_alone(monkeypatch, detector):
    looks = _found_with(
        monkeypatch, detector.wanted(), TimeoutError(), MemoryError("2 TiB"), ValueError("odd")
    )
    assert [(look.path, look.reason, look.detail) for look in looks] == [
        ("0.png", "failed", "it took longer than the time limit"),
        ("1.png", "failed", "out of memory: 2 TiB"),
        ("2.png", "failed", "ValueError: odd"),
    ]


def test_a_scheduler_that_goes_away_ends_the_call(monkeypatch, detector):
    with pytest.raises(InputError, match="the dask scheduler is gone; what was scored is kept: start again"):
        _found_with(monkeypatch, detector.wanted(), CancelledError("gone"))


def test_processes_that_broke_down_end_the_call(monkeypatch, detector):
    with pytest.raises(BrokenProcessPool):
        _found_with(monkeypatch, detector.wanted(), BrokenProcessPool("All workers expired"))


def test_the_time_limit_reaches_the_processes(command, files, monkeypatch):
    limits = []

    def pool(workers, time_limit):
        limits.append((workers, time_limit))
        return local_pool(workers, time_limit)

    monkeypatch.setattr("face_extraction.pool.local_pool", pool)
    assert command("--time-limit", 90.5, files / "empty.jpg") == 1
    assert limits == [(1, 90.5)]


@pytest.mark.filterwarnings("ignore")
def test_the_workers_of_a_dask_scheduler_give_the_same_verdict(command, files, monkeypatch, capsys):
    distributed = pytest.importorskip("distributed")
    monkeypatch.chdir(files)
    said = []
    with distributed.LocalCluster(
        1, processes=False, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        for option, value in (("--dask", cluster.scheduler_address), ("--workers", 0)):
            assert command("--json", option, value, "person.png", "empty.jpg") == 1
            said.append(json.loads(capsys.readouterr().out))
    assert said[0] == said[1]
    assert [row["file"] for row in said[0]] == ["person.png", "empty.jpg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dask", "tcp://x:1", "--workers", 2], "--workers sets processes started here; accepted: it or"),
        (["--dask", "tcp://x:1", "--time-limit", 9], "--time-limit sets processes started here"),
        (["--time-limit", 0], "--time-limit 0; accepted: more than 0"),
        (["--time-limit", 9, "--workers", 0], "--time-limit beside --workers 0; accepted: 1 or more workers"),
    ],
)
def test_options_of_readers_that_contradict_each_other_are_refused(command, files, options, message, capsys):
    assert command(*options, files / "person.png") == 2
    assert message in capsys.readouterr().err


def test_fewer_workers_than_none_are_refused(command, files, capsys):
    for workers in (-1, 10**20):
        assert command("--workers", workers, files / "person.png") == 2
        assert f"--workers {workers}; accepted: 0 to 1,024" in capsys.readouterr().err


MOMENTS = (Seen(0, 0.0), Seen(1, 0.5))


def _look(level):
    crops = np.full((2, 32, 32, 3), level, np.uint8)
    faces = tuple(SeenFace(Box(0, 9, 9, 0), frame, person=1) for frame in range(2))
    return Look(faces=faces, crops=crops, frames=2, shown=2, kind="video", moments=MOMENTS)


def test_the_faces_of_several_files_go_through_the_model_together(detector, monkeypatch):
    sizes = []

    def counted(batch, score=detector.model.predict_on_batch):
        sizes.append(len(batch))
        return score(batch)

    monkeypatch.setattr(detector.model, "predict_on_batch", counted)
    nothing = Look(reason="no_face", detail="none")
    verdicts = detector.judge_looks([_look(51), nothing, _look(255)])
    assert sizes == [4]
    assert [verdict.reason for verdict in verdicts] == ["", "no_face", ""]
    assert [verdicts[0].score, verdicts[2].score] == pytest.approx([0.2, 1], abs=1e-5)


def test_a_file_at_which_the_model_fails_costs_itself_alone(brightness_model, one_cut):
    class Fails(brightness_model):
        def call(self, rgb):
            if keras.ops.max(rgb) > 250:
                raise MemoryError("2 TiB")
            return super().call(rgb)

    model = Fails()
    model.run_eagerly = True
    model.predict_on_batch = lambda batch: np.asarray(model.call(batch))
    first, second = Detector(model, one_cut, None).judge_looks([_look(51), _look(255)])
    assert first.score == pytest.approx(0.2, abs=1e-5)
    assert (second.score, second.reason, second.detail) == (None, "failed", "out of memory: 2 TiB")


def test_faces_in_few_frames_give_no_verdict(detector):
    found = _look(51)
    seldom, often = replace(found, frames=16), replace(found, frames=10)
    cut = replace(seldom, reason="truncated", detail="read 1 of 9 seconds")
    verdicts = detector.judge_looks([seldom, cut, often])
    assert [verdict.reason for verdict in verdicts] == ["few_faces", "few_faces", ""]
    assert [verdict.level for verdict in verdicts] == [None, None, "little"]
    assert verdicts[0].detail == "a face in 2 of 16 frames looked at"
    assert verdicts[1].detail == "a face in 2 of 16 frames looked at; read 1 of 9 seconds"
    assert verdicts[0].sentence == "No verdict: too few frames of the video show a face."


def test_a_folders_animations_and_kinds_that_are_not_read_get_rows(command, files, tmp_path, capsys):
    from PIL import Image

    folder = tmp_path / "in"
    folder.mkdir()
    write_image(folder / "a.png", np.full((40, 40, 3), 90, np.uint8))
    picture = Image.open(folder / "a.png")
    for suffix in (".gif", ".avif"):
        picture.save(folder / f"b{suffix}")
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(picture).save(folder / "c.heic")
    (folder / "d.vob").write_bytes(b"words")
    (folder / "e.txt").write_text("words")
    assert command("--jsonl", folder) == 1
    said = capsys.readouterr()
    rows = {row["file"].rpartition("/")[2]: row for row in map(json.loads, said.out.splitlines())}
    assert list(rows) == ["a.png", "b.avif", "b.gif", "c.heic", "d.vob"]
    assert {row["reason"] for name, row in rows.items() if name != "d.vob"} == {"no_face"}
    assert rows["d.vob"]["reason"] == "unreadable"
    assert "neither photo nor video: 1 (.txt 1)" in said.err
