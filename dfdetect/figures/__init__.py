"""The figures of a run."""

from dfdetect.figures.curves import best_epoch
from dfdetect.figures.drawing import Figure, draw_all, reading_order, useful_levels

__all__ = ["Figure", "best_epoch", "draw_all", "reading_order", "useful_levels"]
