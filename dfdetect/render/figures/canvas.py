"""The look that all figures share: colours, type, size, and how they are saved.

Agg draws the figures, which are matplotlib `Figure` objects. pyplot is not used, because it keeps global
state and may want a display. matplotlib is imported with the first figure.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from face_extraction.atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers can tell apart, without black and faint yellow.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
AMBER, SKY = "#E69F00", "#56B4E9"
INK, GREY, FAINT = "#1f2328", "#6b7280", "#d9dde3"
# ORANGE's contrast with white is 3.9; WCAG asks 4.5 for text.
ORANGE_TEXT = "#C05400"
CLASS_COLOURS = (BLUE, ORANGE)  # by label: real, fake
CLASS_TEXT = (BLUE, ORANGE_TEXT)
LEVEL_COLOURS = {"face": BLUE, "video": PURPLE}
DPI = 150

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,  # names of data sets and models may hold "$"
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.8,
    "legend.frameon": True,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "none",
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def canvas(path: Path, width: float = 5.6, height: float = 4.2) -> Iterator["Figure"]:
    """Yield an empty figure; save it to `path` as PNG, atomically, when the block ends well.

    Args:
        path: the PNG file.
        width: in inches of 150 pixels.
        height: in inches of 150 pixels.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        # The font may lack a name's script and draw boxes instead: no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
        FigureCanvasAgg(figure)
        yield figure
        with atomic_path(path) as temporary:
            # Without matplotlib's version in the file, equal data give equal bytes.
            figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})


def not_defined(axes: "Axes", reason: str) -> None:
    """Write into `axes` that there is nothing to show, and why."""
    axes.clear()
    axes.set_axis_off()
    axes.text(0.5, 0.56, "not defined", ha="center", va="center", size=12, color=GREY)
    axes.text(0.5, 0.44, reason, ha="center", va="center", color=GREY, wrap=True)


def unit_square(axes: "Axes", across: str, up: str) -> None:
    """Make `axes` a square from 0 to 1 in both directions, with a little room for the lines."""
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=across, ylabel=up, aspect="equal")
