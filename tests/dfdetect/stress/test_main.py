"""The command: files, numbers that equal an evaluation's, and wrong use in one line."""

import csv
import json
import shutil

import pytest

from dfdetect.runs.folder import Run
from dfdetect.stress.__main__ import main
from face_extraction.digest import file_digest

pytestmark = pytest.mark.usefixtures("blank")


@pytest.fixture
def run(finished, tmp_path):
    """A copy of the finished run."""
    shutil.copytree(finished.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def test_faces_are_disturbed_and_the_undisturbed_row_is_the_evaluations(run, capsys):
    assert main([str(run.folder), "--kinds", "jpeg,flip,jpeg", "--workers", "1"]) == 0
    printed = capsys.readouterr().out
    lines = [json.loads(line) for line in (run.stress / "stress.jsonl").read_text().splitlines()]
    assert lines[0]["faces"] == 24
    assert [line["kind"] for line in lines[1:]] == ["undisturbed", "jpeg", "flip"]
    evaluated = run.metrics()["test"]["face"].estimates["auc"]
    assert 0.1 < evaluated.low < evaluated.high < 0.9
    assert lines[1]["rows"][0]["estimates"]["auc"] == evaluated.to_dict()
    assert [row["severity"] for row in lines[2]["rows"]] == [90, 70, 50, 30, 10]
    assert "quality 30" in printed
    assert "24 faces of 8 groups" in printed
    page = (run.stress / "stress.html").read_text()
    for said in ("quality 30", 'src="stress.png"', "What breaks first", "Mirrored left to right."):
        assert said in page
    assert "quality 30" in (run.stress / "stress.md").read_text()
    assert r"\toprule" in (run.stress / "stress.tex").read_text()
    rows = list(csv.reader((run.stress / "stress.csv").read_text().splitlines()))
    assert rows[0][:3] == ["severity", "n", "AUC"]
    assert len(rows) == 1 + 3 + 1 + 5 + 1
    before = (run.stress / "stress.jsonl").read_bytes()
    assert main([str(run.folder), "--kinds", "flip", "--workers", "1"]) == 0  # nothing is left to do
    assert (run.stress / "stress.jsonl").read_bytes() == before
    run.forget_results()
    assert not run.stress.exists()


def test_scores_are_forged(run, tmp_path, capsys):
    command = [
        str(run.folder),
        "--attack",
        "fgsm",
        "--epsilon",
        "8,1",
        "--limit",
        "8",
        "--out",
        str(tmp_path / "o"),
    ]
    other = shutil.copytree(run.folder, tmp_path / "other")
    assert main([*command, "--transfer", str(other)]) == 0
    printed = capsys.readouterr().out
    assert "Scores can be forged" in printed
    assert printed.count("no defence") == 1
    assert printed.index("1/255") < printed.index("8/255")
    page = (tmp_path / "o" / "attacks.html").read_text()
    assert page.count("no defence") == 1
    assert "FGSM, transferred" in page
    assert page.count(file_digest(run.weights)) == 2  # of the run, and of the other one
    assert "Transferred to other: This model shows no skill" in page
    assert main(command) == 2
    assert "made with transfer_sha256" in capsys.readouterr().err


def test_a_face_that_cannot_be_read_is_listed(run, finished, tmp_path, capsys):
    data = shutil.copytree(finished.folder.parent / "data", tmp_path / "data")
    (data / "faces" / "test-3.png").write_bytes(b"")
    command = [str(run.folder), "--manifest", str(data), "--kinds", "flip", "--workers", "1"]
    assert main([*command, "--out", str(tmp_path / "o")]) == 1
    assert "test-3.png" in (tmp_path / "o" / "unscored.csv").read_text()
    assert "23 faces of 8 groups" in capsys.readouterr().out


def test_wrong_use_is_told_in_one_line(run, tmp_path, capsys):
    def told(*arguments):
        assert main([*map(str, arguments)]) == 2
        return capsys.readouterr().err

    assert "unknown kind of disturbance 'jpg' (nearest: jpeg)" in told(run.folder, "--kinds", "jpg")
    assert "unknown attack 'pdg' (nearest: pgd)" in told(run.folder, "--attack", "pdg")
    assert "--epsilon 0.5; accepted: whole numbers" in told(run.folder, "--attack", "pgd", "--epsilon", "0.5")
    assert "--transfer without --attack" in told(run.folder, "--transfer", run.folder)
    same = told(run.folder, "--attack", "pgd", "--transfer", run.folder / ".." / run.folder.name)
    assert "named twice; accepted: each folder once" in same
    assert "unknown attack ''" in told(run.folder, "--attack", "")
    assert "--kinds with --attack" in told(run.folder, "--attack", "pgd", "--kinds", "jpeg")
    assert "--workers 0; accepted: 1 to" in told(run.folder, "--workers", 0)
    assert "--epsilon without --attack" in told(run.folder, "--epsilon", "2")
    assert "--steps without --attack" in told(run.folder, "--steps", "3")
    assert "no-run: not a run folder" in told(
        run.folder, "--attack", "pgd", "--transfer", tmp_path / "no-run"
    )
    other = shutil.copytree(run.folder, tmp_path / "other")
    assert "other: a run folder, whose own files" in told(run.folder, "--kinds", "flip", "--out", other)
    assert {path: file_digest(path) for path in other.iterdir() if path.is_file()} == {
        other / path.name: file_digest(path) for path in run.folder.iterdir() if path.is_file()
    }
    assert "RUN is missing" in told()
    assert "ships with the package, and stays as it is; give --out" in told("small")


def test_kinds_are_listed(capsys):
    assert main(["--list"]) == 0
    told = capsys.readouterr().out
    assert "jpeg: Saved as a JPEG, with colour at half the size. Severities: quality 90, " in told
