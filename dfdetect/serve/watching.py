"""What the processes of the service do with a file: check it against the limits, and look for faces.

They tell how far they are in a small file beside it, and keep small copies of the frames for the page.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from dfdetect.predict.evidence import small_jpeg
from dfdetect.predict.looking import Look, Wanted, look
from dfdetect.serve.limits import Limits
from face_extraction.container import open_video
from face_extraction.frames import Frame
from face_extraction.images import open_file, open_picture

PROGRESS = "progress"
"""Name of the file that tells how many frames were looked at."""


@dataclass(frozen=True)
class Watched:
    """What a process found in a file.

    Attributes:
        look: its faces.
        stills: small JPEG copies of the frames looked at, by their index in the video; 0 of a photo.
        refused: which limit it exceeds; "" if none.
    """

    look: Look
    stills: dict[int, bytes] = field(default_factory=dict)
    refused: str = ""


def watch(path: Path, wanted: Wanted, limits: Limits, keeps_stills: bool) -> Watched:
    """Look for the faces of a file within the limits.

    Args:
        path: the uploaded file.
        wanted: how faces are found and cut.
        limits: the file may exceed none.
        keeps_stills: whether the page will show its frames.
    """
    told = _by_header(path, limits)
    if told:
        return Watched(Look(), refused=told)
    eyes = _Eyes(path.with_name(PROGRESS), limits, keeps_stills)
    found = look(path, wanted, watch=eyes.see)
    found = replace(found, detail=found.detail.replace(str(path), "the file"))
    return Watched(found, eyes.stills, eyes.refused)


class _TooMuch(Exception):
    """Ends the search of a file that exceeds a limit."""


class _Eyes:
    """Sees each frame before its faces are looked for."""

    def __init__(self, progress: Path, limits: Limits, keeps_stills: bool) -> None:
        self._progress, self._limits, self._keeps_stills = progress, limits, keeps_stills
        self._seen = 0
        self.stills: dict[int, bytes] = {}
        self.refused = ""

    def see(self, frame: Frame) -> None:
        """Check a frame against the limits, keep a copy if the page needs it, and write the progress.

        Raises:
            _TooMuch: the frame exceeds a limit; `refused` says which.
        """
        height, width = frame.rgb.shape[:2]
        self.refused = _over(self._limits, width, height, frame.time)
        if self.refused:
            raise _TooMuch
        if self._keeps_stills:
            self.stills[frame.index] = small_jpeg(frame.rgb)
        self._seen += 1
        self._progress.write_text(str(self._seen))


def read_progress(folder: Path) -> int | None:
    """How many frames of the file in `folder` were looked at; None if none was yet."""
    with suppress(OSError, ValueError):
        return int((folder / PROGRESS).read_text())
    return None


def _by_header(path: Path, limits: Limits) -> str:
    """Which limit a file exceeds by its header, before anything is decoded; "" if the header tells none.

    A header that is damaged, or lies, is left to the search itself.
    """
    with suppress(Exception), open_file(path) as stream, open_picture(stream, path) as image:
        return _over(limits, *image.size, 0.0)
    with suppress(Exception), open_video(path) as (container, stream, _):
        ends = [float(stream.duration * stream.time_base)] if stream.duration else []
        ends += [container.duration / 1e6] if container.duration else []
        return _over(limits, stream.width or 0, stream.height or 0, max(ends, default=0.0))
    return ""


def _over(limits: Limits, width: int, height: int, seconds: float) -> str:
    if width * height > limits.pixels:
        return f"{width} x {height} pixels; accepted: up to {limits.pixels:,} pixels"
    if seconds > limits.seconds:
        return f"{seconds:,.1f} seconds long; accepted: up to {limits.seconds:,.6g} seconds"
    return ""
