"""How sharp a face is."""

from dfdetect.data.sharpness import sharpness as of_picture
from dfdetect.evaluate.registry import Face, register


@register(
    "sharpness",
    "Sharpness",
    "The variance of the Laplacian over that of the crop, at the model's size, in quarters of these faces. "
    "Blur and strong compression lower it, noise raises it.",
)
def sharpness(face: Face) -> float:
    """The sharpness at the model's size, see `data.sharpness`."""
    return of_picture(face.scaled)
