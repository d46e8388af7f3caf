"""Models over clips as a user meets them, on clips whose label is seen over time alone."""

import json

import keras
import numpy as np
import pytest
from msgspec import structs

from dfdetect.crossval import __main__ as crossval
from dfdetect.ensemble import __main__ as ensemble
from dfdetect.evaluate import __main__ as evaluate
from dfdetect.metrics.calibrating import Calibration
from dfdetect.predict import __main__ as predict
from dfdetect.predict.detector import Detector
from dfdetect.render.text import shown_score
from dfdetect.runs.calibration import read_calibrations
from dfdetect.runs.folder import Run
from dfdetect.sample.films import film, write_video
from dfdetect.sample.identity import draw_identity
from dfdetect.sample.people import Person
from dfdetect.train import __main__ as train
from face_extraction.crop import crop_face
from face_extraction.frames import read_frames
from face_extraction.images import resize, write_image
from face_extraction.ledger import ItemFailed
from face_extraction.manifest import Box, FaceSample, read_manifest, write_manifest
from face_extraction.settings import ExtractionSettings

pytestmark = pytest.mark.usefixtures("light")

RNN = "--model alexnet_rnn --image-size 63 --augment none --option units=16 --dropout 0 --seed 1".split()
SHORT = [*RNN, "--epochs", "1", "--batch-size", "16"]


@pytest.fixture(scope="module")
def data(write_clips, tmp_path_factory):
    """A manifest of 48 clips to train and 24 to validate and to test, one of them too short to test."""
    manifest = write_clips(tmp_path_factory.mktemp("clips"), train=48, val=24, test=24)
    rows = read_manifest(manifest)
    write_manifest(manifest, [row for row in rows if row.video != "test-3-1.mp4" or row.frame == 0])
    return manifest


def fit(data, out, *more):
    assert train.main([*RNN, "--manifest", str(data), "--out", str(out), *more]) == 0
    return Run(out)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """A run that takes clips of four frames."""
    long = "--epochs 3 --batch-size 8 --learning-rate 2e-3 --bn-momentum 0.8 --frames 4".split()
    return fit(data, tmp_path_factory.mktemp("runs") / "clips", *long)


@pytest.fixture(scope="module")
def single(data, tmp_path_factory):
    """The same model over the rows of single faces."""
    short = "--epochs 1 --batch-size 32 --learning-rate 2e-3 --bn-momentum 0.8".split()
    return fit(data, tmp_path_factory.mktemp("runs") / "single", *short)


def test_over_time_the_label_is_learnt_that_single_faces_cannot_show(run, single):
    assert run.metrics()["test"]["video"].estimates["auc"].value > 0.95
    assert single.metrics()["test"]["video"].estimates["auc"].value == pytest.approx(0.5, abs=0.1)


def test_each_clip_has_one_score_and_one_level(run):
    metrics = run.metrics()
    assert {split: set(levels) for split, levels in metrics.items()} == {"val": {"video"}, "test": {"video"}}
    assert metrics["test"]["video"].n == 23
    videos = [sample.video for sample in run.predictions("test").samples]
    assert len(videos) == len(set(videos)) == 23
    assert "test-3-1.mp4" not in videos
    (row,) = run.unscored.read_text().splitlines()[1:]
    assert row.startswith("faces/test-3-1-0.png,too_few_faces,")


def test_the_page_and_the_card_speak_of_clips(run):
    page, card = (run.folder / name for name in ("index.html", "MODEL_CARD.md"))
    assert "A person's score is the score of 4 faces together; a video's score is the" in page.read_text()
    assert "by face" not in page.read_text()
    assert "A clip is 4 RGB face crops of one person" in card.read_text()
    assert run.environment()["clips_that_repeat_a_face"]["train"] == "0 of 24 real and 0 of 24 fake"


def test_evaluate_scores_clips_and_counts_those_it_cannot(run, data, capsys):
    assert evaluate.main([str(run.folder), "--manifest", str(data), "--name", "again"]) == 1
    assert "1 clips were not scored" in capsys.readouterr().out
    again = run.evaluation("again")
    assert set(again.metrics()["test"]) == {"video"}
    np.testing.assert_allclose(again.predictions("test").p_fake, run.predictions("test").p_fake, atol=1e-5)


def test_stills_are_refused_before_anything_is_written(run, tmp_path, capsys):
    manifest = tmp_path / "manifest.csv"
    names = [(split, label) for split in ("train", "val") for label in (0, 1)]
    write_manifest(manifest, [FaceSample(f"{s}{n}.png", n, s, f"{s}{n}") for s, n in names])
    command = [*SHORT, "--frames", "4", "--manifest", str(manifest), "--out", str(tmp_path / "run")]
    assert train.main(command) == 2
    assert "its rows are photos; frames 4 needs videos" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert evaluate.main([str(run.folder), "--manifest", str(manifest), "--split", "val"]) == 2
    assert "its rows are photos; frames 4 needs videos" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--frames", "1"], "frames 1; accepted: 0 for single faces, or 2 or more"),
        (["--frames", "4", "--model", "custom_cnn"], "custom_cnn takes single faces; these take frames 4: "),
        (["--frames", "20"], "split 'train' has 0 real and 0 fake clips"),
    ],
)
def test_wrong_frames_are_one_line(data, tmp_path, capsys, arguments, words):
    assert train.main([*SHORT, "--manifest", str(data), "--out", str(tmp_path / "run"), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_folds_count_clips(data, tmp_path):
    command = [*SHORT, "--manifest", str(data), "--out", str(tmp_path / "cv"), "--frames", "4"]
    assert crossval.main([*command, "--epochs", "0", "--folds", "2", "--val-share", "0.3"]) == 0
    record = json.loads((tmp_path / "cv" / "crossval.json").read_text())
    assert sum(part["metrics"]["n"] for part in record["folds"]) == 95
    for number, part in enumerate(record["folds"], start=1):
        fold = Run(tmp_path / "cv" / f"fold-{number}")
        counts = fold.environment()["clips_that_repeat_a_face"]["train"].split()
        assert part["metrics"]["level"] == "video"
        assert part["n_train"] == int(counts[2]) + int(counts[7])


def test_an_ensemble_takes_members_of_the_same_frames(run, single, data, tmp_path, capsys):
    out = tmp_path / "both"
    assert ensemble.main([str(run.folder), str(single.folder), "--out", str(out)]) == 2
    assert "takes single faces" in capsys.readouterr().err
    assert not out.exists()
    larger = fit(data, tmp_path / "larger", "--epochs", "0", "--frames", "4", "--image-size", "80")
    assert ensemble.main([str(run.folder), str(larger.folder), "--out", str(out)]) == 0
    mean = (run.predictions("test").p_fake + larger.predictions("test").p_fake) / 2
    np.testing.assert_allclose(Run(out).predictions("test").p_fake, mean, atol=0.05)
    assert set(Run(out).metrics()["test"]) == {"video"}


ONE_CUT = {"video": Calibration().with_cut(0.4, "set by the test")}


class Weighted(keras.Model):
    """`p_fake` is the mean brightness of three crops over 255, weighted by 1, 2 and 4, over 7."""

    def build(self, shape):
        self.built = True

    @property
    def input_shape(self):
        return (None, 3, 32, 32, 3)

    def call(self, rgb):
        brightness = keras.ops.mean(keras.ops.cast(rgb, "float32"), axis=(2, 3, 4)) / 255
        return brightness @ keras.ops.array([[1 / 7], [2 / 7], [4 / 7]])


@pytest.fixture
def detector():
    return Detector(Weighted(), ONE_CUT, ExtractionSettings(faces_per_video=6))


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    path = tmp_path_factory.mktemp("filmed") / "clip.mp4"
    person = Person(draw_identity(np.random.default_rng([0, 1])))
    write_video(path, film(person, np.random.default_rng(2), 12).frames)
    return path


def test_a_clip_is_searched_as_its_extraction_did_and_scored_once(detector, filmed):
    verdict = detector.judge(filmed)
    assert (verdict.faces, verdict.frames) == ((), 6)
    (clip,) = verdict.clips
    assert clip.frames == (3, 7, 11)  # the 2nd, 4th and 6th of the frames 1, 3, 5, 7, 9, 11
    pictures = {frame.index: frame.rgb for frame in read_frames(filmed)}
    levels = [
        resize(crop_face(pictures[index], Box(*structs.astuple(box)), ExtractionSettings().crop), 32).mean()
        / 255
        for index, box in zip(clip.frames, clip.boxes, strict=True)
    ]
    assert clip.score == verdict.score == pytest.approx(np.dot(levels, [1, 2, 4]) / 7, abs=1e-5)
    assert verdict.level == ("substantial" if verdict.score >= 0.4 else "little")


def test_each_person_of_a_clip_is_scored_and_the_most_suspicious_counts(filmed):
    """Two people side by side: the same film beside itself darkened, whose score is lower."""
    pair = [
        np.concatenate([frame.rgb, (frame.rgb * 0.8).astype(np.uint8)], axis=1)
        for frame in read_frames(filmed)
    ]
    write_video(filmed.with_name("pair.mp4"), pair)
    settings = ExtractionSettings(faces_per_video=6, policy="all")
    verdict = Detector(Weighted(), ONE_CUT, settings).judge(filmed.with_name("pair.mp4"))
    bright, dark = sorted(verdict.clips, key=lambda clip: clip.boxes[0].left)
    width = pair[0].shape[1] // 2
    assert all(box.right <= width for box in bright.boxes)
    assert all(box.left >= width for box in dark.boxes)
    assert dark.score == pytest.approx(0.8 * bright.score, abs=0.02)
    assert verdict.score == bright.score
    assert {person.person: person.score for person in verdict.people} == {
        clip.person: clip.score for clip in verdict.clips
    }


def test_photos_and_clips_with_too_few_faces_get_no_score(detector, filmed, tmp_path):
    first = next(iter(read_frames(filmed))).rgb
    write_image(tmp_path / "photo.png", first)
    photo = detector.judge(tmp_path / "photo.png")
    assert (photo.score, photo.reason) == (None, "too_few_faces")
    assert photo.detail == "a photo; this model takes clips, 3 faces at once"
    with pytest.raises(ItemFailed, match="too_few_faces"):
        detector.predict_image(first)
    short = detector.judge(filmed, frames=1)
    assert (short.score, short.reason) == (None, "too_few_faces")
    assert short.detail == "faces of a person: 1; needed: 2 for a model that takes 3"


def test_predict_prints_the_score_and_json(run, filmed, tmp_path, capsys):
    write_image(tmp_path / "photo.png", next(iter(read_frames(filmed))).rgb)
    assert predict.main([str(run.folder), str(filmed), str(tmp_path / "photo.png"), "--json"]) == 1
    scored, photo = json.loads(capsys.readouterr().out)
    (clip,) = scored["clips"]
    upper = scored["record"]["cuts"]["upper"]
    assert scored["score"] == clip["score"]
    assert len(clip["boxes"]) == len(clip["times"]) == 4
    assert set(clip["boxes"][0]) == {"top", "right", "bottom", "left"}
    assert (photo["score"], photo["clips"]) == (None, [])
    assert predict.main([str(run.folder), str(filmed)]) == 0
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row[:5] == [str(filmed), scored["level"], shown_score(scored["score"], upper), "4", "10"]


def test_weights_from_elsewhere_take_clips_where_a_recipe_says_how_they_are_built(run, filmed, capsys):
    recipe, weights = run.folder / "recipe.toml", run.folder / "best.weights.h5"
    assert predict.main([str(run.folder), str(filmed), "--json"]) == 0
    (expected,) = json.loads(capsys.readouterr().out)
    command = ["--recipe", str(recipe), "--weights", str(weights), str(filmed), "--json"]
    assert predict.main([*command, "--frames", str(expected["frames"])]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    known = read_calibrations(run.folder)["video"]
    assert float(known.apply(row["score"])) == pytest.approx(expected["score"], abs=1e-5)
    assert (row["reason"], "not recorded" in row["record"]["note"]) == ("uncalibrated", True)
    assert predict.main(["--model", "alexnet_rnn", "--weights", str(weights), str(filmed)]) == 2
    assert str(weights) in capsys.readouterr().err
