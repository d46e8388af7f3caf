"""The figures of a search: what they show stays readable."""

import pytest
from matplotlib.figure import Figure

from tuning.figures import parallel
from tuning.rows import Row


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved while the test runs."""
    figures = []
    save = Figure.savefig

    def record(self, *args, **how):
        figures.append(self)
        save(self, *args, **how)

    monkeypatch.setattr(Figure, "savefig", record)
    return figures


def rows(settings):
    """Three trials; each setting of the second lies midway between those of the others."""
    return [
        Row("case", number, "done", score, {f"setting{n}": number + n for n in range(settings)}, {})
        for number, score in enumerate((0.6, 0.8, 0.7))
    ]


def test_a_trial_passes_its_values_and_ends_at_its_score(drawn, tmp_path):
    parallel(rows(2), "val_auc", tmp_path / "p.png")
    (axes,) = drawn[0].axes
    lines = [line.get_xdata().tolist() for line in axes.lines if len(line.get_xdata()) == 3]
    # From the worst score to the best; the score's own axis is the last.
    assert lines == [[0, 0, 0], [1, 1, pytest.approx(0.5)], [0.5, 0.5, 1]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["setting0", "setting1", "val auc"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the score stands below


def test_many_settings_make_the_figure_longer_and_not_wider(drawn, tmp_path):
    """A page fits a figure to its width, so the letters of a wide one shrink."""
    for settings in (2, 12):
        parallel(rows(settings), "val_auc", tmp_path / "p.png")
    few, many = (figure.get_size_inches() for figure in drawn)
    assert few[0] == many[0] <= 8
    assert many[1] > few[1]
    sizes = [text.get_size() for text in drawn[1].axes[0].texts]
    assert min(sizes) >= 8
