"""How bright a face is."""

from dfdetect.evaluate.colours import lab
from dfdetect.evaluate.registry import Face, register


@register(
    "brightness",
    "Brightness",
    "The mean lightness L* of the crop, 0 to 100, in quarters of these faces. It mixes light, camera, skin, "
    "hair and background.",
)
def brightness(face: Face) -> float:
    """The mean lightness of the crop at the model's size, 0 to 100."""
    return float(lab(face.scaled)[..., 0].mean())
