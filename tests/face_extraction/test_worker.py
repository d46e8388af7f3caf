"""What becomes of one photo, clip or crop."""

import io
import re
import tarfile

import numpy as np
import pytest

from face_extraction.images import read_rgb, write_image
from face_extraction.manifest import FAKE, REAL, UNKNOWN
from face_extraction.settings import CropSpec, ExtractionSettings
from face_extraction.sources import Item
from face_extraction.worker import crop_path, extract_item

SETTINGS = ExtractionSettings(crop=CropSpec(size=64), faces_per_video=4)


def _photo(root, path, rgb):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    write_image(root / path, rgb)
    return Item(path, REAL, "g")


def test_names_of_crops_never_meet():
    paths = [
        "real/a.mp4",
        "real/a.jpg",
        "real/A.jpg",
        "real/b/a.jpg",
        "real/é.jpg",
        "real/e\u0301.jpg",
        "real/a b.jpg",
        "real/a_b.jpg",
        f"real/{'x' * 100}1.jpg",
        f"real/{'x' * 100}2.jpg",
        "real/顔.jpg",
    ]

    names = [crop_path(Item(path, REAL, "g"), "_0", ".png") for path in paths]

    assert len({name.lower() for name in names}) == len(paths)
    for name in names:
        assert re.fullmatch(r"faces/real/[A-Za-z0-9_-]{1,90}\.png", name)


@pytest.mark.parametrize(("label", "folder"), [(REAL, "real"), (FAKE, "fake"), (UNKNOWN, "unknown")])
def test_crops_lie_by_class_and_are_readable(label, folder):
    name = crop_path(Item("x/id0 clip.mp4", label, "g"), "_000015_0", ".jpg")

    assert re.fullmatch(rf"faces/{folder}/id0_clip-[0-9a-f]{{10}}_000015_0\.jpg", name)


def test_a_photo_gives_its_face(tmp_path, draw_faces):
    item = _photo(tmp_path, "real/a.png", draw_faces((160, 120, 110)))

    result = extract_item(item, tmp_path, tmp_path / "out", SETTINGS)

    (face,) = result.faces
    assert result.ledger == []
    assert (face.frame, face.time) == (0, 0.0)
    assert face.box.left < 160 < face.box.right
    longer = max(face.box.right - face.box.left, face.box.bottom - face.box.top)
    assert face.width == face.height == round(1.3 * longer)
    assert read_rgb(tmp_path / "out" / face.path).shape == (64, 64, 3)


def test_policy_all_gives_every_face_a_file(tmp_path, draw_faces):
    item = _photo(tmp_path, "real/a.png", draw_faces((110, 125, 100), (340, 130, 140), width=480))

    result = extract_item(item, tmp_path, tmp_path / "out", ExtractionSettings(policy="all"))

    assert len({face.path for face in result.faces}) == 2
    assert result.faces[0].width > result.faces[1].width
    assert len(list((tmp_path / "out/faces/real").iterdir())) == 2


def test_a_photo_without_a_face_is_a_ledger_row(tmp_path, draw_faces):
    item = _photo(tmp_path, "real/a.png", draw_faces())

    result = extract_item(item, tmp_path, tmp_path / "out", SETTINGS)

    assert result.faces == []
    assert [(row.path, row.reason) for row in result.ledger] == [("real/a.png", "no_face")]
    assert not (tmp_path / "out").exists()


def _clip_item(path):
    return Item(path, FAKE, "g", "video", video=path)


def test_a_clip_gives_the_faces_of_its_frames(tmp_path, draw_faces, write_clip):
    face, nothing = draw_faces((160, 120, 110)), draw_faces()
    write_clip(tmp_path / "fake/a.mp4", [face] * 10 + [nothing] * 10 + [face] * 20)

    result = extract_item(_clip_item("fake/a.mp4"), tmp_path, tmp_path / "out", SETTINGS)

    assert result.ledger == []
    assert [(face.frame, face.time) for face in result.faces] == [(5, 0.5), (25, 2.5), (35, 3.5)]
    assert all((tmp_path / "out" / face.path).is_file() for face in result.faces)


def test_the_first_frame_only(tmp_path, draw_faces, write_clip):
    write_clip(tmp_path / "a.mp4", [draw_faces((160, 120, 110))] + [draw_faces()] * 9)

    result = extract_item(
        _clip_item("a.mp4"), tmp_path, tmp_path / "out", ExtractionSettings(first_frame_only=True)
    )

    assert [face.frame for face in result.faces] == [0]


def test_a_clip_without_any_face_says_why(tmp_path, draw_faces, write_clip):
    two = draw_faces((110, 125, 100), (340, 130, 140), width=480)
    write_clip(tmp_path / "a.mp4", [two] * 30 + [draw_faces(width=480)] * 10)
    settings = ExtractionSettings(policy="exactly-one", faces_per_video=4)

    result = extract_item(_clip_item("a.mp4"), tmp_path, tmp_path / "out", settings)

    assert result.faces == []
    (row,) = result.ledger
    assert (row.reason, row.detail) == (
        "several_faces",
        "of 4 frames searched: several_faces in 3, no_face in 1",
    )


def test_a_clip_cut_short_keeps_its_faces_and_is_listed(tmp_path, draw_faces, write_clip):
    path = write_clip(tmp_path / "a.mp4", _grainy(draw_faces, 40), movflags="faststart")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])

    result = extract_item(_clip_item("a.mp4"), tmp_path, tmp_path / "out", SETTINGS)

    assert [face.frame for face in result.faces] == [5, 15]
    (row,) = result.ledger
    assert row.reason == "truncated"
    assert row.detail.endswith("of 40 frames")


def _grainy(draw_faces, count):
    """Frames that take about the same space each, so that a share of the file is a share of the frames."""
    face, rng = draw_faces((160, 120, 110)).astype(int), np.random.default_rng(0)
    for _ in range(count):
        yield np.clip(face + rng.integers(-12, 12, face.shape), 0, 255).astype(np.uint8)


def test_a_video_with_a_photos_name_is_read_as_a_video(tmp_path, draw_faces, write_clip):
    write_clip(tmp_path / "a.mp4", [draw_faces((160, 120, 110))] * 4)
    (tmp_path / "a.mp4").rename(tmp_path / "a.jpg")

    result = extract_item(Item("a.jpg", FAKE, "g"), tmp_path, tmp_path / "out", SETTINGS)

    assert [(face.frame, face.person) for face in result.faces] == [(frame, 1) for frame in range(4)]
    assert result.ledger == []


@pytest.mark.parametrize("name", ["a.jpg", "a.mp4"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer, not the file itself;"),
        (b"words " * 99, "no (image of a kind .* nor a video: no )?video in it"),
    ],
)
def test_what_is_neither_photo_nor_video_says_what_it_is(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    kind = "video" if name == "a.mp4" else "photo"

    (row,) = extract_item(Item(name, FAKE, "g", kind), tmp_path, tmp_path / "out", SETTINGS).ledger

    assert (row.path, row.reason) == (name, "unreadable")
    assert re.match(said, row.detail)


def test_a_crop_that_is_a_video_is_not_searched(tmp_path, draw_faces, write_clip):
    write_clip(tmp_path / "a.mp4", [draw_faces((160, 120, 110))] * 4)
    (tmp_path / "a.mp4").rename(tmp_path / "a.jpg")

    result = extract_item(Item("a.jpg", FAKE, "g", "crop"), tmp_path, tmp_path / "out", SETTINGS)

    assert result.faces == []
    assert [row.reason for row in result.ledger] == ["unreadable"]


def test_ready_made_crops_are_copied_byte_for_byte(tmp_path, draw_faces):
    write_image(tmp_path / "a.jpg", draw_faces((50, 50, 40), width=100, height=90), "jpg", 60)
    item = Item("a.jpg", FAKE, "g", "crop", width=211, height=212)

    result = extract_item(item, tmp_path, tmp_path / "out", SETTINGS)

    (face,) = result.faces
    assert (face.width, face.height) == (211, 212)
    assert (tmp_path / "out" / face.path).read_bytes() == (tmp_path / "a.jpg").read_bytes()


def test_the_size_of_a_crop_is_its_own_where_none_is_given(tmp_path, draw_faces):
    write_image(tmp_path / "a.png", draw_faces(width=100, height=90))

    result = extract_item(Item("a.png", FAKE, "g", "crop"), tmp_path, tmp_path / "out", SETTINGS)

    assert (result.faces[0].width, result.faces[0].height) == (100, 90)


def test_damaged_ready_made_crops_are_not_copied(tmp_path, draw_faces):
    write_image(tmp_path / "a.jpg", draw_faces(), "jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[: len(content) // 2])

    result = extract_item(Item("a.jpg", FAKE, "g", "crop"), tmp_path, tmp_path / "out", SETTINGS)

    assert [row.reason for row in result.ledger] == ["unreadable"]
    assert not (tmp_path / "out").exists()


def _archive(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return Item(path.name, FAKE, "g", "archive", video="0", take=0)


def test_an_archive_gives_its_crops_byte_for_byte(tmp_path, draw_faces):
    write_image(tmp_path / "a.png", draw_faces(width=48, height=40))
    good = (tmp_path / "a.png").read_bytes()
    item = _archive(tmp_path / "0.tar.gz", {"0/120.png": good, "1/120.png": good, "1/121.png": good[:200]})

    result = extract_item(item, tmp_path, tmp_path / "out", SETTINGS)

    assert [(face.frame, face.width, face.height) for face in result.faces] == [(120, 48, 40)] * 2
    assert [face.person for face in result.faces] == [1, 2]  # Each folder is a sequence of one face.
    assert len({face.path for face in result.faces}) == 2
    assert all((tmp_path / "out" / face.path).read_bytes() == good for face in result.faces)
    assert [(row.path, row.reason) for row in result.ledger] == [("0.tar.gz/1/121.png", "unreadable")]


def test_an_archive_without_photos_is_listed(tmp_path):
    item = _archive(tmp_path / "0.tar.gz", {"notes.txt": b"x"})

    result = extract_item(item, tmp_path, tmp_path / "out", SETTINGS)

    assert result.faces == []
    assert [(row.path, row.reason, row.detail) for row in result.ledger] == [
        ("0.tar.gz", "no_face", "no photo in the archive")
    ]
