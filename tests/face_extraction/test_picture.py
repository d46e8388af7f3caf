"""The picture that is scored is the one that a player shows."""

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from PIL import Image

from face_extraction.frames import read_frames
from face_extraction.images import Unreadable
from face_extraction.picture import View, upright

from .videos import HEIGHT, WIDTH, describe, element, set_matrix, write


def _quarters():
    """Red above, black below, its left quarter green."""
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[: HEIGHT // 2] = (250, 20, 20)
    rgb[:, : WIDTH // 4] = (20, 250, 20)
    return rgb


# In the order of EXIF's numbers, from 1.
ORIENTATIONS = {
    (1, 0, 0, 1): lambda rgb: rgb,
    (-1, 0, 0, 1): lambda rgb: rgb[:, ::-1],
    (-1, 0, 0, -1): lambda rgb: rgb[::-1, ::-1],
    (1, 0, 0, -1): lambda rgb: rgb[::-1],
    (0, 1, 1, 0): lambda rgb: rgb.transpose(1, 0, 2),
    (0, 1, -1, 0): lambda rgb: np.rot90(rgb, -1),
    (0, -1, -1, 0): lambda rgb: rgb[::-1, ::-1].transpose(1, 0, 2),
    (0, -1, 1, 0): lambda rgb: np.rot90(rgb),
}


@pytest.mark.parametrize("matrix", ORIENTATIONS)
@pytest.mark.parametrize("first", [True, False])
def test_all_eight_orientations_are_applied(tmp_path, matrix, first):
    a, b, c, d = matrix
    path = write(tmp_path / "a.mp4", [_quarters()] * 3)
    set_matrix(path, a, b, 0, c, d, 0, WIDTH if a + c < 0 else 0, HEIGHT if b + d < 0 else 0, 1)

    (frame,) = read_frames(path, count=1, first=first)

    shown = ORIENTATIONS[matrix](_quarters()).astype(int)
    assert frame.rgb.shape == shown.shape
    assert np.abs(frame.rgb - shown).mean() < 12


@pytest.mark.parametrize(("orientation", "upright_by"), list(enumerate(ORIENTATIONS.values(), start=1)))
def test_exif_in_the_pictures_of_a_video_is_applied(tmp_path, orientation, upright_by):
    exif = Image.Exif()
    exif[0x0112] = orientation
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        for number in range(3):
            content = io.BytesIO()
            Image.fromarray(_quarters()).save(content, "JPEG", quality=90, exif=exif)
            packet = av.Packet(content.getvalue())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 30)
            container.mux(packet)

    (frame,) = read_frames(tmp_path / "a.avi", count=1)

    shown = upright_by(_quarters()).astype(int)
    assert frame.rgb.shape == shown.shape
    assert np.abs(frame.rgb - shown).mean() < 12


def _grey(code, trc, primaries=9, matrix=9):
    """A frame of 10 bits, limited range."""
    planes = np.full((HEIGHT * 3 // 2, WIDTH), 512, np.uint16)
    planes[:HEIGHT] = round(64 + code * 876)
    frame = av.VideoFrame.from_ndarray(planes, "yuv420p10le")
    frame.color_trc, frame.color_primaries, frame.colorspace, frame.color_range = trc, primaries, matrix, 1
    return frame


@pytest.mark.parametrize(("trc", "code"), [(16, 0.58), (18, 0.75)])
@pytest.mark.parametrize("tagged", [9, 2])
def test_diffuse_white_of_hdr_is_white(tmp_path, trc, code, tagged):
    # With threads and B-frames, x265 wrote a stream now and then that no MP4 can hold (PyAV 18.1).
    options = {"x265-params": "log-level=none:pools=none:frame-threads=1:bframes=0"}
    frames = [_grey(code, trc, tagged, tagged) for _ in range(2)]
    path = write(tmp_path / "a.mp4", frames, "libx265", options=options, pixels="yuv420p10le")

    (frame,) = read_frames(path, count=1)

    assert frame.rgb.min() >= 248
    assert frame.rgb.max() <= 255


@pytest.mark.parametrize(("trc", "code", "grey"), [(16, 0.3, 63), (16, 0.4, 112), (18, 0.4, 107)])
def test_the_greys_of_hdr_are_those_of_swscale(tmp_path, trc, code, grey):
    # swscale's own conversion, to sRGB's curve, which is a little darker in the shadows than BT.1886's.
    assert upright(tmp_path, _grey(code, trc), View()).mean() == pytest.approx(grey, abs=10)


@pytest.mark.parametrize(("trc", "primaries", "matrix"), [(1, 1, 1), (14, 1, 9), (2, 2, 2)])
def test_ten_bits_of_sdr_are_left_as_they_are(tmp_path, trc, primaries, matrix):
    assert upright(tmp_path, _grey(0.58, trc, primaries, matrix), View()).mean() == pytest.approx(
        147, abs=1.5
    )


def test_bt2020_red_is_brought_into_bt709(tmp_path):
    """BT.709's red, as BT.2020 writes it by BT.2087: linear (.6274, .0691, .0164)."""
    codes = np.array([0.6274, 0.0691, 0.0164]) ** (1 / 2.4)
    y = codes @ [0.2627, 0.678, 0.0593]
    cb, cr = (codes[2] - y) / 1.8814, (codes[0] - y) / 1.4746
    planes = np.full((HEIGHT * 3 // 2, WIDTH), round(64 + 876 * y), np.uint16)
    planes[HEIGHT : HEIGHT * 5 // 4], planes[HEIGHT * 5 // 4 :] = round(512 + 896 * cb), round(512 + 896 * cr)
    frame = av.VideoFrame.from_ndarray(planes, "yuv420p10le")
    frame.color_trc, frame.color_primaries, frame.colorspace, frame.color_range = 14, 9, 9, 1

    red, green, blue = upright(tmp_path, frame, View()).reshape(-1, 3).mean(axis=0)

    assert red > 250
    assert green < 25
    assert blue < 25


@pytest.mark.parametrize(
    ("size", "tag", "bt709"),
    [
        ((64, 48), 2, False),
        ((720, 576), 2, False),
        ((1280, 720), 2, True),
        ((64, 48), 1, True),
        ((1280, 720), 5, False),
    ],
)
def test_the_matrix_is_the_tagged_one_or_that_of_the_size(tmp_path, size, tag, bt709):
    width, height = size
    planes = np.full((height * 3 // 2, width), 100, np.uint8)
    planes[height : height * 5 // 4], planes[height * 5 // 4 :] = 128, 200
    frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
    frame.colorspace, frame.color_range = tag, 1

    green = upright(tmp_path, frame, View())[:, :, 1].mean()

    assert green == pytest.approx(1.164 * 84 - (0.533 if bt709 else 0.813) * 72, abs=2)


@pytest.mark.parametrize(("pixels", "white"), [("yuvj420p", 235), ("yuv420p", 255)])
def test_full_range_is_not_stretched(tmp_path, pixels, white):
    planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    planes[:HEIGHT] = 235
    assert upright(tmp_path, av.VideoFrame.from_ndarray(planes, pixels), View()).mean() == pytest.approx(
        white, abs=1
    )


_WOVEN = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
_WOVEN[::2, 30:60] = _WOVEN[1::2, 42:72] = 200


def _interlaced(pixels="yuv420p"):
    """Frames of two fields, between which a bar moved."""
    return [av.VideoFrame.from_ndarray(_WOVEN, "rgb24").reformat(format=pixels) for _ in range(4)]


def _combs(rgb):
    grey = rgb.astype(float).mean(axis=2)
    return np.abs(grey[1:-1:2] - (grey[:-2:2] + grey[2::2]) / 2).mean()


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"x264-params": "interlaced=1:tff=1"}),
        ("b.mp4", "libx264", {"x264-params": "interlaced=1:bff=1"}),
        ("a.mpg", "mpeg2video", {"flags": "+ildct+ilme"}),
    ],
)
def test_interlaced_pictures_have_no_combs(tmp_path, name, codec, options):
    path = write(tmp_path / name, _interlaced(), codec, options=options)

    found = list(read_frames(path))

    assert len(found) == 4
    assert all(_combs(frame.rgb) < _combs(_WOVEN) / 4 for frame in found)


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mkv", "ffv1", "yuv420p"),
        ("b.mkv", "mjpeg", "yuvj420p"),
        ("a.mov", "mjpeg", "yuvj420p"),
        ("b.mov", "rawvideo", "uyvy422"),
        ("c.mov", "png", "rgb24"),
    ],
)
@pytest.mark.parametrize("order", [1, 2, 5])
def test_interlaced_pictures_of_which_only_the_container_tells_have_no_combs(
    tmp_path, name, codec, pixels, order
):
    path = write(tmp_path / name, _interlaced(pixels), codec, pixels=pixels, field_order=order)

    found = list(read_frames(path))

    assert len(found) == 4
    assert all((_combs(frame.rgb) < _combs(_WOVEN) / 4) == (order > 1) for frame in found)


@pytest.mark.parametrize("name", ["a.ts", "a.mkv"])
def test_fields_that_are_pictures_of_their_own_are_as_high_as_frames(tmp_path, name):
    """A broadcast in HEVC: half of the lines in each picture."""
    options = {"x265-params": "log-level=none:interlace=1"}
    path = write(tmp_path / name, [_quarters()] * 16, "libx265", options=options)

    frames = list(read_frames(path))

    assert [frame.rgb.shape for frame in frames] == [(2 * HEIGHT, WIDTH, 3)] * 16
    assert np.abs(frames[3].rgb[::2].astype(int) - _quarters()).mean() < 12


def test_whole_pictures_in_an_interlaced_stream_are_left_alone(tmp_path):
    """A broadcast of a film: the codec tells of each picture that its lines belong together."""
    options = {"x264-params": "interlaced=0:qp=0"}
    path = write(tmp_path / "a.mkv", _interlaced(), options=options, container_options={"live": "1"})
    describe(path, 0xE0, add=element(0x9A, b"\1"))

    assert all(_combs(frame.rgb) > _combs(_WOVEN) / 2 for frame in read_frames(path))


def test_progressive_lines_are_left_alone(tmp_path):
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[1::2] = 200
    path = write(tmp_path / "a.mp4", [picture] * 2, options={"qp": "0"})

    assert _combs(next(iter(read_frames(path))).rgb) > 150


def test_columns_that_are_cropped_away_are_not_shown(tmp_path):
    whole = write(tmp_path / "whole.mp4", [_quarters()] * 3)
    with av.open(str(whole)) as container, av.open(str(tmp_path / "a.mp4"), "w") as copy:
        source = container.streams.video[0]
        stream = copy.add_stream_from_template(source)
        crop = BitStreamFilterContext(f"h264_metadata=crop_left={WIDTH // 4}:crop_top=8", source, stream)
        for packet in container.demux(source):
            for cropped in crop.filter(packet if packet.size else None):
                cropped.stream = stream
                copy.mux(cropped)

    (frame,) = read_frames(tmp_path / "a.mp4", count=1)

    shown = _quarters()[8:, WIDTH // 4 :]
    assert frame.rgb.shape == shown.shape
    assert np.abs(frame.rgb.astype(int) - shown).mean() < 12


def test_transparent_parts_are_black(tmp_path):
    rgba = np.full((HEIGHT, WIDTH, 4), (255, 0, 0, 255), np.uint8)
    rgba[:, WIDTH // 2 :, 3] = 0
    frames = [av.VideoFrame.from_ndarray(rgba, "rgba") for _ in range(2)]
    path = write(tmp_path / "a.mov", frames, "qtrle", pixels="argb")

    (frame,) = read_frames(path, count=1)

    assert frame.rgb[5, 5].tolist() == [255, 0, 0]
    assert frame.rgb[5, WIDTH - 5].tolist() == [0, 0, 0]


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
@pytest.mark.parametrize("count", [None, 2])
def test_transparent_parts_of_a_sticker_are_black_whatever_lies_below(tmp_path, codec, count):
    rgba = np.full((HEIGHT, WIDTH, 4), (200, 30, 30, 255), np.uint8)
    rgba[:, WIDTH // 2 :] = (0, 255, 0, 0)
    frames = [av.VideoFrame.from_ndarray(rgba, "rgba") for _ in range(6)]
    path = write(tmp_path / "a.webm", frames, codec, pixels="yuva420p", options={"auto-alt-ref": "0"})

    found = list(read_frames(path, count=count))

    assert [frame.index for frame in found] == (list(range(6)) if count is None else [1, 4])
    for frame in found:
        assert frame.rgb[5, 5] == pytest.approx((200, 30, 30), abs=4)
        assert frame.rgb[5, WIDTH - 5].tolist() == [0, 0, 0]


def test_light_without_a_range_is_a_reason(tmp_path):
    """OpenEXR and Radiance HDR."""
    frame = av.VideoFrame(WIDTH, HEIGHT, "gbrpf32le")

    with pytest.raises(Unreadable, match="floating point"):
        upright(tmp_path, frame, View())


@pytest.mark.parametrize("matrix", [8, 14])
def test_colours_that_cannot_be_converted_are_a_reason(tmp_path, matrix):
    frame = av.VideoFrame.from_ndarray(np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8), "yuv420p")
    frame.colorspace = matrix

    with pytest.raises(Unreadable, match=f"matrix {matrix} of H.273"):
        upright(tmp_path, frame, View())


@pytest.mark.parametrize(("compatible", "shown"), [(0, False), (1, True), (4, True)])
def test_pictures_that_need_dolby_vision_are_a_reason(tmp_path, compatible, shown):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=30, options={"x265-params": "log-level=none"})
        stream.width, stream.height, stream.codec_context.codec_tag = WIDTH, HEIGHT, "dvh1"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(_quarters(), "rgb24")))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    assert content.count(b"\0\0\0\x14btrt") == 1
    at = content.index(b"btrt")
    path.write_bytes(
        content[:at] + b"dvcC" + bytes([1, 0, 10, 5, compatible << 4]) + bytes(7) + content[at + 16 :]
    )

    if shown:
        assert len(list(read_frames(path))) == 3
    else:
        with pytest.raises(Unreadable, match="Dolby Vision"):
            list(read_frames(path))


def _numbered():
    """Each column and row has its own colour: (4 x column) to the right, (4 x row) down."""
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[:, :, 0], rgb[:, :, 1] = 2 * np.arange(WIDTH), 4 * np.arange(HEIGHT)[:, None]
    return rgb


def _crops(left, top, right, bottom):
    """Matroska's PixelCropLeft, -Top, -Right and -Bottom."""
    pairs = zip((0x54CC, 0x54BB, 0x54DD, 0x54AA), (left, top, right, bottom), strict=True)
    return b"".join(element(name, bytes([pixels])) for name, pixels in pairs if pixels)


@pytest.mark.parametrize("crop", [(0, 8, 0, 8), (10, 0, 6, 0), (11, 7, 5, 9)])
@pytest.mark.parametrize("first", [True, False])
def test_the_crop_of_a_matroska_is_applied(tmp_path, crop, first):
    left, top, right, bottom = crop
    path = write(
        tmp_path / "a.mkv", [_numbered()] * 3, "ffv1", pixels="bgr0", container_options={"live": "1"}
    )
    describe(path, 0xE0, add=_crops(*crop))

    (frame,) = read_frames(path, count=1, first=first)

    assert np.array_equal(frame.rgb, _numbered()[top : HEIGHT - bottom, left : WIDTH - right])


def test_a_cropped_matroska_of_pixels_that_are_not_square_is_as_wide_as_players_show_it(tmp_path):
    """4:3 inside black bars: 96 x 64 pixels, of which 64 x 64 are shown 128 wide."""
    path = write(tmp_path / "a.mkv", [_numbered()] * 3, container_options={"live": "1"})
    shown = element(0x54B0, bytes([128])) + element(0x54BA, bytes([64])) + element(0x54B2, b"\0")
    describe(path, 0xE0, add=_crops(16, 0, 16, 0) + shown)

    (frame,) = read_frames(path, count=1)

    assert frame.rgb.shape == (64, 128, 3)
    assert np.abs(frame.rgb[32, ::2, 0].astype(int) - 2 * np.arange(16, 80)).mean() < 6


@pytest.mark.parametrize(
    ("numbers", "part"),
    [((64, 1, 64, 1, 0, 1, 0, 1), np.s_[:, 16:80]), ((96, 1, 48, 1, 0, 1, -4, 1), np.s_[4:52, :])],
)
def test_the_clean_aperture_of_a_mov_is_applied(tmp_path, numbers, part):
    path = write(tmp_path / "a.mov", [_numbered()] * 3, "png", pixels="rgb24")
    content = bytearray(path.read_bytes())
    box = struct.pack(">I4s8i", 40, b"clap", *numbers)
    entry = content.index(b"png ", content.index(b"stsd")) - 4
    content[entry + 86 : entry + 86] = box
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        at = content.index(kind, content.index(b"minf") if kind == b"stbl" else 0) - 4
        content[at : at + 4] = (int.from_bytes(content[at : at + 4]) + 40).to_bytes(4)
    content[entry : entry + 4] = (int.from_bytes(content[entry : entry + 4]) + 40).to_bytes(4)
    path.write_bytes(content)

    (frame,) = read_frames(path, count=1)

    assert np.array_equal(frame.rgb, _numbered()[part])


@pytest.mark.parametrize(("codec", "options"), [("libx264", {"bf": "2"}), ("mpeg2video", {"bf": "2"})])
@pytest.mark.parametrize("count", [None, 8])
def test_pixels_whose_shape_changes_are_shown_as_each_picture_says(tmp_path, codec, options, count):
    """A broadcast: 4:3, then a film in 16:9, then 4:3 again."""
    parts = []
    for number, aspect in enumerate((Fraction(1), Fraction(32, 27), Fraction(1))):
        part = tmp_path / f"{number}.ts"
        pictures = [_quarters()] * 20
        write(part, pictures, codec, options={"g": "10"} | options, sample_aspect_ratio=aspect)
        parts.append(part.read_bytes())
    (tmp_path / "a.ts").write_bytes(b"".join(parts))

    frames = list(read_frames(tmp_path / "a.ts", count=count))

    widths = [frame.rgb.shape[1] for frame in frames]
    expected = [WIDTH if not 20 <= frame.index < 40 else round(WIDTH * 32 / 27) for frame in frames]
    assert len(frames) == (count or 60)
    assert widths == expected


def _dolby_record(profile, compatible):
    return bytes([1, 0, profile << 1, 5, compatible << 4]) + bytes(19)


@pytest.mark.parametrize(
    ("profile", "compatible", "shown"),
    [(5, 0, False), (8, 1, True), (8, 4, True), (7, 6, True), (10, 0, False)],
)
def test_a_matroska_that_needs_dolby_vision_is_a_reason(tmp_path, profile, compatible, shown):
    path = write(tmp_path / "a.mkv", [_quarters()] * 3, container_options={"live": "1"})
    record = element(0x41E7, b"dvcC") + element(0x41ED, _dolby_record(profile, compatible))
    describe(path, add=element(0x41E4, record))

    if shown:
        assert len(list(read_frames(path))) == 3
    else:
        with pytest.raises(Unreadable, match="Dolby Vision"):
            list(read_frames(path))


@pytest.mark.parametrize(("profile", "compatible", "shown"), [(5, 0, False), (8, 1, True)])
def test_a_transport_stream_that_needs_dolby_vision_is_a_reason(tmp_path, profile, compatible, shown):
    path = write(tmp_path / "a.ts", [_quarters()] * 20)
    content = bytearray(path.read_bytes())
    for at in range(0, len(content), 188):
        if content[at + 1 : at + 3] == b"\x50\0":  # The list of streams, which says nothing more of the one.
            record = _dolby_record(profile, compatible)[:5]
            section = content[at + 5 : at + 8 + content[at + 7] - 4]
            section[2] += 7
            section[-1] = 7
            section += bytes([0xB0, 5]) + record
            content[at + 5 : at + 5 + len(section) + 4] = section + _mpeg_checksum(section)
    path.write_bytes(content)

    if shown:
        assert len(list(read_frames(path))) == 20
    else:
        with pytest.raises(Unreadable, match="Dolby Vision"):
            list(read_frames(path))


def _mpeg_checksum(content):
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc >> 31 else crc << 1) & 0xFFFFFFFF
    return crc.to_bytes(4)
