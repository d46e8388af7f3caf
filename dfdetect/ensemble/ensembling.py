"""Ensembles: finished runs combined into a new run. Only validation data set the weights."""

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from dfdetect.data.faces import labelled
from dfdetect.data.opening import Data, open_data
from dfdetect.metrics.estimates import choose_threshold, compute_metrics
from dfdetect.models.ensemble import LEAST_P_FAKE, combine_models
from dfdetect.predictions import Predictions
from dfdetect.recipe import COMBINED, ENSEMBLE, Recipe, write_recipe
from dfdetect.runs.build import load_model
from dfdetect.runs.checkpoint import save_weights
from dfdetect.runs.environment import describe
from dfdetect.runs.folder import Run, check_once
from dfdetect.runs.lineage import STARTED_FROM, random_backbone
from dfdetect.runs.results import Outcome, write_results
from dfdetect.runs.scoring import score
from face_extraction.errors import InputError
from face_extraction.settings import copy_settings, read_settings

Array = NDArray[np.float64]


def weigh(members: Sequence[Predictions], combine: str) -> tuple[Array, float]:
    """Compute the weight of each member and the bias, from predictions on validation data.

    Args:
        members: each member's predictions of the same samples.
        combine: "mean"; "weighted": by how far the AUC is above .5; "stacked": a logistic
            regression on the logits, with scikit-learn's default penalty.

    Returns:
        Weights of shape (members,), and the bias, which is 0 except for "stacked".

    Raises:
        InputError: no member's AUC is above .5.
    """
    if combine == "mean":
        return np.full(len(members), 1 / len(members)), 0.0
    if combine == "weighted":
        metrics = [compute_metrics(member, threshold=0.5, resamples=0) for member in members]
        skill = np.array([max(each.estimates["auc"].value - 0.5, 0.0) for each in metrics])
        if not skill.sum() > 0:
            raise InputError("no member has a validation AUC above 0.5, so all weights would be 0")
        return skill / skill.sum(), 0.0
    scores = np.stack([np.clip(member.p_fake, LEAST_P_FAKE, 1 - LEAST_P_FAKE) for member in members], axis=1)
    regression = LogisticRegression().fit(np.log(scores / (1 - scores)), members[0].labels)
    return regression.coef_[0], float(regression.intercept_[0])


def build_ensemble(members: Sequence[Run], combine: str, out: Run) -> None:
    """Combine finished runs on the same data into the run `out`.

    Args:
        members: the runs; all scored the same validation and test faces.
        combine: as in `weigh`.
        out: the folder, new or empty; an unfinished ensemble in it is replaced.

    Raises:
        InputError: a member is not a finished run, is named twice, is an ensemble, or takes other data, crops
            or frames; a member's manifest has changed since; the folder holds something else; or another
            process writes into it.
    """
    out.check_is_run()
    cut_short = out.recipe_file.is_file()
    if cut_short and (out.finished or out.recipe().model != ENSEMBLE):
        raise InputError(f"{out.folder}: exists already; give another --out")
    val = _same_faces(members)
    models = [load_model(member) for member in members]
    model = combine_models(models, on_logits=combine == "stacked")
    weights, bias = weigh(val, combine)
    model.get_layer("combine").set_weights([weights[:, None], np.array([bias])])

    data = open_data(members[0].located())
    for member in members:
        member.check_manifest(data.path, data.digest)
    if cut_short:
        out.delete()
    first = members[0].recipe()
    shared = {name: getattr(first, name) for name in COMBINED}
    own = {"model": ENSEMBLE, "image_size": model.input_shape[-2], "options": {"combine": combine}}
    recipe = Recipe(**shared | own)
    with out.alone():
        _begin(out, recipe, members, data.digest)
        save_weights(out.weights, model)
        facts = describe() | data.facts() | _facts(members, weights, bias, model)
        named = zip(_names(members), members, strict=True)
        leaks = [f"{name}: {line}" for name, member in named for line in member.leaks()]
        _score(out, model, data, facts, leaks)


def is_ensemble_of(members: Sequence[Run], combine: str, out: Run) -> bool:
    """Whether a finished run combines exactly these members in this way."""
    recipe, names = out.recipe(), _names(members)
    return (
        recipe.model == ENSEMBLE
        and recipe.options.get("combine") == combine
        and sorted(out.environment()["members"]) == sorted(names)
    )


def _begin(out: Run, recipe: Recipe, members: Sequence[Run], digest: str) -> None:
    """Write what the ensemble's folder holds before its weights."""
    out.begin(recipe, digest)
    for number, member in enumerate(members, start=1):
        write_recipe(out.folder / "members" / f"{number:02d}.toml", member.recipe())
    copy_settings(members[0].folder, out.folder)


def _score(out: Run, model: keras.Model, data: Data, facts: dict[str, object], leaks: Sequence[str]) -> None:
    """Score val and test with the ensemble, and write its results."""
    recipe, predictions, unscored = out.recipe(), {}, []
    for split in ("val", "test"):
        samples = labelled(data.samples, split)
        predictions[split], rows = score(
            model, data.path.parent, samples, batch_size=recipe.batch_size, title=f"score {split}"
        )
        unscored += rows
    outcome = Outcome(
        recipe=recipe,
        environment=facts,
        predictions=predictions,
        threshold=choose_threshold(predictions["val"]),
        unscored=unscored,
        crops=data.path.parent,
        notices=data.notices,
        leaks=leaks,
    )
    write_results(out, outcome)


def _same_faces(members: Sequence[Run]) -> list[Predictions]:
    """Check that the members scored the same faces; return their validation predictions."""
    check_once([member.folder for member in members])
    for member in members:
        if member.recipe().model == ENSEMBLE:
            raise InputError(f"{member.folder}: an ensemble cannot be a member; name its members instead")
        member.require_finished()
    first = members[0]
    for member in members[1:]:
        frames = [run.recipe().frames for run in (member, first)]
        if frames[0] != frames[1]:
            raise InputError(
                f"{member.folder}: takes {_inputs(frames[0])}, but {first.folder} {_inputs(frames[1])}; "
                "accepted: members that take the same input"
            )
        for split in ("val", "test"):
            ours, theirs = (run.predictions(split).samples for run in (first, member))
            if [s.path for s in ours] != [s.path for s in theirs]:
                raise InputError(
                    f"{member.folder}: its {split} {first.recipe().unit}s differ from those of {first.folder}"
                )
        if read_settings(member.folder) != read_settings(first.folder):
            raise InputError(
                f"{member.folder}: its crops were made with other settings than {first.folder}'s"
            )
    return [member.predictions("val") for member in members]


def _names(members: Sequence[Run]) -> list[str]:
    """The folders' names, with as many parent folders as tell all members apart."""
    parts = [member.folder.resolve().parts for member in members]
    names: list[str] = []
    for count in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-count:]) for each in parts]
        if len(set(names)) == len(names):
            break
    return names


def _inputs(frames: int) -> str:
    return f"clips of {frames} frames" if frames else "single faces"


def _facts(members: Sequence[Run], weights: Array, bias: float, model: keras.Model) -> dict[str, object]:
    named = dict(zip(_names(members), members, strict=True))
    random = {name: random_backbone(member) for name, member in named.items()}
    parts = [f"{name}: {member.origin()}" for name, member in named.items() if random[name]]
    return {
        "members": {name: float(w) for name, w in zip(named, weights, strict=True)},
        "members_starts": [
            {name: fact for name, fact in member.environment().items() if name in STARTED_FROM}
            for member in members
        ],
        "bias": bias,
        "weights": "; ".join([f"of {len(members)} runs", *parts]),
        "random_layers": [f"{name}/{layer}" for name, layers in random.items() for layer in layers],
        "parameters": model.count_params(),
    }
