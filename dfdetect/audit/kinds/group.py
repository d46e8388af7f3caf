"""One group on both sides of a split."""

from dfdetect.audit.links import Links, link
from dfdetect.audit.registry import register
from dfdetect.audit.rows import Rows


@register(
    "group",
    "The same original or group",
    "The faces come from one original video (a fake and its original, or two fakes of it), or from one group "
    "of the manifest; a data set and the data set whose recordings it is made from share their groups. The "
    "faces share the person, the scene and the camera, which a model can learn instead of the traces of a "
    "forgery.",
)
def group(rows: Rows) -> Links:
    """Link the rows of a group."""
    return link(enumerate(rows.groups.tolist()))
