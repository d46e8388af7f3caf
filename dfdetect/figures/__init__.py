"""The figures of a run."""

from dfdetect.figures.curves import best_epoch
from dfdetect.figures.drawing import Figure, draw_all, reading_order

__all__ = ["Figure", "best_epoch", "draw_all", "reading_order"]
