"""Fixtures that all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

# How long one example takes depends on what else the machine does: hypothesis' own limit is 0.2 s.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture
def shared() -> Path:
    """The folder of real faces, clips and weights that lies beside some checkouts."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("no folder ../shared with real data beside this checkout")
    return folder
