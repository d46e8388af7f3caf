"""Opened data: how many faces and clips it has."""

from pathlib import Path

from dfdetect.data.opening import Data
from face_extraction.manifest import FaceSample


def test_clips_are_counted_alike_in_training_and_in_the_test():
    """One video of two people is two clips of a model over time, though it has one score."""
    rows = [
        FaceSample(f"{split}-{video}-{person}-{frame}.png", 1, split, video, video, frame, person=person)
        for split, videos in (("train", "ab"), ("test", "c"))
        for video in videos
        for person in (1, 2)
        for frame in range(4)
    ]
    data = Data(Path("manifest.csv"), rows, "", ())
    assert [data.count(split, 4) for split in ("train", "test")] == [4, 2]
    assert [data.count(split, 0) for split in ("train", "test")] == [16, 8]
