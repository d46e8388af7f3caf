"""Pictures as codecs of photos and videos give them back."""

from collections.abc import Sequence
from fractions import Fraction
from typing import cast

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext

from dfdetect.fakes.registry import Rgb

H264, HEVC = "libx264", "libx265"


def coded(picture: Rgb, suffix: str, options: Sequence[int]) -> Rgb:
    """A picture after it was encoded and decoded.

    Args:
        picture: uint8 of shape (H, W, 3).
        suffix: ".jpg" or ".webp".
        options: OpenCV's flags for the encoder, each followed by its value.
    """
    done, content = cv2.imencode(suffix, picture[:, :, ::-1], options)
    if not done:
        raise ValueError(f"cannot be encoded as {suffix}. Received: shape {picture.shape}")
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR_RGB), np.uint8)


# Fast and without threads: of three small frames the start of a codec is most of the time.
_X264 = {"preset": "ultrafast", "x264-params": "bframes=0:rc-lookahead=0:sync-lookahead=0:threads=1"}
_X265 = {
    "preset": "ultrafast",
    "x265-params": "pools=none:frame-threads=1:bframes=0:rc-lookahead=0:log-level=none",
}
_VIDEO_CODECS = {H264: ("h264", _X264), HEVC: ("hevc", _X265)}


def filmed(picture: Rgb, codec: str, crf: int, frames: int = 1, shift: tuple[int, int] = (0, 0)) -> Rgb:
    """The last frame of a short video of the picture as it moves, which ends where the picture is.

    What is lost follows from the codec's own prediction from frame to frame, with chroma at half the size.

    Args:
        picture: uint8 of shape (H, W, 3).
        codec: `H264` or `HEVC`.
        crf: the quality: 18 hardly loses anything, 40 is coarse.
        frames: of the video. HEVC always takes one: x265's predicted frames of small pictures differ from
            call to call (seen with PyAV 18.1), so that equal pictures would not give equal videos.
        shift: pixels across and down by which the picture moves from frame to frame.
    """
    height, width = picture.shape[:2]
    even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    across, down = shift
    count = 1 if codec == HEVC else frames
    moving = [np.roll(even, (down * left, across * left), (0, 1)) for left in range(count - 1, -1, -1)]
    return np.ascontiguousarray(_last_frame(moving, codec, crf)[:height, :width])


def _last_frame(frames: Sequence[Rgb], name: str, crf: int) -> Rgb:
    """The last of the frames, after all went through the encoder and the decoder."""
    reads, options = _VIDEO_CODECS[name]
    encoder = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
    encoder.height, encoder.width = frames[0].shape[:2]
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 24)
    encoder.options = {"crf": str(crf), **options}
    decoder = cast(VideoCodecContext, av.CodecContext.create(reads, "r"))
    encoder.thread_count = decoder.thread_count = 1
    packets = []
    for number, picture in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
        frame.pts = number
        packets += encoder.encode(frame)
    decoded = [
        frame for packet in [*packets, *encoder.encode(None), None] for frame in decoder.decode(packet)
    ]
    return np.asarray(decoded[-1].to_ndarray(format="rgb24"), np.uint8)
