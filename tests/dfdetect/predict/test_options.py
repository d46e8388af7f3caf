"""Options: named once, and the same wherever they are given."""

import pytest

from dfdetect.predict.detector import UNKNOWN_CROPS, Detector
from dfdetect.predict.options import FRAMES, Options
from dfdetect.sample.films import write_video
from face_extraction.errors import InputError
from face_extraction.settings import ExtractionSettings


@pytest.mark.parametrize("frames", [0, -1])
def test_no_frames_are_no_choice(frames):
    with pytest.raises(ValueError, match=f"frames must be 1 or more, or None. Received: {frames}"):
        Options(frames=frames)


def test_an_unknown_policy_is_refused_at_once():
    with pytest.raises(InputError, match=r"policy 'first'.*largest"):
        Options(policy="first")


def test_a_detector_takes_them_by_name_and_records_them(brightness_model, one_cut):
    settings = ExtractionSettings(rotations=False, policy="largest")
    usual = Detector(brightness_model(), one_cut, settings).record().settings
    assert (usual["frames"], usual["policy"], usual["rotations"], usual["whole"]) == (
        FRAMES,
        "all",
        False,
        False,
    )
    given = {"frames": 3, "policy": "exactly-one", "rotations": True, "whole": True}
    detector = Detector(brightness_model(), one_cut, settings, **given)
    assert detector.record().settings == usual | given
    assert detector.wanted().told() == usual | given
    with pytest.raises(TypeError, match="frame"):
        Detector(brightness_model(), one_cut, settings, frame=3)


def test_the_frames_of_one_file_change_nothing_for_the_next(detector, clip, tmp_path):
    write_video(tmp_path / "clip.mp4", clip)
    verdict = detector.judge(tmp_path / "clip.mp4", frames=2)
    assert (verdict.frames, verdict.record.settings["frames"]) == (2, 2)
    assert detector.judge(tmp_path / "clip.mp4").record.settings["frames"] == FRAMES


def test_the_caution_about_crops_follows_the_options(brightness_model, one_cut):
    detector = Detector(brightness_model(), one_cut, None)
    assert detector.note == UNKNOWN_CROPS
    detector.options = Options(whole=True)
    assert detector.note == ""
