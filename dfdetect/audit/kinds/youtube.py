"""Sequences of FaceForensics++ cut from one YouTube video."""

from dfdetect.audit.links import Links, link
from dfdetect.audit.registry import register
from dfdetect.audit.rows import NotLooked, Rows
from dfdetect.data.naming import people
from face_extraction.sources.faceforensics import ONE_VIDEO


@register(
    "youtube",
    "One YouTube video",
    "FaceForensics++ cut seven pairs of sequences from one YouTube video each, and its official split puts "
    "the two of a pair into different splits: the same person on the same day.",
)
def youtube(rows: Rows) -> Links:
    """Link rows that show one of those videos, as target or as source."""
    home = {("seq", name): number for number, pair in enumerate(ONE_VIDEO) for name in pair}
    named = [(row, people(sample)) for row, sample in enumerate(rows.samples)]
    if not any(name[0] == "seq" for _, names in named for name in names):
        raise NotLooked("it has no videos of FaceForensics++")
    return link((row, key) for row, names in named for key in {home[name] for name in names if name in home})
