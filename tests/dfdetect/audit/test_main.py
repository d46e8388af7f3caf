"""The command: what it prints, writes and answers for leaks that were planted."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from dfdetect.audit import __main__ as audit
from dfdetect.audit.kinds import identity
from dfdetect.audit.registry import get_kind
from dfdetect.audit.scores import compare
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.runs.folder import Run
from face_extraction.images import write_image
from face_extraction.manifest import FaceSample, manifest_hash, read_manifest, write_manifest
from face_extraction.missing import TRAINING


def noise(seed):
    return np.random.default_rng(seed).integers(0, 256, (40, 40, 3)).astype(np.uint8)


@pytest.fixture
def data(tmp_path):
    """24 rows of as many groups, real and fake, of which some leak: rows 0-2 a group, 3 and 4 a file."""
    folder = tmp_path / "data"
    samples = []
    for number in range(24):
        split = ("train", "val", "test")[number % 3]
        group = "torn" if number < 3 else str(number)
        path = f"faces/{number}.png"
        write_image(folder / path, noise(3 if number == 4 else number))
        samples.append(FaceSample(path, number // 3 % 2, split, group, f"clip-{number}", source="s"))
    write_manifest(folder / "manifest.csv", samples)
    return folder


def test_the_kind_of_a_video_answers_to_its_former_name(data, capsys):
    audit.main([str(data / "manifest.csv"), "--kinds", "clip"])
    assert "Looked for: video." in capsys.readouterr().out


def test_planted_leaks_are_found_shown_and_repaired(data, capsys):
    manifest, clean = data / "manifest.csv", data / "clean.csv"
    assert audit.main([str(manifest), "--write-clean", str(clean)]) == 1
    shown = capsys.readouterr().out
    assert "5 of 24 rows have something in common with a row of another split: group, file." in shown
    assert "not looked for: swap: " in shown
    assert "21 rows kept; dropped: 2 train, 1 val, 0 test." in shown
    record = json.loads((data / "audit" / "audit.json").read_text())
    assert record["kinds"]["file"] == [
        {
            "between": ["train", "val"],
            "pairs": 1,
            "rows": [1, 1],
            "groups": 2,
            "examples": [["faces/3.png", "faces/4.png"]],
        }
    ]
    assert len(record["kinds"]["group"]) == 3
    assert record["kinds"]["near"] == []
    page = (data / "audit" / "index.html").read_text()
    assert "No kind finds an edited copy" in page
    assert page.count("data:image/jpeg") == 8
    assert "Identical files" in page
    assert "clip-3" in page
    assert "<td>found</td><td>See above.</td>" in page
    assert '<th scope="col"></th>' not in page
    kept = {sample.path for sample in read_manifest(clean)}
    assert {f"faces/{number}.png" for number in range(24)} - kept == {f"faces/{n}.png" for n in (0, 1, 3)}
    before = (data / "audit" / "index.html").read_bytes()
    assert audit.main([str(clean)]) == 0
    assert (data / "audit-clean" / "index.html").is_file()
    assert (data / "audit" / "index.html").read_bytes() == before
    assert "No leak between splits. Looked for: group, video, file, near." in capsys.readouterr().out


def test_no_file_is_overwritten_by_the_clean_manifest(data, capsys):
    (data / "notes.txt").write_text("precious")
    command = [str(data / "manifest.csv"), "--kinds", "group", "--write-clean", str(data / "notes.txt")]
    assert audit.main(command) == 2
    assert "notes.txt: exists already; give another name" in capsys.readouterr().err
    assert (data / "notes.txt").read_text() == "precious"


def test_names_from_outside_act_in_no_page(data):
    evil = "<script>alert(1)</script>"
    samples = [
        FaceSample(f"faces/{number}.png", 0, split, evil, f"{evil}{number}", method=evil, source=evil)
        for number, split in enumerate(("train", "test"))
    ]
    write_manifest(data / "evil.csv", samples)
    assert audit.main([str(data / "evil.csv"), "--kinds", "group"]) == 1
    page = (data / "audit-evil" / "index.html").read_text()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4


def test_what_was_read_is_not_read_again_unless_it_changed(data, capsys):
    manifest = str(data / "manifest.csv")
    audit.main([manifest])
    assert "24 crops" in capsys.readouterr().err
    write_image(data / "faces/5.png", noise(6))
    os.utime(data / "faces/5.png", ns=(1, 1))
    audit.main([manifest])
    shown = capsys.readouterr()
    assert "read crops: 1/1" in shown.err
    assert "test" in shown.out.split("file ")[-1]


def test_without_crops_the_columns_are_audited(data, capsys):
    for path in (data / "faces").iterdir():
        path.unlink()
    assert audit.main([str(data / "manifest.csv")]) == 1
    shown = capsys.readouterr().out
    assert "group  train – test" in shown
    assert "not looked for: file: no crop can be read; the first: no such file" in shown
    assert audit.main([str(data / "manifest.csv"), "--kinds", "near"]) == 2
    assert "--kinds near: no crop can be read" in capsys.readouterr().err


def test_a_named_kind_that_cannot_be_looked_for_is_refused_before_crops_are_read(data, capsys):
    assert audit.main([str(data / "manifest.csv"), "--kinds", "file,near,swap"]) == 2
    printed, error = capsys.readouterr()
    assert "--kinds swap: it has no data set whose video names tell" in error.splitlines()[-1]
    assert printed == ""
    assert not (data / "audit-cache.sqlite").exists()


def test_a_crop_that_cannot_be_read_is_a_failed_item(data, capsys):
    whole = (data / "faces/9.png").read_bytes()
    (data / "faces/9.png").write_bytes(b"no picture")
    assert audit.main([str(data / "manifest.csv"), "--kinds", "file"]) == 1
    write_manifest(data / "few.csv", read_manifest(data / "manifest.csv", torn_groups=True)[5:])
    assert audit.main([str(data / "few.csv"), "--kinds", "file"]) == 1
    assert "1 crops could not be read" in capsys.readouterr().out
    assert "faces/9.png,unreadable" in (data / "audit-few" / "unread.csv").read_text()
    (data / "faces/9.png").write_bytes(whole)
    assert audit.main([str(data / "few.csv"), "--kinds", "file"]) == 0
    assert not (data / "audit-few" / "unread.csv").exists()


@pytest.fixture
def run(data, tmp_path):
    """A run that split the manifest at random, and guessed well on rows that leak, badly on others."""
    samples = [FaceSample(s.path, s.label, "train", f"g{n // 2}", s.video, source="s") for n, s in
               enumerate(read_manifest(data / "manifest.csv", torn_groups=True))]  # fmt: skip
    write_manifest(data / "whole.csv", samples)
    recipe = Recipe(manifest=str(data / "whole.csv"), split="random", test_share=0.4, val_share=0.1)
    run = Run(tmp_path / "run")
    write_recipe(run.recipe_file, recipe)
    run.write_environment({"manifest_sha256": manifest_hash(data / "whole.csv")})
    return run


def scored(run):
    from dfdetect.data.splitting import choose

    rows = choose(read_manifest(run.folder.parent / "data" / "whole.csv"), run.recipe())
    return [row for row in rows if row.split == "test"], [row for row in rows if row.split != "test"]


def test_a_run_is_audited_with_its_own_split_and_measured_on_the_clean_part(run, capsys):
    test, others = scored(run)
    taken = {row.group for row in others}
    bad = np.array([row.group in taken for row in test])
    labels = np.array([row.label for row in test])
    p_fake = np.where(bad, 0.1 + 0.8 * labels, 0.5 + 0.01 * np.arange(len(test)))
    predictions = Predictions(test, p_fake)
    run.write_predictions("test", predictions)
    run.write_metrics(0.5, {"test": {"face": compute_metrics(predictions, threshold=0.5)}})
    assert audit.main(["--scores", str(run.folder), "--kinds", "group"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("group  train – test") for line in lines)
    table = {
        line.split()[0]: line.split() for line in lines if line.startswith(("whole", "clean", "leaking"))
    }
    assert int(table["whole"][2]) == len(test)
    assert int(table["leaking"][2]) == bad.sum() > 0
    assert table["leaking"][4] == "1.000"
    assert int(table["clean"][2]) == len(test) - bad.sum() > 0
    assert (run.folder / "audit" / "index.html").is_file()


def test_a_scored_clip_leaks_if_any_row_of_that_person_does(tmp_path):
    """Two people in each of two test clips of four faces; each has one person with a face that leaks."""
    samples = [FaceSample("train.png", 0, "train", "t", "t")] + [
        FaceSample(f"{clip}-{person}-{frame}.png", clip, "test", str(clip), f"v{clip}", frame, person=person)
        for clip in (0, 1)
        for person in (1, 2)
        for frame in range(4)
    ]
    bad = np.array([row.path in ("train.png", "0-1-2.png", "1-2-3.png") for row in samples])
    run = Run(tmp_path / "run")
    write_recipe(run.recipe_file, Recipe(frames=4))
    first = [row for row in samples[1:] if row.frame == 0]
    predictions = Predictions(first, np.array([0.1, 0.2, 0.8, 0.9]))
    run.write_predictions("test", predictions)
    run.write_metrics(0.5, {"test": {"video": compute_metrics(predictions, threshold=0.5, level="video")}})
    parts = compare(run, SimpleNamespace(rows=SimpleNamespace(samples=samples), leaking=bad)).parts
    assert {key: metrics.n for key, metrics in parts.items()} == {
        ("whole", "video"): 2,
        ("clean", "video"): 2,
        ("leaking", "video"): 2,
    }
    auc = [parts[part, "video"].estimates["auc"].value for part in ("clean", "leaking")]
    assert auc == [1.0, 1.0]


def test_a_run_of_other_data_is_refused(run, data, capsys):
    assert audit.main([str(data / "manifest.csv"), "--scores", str(run.folder)]) == 2
    assert "was made from other data, or it changed since" in capsys.readouterr().err
    write_manifest(data / "whole.csv", read_manifest(data / "whole.csv")[1:])
    assert audit.main([str(run.folder)]) == 2
    assert "changed since" in capsys.readouterr().err


def test_scores_of_a_run_that_is_not_finished_are_refused_before_crops_are_read(run, capsys):
    assert audit.main(["--scores", str(run.folder)]) == 2
    printed, error = capsys.readouterr()
    assert "the run is not finished" in error
    assert printed == ""


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "nothing to audit; accepted: a manifest or its folder, a recipe, a run"),
        (["nothing.csv"], "nothing.csv: no such manifest"),
        (["DATA", "--kinds", "nera"], "unknown kind of leak 'nera' (nearest: near)"),
        (["DATA", "--write-clean", "clean.csv"], "because the rows' paths are relative to it"),
        (["DATA", "--write-clean", "DATA"], "give another name"),
        (["--scores", "small"], "--scores small: a detector that ships keeps no face's score"),
        (["DATA", "--scores", "small"], "accepted: a run's folder"),
        (["DATA", "--cache", "DATA"], "cannot be used as the cache"),
    ],
)
def test_wrong_use_is_one_line(data, capsys, words, line):
    manifest = str(data / "manifest.csv")
    assert audit.main([manifest if word == "DATA" else word for word in words]) == 2
    error = capsys.readouterr().err
    assert line in error.splitlines()[-1]


@pytest.mark.parametrize("readonly", [False, True])
def test_a_place_where_the_page_cannot_be_written_is_refused_before_the_work(
    data, capsys, monkeypatch, readonly
):
    if readonly:
        monkeypatch.setattr("os.access", lambda path, mode: False)
    else:
        (data / "audit").write_text("a file")
    assert audit.main([str(data / "manifest.csv")]) == 2
    printed, error = capsys.readouterr()
    assert (
        f"audit: {'cannot be written' if readonly else 'not a folder'}; give another --out"
        in error.splitlines()[-1]
    )
    assert printed == ""
    assert not (data / "audit-cache.sqlite").exists()


def test_identity_links_clips_of_one_cluster(data, monkeypatch, capsys):
    """Encodings are given: rows 6 and 8 are one person to 0.1, rows 10 and 11 are 0.6 apart."""
    vectors = np.eye(128, dtype=np.float32)[:24] * 3
    vectors[8] = vectors[6] + np.eye(128, dtype=np.float32)[100] * 0.1
    vectors[11] = vectors[10] + np.eye(128, dtype=np.float32)[101] * 0.6
    monkeypatch.setattr(identity, "encode", lambda rows, chosen: vectors[chosen])
    assert audit.main([str(data / "manifest.csv"), "--kinds", "identity"]) == 1
    shown = capsys.readouterr().out
    assert "identity  train – test      1     2       2" in shown
    assert "24 faces encoded" in shown


def test_the_help_names_every_kind(capsys):
    with pytest.raises(SystemExit):
        audit.main(["--help"])
    words = capsys.readouterr().out
    for name in ("group", "video", "swap", "youtube", "file", "near", "identity"):
        assert get_kind(name)
        assert name in words


def test_the_folder_of_a_manifest_is_audited(data, capsys):
    assert audit.main([str(data), "--kinds", "group"]) == 1
    assert "group  train – test" in capsys.readouterr().out
    (data / "manifest.csv").unlink()
    assert audit.main([str(data)]) == 2
    assert "not a run folder" in capsys.readouterr().err


def test_an_audit_needs_no_package_of_the_extra_train(data):
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({TRAINING!r}))\n"  # None makes an import fail
        "from dfdetect.audit.__main__ import main\n"
        f"sys.exit(main([{str(data / 'manifest.csv')!r}, '--kinds', 'group,file']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("ModuleNotFoundError")) == (1, 0), done.stderr
    assert "5 of 24 rows have something in common with a row of another split: group, file." in done.stdout
