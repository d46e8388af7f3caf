"""Frames of one video on both sides of a split."""

from dfdetect.audit.links import Links, link
from dfdetect.audit.registry import register
from dfdetect.audit.rows import NotLooked, Rows


@register(
    "video",
    "Frames of one video",
    "The faces are frames of the same video: almost the same picture, with the same label.",
)
def video(rows: Rows) -> Links:
    """Link the rows of a video; photos have none."""
    if not any(sample.video for sample in rows.samples):
        raise NotLooked("the manifest names no videos (column video)")
    return link((row, sample.video_key) for row, sample in enumerate(rows.samples) if sample.video)
