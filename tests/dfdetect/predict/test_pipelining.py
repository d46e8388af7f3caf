"""Files that other processes read: the same verdicts, in order, and a death costs one file."""

import json
import shutil
import signal
from concurrent.futures import Executor
from contextlib import contextmanager

import keras
import numpy as np
import pytest

from dfdetect.predict import pipelining
from dfdetect.predict.detector import Detector
from dfdetect.predict.looking import Look, SeenFace
from face_extraction.images import write_image
from face_extraction.manifest import Box
from face_extraction.pool import local_pool

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

    monkeypatch.setattr(pipelining, "local_pool", pool)
    deadly = tmp_path / "deadly.png"
    shutil.copy(files / "person.png", deadly)
    paths, out = [files / "person.png", deadly, files / "empty.jpg"], tmp_path / "scores.jsonl"

    assert command("--out", out, *paths) == 1

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["file"] for row in rows] == [str(path) for path in paths]
    assert rows[0]["p_fake"] == detector.predict(paths[0]).p_fake
    assert (rows[1]["p_fake"], rows[1]["reason"]) == (None, "failed")
    assert rows[1]["detail"] == "its process was ended (exit code -9; out of memory?)"
    assert rows[2]["reason"] == "unreadable"
    monkeypatch.setattr(pipelining, "local_pool", None)  # a second call starts no process
    capsys.readouterr()
    assert command("--out", out, *paths) == 1
    assert capsys.readouterr().out == f"{out}: 3 files, 0 called fake, 2 without a verdict\n"


def test_workers_change_no_verdict_and_no_order(command, files, tmp_path, capsys):
    for number in (1, 2):
        shutil.copy(files / "person.png", tmp_path / f"{number}.png")
    paths = [files / "person.mp4", tmp_path / "1.png", files / "empty.jpg", tmp_path / "2.png"]
    said = []
    for workers in (0, 2):
        assert command("--json", "--frames", 2, "--workers", workers, *paths) == 1
        said.append(json.loads(capsys.readouterr().out))
    for alone, shared in zip(*said, strict=True):
        assert shared.pop("p_fake") == pytest.approx(alone.pop("p_fake"), abs=1e-6)
        assert [face.pop("p_fake") for face in shared["faces"]] == pytest.approx(
            [face.pop("p_fake") for face in alone["faces"]], abs=1e-6
        )
        for person in (*alone["people"], *shared["people"]):
            person.pop("p_fake")
        assert shared == alone


def test_fewer_workers_than_none_are_refused(command, files, capsys):
    assert command("--workers", -1, files / "person.png") == 2
    assert "--workers -1; accepted: 0 or more" in capsys.readouterr().err


def _look(level):
    crops = np.full((2, 32, 32, 3), level, np.uint8)
    faces = tuple(SeenFace(Box(0, 9, 9, 0), frame, person=1) for frame in range(2))
    return Look(faces, crops, 2, 2, is_video=True)


def test_the_faces_of_several_files_go_through_the_model_together(detector, monkeypatch):
    sizes = []

    def counted(batch, score=detector.model.predict_on_batch):
        sizes.append(len(batch))
        return score(batch)

    monkeypatch.setattr(detector.model, "predict_on_batch", counted)
    nothing = Look(reason="no_face", detail="none")
    verdicts = detector.judge([_look(51), nothing, _look(255)])
    assert sizes == [4]
    assert [verdict.reason for verdict in verdicts] == ["", "no_face", ""]
    assert [verdicts[0].p_fake, verdicts[2].p_fake] == pytest.approx([0.2, 1], abs=1e-5)


def test_a_file_at_which_the_model_fails_costs_itself_alone(brightness_model):
    class Fails(brightness_model):
        def call(self, rgb):
            if keras.ops.max(rgb) > 250:
                raise MemoryError("2 TiB")
            return super().call(rgb)

    model = Fails()
    model.run_eagerly = True
    model.predict_on_batch = lambda batch: np.asarray(model.call(batch))
    first, second = Detector(model, 0.4, "", None).judge([_look(51), _look(255)])
    assert first.p_fake == pytest.approx(0.2, abs=1e-5)
    assert (second.p_fake, second.reason, second.detail) == (None, "failed", "MemoryError: 2 TiB")


def test_faces_in_few_frames_are_told_beside_the_verdict(detector):
    found = _look(51)
    seldom = Look(found.faces, found.crops, 16, 2, is_video=True)
    cut = Look(found.faces, found.crops, 16, 2, True, "truncated", "read 1 of 9 seconds")
    often = Look(found.faces, found.crops, 10, 2, is_video=True)
    verdicts = detector.judge([seldom, cut, often])
    assert [verdict.reason for verdict in verdicts] == ["few_faces", "truncated", ""]
    assert verdicts[0].detail == "a face in 2 of 16 frames looked at"
    assert verdicts[1].detail == "read 1 of 9 seconds; a face in 2 of 16 frames looked at"
    assert all(verdict.fake is False for verdict in verdicts)


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
