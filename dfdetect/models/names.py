"""What a recipe's `weights` can name besides a file: published weights, and keras-hub presets."""

from pathlib import Path

# Each key names the data that the published weights were trained on.
PUBLISHED = {"imagenet": "ImageNet", "lvd142m": "LVD-142M"}
# Values that name no file, even where there is one of that name.
NO_FILES = ("", "none", *PUBLISHED)
# The files of a preset's folder.
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"


def is_preset(folder: Path) -> bool:
    """Whether the folder is a preset, as written by keras-hub's `save_to_preset`."""
    return (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file()
