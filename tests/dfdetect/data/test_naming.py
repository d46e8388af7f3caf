"""Names of clips as the data sets write them."""

import pytest

from dfdetect.data.naming import known_names, people
from face_extraction.manifest import FaceSample


def row(source, video):
    return FaceSample("x.png", 0, "train", "g", video=video, source=source)


@pytest.mark.parametrize(
    ("source", "video", "shown"),
    [
        ("faceforensics", "c23/033", {("seq", "033")}),
        (
            "FaceForensics++",
            "manipulated_sequences/Deepfakes/c23/videos/033_097.mp4",
            {("seq", "033"), ("seq", "097")},
        ),
        ("faceforensics", "01_02__hugging_happy__YVGY8LOK", {("dfd", "01"), ("dfd", "02")}),
        ("faceforensics", "01__hugging_happy", {("dfd", "01")}),
        ("celebdf", "id0_id16_0003", {("celeb", "id0"), ("celeb", "id16")}),
        ("celebdf-v2", "id0_0003.mp4", {("celeb", "id0")}),
        ("celebdf", "00170", set()),
        ("deeperforensics", "000_M101.mp4", {("seq", "000"), ("actor", "M101")}),
        ("dfdc", "033_097", set()),
        ("mine", "033", set()),
    ],
)
def test_target_and_source_are_read_from_the_name(source, video, shown):
    assert set(people(row(source, video))) == shown


def test_only_known_data_sets_are_understood():
    assert known_names(row("celebdf", "00170"))
    assert not known_names(row("dfdc", "x"))
