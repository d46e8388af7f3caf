"""One group on both sides of a split."""

from dfdetect.audit.links import Links, link
from dfdetect.audit.registry import register
from dfdetect.audit.rows import Rows


@register(
    "group",
    "The same original or group",
    "The faces come from one original video (a fake and what it was made from, or two fakes of it), or from "
    "what the manifest calls one group, also of a data set and the one whose recordings it is made from. "
    "They share the person, the scene and the camera, which a model can learn instead of the traces of a "
    "forgery.",
)
def group(rows: Rows) -> Links:
    """Link the rows of a group."""
    return link(enumerate(rows.groups.tolist()))
