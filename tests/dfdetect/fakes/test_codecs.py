"""Codecs: what they lose grows, and the picture stays in its place."""

import cv2
import numpy as np
import pytest

from dfdetect.fakes.codecs import H264, HEVC, coded, filmed


@pytest.mark.parametrize("codec", [H264, HEVC])
def test_a_coarser_quality_of_a_video_loses_more(codec, portrait):
    picture = portrait(1, 64)[0]
    lost = [
        np.abs(filmed(picture, codec, crf, 3, (2, -1)).astype(int) - picture).mean() for crf in (15, 28, 42)
    ]
    assert lost == sorted(lost)
    assert lost[2] > lost[0] + 1


def test_hevc_takes_one_frame(portrait):
    picture = portrait(1, 64)[0]

    assert np.array_equal(filmed(picture, HEVC, 28, 3, (2, -1)), filmed(picture, HEVC, 28))
    assert not np.array_equal(filmed(picture, H264, 28, 3, (2, -1)), filmed(picture, H264, 28))


@pytest.mark.parametrize(
    ("suffix", "name"), [(".jpg", cv2.IMWRITE_JPEG_QUALITY), (".webp", cv2.IMWRITE_WEBP_QUALITY)]
)
def test_a_lower_quality_of_a_photo_loses_more_and_keeps_channels_apart(suffix, name, portrait):
    picture = portrait(1, 64)[0]
    lost = [
        np.abs(coded(picture, suffix, (name, quality)).astype(int) - picture).mean()
        for quality in (95, 60, 10)
    ]
    assert lost == sorted(lost)
    assert lost[2] > lost[0] + 1
    red = np.zeros((32, 32, 3), np.uint8)
    red[:, :, 0] = 200
    means = coded(red, suffix, (name, 60)).mean(axis=(0, 1))
    assert means[0] > 180
    assert means[2] < 30
