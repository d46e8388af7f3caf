"""The two people of a face swap on different sides of a split."""

from itertools import chain

from dfdetect.audit.links import Links, link
from dfdetect.audit.registry import register
from dfdetect.audit.rows import NotLooked, Rows
from dfdetect.data.naming import known_names, people


@register(
    "swap",
    "Target or source of a swap",
    "A swap puts the face of a source into the video of a target. The faces share one of the two: the fake "
    "and a clip of its target or its source, or two fakes with one of them in common. Read from the names of "
    "the clips, as FaceForensics++, Celeb-DF and DeeperForensics write them. A public split of Celeb-DF "
    "has this leak by its making: its people stand in training and test clips alike.",
)
def swap(rows: Rows) -> Links:
    """Link rows that share a person of a swap."""
    if not any(known_names(sample) for sample in rows.samples):
        raise NotLooked("no data set in it whose clip names tell the target and the source of a swap")
    named = [(row, people(sample)) for row, sample in enumerate(rows.samples)]
    twice = link((row, frozenset(names)) for row, names in named if len(names) == 2)
    return link(chain.from_iterable(((row, name) for name in names) for row, names in named), twice)
