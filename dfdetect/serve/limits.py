"""What the service takes, and what it refuses."""

from dataclasses import dataclass

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """How much the service takes.

    Attributes:
        bytes: of a file.
        seconds: of a video.
        pixels: of a photo, or of a video's frame.
        queue: files in work or waiting, uploads included. One more is told to come back later.
        upload_seconds: how long an upload may take.
        work_seconds: how long the search for a file's faces may take.
        keep_seconds: how long a job's result is kept for the page.
        keep_bytes: what the pictures of all such results may take; the oldest go first.
        cameras: webcams at once.
    """

    bytes: int = 500 * MEGABYTE
    seconds: float = 600.0
    pixels: int = 50_000_000
    queue: int = 16
    upload_seconds: float = 600.0
    work_seconds: float = 600.0
    keep_seconds: float = 3600.0
    keep_bytes: int = 256 * MEGABYTE
    cameras: int = 2


class Refused(Exception):
    """A request that the service does not take.

    Attributes:
        status: of HTTP.
        told: why, in one line.
        retry_after: seconds after which it may be taken; 0 if it never will.
    """

    def __init__(self, status: int, told: str, retry_after: int = 0) -> None:
        super().__init__(status, told, retry_after)
        self.status, self.told, self.retry_after = status, told, retry_after


def megabytes(size: float) -> str:
    """A size in bytes for people."""
    return f"{size / MEGABYTE:,.6g} MB"
