"""Files of scores: gone on with, and of one model."""

import json
import os

import pytest
from filelock import FileLock

from dfdetect.verdict import Verdict


def test_a_file_of_scores_is_gone_on_with(command, detector, files, tmp_path, monkeypatch, capsys):
    out = tmp_path / "scores.jsonl"
    paths = [files / name for name in ("person.png", "empty.jpg", "person.mp4")]
    assert command("--json", *paths) == 1
    expected = json.loads(capsys.readouterr().out)
    scored = []

    def watched(path, score=detector.judge):
        scored.append(path.name)
        if path.name == "person.mp4" and scored.count(path.name) == 1:
            raise KeyboardInterrupt
        if path.name == "empty.jpg" and scored.count(path.name) == 1:
            away = {"reason": "failed", "detail": "the disk was away"}
            return Verdict(file=str(path), record=detector.record("photo"), **away)
        return score(path)

    monkeypatch.setattr(detector, "judge", watched)
    assert command("--workers", 0, "--out", out, *paths) == 130
    with out.open("a") as handle:
        handle.write('{"file": "torn')
    assert command("--workers", 0, "--out", out, *paths) == 1

    assert scored == ["person.png", "empty.jpg", "person.mp4", "empty.jpg", "person.mp4"]
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [lines[0], *lines[2:]] == expected
    assert lines[1]["detail"] == "the disk was away"
    alarms = sum(row["level"] == "substantial" for row in expected)
    said = f"{out}: 3 files, {alarms} with substantial evidence, 1 without a verdict\n"
    assert capsys.readouterr().out == said
    assert command("--workers", 0, "--out", out, *paths[::2]) == 0
    assert len(scored) == 5


@pytest.mark.parametrize("size", ["the same", "another"])
def test_a_replaced_file_is_judged_anew_and_a_touched_one_is_not(
    command, detector, files, tmp_path, monkeypatch, size
):
    out, photo, other = (tmp_path / name for name in ("scores.jsonl", "photo.png", "other.png"))
    pixels = (files / "person.png").read_bytes()
    photo.write_bytes(pixels)
    other.write_bytes(pixels)
    assert command("--workers", 0, "--out", out, photo, other) == 0
    judged = []

    def watched(path, score=detector.judge):
        judged.append(path.name)
        return score(path)

    monkeypatch.setattr(detector, "judge", watched)
    times = photo.stat().st_atime_ns, photo.stat().st_mtime_ns
    changed = pixels[:-1] + b"x" if size == "the same" else pixels + b"x"
    photo.unlink()
    photo.write_bytes(changed)
    os.utime(photo, ns=times)  # as a copy with its times
    other.touch()

    command("--workers", 0, "--out", out, photo, other)
    command("--workers", 0, "--out", out, photo, other)

    assert judged == ["photo.png"]
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["file"] for row in rows] == [str(photo), str(other), str(photo)]
    assert rows[0]["record"]["sha256"] != rows[2]["record"]["sha256"]


def test_a_file_of_scores_holds_those_of_one_model_and_nothing_else(
    command, detector, files, tmp_path, capsys
):
    out = tmp_path / "scores.jsonl"
    first, last = '{"file": 1}\n', '{"other": "torn'
    for text, line in (("words", "last line"), (first, "line 1"), ("[]\n", "line 1"), (last, "last line")):
        out.write_text(text)
        assert command("--out", out, files / "person.png") == 2
        assert f"scores.jsonl, {line}: no verdict of dfdetect.predict" in capsys.readouterr().err
        assert out.read_text() == text
    out.unlink()
    assert command("--out", out, files / "person.png") == 0
    detector.weights_sha256 = "another"
    assert command("--out", out, files / "person.mp4") == 2
    assert (
        "line 1: written with model_sha256 '', now 'another'; give another --out" in capsys.readouterr().err
    )
    with FileLock(f"{out}.lock"):
        assert command("--out", out, files / "person.png") == 2
    assert "another process writes into it" in capsys.readouterr().err
    assert command("--out", tmp_path / "no" / "scores.jsonl", files / "person.png") == 2
    assert "there is no folder" in capsys.readouterr().err
    assert len(out.read_text().splitlines()) == 1


@pytest.mark.parametrize("name", ["/dev/full", "/dev/stdout", "pipe"])
def test_rows_go_into_a_regular_file_alone(command, files, tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    assert command(files / "person.png", "--out", name) == 2
    assert "not a regular file" in capsys.readouterr().err


def test_a_full_disk_is_one_line_that_names_the_file(command, files, tmp_path, full_disk, capsys):
    out = tmp_path / "scores.jsonl"
    with full_disk(100):
        assert command("--workers", 0, "--out", out, files / "person.png") == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f": {out}: File too large")
    assert command("--workers", 0, "--out", out, files / "person.png") == 0
    (row,) = map(json.loads, out.read_text().splitlines())
    assert row["file"] == str(files / "person.png")
