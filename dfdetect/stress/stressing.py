"""Stress a run: score undisturbed, disturbed and forged faces, and keep what is finished."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from dfdetect.metrics.calibrating import Calibration
from dfdetect.models.build import frames_of
from dfdetect.models.compiling import outputs_of, slopes_of
from dfdetect.models.head import logits_of
from dfdetect.stress.attacks import ATTACKS, Bound, Target
from dfdetect.stress.chance import chance_of
from dfdetect.stress.disturbing import BATCH, Work, disturbed
from dfdetect.stress.faces import Case, as_inputs
from dfdetect.stress.journal import Journal
from dfdetect.stress.measuring import UNDISTURBED, Scores, measure, measure_undisturbed
from dfdetect.stress.registry import Kind, Rgb
from face_extraction.errors import InputError
from face_extraction.images import resize
from face_extraction.progress import progress

SCORED = 80
"""Faces that are scored at once."""
TRANSFERRED = "transferred"
"""What follows the name of an attack for the scores of the other run."""


@dataclass(frozen=True, eq=False)
class Scorer:
    """A run's model, and its cuts.

    Attributes:
        model: a model of `dfdetect.models`.
        cuts: the run's; with one cut if it is not calibrated.
    """

    model: keras.Model
    cuts: Calibration

    @property
    def size(self) -> int:
        """Side of the faces that the model takes, in pixels."""
        return int(self.model.input_shape[-2])

    @property
    def frames(self) -> int:
        """Faces of a clip; 0 for a model of single faces."""
        return frames_of(self.model)

    @cached_property
    def _outputs(self) -> Callable[..., list[Any]]:
        return outputs_of(self.model)

    def score(self, inputs: Rgb) -> Scores:
        """`p_fake` of faces as the model takes them, in their order: float64 of shape (n,)."""
        parts = [self._outputs(inputs[start : start + SCORED])[0] for start in range(0, len(inputs), SCORED)]
        return np.concatenate(parts)[:, 0].astype(np.float64)

    def score_cases(self, cases: Sequence[Case]) -> Scores:
        """The same of undisturbed cases."""
        batches = (cases[start : start + SCORED] for start in range(0, len(cases), SCORED))
        return np.concatenate([self.score(self.inputs(batch)) for batch in batches])

    def inputs(self, cases: Sequence[Case]) -> Rgb:
        """Undisturbed cases as the model takes them."""
        return as_inputs([case.pictures for case in cases], self.size, self.frames)

    @cached_property
    def slopes(self) -> Callable[..., Any]:
        """The gradient of each face's logit by its pixels."""
        return slopes_of(keras.Model(self.model.input, logits_of(self.model)))


def stress(
    scorer: Scorer, cases: Sequence[Case], kinds: Sequence[Kind], work: Work, journal: Journal
) -> None:
    """Score the faces undisturbed and disturbed; each finished kind goes into the journal.

    Args:
        scorer: the run's model.
        cases: the faces.
        kinds: kinds that the journal has already are not repeated.
        work: how.
        journal: takes the rows.

    Raises:
        InputError: a worker process was ended.
    """
    samples = [case.sample for case in cases]
    before = scorer.score_cases(cases)
    if UNDISTURBED not in journal.rows:
        journal.add(UNDISTURBED, [measure_undisturbed(samples, before, scorer.cuts)])
    left = [kind for kind in kinds if kind.name not in journal.rows]
    parts: list[Any] = []
    done = 0
    with progress("stress", len(left) * len(cases), unit="faces") as advance:
        for kind, pictures in disturbed(cases, left, work):
            severities, batch = pictures.shape[:2]
            flat = pictures.reshape(severities * batch, *pictures.shape[2:])
            parts.append(scorer.score(flat).reshape(severities, batch))
            done += batch
            advance(batch, kind.name)
            if done == len(cases):
                after = dict(zip(kind.severities, np.concatenate(parts, axis=1), strict=True))
                journal.add(kind.name, measure(samples, before, after, scorer.cuts))
                parts, done = [], 0


@dataclass(frozen=True)
class Plan:
    """Which attacks.

    Attributes:
        attacks: names of `ATTACKS`.
        epsilons: the most levels of 255, each a whole number from 1.
        steps: of an attack that takes several.
        seed: of random starts.
    """

    attacks: Sequence[str]
    epsilons: Sequence[int]
    steps: int = 10
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Victims:
    """Whose scores are forged.

    Attributes:
        scorer: the run that the attacker has.
        other: a second run, unknown to the attacker, that scores the same files; None without one.
    """

    scorer: Scorer
    other: Scorer | None = None

    def check(self) -> None:
        """Refuse two runs of which one takes clips.

        Raises:
            InputError: they take faces and clips, or clips of different lengths.
        """
        if self.other and self.other.frames != self.scorer.frames:
            raise InputError(
                f"--transfer: one model takes {self.scorer.frames or 1} faces at once, the other "
                f"{self.other.frames or 1}; accepted: two runs that take as many"
            )


def attack(victims: Victims, cases: Sequence[Case], plan: Plan, journal: Journal) -> None:
    """Forge the faces and score them; each finished attack goes into the journal.

    Faces are forged at the size that the attacked model takes. The other run gets the forged files scaled to
    its own size, and is compared with its scores of the unforged ones, scaled in the same way.

    Args:
        victims: the runs.
        cases: the faces.
        plan: which attacks; what the journal has already is not repeated.
        journal: takes the rows.
    """
    victims.check()
    samples = [case.sample for case in cases]
    scorers = {"": victims.scorer, **({f", {TRANSFERRED}": victims.other} if victims.other else {})}
    clean = victims.scorer.inputs(cases)
    before = {tail: scorer.score(_scaled(clean, scorer.size)) for tail, scorer in scorers.items()}
    for tail, scorer in scorers.items():
        if UNDISTURBED + tail not in journal.rows:
            row = measure_undisturbed(samples, before[tail], scorer.cuts)
            journal.add(UNDISTURBED + tail, [row])
    left = [
        (name, epsilon)
        for name in plan.attacks
        for epsilon in sorted(plan.epsilons)
        if any(epsilon not in journal.severities(name + tail) for tail in scorers)
    ]
    with progress("attack", len(left) * len(cases), unit="faces") as advance:
        for name, epsilon in left:
            forged = []
            for start in range(0, len(cases), BATCH):
                rows = slice(start, start + BATCH)
                target = _target(victims.scorer, clean[rows], cases[rows], f"{name} {epsilon}", plan.seed)
                forged.append(ATTACKS[name](target, Bound(epsilon, plan.steps)))
                advance(len(forged[-1]), f"{name} {epsilon}")
            pictures = np.concatenate(forged)
            for tail, scorer in scorers.items():
                if epsilon not in journal.severities(name + tail):
                    after = {float(epsilon): scorer.score(_scaled(pictures, scorer.size))}
                    journal.add(name + tail, measure(samples, before[tail], after, scorer.cuts))


def _target(scorer: Scorer, faces: Rgb, cases: Sequence[Case], what: str, seed: int) -> Target:
    labels = np.array([case.sample.label for case in cases])
    return Target(faces, labels, scorer.slopes, [chance_of(seed, what, case.sample.path) for case in cases])


def _scaled(inputs: Rgb, size: int) -> Rgb:
    """Faces or clips at another model's size."""
    if inputs.shape[-2] == size:
        return inputs
    flat = inputs.reshape(-1, *inputs.shape[-3:])
    scaled = np.stack([resize(picture, size) for picture in flat])
    return scaled.reshape(*inputs.shape[:-3], size, size, 3)
