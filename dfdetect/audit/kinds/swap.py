"""The two people of a face swap on different sides of a split."""

from itertools import chain

from dfdetect.audit.links import Links, link
from dfdetect.audit.registry import register
from dfdetect.audit.rows import NotLooked, Rows
from dfdetect.data.naming import known_names, people


@register(
    "swap",
    "Target or source of a swap",
    "A swap puts the face of a source into the video of a target. The faces share one of the two people: a "
    "fake and a video of its target or its source, or two fakes with one of them in common. The names of "
    "the videos tell, in FaceForensics++, Celeb-DF and DeeperForensics. The public split of Celeb-DF has "
    "this leak by design: its people stand in training and test videos alike.",
)
def swap(rows: Rows) -> Links:
    """Link rows that share a person of a swap."""
    if not any(known_names(sample) for sample in rows.samples):
        raise NotLooked("it has no data set whose video names tell the target and the source of a swap")
    named = [(row, people(sample)) for row, sample in enumerate(rows.samples)]
    twice = link((row, frozenset(names)) for row, names in named if len(names) == 2)
    return link(chain.from_iterable(((row, name) for name in names) for row, names in named), twice)
