"""What lies in `dfdetect/pretrained/`: whole, small, and free of the machine that made it."""

import hashlib
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from dfdetect.metrics.calibrating import Calibration, Held
from dfdetect.models import __main__ as models
from dfdetect.models import shipped
from dfdetect.models.build import build_model
from dfdetect.models.shipped import DEFAULT, HASHES, list_pretrained, pretrained_folder, run_folder
from dfdetect.predict import __main__ as predict
from dfdetect.predict.detector import Detector
from dfdetect.pretrained.shipping import write_hashes
from dfdetect.recipe import write_recipe
from dfdetect.runs.calibration import read_calibrations, write_calibrations
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError
from face_extraction.images import write_image

MOST_BYTES = {"small": 8_000_000, "strong": 60_000_000}


def test_the_default_ships():
    assert DEFAULT in list_pretrained()


def test_a_run_is_named_by_its_folder_or_by_what_ships(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_folder(Path(DEFAULT)) == pretrained_folder(DEFAULT)
    (tmp_path / "other").mkdir()
    assert run_folder(Path("other")) == Path("other")
    (tmp_path / DEFAULT).mkdir()
    assert run_folder(Path(DEFAULT)) == Path(DEFAULT)


@pytest.mark.parametrize("name", list_pretrained())
def test_every_file_is_the_one_that_was_shipped(name):
    folder = pretrained_folder(name)
    rows = [line.split("  ") for line in (folder / HASHES).read_text().splitlines()]
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != HASHES]
    assert sorted(path for _, path in rows) == sorted(path.relative_to(folder).as_posix() for path in files)
    for digest, path in rows:
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest, path
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES[name]


@pytest.mark.parametrize("name", list_pretrained())
def test_a_detector_that_ships_says_what_it_rests_on_and_cannot_judge(name):
    folder = pretrained_folder(name)
    calibrations = read_calibrations(folder)
    assert set(calibrations) == {"face", "video"}
    for known in calibrations.values():
        assert "generated whole" in known.cannot
        assert "open_faces" in known.origin
        assert known.test.real_groups > 100
        assert 0 < known.lower < known.upper < 1
    card = (folder / "MODEL_CARD.md").read_text()
    for needed in ("open_faces", "Face Research Lab", "CC BY 4.0", "US Congress", "ImageNet", "cannot judge"):
        assert needed in card, needed
    for path in folder.rglob("*"):
        if path.suffix in (".toml", ".json", ".md"):
            assert "/tmp" not in path.read_text()


@pytest.mark.parametrize("name", list_pretrained())
def test_it_scores_a_picture(name):
    detector = Detector.default(name, whole=True)
    rgb = np.random.default_rng(0).integers(0, 256, (200, 180, 3), dtype=np.uint8)
    (face,) = detector.predict_image(rgb)
    assert 0 < face.score < 1


def test_what_is_neither_a_folder_nor_ships_is_refused_with_what_does(tmp_path):
    with pytest.raises(InputError, match=r"smal: not a run folder .*, nor a detector that ships: small"):
        run_folder(Path("smal"))
    assert run_folder(tmp_path) == tmp_path


def test_a_detector_that_ships_asks_for_faces_where_its_own_are_not_here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    small = Run(pretrained_folder())
    with pytest.raises(InputError, match=r"^small ships without its training data; give --manifest FILE$"):
        small.with_data()
    manifest = tmp_path / small.recipe().manifest
    manifest.parent.mkdir()
    manifest.touch()
    assert small.with_data() == small.located()


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(InputError, match=r"'smal'.*small"):
        pretrained_folder("smal")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of detectors that ship, with a tiny one that tells bright pictures from dark ones."""
    source = pretrained_folder(DEFAULT)
    target = tmp_path / "home" / DEFAULT
    shutil.copytree(source, target)
    Run(target).graph.unlink()  # it is of another model
    recipe = Run(target).recipe().with_changes(model="custom_cnn", image_size=32, weights="none")
    write_recipe(Run(target).recipe_file, recipe)
    model = build_model("custom_cnn", image_size=32, dropout=recipe.dropout)
    for weight in model.get_layer("logit").weights:
        weight.assign(keras.ops.zeros_like(weight))
    model.save_weights(Run(target).weights)
    words = {"origin": "drawn videos", "cannot": "it cannot judge what is not drawn"}
    held = Held(reals=(0.6,) * 19, fakes=(0.4,) * 9)  # the cuts are .6 and .4
    write_calibrations(target, {"face": Calibration(method="platt", val=held, **words)})
    write_hashes(target)
    monkeypatch.setattr(shipped, "HOME", tmp_path / "home")
    return target


def test_predict_without_a_run_judges_by_what_ships(home, tmp_path, capsys):
    write_image(tmp_path / "photo.png", np.full((64, 64, 3), 90, np.uint8))
    assert predict.main(["--whole", str(tmp_path / "photo.png")]) == 0
    out = capsys.readouterr().out
    assert "uncertain" in out
    assert (
        "in a photo: substantial from 0.6 on, little below 0.4, uncertain (no conclusion) between; "
        "cuts from drawn videos" in out
    )
    assert "it cannot judge what is not drawn" in out


def test_a_run_and_a_detector_that_ships_do_not_go_together(home, tmp_path, capsys):
    write_image(tmp_path / "photo.png", np.full((64, 64, 3), 90, np.uint8))
    assert predict.main([str(home), str(tmp_path / "photo.png"), "--pretrained", "small"]) == 2
    assert "a run beside --pretrained small" in capsys.readouterr().err


def test_a_run_alone_asks_for_files(home, capsys):
    assert predict.main([str(home)]) == 2
    assert "give files or folders after the run" in capsys.readouterr().err


def test_a_folder_of_photos_is_scored_and_no_run(home, tmp_path, capsys):
    write_image(tmp_path / "photos" / "a.png", np.full((64, 64, 3), 90, np.uint8))
    assert predict.main(["--whole", str(tmp_path / "photos")]) == 0
    assert "a.png" in capsys.readouterr().out


def test_grades_are_told_in_json_too(home, tmp_path, capsys):
    write_image(tmp_path / "photo.png", np.full((64, 64, 3), 90, np.uint8))
    assert predict.main(["--whole", "--jsonl", str(tmp_path / "photo.png")]) == 0
    assert '"level": "uncertain"' in capsys.readouterr().out


def test_what_ships_is_listed(home, capsys):
    assert models.main(["--pretrained"]) == 0
    titles, row = capsys.readouterr().out.splitlines()
    assert titles.split() == list(models.SHIPPED)
    assert row.split()[:3] == ["small", "custom_cnn", "32"]


def test_a_threshold_replaces_both_cuts(home, tmp_path, capsys):
    write_image(tmp_path / "photo.png", np.full((64, 64, 3), 90, np.uint8))
    assert predict.main(["--whole", "--threshold", "0.3", str(tmp_path / "photo.png")]) == 0
    out = capsys.readouterr().out
    assert "substantial from 0.3 on, little below 0.3; cuts from --threshold" in out
    assert "uncertain" not in out
