"""The figures of a search: history, parallel coordinates, and importance of each setting."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dfdetect.render.figures.canvas import BLUE, FAINT, GREEN, GREY, INK, ORANGE, PURPLE, canvas, not_defined
from dfdetect.render.figures.drawing import Figure
from dfdetect.render.text import short
from tuning.importance import METHOD
from tuning.rows import Row, varied

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FOLDER = "figures"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, GREY)
Importances = Mapping[str, Mapping[str, float] | str]


def draw(rows: Sequence[Row], objective: str, found: Importances, folder: Path) -> list[Figure]:
    """Draw the figures into the folder "figures" of a search's folder.

    Args:
        rows: the trials.
        objective: the score's name.
        found: each setting's importance by case, or the reason why there is none.
        folder: the search's folder.

    Returns:
        The figures, in the order in which they are shown.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    figures = [
        Figure(
            f"{FOLDER}/history.png",
            "History",
            f"{objective} of each trial, in the order in which they began, and the best so far. A cross is a "
            "trial that failed or was cut short.",
        ),
        Figure(f"{FOLDER}/importance.png", "Importance of each setting", METHOD),
        Figure(
            f"{FOLDER}/parallel.png",
            "Parallel coordinates",
            f"Each line is a finished trial, coloured by {objective}; better trials have more contrast.",
            wide=True,
        ),
    ]
    history(rows, objective, folder / figures[0].file)
    importance(found, folder / figures[1].file)
    parallel(rows, objective, folder / figures[2].file)
    return figures


def history(rows: Sequence[Row], objective: str, path: Path) -> None:
    """Draw the score of each trial and the best so far, with one colour for each case."""
    names = list(dict.fromkeys(row.case for row in rows))
    with canvas(path) as figure:
        axes = figure.subplots()
        if not any(row.score is not None for row in rows):
            not_defined(axes, "no trial finished")
            return
        floor = min(row.score for row in rows if row.score is not None)
        for index, name in enumerate(names):
            colour = COLOURS[index % len(COLOURS)]
            own = [row for row in rows if row.case == name]
            done = [row for row in own if row.score is not None]
            scores = [row.score or 0.0 for row in done]
            numbers = [row.number for row in done]
            axes.scatter(numbers, scores, s=16, color=colour, alpha=0.6)
            label = name if len(names) <= len(COLOURS) else None
            axes.step(
                numbers,
                np.maximum.accumulate(scores or [0.0])[: len(scores)],
                where="post",
                color=colour,
                label=label,
            )
            lost = [row.number for row in own if row.state in ("failed", "pruned")]
            axes.scatter(lost, [floor] * len(lost), marker="x", s=24, color=colour)
        axes.set(xlabel="trial", ylabel=objective)
        from matplotlib.ticker import MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if 1 < len(names) <= len(COLOURS):
            axes.legend(loc="lower right")


def importance(found: Importances, path: Path) -> None:
    """Draw each setting's importance, with one bar for each case."""
    shares = {case: value for case, value in found.items() if not isinstance(value, str)}
    with canvas(path) as figure:
        axes = figure.subplots()
        if not shares:
            not_defined(axes, next((str(reason) for reason in found.values()), "there is no trial"))
            return
        names = list(dict.fromkeys(name for value in shares.values() for name in value))
        mean = {name: float(np.mean([value.get(name, 0.0) for value in shares.values()])) for name in names}
        names.sort(key=lambda name: mean[name])
        if len(shares) > len(COLOURS):
            shares = {"mean over all cases": mean}
        height = 0.8 / len(shares)
        for index, (case, value) in enumerate(shares.items()):
            places = np.arange(len(names)) + height * ((len(shares) - 1) / 2 - index)
            axes.barh(
                places, [value.get(n, 0.0) for n in names], height * 0.9, color=COLOURS[index], label=case
            )
        axes.set_yticks(range(len(names)), [_title(name) for name in names])
        axes.set(xlim=(0, 1), xlabel="share of the score's variance")
        axes.grid(axis="y", visible=False)
        if len(shares) > 1 or len(found) > 1:
            axes.legend(loc="lower right")


def parallel(rows: Sequence[Row], objective: str, path: Path) -> None:
    """Draw each finished trial as a line through one axis for each setting; the last axis is the score.

    The axes lie below each other, so that the figure of many settings is long and its letters stay readable.
    """
    import matplotlib

    done = sorted((row for row in rows if row.score is not None), key=lambda row: row.score or 0.0)
    names = varied(done)
    columns: list[tuple[str, list[Any]]] = [
        (name, [row.values.get(name, "") for row in done]) for name in names
    ]
    if len({row.case for row in rows}) > 1:
        columns.insert(0, ("case", [row.case for row in done]))
    columns.append((objective, [row.score for row in done]))
    with canvas(path, width=7.6, height=max(2.4, 0.52 * len(columns))) as figure:
        axes = figure.subplots()
        if not done:
            not_defined(axes, "no trial finished")
            return
        places = np.array(
            [_place(axes, y, values, even=name != objective) for y, (name, values) in enumerate(columns)]
        )
        scores = places[-1]
        # The map's first colours are too pale to be seen on white.
        colours = matplotlib.colormaps["viridis_r"](0.2 + 0.8 * scores)
        for line, colour, score in zip(places.T, colours, scores, strict=True):
            axes.plot(
                line, range(len(columns)), color=colour, alpha=0.6 + 0.4 * score, linewidth=1.0 + 1.2 * score
            )
        axes.set(xlim=(-0.06, 1.06), ylim=(len(columns) - 0.5, -0.3), xticks=[])
        axes.set_yticks(range(len(columns)), [_title(name) for name, _ in columns])
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)


def _place(axes: "Axes", y: int, values: Sequence[Any], *, even: bool) -> list[float]:
    """Draw one horizontal axis with its marks, and return the place of each value on it, 0 to 1.

    With `even`, up to six values that several trials share are evenly spaced, as those of a list.
    """
    axes.axhline(y, color=FAINT, linewidth=1.2, zorder=0)
    texts = any(isinstance(value, (str, bool)) for value in values)
    kinds = list(dict.fromkeys(values)) if texts else sorted(set(values))
    if texts or len(kinds) == 1 or (even and len(kinds) <= min(6, len(values) - 1)):
        places = {
            value: index / max(1, len(kinds) - 1) if len(kinds) > 1 else 0.5
            for index, value in enumerate(kinds)
        }
        marks = places
    else:
        low, high = kinds[0], kinds[-1]
        log = low > 0 and high / low > 30
        scale = np.log10 if log else (lambda number: number)
        span = scale(high) - scale(low)
        places = {value: float((scale(value) - scale(low)) / span) for value in kinds}
        ticks = [10 ** (np.log10(low) + k / 4 * span) if log else low + k / 4 * span for k in range(5)]
        marks = {tick: k / 4 for k, tick in enumerate(ticks)}
    for value, place in marks.items():
        axes.annotate(
            short(float(f"{value:.3g}")) if isinstance(value, float) else str(value),
            (place, y),
            xytext=(0, -4),
            textcoords="offset points",
            size=8,
            color=INK,
            ha="center",
            va="top",
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
        )
    return [places[value] for value in values]


def _title(name: str) -> str:
    return name.removeprefix("options.").replace("_", " ")
