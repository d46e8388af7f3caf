"""The command of predictions: what it prints, shares, and refuses."""

import io
import json
import os
import re
import sys

import pytest

import dfdetect
from dfdetect.metrics.calibrating import Calibration, Held
from dfdetect.predict import __main__ as predict
from dfdetect.train import __main__ as train
from dfdetect.verdict import Person, Verdict


def test_the_command_scores_a_folder_and_says_what_it_could_not(
    make_manifest, files, tmp_path, lightly, capsys
):
    options = ["--model", "custom_cnn", "--image-size", "32", "--epochs", "1", "--batch-size", "8"]
    with lightly():
        train.main([*options, "--manifest", str(make_manifest()), "--out", str(tmp_path / "run")])
    capsys.readouterr()
    assert predict.main([str(tmp_path / "run"), str(files), "--json", "--frames", "2"]) == 1
    said = capsys.readouterr()
    assert "left out of the folders, neither photo nor video: 2 (.png 1, .txt 1)" in said.err
    rows = {row["file"].rpartition("/")[2]: row for row in json.loads(said.out)}
    assert set(rows) == {"person.png", "person.mp4", "words.mp4", "empty.jpg", "linked.png"}
    assert 0 < rows["person.png"]["score"] < 1
    assert len(rows["person.mp4"]["faces"]) == 2
    for name in ("words.mp4", "empty.jpg"):
        assert rows[name]["score"] is None
        assert rows[name]["reason"] == "unreadable"
    assert predict.main([str(tmp_path / "run"), str(files / "person.png")]) == 0
    table = capsys.readouterr().out
    assert f"{rows['person.png']['score']:.3f}" in table
    assert table.strip().splitlines()[-1] == rows["person.png"]["record"]["note"]
    assert "not recorded (ready-made crops" in rows["person.png"]["record"]["note"]
    assert f"the detector's skill: {rows['person.png']['record']['skill']}" == table.splitlines()[-2]


def test_lines_of_json_come_one_by_one_and_say_what_json_says(command, detector, files, monkeypatch, capsys):
    paths = (files / "person.png", files / "empty.jpg")
    assert command("--json", *paths) == 1
    rows = json.loads(capsys.readouterr().out)
    printed = []

    def watched(path, score=detector.judge):
        printed.append(len(capsys.readouterr().out.splitlines()))
        return score(path)

    monkeypatch.setattr(detector, "judge", watched)
    assert command("--jsonl", *paths) == 1
    assert printed == [0, 1]
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == rows[1:]


def test_no_score_is_rounded_to_the_other_side_of_the_threshold(
    command, detector, files, monkeypatch, capsys
):
    detector.set_threshold(0.51498, "set by the test")
    person = Person(person=1, score=0.51497, faces=2, level="little", low=0.5, high=0.6)
    verdict = Verdict(
        file="a",
        kind="video",
        level="little",
        score=0.51497,
        highest=0.51497,
        people=(person, person),
        record=detector.record("photo"),
    )
    monkeypatch.setattr(detector, "judge", lambda path: verdict)
    assert command(files / "person.png") == 0
    said = capsys.readouterr().out
    assert len(re.findall(r"little +0\.51497", said)) == 3
    assert "substantial from 0.51498 on" in said


def test_a_model_without_skill_calls_nothing_fake_and_ends_with_a_finding(command, detector, files, capsys):
    detector.unfit, detector.unfit_detail = "no_skill", "AUC 0.5"
    assert command(files / "person.png", files / "person.mp4", "--frames", 2) == 1
    said = capsys.readouterr()
    assert said.err.count("the detector showed no skill on its own test (AUC 0.5)\n") == 1
    assert said.out.count("no verdict") == 2
    assert not re.search(r"  (substantial|little)  ", said.out)
    assert command("--json", files / "person.mp4", "--frames", 2) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["level"], row["reason"], row["people"][0]["level"]) == (None, "no_skill", None)


def test_a_row_tells_its_schema_the_package_the_run_and_the_frames_wanted(command, detector, files, capsys):
    detector.name = "xception-1a2b3c4d"
    for given, used in (((), 16), (("--frames", 3), 3)):
        assert command("--jsonl", *given, files / "person.png") == 0
        row = json.loads(capsys.readouterr().out)
        assert (row["schema_version"], row["dfdetect"]) == (2, dfdetect.__version__)
        assert row["record"]["model"] == "xception-1a2b3c4d"
        assert row["record"]["settings"]["frames"] == used


def test_a_file_that_is_named_in_two_ways_is_judged_once(command, files, tmp_path, capsys):
    photo = files / "person.png"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/person.png").write_bytes(photo.read_bytes())

    assert command("--jsonl", tmp_path / "photos", f"{tmp_path}/photos/./person.png", photo, photo) == 0

    lines = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["file"] for line in lines] == [str(tmp_path / "photos/person.png"), str(photo)]


@pytest.mark.parametrize("left", ["metrics.json", "best.weights.h5"])
def test_a_run_that_lost_its_recipe_is_not_scored_as_photos(files, tmp_path, capsys, left):
    run = tmp_path / "run"
    run.mkdir()
    (run / left).write_text("{}")
    (run / "recipe.toml").symlink_to(tmp_path / "gone")
    (run / "roc.png").write_bytes((files / "person.png").read_bytes())
    assert predict.main([str(run), str(files / "person.png")]) == 2
    assert f"{run}: not a run folder (it has no recipe.toml)" in capsys.readouterr().err


def test_an_empty_name_is_not_the_working_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"x")

    with pytest.raises(SystemExit) as stop:
        predict.main([""])

    assert stop.value.code == 2
    assert "argument PATH: an empty path; accepted: a file or folder" in capsys.readouterr().err


def test_the_jobs_of_a_queue_share_the_files(command, files, tmp_path, capsys):
    named = []
    for job in (1, 2, 3):
        out = tmp_path / f"{job}.jsonl"
        assert command("--shard", f"{job}/3", "--out", out, files) in (0, 1)
        named += [json.loads(line)["file"] for line in out.read_text().splitlines()]
    capsys.readouterr()
    assert command("--json", files) == 1
    everything = json.loads(capsys.readouterr().out)
    assert sorted(named) == sorted(row["file"] for row in everything)


def test_a_threshold_that_is_given_goes_over_the_runs(command, detector, files, capsys):
    known = detector.judge(files / "person.png")
    for threshold, level in ((known.score - 1e-6, "substantial"), (known.score + 1e-6, "little")):
        assert command("--json", "--threshold", threshold, files / "person.png") == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["level"], row["record"]["cuts"]["upper"]) == (level, threshold)
    assert command("--threshold", 0.25, files / "person.png") == 0
    assert "substantial from 0.25 on, little below 0.25; cuts from --threshold" in capsys.readouterr().out


def test_bounds_choose_the_cuts_and_a_prevalence_tells_what_an_alarm_is_worth(
    command, detector, files, capsys
):
    """Of 40 reals one scores as high as the photo: (1 + 1) / 41 is at most 5 %, but not 2.5 %."""
    score = detector.judge(files / "person.png").score
    reals = tuple((score + 1e-6) * n / 40 for n in range(1, 41))
    held = Held(reals=reals, fakes=(0.99 * score,) * 40, real_groups=40, fake_groups=40)
    detector.calibrations = {"face": Calibration(val=held, test=held, origin="a test", tested_on="a test")}
    assert command("--prevalence", 0.5, files / "person.png") == 0
    said = capsys.readouterr().out
    assert "person.png  substantial" in said
    assert "if 50 % of the files are fake, 98 of 100 such alarms are right" in said  # 1 / 1.025
    assert "substantial were 100 % of the fakes and 2.5 % of the reals, on a test" in said
    assert command("--prevalence", 0.5, "--false-alarms", 0.025, files / "person.png") == 0
    said = capsys.readouterr().out
    assert "person.png  uncertain" in said
    assert "alarms" not in said


def test_scoring_ends_when_nobody_reads_the_lines(command, detector, files, monkeypatch, capsys):
    scored = []

    def watched(path, score=detector.judge):
        scored.append(path)
        return score(path)

    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

        def fileno(self):
            return os.open(os.devnull, os.O_WRONLY)

    monkeypatch.setattr(detector, "judge", watched)
    monkeypatch.setattr(sys, "stdout", Gone())
    assert command("--jsonl", files / "person.png", files / "person.mp4") == 2
    assert len(scored) == 1
    assert "nobody reads the lines any more" in capsys.readouterr().err


def test_no_name_breaks_a_line_or_steers_the_terminal(command, files, tmp_path, capsys):
    names = ["a\nb.jpg", "a\x1b[31mb.jpg", "a\udcffb.jpg"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    paths = [tmp_path / name for name in names]

    assert command(*paths) == 1
    rows = capsys.readouterr().out.splitlines()[1 : len(names) + 1]
    assert command("--json", *paths) == 1

    assert [row.partition(".jpg")[0].rpartition("/")[2] for row in rows] == [
        r"a\nb",
        r"a\x1b[31mb",
        r"a\udcffb",
    ]
    assert [row["file"] for row in json.loads(capsys.readouterr().out)] == [str(path) for path in paths]


def test_an_interruption_keeps_what_was_scored(command, detector, files, monkeypatch, capsys):
    known = detector.judge(files / "person.png")
    answers = iter([known])

    def then_interrupted(path):
        for verdict in answers:
            return verdict
        raise KeyboardInterrupt

    monkeypatch.setattr(detector, "judge", then_interrupted)

    assert command(files / "person.png", files / "person.mp4", "--json") == 130
    (row,) = json.loads(capsys.readouterr().out)
    assert row["file"] == str(files / "person.png")
    assert row["score"] == known.score


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "person.png"], "nowhere: no such file or folder"),
        (
            ["small", "person.png"],
            "small: no such file or folder; --pretrained small names the detector that",
        ),
        (["--model", "meso4", "person.png"], "--weights goes with either --model or --recipe"),
        (["--weights", "none.h5", "person.png"], "--weights goes with either --model or --recipe"),
        (["--recipe", "none.toml", "--weights", "none.h5", "person.png"], "none.toml"),
        (["--model", "meso4", "--weights", "none.h5", "person.png"], "none.h5"),
        (
            ["--weights", "none", "--model", "custom_cnn", "--whole", "person.png"],
            "weights 'none' leave the head random; accepted: a weights file of a whole custom_cnn",
        ),
        (["run", "missing.png"], "missing.png: no such file or folder"),
        (["run", "person.png", "--frames", "0"], "--frames 0; accepted: 1 or more"),
        (["run", "person.png", "--threshold", "1.5"], "--threshold 1.5; accepted: 0 to 1"),
        (["run", "person.png", "--threshold", "nan"], "--threshold nan; accepted: 0 to 1"),
        (["run", "person.png", "--prevalence", "2"], "--prevalence 2.0; accepted: above 0 and below 1"),
        (["run", "person.png", "--prevalence", "0"], "--prevalence 0.0; accepted: above 0 and below 1"),
        (["run", "person.png", "--missed", "-1"], "--missed -1.0; accepted: 0 to 1"),
        (["run", "person.png", "--threshold", ".5", "--missed", ".2"], "accepted: one way to choose cuts"),
        (["run", "person.png", "--shard", "3/2"], "shard 3/2; accepted: 1/N to N/N"),
    ],
)
def test_wrong_use_is_one_line(files, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(files)
    assert predict.main(arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert words in error[0]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("https://example.com/v.mp4", "https://example.com/v.mp4: an address; download the file first"),
        ("file:///tmp/v.mp4", "file:///tmp/v.mp4: an address; give the file's path"),
        ("photos.zip", "an archive; unpack it first"),
        ("missing.png", "no such file or folder"),
    ],
)
def test_what_is_no_file_says_what_to_do(command, tmp_path, monkeypatch, capsys, argument, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos.zip").write_bytes(b"PK")
    assert command(argument) == 2
    assert words in capsys.readouterr().err
    assert predict.main([argument]) == 2  # without a run before it
    assert words in capsys.readouterr().err


def test_a_report_takes_the_place_of_no_folder_and_not_of_the_judged_file(command, files, tmp_path, capsys):
    photo = tmp_path / "person.png"
    photo.write_bytes((files / "person.png").read_bytes())
    (tmp_path / "link.html").hardlink_to(photo)
    (tmp_path / "notes.html").write_text("<!DOCTYPE html><title>My notes</title>")
    for target, words in (
        (tmp_path, "a folder; accepted: the name of a file"),
        (photo / "report.html", f"{photo}: not a folder; give another --html"),
        (photo, "that is the file to judge"),
        (tmp_path / "link.html", "that is the file to judge"),
        (tmp_path / "notes.html", "exists already, and is no report of ours; give another name"),
    ):
        assert command(photo, "--html", target) == 2
        said = capsys.readouterr()
        assert words in said.err
        assert said.out == ""  # before the work
    assert photo.read_bytes() == (files / "person.png").read_bytes()
