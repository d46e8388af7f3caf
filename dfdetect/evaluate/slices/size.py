"""The size of a face in its photo or video."""

from dfdetect.evaluate.registry import Bands, Face, register


@register(
    "size",
    "Crop size",
    "The shorter side of the crop in its source, before it was scaled. Crops of data sets that come ready "
    "cut have been scaled before, which the manifest does not know.",
    bands=Bands(unit=" px", cuts=(100, 200, 400)),
)
def size(face: Face) -> float | None:
    """The shorter side, in pixels of the source; None if the manifest does not hold it."""
    return min(face.sample.width, face.sample.height) or None
