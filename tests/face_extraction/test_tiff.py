"""TIFFs are shown as viewers show them, or refused with a reason."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from face_extraction.images import Unreadable, read_bytes_rgb

Tags = dict[int, tuple[int, ...]]
WIDTH, HEIGHT, BITS, PACKED, MEANING, STRIPS, CHANNELS, ROWS, SIZES = (
    256,
    257,
    258,
    259,
    262,
    273,
    277,
    278,
    279,
)
ORDER, APART, PALETTE, BELOW, EXTRA, FORMAT, COARSER = 266, 284, 320, 330, 338, 339, 530
LONG = (STRIPS, SIZES, BELOW)
WHITE_IS_ZERO, GREY, RGB, COLOUR_MAP, YCBCR = 0, 1, 2, 3, 6


def directory(order: str, at: int, tags: Tags) -> bytes:
    """A list of tags that begins at the byte `at`."""
    head, more = struct.pack(f"{order}H", len(tags)), b""
    behind = at + 2 + 12 * len(tags) + 4
    for tag, values in sorted(tags.items()):
        kind, letter = (4, "I") if tag in LONG else (3, "H")
        content = struct.pack(f"{order}{len(values)}{letter}", *values)
        place = content.ljust(4, b"\0")
        if len(content) > 4:
            place, more = struct.pack(f"{order}I", behind + len(more)), more + content
        head += struct.pack(f"{order}HHI", tag, kind, len(values)) + place
    return head + bytes(4) + more


def tiff(order: str, size: tuple[int, int], tags: Tags, *strips: bytes, below: Tags | None = None) -> bytes:
    """A TIFF of unpacked strips; `order` is "<" or ">", `below` the tags of a picture below the first."""
    content, places = (b"II*\0" if order == "<" else b"MM\0*") + bytes(4), list[int]()
    for strip in strips:
        places.append(len(content))
        content += strip + bytes(len(strip) % 2)
    own = {WIDTH: size[:1], HEIGHT: size[1:], PACKED: (1,), ROWS: size[1:], STRIPS: tuple(places)}
    own |= {SIZES: tuple(map(len, strips))} | tags
    if below:
        own[BELOW] = (len(content),)
        content += directory(order, len(content), below)
    return (
        content[:4]
        + struct.pack(f"{order}I", len(content))
        + content[8:]
        + directory(order, len(content), own)
    )


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("order", "<>")
def test_16_bit_channels_that_are_stored_apart_are_not_mixed_up(noise, order):
    planes = [(noise[:, :, n].astype(np.uint16) * 257).astype(f"{order}u2").tobytes() for n in range(3)]
    tags = {BITS: (16,) * 3, MEANING: (RGB,), CHANNELS: (3,), APART: (2,)}

    assert np.array_equal(read_bytes_rgb(tiff(order, (64, 48), tags, *planes), "x"), noise)


def test_16_bit_grey_of_which_0_is_white_is_no_negative(noise):
    grey = noise[:, :, 0]
    content = (65535 - grey.astype("<u2") * 257).tobytes()

    rgb = read_bytes_rgb(tiff("<", (64, 48), {BITS: (16,), MEANING: (WHITE_IS_ZERO,)}, content), "x")

    assert np.array_equal(rgb[:, :, 1], grey)


def test_12_bit_grey_is_not_dark(noise):
    grey = noise[:, :, 0].astype(np.uint32) << 4
    pairs = (grey[:, ::2] << 12 | grey[:, 1::2]).astype(">u4")
    content = np.ascontiguousarray(pairs).view(np.uint8).reshape(48, 32, 4)[:, :, 1:].tobytes()

    rgb = read_bytes_rgb(tiff("<", (64, 48), {BITS: (12,), MEANING: (GREY,)}, content), "x")

    assert np.array_equal(rgb[:, :, 2], noise[:, :, 0])


@pytest.mark.parametrize("scale", [1, 257])
def test_a_palette_of_8_or_16_bits_is_read(scale):
    colours = np.random.default_rng(1).integers(0, 255, (256, 3))
    numbers = np.arange(256, dtype=np.uint8).reshape(16, 16)
    tags = {BITS: (8,), MEANING: (COLOUR_MAP,), PALETTE: tuple((colours.T * scale).ravel().tolist())}

    rgb = read_bytes_rgb(tiff("<", (16, 16), tags, numbers.tobytes()), "x")

    assert np.array_equal(rgb, colours[numbers])


@pytest.mark.parametrize("channels", [2, 4])
def test_colours_that_are_multiplied_by_their_opacity_lie_over_white(noise, channels):
    opacity = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
    colours = noise[:, :, : channels - 1]
    shown = np.dstack([np.round(colours * (opacity[:, :, None] / 255)).astype(np.uint8), opacity])
    meaning = GREY if channels == 2 else RGB
    tags = {BITS: (8,) * channels, MEANING: (meaning,), CHANNELS: (channels,), EXTRA: (1,)}

    rgb = read_bytes_rgb(tiff("<", (64, 48), tags, shown.tobytes()), "x")

    wanted = 255 - (255 - colours.astype(float)) * (opacity[:, :, None] / 255)
    assert np.abs(rgb[:, 8:] - np.broadcast_to(wanted, rgb.shape)[:, 8:]).max() < 8


def test_coarser_colours_are_not_taken_for_missing_rows(noise):
    smooth = np.asarray(Image.fromarray(noise).resize((8, 6)).resize((64, 48), Image.Resampling.BICUBIC))
    planes = np.asarray(Image.fromarray(smooth).convert("YCbCr"))
    light = planes[:, :, 0].reshape(24, 2, 32, 2).transpose(0, 2, 1, 3).reshape(24, 32, 4)
    content = np.dstack([light, planes[::2, ::2, 1:]]).tobytes()
    tags = {BITS: (8,) * 3, MEANING: (YCBCR,), CHANNELS: (3,), COARSER: (2, 2)}

    rgb = read_bytes_rgb(tiff("<", (64, 48), tags, content), "x")

    assert np.abs(rgb.astype(int) - smooth).mean() < 8


def test_numbers_with_a_sign_are_a_reason(noise):
    content = (noise[:, :, 0].astype(int) - 128).astype(np.int8).tobytes()

    with pytest.raises(Unreadable, match="with a sign"):
        read_bytes_rgb(tiff("<", (64, 48), {BITS: (8,), MEANING: (GREY,), FORMAT: (2,)}, content), "x")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("width", "is_preview"), [(128, True), (32, False)])
def test_the_preview_of_a_larger_picture_below_it_is_not_taken_for_the_photo(noise, order, width, is_preview):
    """As in raw photos whose preview is not marked as one; smaller copies below the photo do no harm."""
    tags = {BITS: (8,) * 3, MEANING: (RGB,), CHANNELS: (3,)}
    content = tiff(order, (64, 48), tags, noise.tobytes(), below={WIDTH: (width,), HEIGHT: (96,)})

    if not is_preview:
        assert np.array_equal(read_bytes_rgb(content, "x"), noise)
        return
    with pytest.raises(Unreadable, match="raw photo"):
        read_bytes_rgb(content, "x")


@pytest.mark.parametrize("lost", [1, 100, 9000])
def test_an_unpacked_tiff_whose_last_pixels_are_missing_is_refused_in_a_line(noise, lost, capfd):
    own = {WIDTH: (64,), HEIGHT: (48,), ROWS: (48,), SIZES: (noise.size,), STRIPS: (300,)}
    tags = own | {BITS: (8,) * 3, MEANING: (RGB,), CHANNELS: (3,)}
    content = (b"II*\0\x08\0\0\0" + directory("<", 8, tags)).ljust(300, b"\0") + noise.tobytes()
    assert np.array_equal(read_bytes_rgb(content, "x"), noise)

    with pytest.raises(Unreadable, match="TIFF that is damaged"):
        read_bytes_rgb(content[:-lost], "x")
    assert capfd.readouterr().err == ""


def test_a_wrong_checksum_of_zipped_pixels_is_damage(noise):
    """Damage often makes a strip longer, and libtiff stops reading where it has enough."""
    strips = [zlib.compress(noise[top : top + 16].tobytes() + bytes(99)) for top in (0, 16, 32)]
    tags = {BITS: (8,) * 3, PACKED: (8,), MEANING: (RGB,), CHANNELS: (3,), ROWS: (16,)}
    assert np.array_equal(read_bytes_rgb(tiff("<", (64, 48), tags, *strips), "x"), noise)

    strips[1] = strips[1][:-1] + bytes([strips[1][-1] ^ 1])

    with pytest.raises(Unreadable, match="damaged TIFF: its pixels cannot all be decoded"):
        read_bytes_rgb(tiff("<", (64, 48), tags, *strips), "x")


def test_zipped_pixels_whose_bits_are_reversed_are_read(noise):
    zipped = bytes(int(f"{byte:08b}"[::-1], 2) for byte in zlib.compress(noise.tobytes()))
    tags = {BITS: (8,) * 3, PACKED: (8,), MEANING: (RGB,), CHANNELS: (3,), ORDER: (2,)}

    assert np.array_equal(read_bytes_rgb(tiff("<", (64, 48), tags, zipped), "x"), noise)


PACKINGS = ("tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg", "lzma", "zstd")


@pytest.mark.parametrize("packing", PACKINGS)
def test_zeros_in_place_of_the_rest_of_packed_pixels_are_damage(packing):
    grain = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(grain).save(file, "TIFF", compression=packing)
    content = file.getvalue()
    read_bytes_rgb(content, "x")
    with Image.open(file) as image:
        ends = [sum(pair) for pair in zip(image.tag_v2[STRIPS], image.tag_v2[SIZES], strict=True)]

    for kept in (0.5, 0.9):
        at = round(kept * max(ends))
        with pytest.raises(Unreadable, match="damaged"):
            read_bytes_rgb(content[:at] + bytes(max(ends) - at) + content[max(ends) :], "x")


@pytest.mark.parametrize("packing", [*PACKINGS, "group3", "group4", "raw"])
@pytest.mark.parametrize("colour", ["black", "white"])
def test_flat_pictures_are_whole_however_they_are_packed(packing, colour):
    for size in ((1, 1), (333, 100), (1024, 2048)):
        file = io.BytesIO()
        mode = "1" if packing.startswith("group") else "RGB"
        Image.new(mode, size, colour).save(file, "TIFF", compression=packing)

        assert len(np.unique(read_bytes_rgb(file.getvalue(), "x"))) == 1


def test_zeros_in_place_of_the_rest_of_channels_that_are_stored_apart_are_damage():
    grain = np.random.default_rng(0).integers(1, 255, (211, 300, 3), dtype=np.uint8)
    planes = [grain[:, :, n].tobytes() for n in range(3)]
    own = {WIDTH: (300,), HEIGHT: (211,), ROWS: (211,), SIZES: tuple(map(len, planes))}
    own |= {STRIPS: tuple(400 + n * len(planes[0]) for n in range(3)), APART: (2,)}
    tags = own | {BITS: (8,) * 3, MEANING: (RGB,), CHANNELS: (3,)}
    content = (b"II*\0\x08\0\0\0" + directory("<", 8, tags)).ljust(400, b"\0") + b"".join(planes)
    assert np.array_equal(read_bytes_rgb(content, "x"), grain)

    for at in (51 * 512, 150 * 512, 300 * 512):  # Each amid a row.
        with pytest.raises(Unreadable, match="zeros in place of its last pixels"):
            read_bytes_rgb(content[:at] + bytes(len(content) - at), "x")
