"""What the `weights` of a recipe can name beside a file: published weights, and presets of keras-hub."""

from pathlib import Path

# Each word names the data that the published weights were trained on.
PUBLISHED = {"imagenet": "ImageNet", "lvd142m": "LVD-142M"}
# The files of a preset's folder.
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"


def is_preset(folder: Path) -> bool:
    """Whether the folder is a preset, as keras-hub's `save_to_preset` writes it."""
    return (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file()
