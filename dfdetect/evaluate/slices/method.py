"""The method of a fake."""

from dfdetect.evaluate.registry import Face, register


@register(
    "method",
    "Method",
    "The manifest's column. Reals have no method, so that each method's AUC is against all reals.",
    of_fakes=True,
)
def method(face: Face) -> str | None:
    """The method; None if the manifest does not name it."""
    return face.sample.method or None
