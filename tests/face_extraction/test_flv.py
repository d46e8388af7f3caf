"""Places in an FLV where no tag stands."""

import numpy as np
import pytest

from face_extraction.flv import holes
from face_extraction.frames import read_frames
from face_extraction.ledger import ItemFailed

from .videos import HEIGHT, WIDTH, write


@pytest.fixture
def video(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (60, HEIGHT, WIDTH, 3), dtype=np.uint8)
    return write(tmp_path / "a.flv", noise, options={"x264-params": "keyint=10:scenecut=0"})


def _tags(content):
    at, tags = 13, []
    while at + 11 <= len(content):
        tags.append(at)
        at += 15 + int.from_bytes(content[at + 1 : at + 4])
    return tags


def test_a_whole_file_has_no_hole(video):
    assert not list(holes(video))
    assert len(list(read_frames(video))) == 60


@pytest.mark.parametrize("zeros", [11, 9000])
def test_zeros_over_the_head_of_a_tag_are_damage(video, zeros):
    content = bytearray(video.read_bytes())
    tags = _tags(content)
    content[tags[20] : tags[20] + zeros] = bytes(zeros)
    video.write_bytes(content)

    (hole,) = holes(video)
    assert hole.start == tags[19]
    assert hole.end in tags
    assert hole.end >= tags[20] + zeros
    found = []
    with pytest.raises(ItemFailed, match="damaged"):
        found.extend(read_frames(video))
    assert 30 < len(found) < 60
