"""Verdicts on drawn people, with a model whose score is known beforehand."""

import hashlib
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec import structs

from dfdetect.data.sharpness import sharpness
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predict.detector import Detector
from dfdetect.predict.looking import look_at_photo
from dfdetect.predict.options import Options
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.runs.folder import Run
from dfdetect.sample.films import write_video
from dfdetect.sample.sample_set import NOTICE
from dfdetect.verdict import LITTLE, SUBSTANTIAL, FaceBox
from face_extraction.crop import crop_face
from face_extraction.errors import InputError
from face_extraction.frames import read_frames
from face_extraction.images import Photo, write_image
from face_extraction.ledger import ItemFailed
from face_extraction.manifest import Box, FaceSample
from face_extraction.proposing import make_detector
from face_extraction.settings import ExtractionSettings, write_settings

from .conftest import ONE_CUT, brightness_without_keras


def boxed(box):
    return Box(box.top, box.right, box.bottom, box.left)


def brightness(rgb, box):
    from face_extraction.images import resize

    settings = ExtractionSettings()
    return resize(crop_face(rgb, box, settings.crop), 32).mean() / 255


def test_a_photo_is_scored_on_the_crop_that_extraction_would_cut(detector, clip):
    (verdict,) = detector.predict_image(clip[0])
    settings = ExtractionSettings()
    (box,) = make_detector(settings.detector, settings.min_face).detect(clip[0])
    assert verdict.box == FaceBox.of(box)
    assert verdict.score == pytest.approx(brightness(clip[0], box), abs=1e-5)


def test_the_highest_face_decides_a_photo(detector, clip, tmp_path):
    dark = (clip[0] * 0.6).astype(np.uint8)
    write_image(tmp_path / "two.png", np.hstack([clip[0], dark]))
    verdict = detector.judge(tmp_path / "two.png")
    scores = [face.score for face in verdict.faces]
    assert len(scores) == 2
    assert verdict.score == max(scores) > min(scores) + 0.05


def test_a_clip_is_the_mean_over_its_frames(detector, clip, tmp_path):
    write_video(tmp_path / "clip.mp4", clip)
    verdict = detector.judge(tmp_path / "clip.mp4", frames=4)
    frames = list(read_frames(tmp_path / "clip.mp4", count=4))
    assert [face.frame for face in verdict.faces] == [frame.index for frame in frames] == [1, 4, 7, 10]
    scores = [brightness(f.rgb, boxed(face.box)) for f, face in zip(frames, verdict.faces, strict=True)]
    assert verdict.score == pytest.approx(np.mean(scores), abs=1e-5)
    assert verdict.level == (SUBSTANTIAL if verdict.score >= 0.4 else LITTLE)
    assert verdict.frames == 4


def test_the_most_suspicious_person_decides_a_clip(detector, clip, tmp_path):
    dark = [(frame * 0.6).astype(np.uint8) for frame in clip]
    write_video(tmp_path / "two.mp4", [np.hstack([a, b]) for a, b in zip(clip, dark, strict=True)])

    verdict = detector.judge(tmp_path / "two.mp4", frames=4)

    assert [(person.person, person.faces) for person in verdict.people] == [(1, 4), (2, 4)]
    for person in verdict.people:
        own = [face.score for face in verdict.faces if face.person == person.person]
        assert person.score == pytest.approx(np.mean(own))
        assert person.level == (SUBSTANTIAL if person.score >= 0.4 else LITTLE)
    scores = [person.score for person in verdict.people]
    assert verdict.score == max(scores) > min(scores) + 0.05


def _enlarged(rgb):
    return cv2.resize(rgb, None, fx=1.5, fy=1.5)


def _framed(rgb):
    """The picture at its size in the middle of one that is 1.5 times as large."""
    large = _enlarged(rgb)
    large[:] = rgb.mean(axis=(0, 1))
    top, left = ((large.shape[side] - rgb.shape[side]) // 2 for side in (0, 1))
    large[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return large


def test_the_smaller_face_counts_too_unless_the_largest_alone_is_asked_for(
    detector, clip, tmp_path, brightness_model, one_cut
):
    dark = [(frame * 0.6).astype(np.uint8) for frame in clip]
    pairs = [np.hstack([_enlarged(b), _framed(a)]) for a, b in zip(clip, dark, strict=True)]
    write_video(tmp_path / "two.mp4", pairs)
    write_image(tmp_path / "two.png", pairs[0])
    largest = Detector(brightness_model(), one_cut, None, policy="largest")

    for name in ("two.mp4", "two.png"):
        whole, part = detector.judge(tmp_path / name, frames=2), largest.judge(tmp_path / name, frames=2)
        assert whole.n_faces == 2 * part.n_faces
        assert part.score < whole.score - 0.05


def test_no_face_gets_no_score(detector, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3)).astype(np.uint8)
    with pytest.raises(ItemFailed, match="no_face"):
        detector.predict_image(noise)
    write_image(tmp_path / "noise.png", noise)
    write_video(tmp_path / "noise.mp4", [noise] * 4)
    for path in (tmp_path / "noise.png", str(tmp_path / "noise.png"), str(tmp_path / "noise.mp4")):
        verdict = detector.judge(path)
        assert (verdict.score, verdict.level, verdict.faces) == (None, None, ())
        assert verdict.reason == "no_face"


def test_a_clip_without_a_face_tells_the_commonest_reason_and_a_cut_before_its_first_frame(
    clip, tmp_path, monkeypatch, brightness_model, one_cut
):
    path = tmp_path / "clip.mp4"
    write_video(path, [np.hstack([frame, frame]) for frame in clip])
    strict = Detector(brightness_model(), one_cut, None, policy="exactly-one")

    verdict = strict.judge(path, frames=3)

    assert (verdict.reason, verdict.detail) == ("several_faces", "of 3 frames searched: several_faces in 3")

    def cut(*_, **__):
        raise ItemFailed("truncated", "read 0 of 12 frames")
        yield

    monkeypatch.setattr("dfdetect.predict.looking.read_frames", cut)
    verdict = strict.judge(path)
    assert (verdict.reason, verdict.detail) == ("truncated", "read 0 of 12 frames")


@pytest.mark.parametrize("name", ["clip.vob", "clip", "clip.jpg"])
def test_a_clip_of_another_name_is_known_by_what_is_in_it(detector, clip, tmp_path, name):
    write_video(tmp_path / "clip.mp4", clip)
    expected = detector.judge(tmp_path / "clip.mp4", frames=2)
    (tmp_path / "clip.mp4").rename(tmp_path / name)
    verdict = detector.judge(tmp_path / name, frames=2)
    assert structs.replace(verdict, file=expected.file) == expected


def test_a_file_that_is_neither_says_what_is_accepted(detector, tmp_path):
    (tmp_path / "page.jpg").write_text("<html>")
    verdict = detector.judge(tmp_path / "page.jpg")
    assert verdict.reason == "unreadable"
    assert (
        "accepted: JPEG, PNG, WEBP, BMP, TIFF, GIF, AVIF, HEIC; nor a video: no video in it" in verdict.detail
    )


def test_an_unforeseen_error_costs_its_file_alone(detector, monkeypatch):
    def fail(*_, **__):
        raise MemoryError("2 TiB")

    monkeypatch.setattr("dfdetect.predict.looking.read_photo", fail)
    verdict = detector.judge("huge.png")
    assert (verdict.score, verdict.reason, verdict.detail) == (None, "failed", "out of memory: 2 TiB")


def test_the_readmes_program_runs(detector, clip, tmp_path, monkeypatch, capsys):
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Detector, "from_run", lambda folder: detector)
    write_video(tmp_path / "video.mp4", clip)
    exec(program, {})
    verdict = detector.judge("video.mp4", frames=16)
    first, *faces, _ = capsys.readouterr().out.splitlines()
    assert first == verdict.sentence
    assert [line.split()[-1] for line in faces] == [str(face.score) for face in verdict.faces]


def test_a_score_that_is_no_number_is_no_verdict(clip, tmp_path, brightness_model):
    class Broken(brightness_model):
        def call(self, rgb):
            return super().call(rgb) * float("nan")

    write_image(tmp_path / "person.png", clip[0])
    with pytest.raises(InputError, match="scores that are no numbers"):
        Detector(Broken(), {}, None).judge(tmp_path / "person.png")


def test_no_frames_are_no_choice(detector, clip, tmp_path):
    write_video(tmp_path / "clip.mp4", clip)
    with pytest.raises(ValueError, match="frames must be 1 or more"):
        detector.judge(tmp_path / "clip.mp4", frames=0)


def test_frames_without_a_face_have_no_part_in_the_mean(detector, clip, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, clip[0].shape).astype(np.uint8)
    write_video(tmp_path / "mixed.mp4", [*clip[:6], *[noise] * 6])
    verdict = detector.judge(tmp_path / "mixed.mp4", frames=4)
    assert [face.frame for face in verdict.faces] == [1, 4]
    assert verdict.frames == 4
    assert verdict.score == pytest.approx(np.mean([face.score for face in verdict.faces]))


def test_whole_scores_the_picture_itself(clip, brightness_model):
    detector = Detector(brightness_model(), {}, ExtractionSettings(), whole=True)
    grey = np.full((50, 50, 3), 51, np.uint8)
    (verdict,) = detector.predict_image(grey)
    assert verdict.score == pytest.approx(0.2, abs=1e-5)
    assert verdict.box == FaceBox(0, 50, 50, 0)


@pytest.mark.parametrize(
    ("settings", "whole", "said"),
    [(None, False, True), (None, True, False), (ExtractionSettings(), False, False)],
)
def test_crops_that_may_not_be_as_in_training_are_named(settings, whole, said, brightness_model):
    detector = Detector(brightness_model(), {}, settings, whole=whole)
    assert detector.settings == ExtractionSettings()
    assert ("How the faces of training were cropped is not recorded" in detector.note) == said


@pytest.fixture
def finish(tmp_path, monkeypatch, brightness_model):
    """Makes a finished run of a recipe, which found both of two fakes and called one of two reals fake."""
    monkeypatch.setattr("dfdetect.runs.build.load_model", lambda run: brightness_model())

    def make(recipe, split="test", leaks=(), videos="0123"):
        samples = [
            FaceSample(f"{row}.png", row % 2, split, str(row), video=video)
            for row, video in enumerate(videos)
        ]
        scores = Predictions(samples, np.array([0.1, 0.7, 0.8, 0.9]))
        run = Run(tmp_path)
        write_recipe(run.recipe_file, recipe)
        run.weights.write_text("the weights")
        run.write_environment({"manifest_sha256": "", "leaks": list(leaks)})
        levels = {level: compute_metrics(scores, threshold=0.5, level=level) for level in recipe.levels}
        run.write_metrics(0.5, {split: levels})
        return tmp_path

    return make


@pytest.mark.parametrize("known", [False, True])
def test_a_run_knows_how_its_faces_were_cropped_or_says_that_it_does_not(finish, known):
    settings = ExtractionSettings(min_face=90)
    folder = finish(Recipe(manifest="manifest.csv"))
    if known:
        write_settings(folder, settings)
    detector = Detector.from_run(folder)
    assert detector.settings == (settings if known else ExtractionSettings())
    assert bool(detector.note.replace(detector.unfit_detail, "")) != known
    assert detector.skill.startswith("on its 4 test faces: AUC 0.750 [")
    assert "clips" not in detector.skill
    assert detector.weights_sha256 == hashlib.sha256(b"the weights").hexdigest()


def test_a_path_is_opened_as_the_export_or_the_run_that_it_is(tmp_path, monkeypatch):
    opened = []
    for kind in ("from_export", "from_run"):
        monkeypatch.setattr(Detector, kind, lambda path, kind=kind, **how: opened.append((kind, path, how)))
    given = {"whole": True, "policy": "largest"}
    for name in ("small.onnx", "run"):
        Detector.from_path(tmp_path / name, **given)
    assert opened == [("from_export", tmp_path / "small.onnx", given), ("from_run", tmp_path / "run", given)]


def test_the_skill_is_told_by_clip_where_clips_have_several_faces(finish):
    # Of the reals (.1, .8) one clip, of .45; the fakes (.7, .9) are two: both above it.
    skill = Detector.from_run(finish(Recipe(manifest="manifest.csv"), videos="0103")).skill
    assert re.fullmatch(r"on its 4 test faces: AUC 0\.750.*; on its 3 test videos: AUC 1\.000.*", skill)


def test_verdicts_of_a_run_on_the_sample_set_say_that_it_knows_drawings_alone(finish):
    folder = finish(Recipe())
    write_settings(folder, ExtractionSettings())
    assert NOTICE in Detector.from_run(folder).note


def test_what_makes_the_runs_numbers_too_high_is_said_beside_them(finish):
    detector = Detector.from_run(finish(Recipe(split="random"), leaks=["Its weights saw them."]), whole=True)
    assert "Split at random over faces, as some reports did" in detector.note
    assert detector.note.endswith(" Its weights saw them.")
    detector = Detector.from_run(finish(Recipe(manifest="manifest.csv")), whole=True)
    assert detector.note == detector.unfit_detail


def test_a_run_without_skill_gives_no_verdict_and_says_why(finish, clip, tmp_path):
    """It was tested on four faces."""
    write_image(tmp_path / "person.png", clip[0])
    detector = Detector.from_run(finish(Recipe(manifest="manifest.csv")))
    assert detector.unfit_detail.startswith(
        "Whether this model has skill is not known, so that no verdict is given: AUC 0.750 [–] on 4 "
    )
    assert detector.unfit_detail in detector.note

    verdict = detector.judge(tmp_path / "person.png")

    assert 0 < verdict.score < 1
    assert (verdict.level, verdict.reason, verdict.faces[0].level) == (None, "no_skill", None)


def test_a_run_that_has_seen_drawings_alone_gives_no_verdict(finish, clip, tmp_path, monkeypatch):
    monkeypatch.setattr("dfdetect.runs.skill.no_skill", lambda metrics: "")
    write_image(tmp_path / "person.png", clip[0])
    verdict = Detector.from_run(finish(Recipe())).judge(tmp_path / "person.png")
    assert (verdict.level, verdict.reason, verdict.detail) == (None, "drawn", NOTICE)
    assert 0 < verdict.score < 1


def test_a_run_without_a_test_split_says_so(finish):
    assert "the run has no test split" in Detector.from_run(finish(Recipe(), split="val")).skill


@pytest.mark.shared
@pytest.mark.parametrize("whole", [False, True])
def test_the_authors_meso4_calls_their_four_pictures_right(shared, whole):
    pictures = shared / "data/face_photos/mesonet_test_images"
    detector = Detector.from_weights(
        Recipe(model="meso4"), shared / "weights/mesonet/Meso4_DF.h5", whole=whole
    )
    for path in sorted(pictures.rglob("*.jpg")):
        verdict = detector.judge(path)
        assert (verdict.level, verdict.reason) == (None, "uncalibrated")
        assert (verdict.score >= 0.5) == (path.parent.name == "df"), path


@pytest.mark.parametrize(
    "wrong", [np.zeros((90, 90, 3)), np.zeros((90, 90), np.uint8), np.zeros((90, 90, 4), np.uint8)]
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_wrong_array_is_refused(detector, wrong, whole):
    detector.options = Options(whole=whole)
    with pytest.raises((TypeError, ValueError), match=r"uint8 of shape \(H, W, 3\)"):
        detector.predict_image(wrong)


def test_faces_more_blurred_than_any_tested_give_no_verdict(detector, clip, tmp_path):
    sharp = sharpness(look_at_photo(Photo(clip[0]), detector.wanted()).crops[0])
    detector.calibrations = {
        level: structs.replace(known, least_sharpness=0.6 * sharp)
        for level, known in detector.calibrations.items()
    }
    write_image(tmp_path / "sharp.png", clip[0])
    write_image(tmp_path / "blurred.png", cv2.GaussianBlur(clip[0], (0, 0), 8))
    assert detector.judge(tmp_path / "sharp.png").reason == ""
    blurred = detector.judge(tmp_path / "blurred.png")
    assert (blurred.level, blurred.reason, blurred.faces[0].level) == (None, "blurred", None)
    assert 0 < blurred.score < 1
    assert f"not {0.6 * sharp:.3g} or more" in blurred.detail


def test_a_photo_on_its_side_is_scored_and_told(detector, clip, tmp_path):
    (upright,) = detector.predict_image(clip[0])
    write_image(tmp_path / "lying.png", np.ascontiguousarray(np.rot90(clip[0])))

    verdict = detector.judge(tmp_path / "lying.png")

    (face,) = verdict.faces
    assert face.rotation == 90
    assert verdict.score == pytest.approx(upright.score, abs=1e-5)
    detector.options = Options(rotations=False)
    assert {face.rotation for face in detector.judge(tmp_path / "lying.png").faces} <= {0}


def test_a_light_model_gives_the_same_verdict(detector, files):
    light = Detector(brightness_without_keras(), ONE_CUT, ExtractionSettings())
    ours, theirs = (one.judge(files / "person.mp4", frames=3) for one in (light, detector))
    assert ours.score == pytest.approx(theirs.score, abs=1e-6)
    assert [face.box for face in ours.faces] == [face.box for face in theirs.faces]
    assert ours.record.versions["backend"] == "onnxruntime"
    assert not {"keras", "tensorflow"} & set(ours.record.versions)


def test_a_run_without_keras_is_one_line(finish, monkeypatch):
    folder = finish(Recipe(manifest="manifest.csv"))
    monkeypatch.setattr("dfdetect.predict.keras_models.has_keras", lambda: False)
    with pytest.raises(InputError, match=r"needs Keras and TensorFlow: pip install '\.\[train\]'"):
        Detector.from_run(folder)
