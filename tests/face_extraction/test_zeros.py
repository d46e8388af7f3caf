"""Zeros in place of a part of a photo."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from face_extraction.images import Unreadable, read_bytes_rgb
from face_extraction.zeros import has_holes

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8))


def encode(image, kind, **options):
    file = io.BytesIO()
    if kind == "heic":
        heif = pytest.importorskip("pillow_heif", reason="pip install '.[heic]'")
        heif.from_pillow(image).save(file, **options)
    else:
        image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["avif", "heic"])
@pytest.mark.parametrize("part", [slice(8192, 12288), slice(12288, 12800), slice(8192, None)])
def test_zeros_in_the_pixels_are_damage(kind, part):
    content = bytearray(encode(NOISE, kind, quality=80))
    assert len(content) > 20_000
    assert read_bytes_rgb(bytes(content), "a").shape == (256, 256, 3)

    content[part] = bytes(len(content[part]))

    with pytest.raises(Unreadable, match="in place of a part of its pixels"):
        read_bytes_rgb(bytes(content), "a")


def test_a_few_zeros_in_hevc_are_damage_and_those_in_exif_are_not():
    exif = Image.Exif()
    exif[0x927C] = bytes(8192)
    content = bytearray(encode(NOISE, "heic", quality=80, exif=exif.tobytes()))
    assert bytes(8192) in content
    assert not has_holes(bytes(content))

    content[12288:12308] = bytes(20)

    assert has_holes(bytes(content))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("avif", {"speed": 10}),
        ("heic", {}),
    ],
)
@pytest.mark.parametrize("colour", ["black", "white"])
def test_a_flat_picture_has_zeros_and_is_whole(kind, options, colour):
    content = encode(Image.new("RGB", (2000, 1000), colour), kind, **options)
    assert len(np.unique(read_bytes_rgb(content, "a"))) == 1


def box(kind, *parts):
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def tiled(tiles):
    """A file whose picture, item 1, is made of items 2 and 3, by way of 5; item 4 is a thumbnail."""
    kinds = {1: b"grid", 2: b"hvc1", 3: b"hvc1", 4: b"hvc1", 5: b"iden"}
    infos = [box(b"infe", struct.pack(">IHH4s", 2 << 24, item, 0, kind)) for item, kind in kinds.items()]
    links = [
        box(b"dimg", struct.pack(">4H", 1, 2, 2, 5)),
        box(b"dimg", struct.pack(">3H", 5, 1, 3)),
        box(b"thmb", struct.pack(">3H", 4, 1, 1)),
    ]
    head = box(b"ftyp", b"heic", bytes(4))

    def meta(at):
        places = b""
        for item, tile in tiles.items():
            places += struct.pack(">HHHII", item, 0, 1, at, len(tile))
            at += len(tile)
        return box(
            b"meta",
            bytes(4),
            box(b"pitm", struct.pack(">IH", 0, 1)),
            box(b"iinf", struct.pack(">IH", 0, len(infos)), *infos),
            box(b"iref", bytes(4), *links),
            box(b"iloc", struct.pack(">IHH", 0, 0x4400, len(tiles)), places),
        )

    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", *tiles.values())


@pytest.mark.parametrize(("item", "is_shown"), [(2, True), (3, True), (4, False)])
def test_zeros_matter_in_the_tiles_of_what_is_shown_alone(item, is_shown):
    unit = struct.pack(">I", 100) + b"\x26\x01" + b"\x5a" * 98
    tiles = {2: unit * 2, 3: unit, 4: unit}
    assert not has_holes(tiled(tiles))

    assert has_holes(tiled(tiles | {item: unit[:50] + bytes(30) + unit[80:]})) == is_shown


def test_zeros_behind_the_last_unit_of_hevc_are_no_damage():
    unit = struct.pack(">I", 100) + b"\x26\x01" + b"\x5a" * 98
    assert not has_holes(tiled({2: unit + bytes(64), 3: unit}))


@pytest.mark.parametrize("end", range(0, 330, 7))
def test_boxes_that_are_cut_are_none(end):
    unit = struct.pack(">I", 100) + b"\x26\x01" + b"\x5a" * 98
    assert not has_holes(tiled({2: unit, 3: unit})[:end])


@pytest.mark.parametrize("kind", ["avif", "heic"])
@pytest.mark.parametrize("start", [3001, 9999, -101])
@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_a_few_zeros_or_bytes_of_erased_memory_are_damage_wherever_they_begin(kind, start, byte):
    content = bytearray(encode(NOISE, kind, quality=80))
    assert not has_holes(bytes(content))

    content[start : start + 100] = byte * 100

    assert has_holes(bytes(content))


@pytest.mark.parametrize("kind", ["avif", "heic"])
def test_holes_in_the_opacity_are_damage(kind):
    image = NOISE.copy()
    image.putalpha(Image.fromarray(np.random.default_rng(1).integers(0, 256, (256, 256), dtype=np.uint8)))
    content = encode(image, kind, quality=80)
    assert read_bytes_rgb(content, "a").shape == (256, 256, 3)

    holed = []
    for at in range(len(content) // 4, len(content) - 3000, 2000):
        changed = content[:at] + bytes(200) + content[at + 200 :]
        holed.append(has_holes(changed))
        with pytest.raises(Unreadable, match="damaged"):
            read_bytes_rgb(changed, "a")
    assert not all(holed)  # Some of them lie in the opacity.
