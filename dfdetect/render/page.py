"""The page of a run: index.html and MODEL_CARD.md."""

from pathlib import Path

from dfdetect.render.card import render_model_card
from dfdetect.render.html import render_page
from dfdetect.render.report import RunReport
from face_extraction.atomic import write_text

__all__ = ["MODEL_CARD", "PAGE", "RunReport", "write_page"]

PAGE = "index.html"
MODEL_CARD = "MODEL_CARD.md"


def write_page(folder: Path, report: RunReport) -> None:
    """Write the page and the model card of a run into its folder, atomically.

    Args:
        folder: the run's folder, to which the files of `report.figures` are relative.
        report: what to show.
    """
    write_text(folder / MODEL_CARD, render_model_card(report))
    write_text(folder / PAGE, render_page(report))
