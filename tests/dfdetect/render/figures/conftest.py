"""What the tests of figures share."""

from typing import Any

import pytest
from matplotlib.figure import Figure as Canvas


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Canvas]:
    """The matplotlib figures that are saved while the test runs."""
    figures: list[Canvas] = []
    save = Canvas.savefig

    def record(self: Canvas, *args: Any, **kwargs: Any) -> None:
        figures.append(self)
        save(self, *args, **kwargs)

    monkeypatch.setattr(Canvas, "savefig", record)
    return figures
