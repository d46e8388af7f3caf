"""The data set that a face comes from."""

from dfdetect.evaluate.registry import Face, register


@register("source", "Data set", "The manifest's column.")
def source(face: Face) -> str | None:
    """The data set; None if the manifest does not name it."""
    return face.sample.source or None
