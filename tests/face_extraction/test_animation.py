"""GIF, PNG, WebP and AVIF of several pictures are read alike, as the frames of a video."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from face_extraction import animation, images
from face_extraction.animation import is_picture, read_pictures
from face_extraction.frames import read_frames
from face_extraction.images import Unreadable, read_photo, write_image
from face_extraction.ledger import ItemFailed
from face_extraction.settings import ExtractionSettings
from face_extraction.sources import Item
from face_extraction.worker import extract_item

KINDS = ["GIF", "PNG", "WEBP", "AVIF"]


def _write(path, kind, values, durations=100):
    pictures = [Image.new("RGB", (48, 32), (value, value, value)) for value in values]
    pictures[0].save(path, kind, save_all=True, append_images=pictures[1:], duration=durations)
    return path


def _values(path, **options):
    return [
        (frame.index, round(frame.time, 2), int(frame.rgb[5, 5, 0])) for frame in read_frames(path, **options)
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", ["gif", "mp4"])
def test_pictures_are_frames(tmp_path, kind, suffix):
    path = _write(tmp_path / f"a.{suffix}", kind, range(0, 200, 20))

    read = _values(path, count=5)

    assert [(index, time) for index, time, _ in read] == [(1, 0.1), (3, 0.3), (5, 0.5), (7, 0.7), (9, 0.9)]
    assert [value for *_, value in read] == pytest.approx([20, 60, 100, 140, 180], abs=4)
    assert len(_values(path)) == 10
    assert [index for index, *_ in _values(path, first=True)] == [0]


def test_a_picture_that_is_shown_long_is_taken_once_and_its_neighbours_fill_the_number(tmp_path):
    path = _write(tmp_path / "a.gif", "GIF", range(0, 200, 20), [40] * 9 + [5000])

    assert [index for index, *_ in _values(path, count=4)] == [6, 7, 8, 9]
    assert [index for index, *_ in _values(path, count=1)] == [9]


@pytest.mark.parametrize("kind", KINDS)
def test_a_still_picture_is_one_frame(tmp_path, kind):
    Image.new("RGB", (48, 32), (90, 90, 90)).save(tmp_path / "a.mp4", kind)

    assert [(index, time) for index, time, _ in _values(tmp_path / "a.mp4")] == [(0, 0)]


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_half_an_animation_is_told(tmp_path, kind):
    noise = np.random.default_rng(0).integers(0, 255, (6, 64, 64, 3), dtype=np.uint8)
    pictures = [Image.fromarray(picture) for picture in noise]
    pictures[0].save(tmp_path / "a.gif", kind, save_all=True, append_images=pictures[1:])
    content = (tmp_path / "a.gif").read_bytes()
    (tmp_path / "a.gif").write_bytes(content[: int(len(content) * 0.6)])

    with pytest.raises(ItemFailed):
        list(read_frames(tmp_path / "a.gif"))


@pytest.mark.parametrize(
    ("kind", "options", "holes"),
    [
        ("WEBP", {"quality": 80}, (1, 40, 600)),
        ("WEBP", {"lossless": True}, (4096,)),
        ("AVIF", {"speed": 10, "quality": 90}, (100, 4096)),
    ],
)
def test_damage_to_a_later_picture_is_told_where_its_decoder_passes_over_it(tmp_path, kind, options, holes):
    grain = np.random.default_rng(0).integers(0, 255, (3, 128, 128, 3), dtype=np.uint8)
    first, *others = (Image.fromarray(each) for each in grain)
    path = tmp_path / "a.png"
    first.save(path, kind, save_all=True, append_images=others, duration=100, **options)
    content = path.read_bytes()
    whole = [frame.rgb for frame in read_frames(path)]
    assert len(whole) == 3

    for hole in holes:
        for place in (0.5, 0.55, 0.6):  # In the second picture.
            at = round(place * len(content))
            zeros = bytes(byte ^ 0x10 for byte in content[at : at + hole]) if hole == 1 else bytes(hole)
            path.write_bytes(content[:at] + zeros + content[at + hole :])
            frames = read_frames(path)

            assert np.array_equal(next(frames).rgb, whole[0])
            with pytest.raises(ItemFailed, match="picture 2 of 3 cannot be decoded") as error:
                next(frames)
            assert error.value.reason == "damaged"


def test_an_animation_whose_decoder_raises_errors_of_a_strange_kind_is_damaged(tmp_path):
    grain = np.random.default_rng(0).integers(0, 255, (3, 128, 128, 3), dtype=np.uint8)
    first, *others = (Image.fromarray(each) for each in grain)
    first.save(tmp_path / "a.avif", save_all=True, append_images=others, duration=100, speed=10)
    content = (tmp_path / "a.avif").read_bytes()
    at = len(content) // 3
    (tmp_path / "a.avif").write_bytes(content[:at] + b"\xff" * 9000 + content[at + 9000 :])

    with pytest.raises(ItemFailed) as error:
        list(read_frames(tmp_path / "a.avif"))

    assert error.value.reason == "damaged"


@pytest.mark.parametrize("count", [1, 4])
def test_the_picture_for_viewers_without_animation_is_not_shown(tmp_path, count):
    greys = [Image.new("RGB", (32, 32), (40 * number,) * 3) for number in range(1, count + 1)]
    Image.new("RGB", (32, 32), "red").save(
        tmp_path / "a.png", save_all=True, append_images=greys, default_image=True, duration=100
    )

    found = list(read_frames(tmp_path / "a.png"))

    assert [frame.rgb[0, 0].tolist() for frame in found] == [[40 * n] * 3 for n in range(1, count + 1)]
    assert [(frame.index, frame.time) for frame in found] == [(n, round(0.1 * n, 6)) for n in range(count)]


@pytest.mark.parametrize("disposal", [1, 2])
@pytest.mark.parametrize("blend", [0, 1])
def test_what_a_picture_covered_comes_back(tmp_path, disposal, blend):
    places = [4, 20, 36, 12]
    squares = []
    for place in places:
        squares.append(Image.new("RGBA", (64, 64)))
        squares[-1].paste((200, 0, 0, 255), (place, place, place + 8, place + 8))
    squares[0].save(
        tmp_path / "a.png", save_all=True, append_images=squares[1:], disposal=disposal, blend=blend
    )

    found = [frame.rgb[:, :, 1] == 0 for frame in read_frames(tmp_path / "a.png")]

    # Each is alone on white: the one before was taken away.
    assert [(int(red.sum()), int(np.argmax(red.any(axis=0)))) for red in found] == [(64, n) for n in places]


def test_a_tiff_under_a_videos_name_is_a_photo(tmp_path):
    Image.new("LAB", (40, 30), (255, 128, 128)).save(tmp_path / "a.mp4", "TIFF", tiffinfo={274: 6})

    (frame,) = read_frames(tmp_path / "a.mp4")

    assert frame.rgb.shape == (40, 30, 3)
    assert frame.rgb.min() > 250


def test_a_bmp_under_a_videos_name_is_a_photo(tmp_path):
    Image.new("RGB", (40, 30), (200, 100, 50)).save(tmp_path / "a.mp4", "BMP")

    (frame,) = read_frames(tmp_path / "a.mp4")

    assert np.array_equal(frame.rgb, np.full((30, 40, 3), (200, 100, 50)))


def test_a_heic_under_a_videos_name_is_whole(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif", reason="pip install '.[heic]'")
    heif = pillow_heif.from_pillow(Image.new("RGB", (512, 384), (90, 90, 90)))
    heif.save(tmp_path / "a.mov", quality=50, tile_size=128)

    assert [frame.rgb.shape for frame in read_frames(tmp_path / "a.mov")] == [(384, 512, 3)]


def test_videos_and_streams_of_jpegs_are_no_pictures(tmp_path, write_clip):
    write_image(tmp_path / "a.jpg", np.zeros((32, 32, 3), np.uint8), "jpg")
    one = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "b.jpg").write_bytes(one + one)
    (tmp_path / "c.jpg").write_bytes(one + b"\0\0\0\x18ftypmp42" + one)

    assert [is_picture(tmp_path / name) for name in ("a.jpg", "b.jpg", "c.jpg")] == [True, False, True]
    assert not is_picture(write_clip(tmp_path / "a.mp4", [np.zeros((32, 32, 3), np.uint8)]))


def test_a_jpeg_under_a_videos_name_is_the_photo_alone(tmp_path):
    """With its profile, and without the second picture, such as a map of brightness."""
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = swapped.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    picture, second = Image.new("RGB", (64, 48), (200, 30, 30)), Image.new("RGB", (64, 48))
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"save_all": True, "append_images": [second], "icc_profile": swapped, "exif": exif}
    picture.save(tmp_path / "a.mp4", "MPO", **options)

    (frame,) = read_frames(tmp_path / "a.mp4")

    assert frame.rgb.shape == (64, 48, 3)
    assert np.array_equal(frame.rgb, read_photo(tmp_path / "a.mp4").rgb)
    assert frame.rgb[5, 5, 1] > frame.rgb[5, 5, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_an_animated_photo_gives_a_videos_faces(tmp_path, draw_faces, kind):
    # No two are equal, for Pillow would join them.
    pictures = [np.full((240, 320, 3), 50 * number, np.uint8) for number in range(3)]
    pictures += [draw_faces((150 + 6 * number, 120, 110)) for number in range(3)]
    images = [Image.fromarray(picture) for picture in pictures]
    images[0].save(tmp_path / "a.webp", kind, save_all=True, append_images=images[1:], duration=100)

    result = extract_item(Item("a.webp", 0, "a", "photo"), tmp_path, tmp_path / "out", ExtractionSettings())

    assert [face.frame for face in result.faces] == [3, 4, 5]
    assert {face.person for face in result.faces} == {1}
    assert not result.ledger


def test_a_later_picture_of_absurd_size_is_damage(tmp_path):
    """A GIF's canvas grows with its pictures."""
    path = tmp_path / "a.gif"
    pictures = [Image.new("RGB", (16, 16), (level, 0, 255 - level)) for level in (0, 100, 200)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=50)
    content = bytearray(path.read_bytes())
    third = content.rindex(b"\x2c\0\0\0\0\x10\0\x10\0")
    content[third + 5 : third + 9] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    shown = []
    with pytest.raises(ItemFailed, match="damaged: picture 3 of 3 cannot be decoded") as failure:
        shown.extend(read_pictures(path))
    assert len(shown) == 2
    assert "pixels" in failure.value.detail


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_larger_than_a_videos_frames_are_refused_before_they_are_decoded(
    tmp_path, kind, monkeypatch
):
    path = _write(tmp_path / "a.gif", kind, range(0, 200, 20))
    monkeypatch.setattr(images, "MAX_FRAME", 48 * 32)
    assert len(_values(path)) == 10
    monkeypatch.setattr(images, "MAX_FRAME", 48 * 32 - 1)
    monkeypatch.setattr(animation, "_times", None)
    with pytest.raises(Unreadable, match="frames of more than 1,535 pixels"):
        _values(path)
