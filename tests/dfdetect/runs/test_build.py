"""The model of a recipe or of a run: every field arrives, and weights come from where the recipe says."""

import keras
import numpy as np
import pytest

from dfdetect.models.ensemble import combine_models
from dfdetect.recipe import ENSEMBLE, Recipe, write_recipe
from dfdetect.runs.build import build_from_recipe, load_model
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError

SMALL = Recipe(model="custom_cnn", image_size=32, weights="none", dropout=0.0)


@pytest.fixture
def run(tmp_path):
    """A run whose weights are those of seed 5."""
    run = Run(tmp_path / "run")
    run.begin(SMALL, "digest")
    build_from_recipe(SMALL.with_changes(seed=5)).save_weights(run.weights)
    return run


def kernel(model):
    """The first layer's weights, which the seed draws."""
    return np.array(next(layer for layer in model.layers if layer.weights).weights[0])


def test_every_field_of_the_recipe_arrives():
    recipe = SMALL.with_changes(
        dense_units=7,
        dropout=0.3,
        l2=0.01,
        trainable="head",
        precision="mixed_bfloat16",
        normalisation="unit",
    )
    model = build_from_recipe(recipe)
    assert model.input_shape == (None, 32, 32, 3)
    (hidden,) = [layer for layer in model.layers if getattr(layer, "units", 0) == 7]
    assert hidden.compute_dtype == "bfloat16"
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)][-1] == 0.3
    trained = {layer.name for layer in model.layers if layer.trainable_weights}
    assert trained == {"top_dense", hidden.name, "logit"}
    assert len(model.losses) == len(trained)  # a penalty on the kernel of each
    assert keras.config.dtype_policy().name == "float32"  # left as it was


def test_the_seed_draws_the_weights():
    first, again, other = (kernel(build_from_recipe(SMALL.with_changes(seed=seed))) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_frames_and_momentum_arrive():
    recipe = Recipe(model="alexnet_rnn", image_size=64, frames=3, weights="none", bn_momentum=0.5)
    assert build_from_recipe(recipe).input_shape == (None, 3, 64, 64, 3)
    norms = keras.layers.BatchNormalization
    model = build_from_recipe(Recipe(model="meso4", image_size=64, weights="none", bn_momentum=0.5))
    assert {layer.momentum for layer in model.layers if isinstance(layer, norms)} == {0.5}


def test_an_argument_of_build_model_is_no_option_of_the_model():
    with pytest.raises(InputError, match="unknown option of custom_cnn 'seed'"):
        build_from_recipe(SMALL.with_changes(options={"seed": 3}))


def test_a_runs_folder_means_its_best_weights(run):
    started = build_from_recipe(SMALL.with_changes(weights=str(run.folder)))
    np.testing.assert_array_equal(kernel(started), kernel(build_from_recipe(SMALL.with_changes(seed=5))))


def test_a_loaded_model_has_the_runs_weights_and_not_those_it_started_from(run, tmp_path):
    write_recipe(run.recipe_file, SMALL.with_changes(weights=str(tmp_path / "long gone.weights.h5")))
    expected = build_from_recipe(SMALL.with_changes(seed=5))
    for ours, theirs in zip(load_model(run).weights, expected.weights, strict=True):
        np.testing.assert_array_equal(np.array(ours), np.array(theirs))


def test_weights_that_are_missing_or_of_another_model_are_one_line(run):
    build_from_recipe(SMALL.with_changes(dense_units=3)).save_weights(run.weights)
    with pytest.raises(InputError, match=r"best\.weights\.h5: .*(damaged|another model)") as error:
        load_model(run)
    assert "\n" not in str(error.value)
    run.weights.unlink()
    with pytest.raises(InputError, match=r"best\.weights\.h5: no such weights file; resume it with dfdetect"):
        load_model(run)


@pytest.mark.parametrize(
    ("options", "members", "line"),
    [
        ({"combine": "median"}, 2, "option combine 'median'; accepted: mean, weighted, stacked"),
        ({"combine": "mean"}, 1, "an ensemble needs the recipes of 2 models or more in members/"),
    ],
)
def test_an_ensembles_run_needs_its_members(run, options, members, line):
    write_recipe(run.recipe_file, SMALL.with_changes(model=ENSEMBLE, options=options))
    for number in range(members):
        write_recipe(run.folder / "members" / f"{number}.toml", SMALL)
    with pytest.raises(InputError, match=line):
        load_model(run)


def test_an_ensemble_is_built_from_its_members_and_has_all_their_weights(run):
    write_recipe(run.recipe_file, SMALL.with_changes(model=ENSEMBLE, options={"combine": "mean"}))
    for number in range(2):
        write_recipe(run.folder / "members" / f"{number}.toml", SMALL.with_changes(seed=number))
    models = [build_from_recipe(SMALL.with_changes(seed=number)) for number in range(2)]
    combine_models(models, on_logits=False).save_weights(run.weights)
    loaded = {tuple(np.ravel(weight)[:5]) for weight in load_model(run).weights}
    assert {tuple(np.ravel(kernel(model))[:5]) for model in models} <= loaded
    models[0].save_weights(run.weights)
    # Keras would warn, and leave random what one model's weights lack for two.
    with pytest.raises(InputError, match=r"best\.weights\.h5: damaged, or weights of another model"):
        load_model(run)


@pytest.mark.parametrize(("combine", "on_logits"), [("mean", False), ("stacked", True)])
def test_only_a_stacked_ensemble_combines_logits(run, combine, on_logits):
    write_recipe(run.recipe_file, SMALL.with_changes(model=ENSEMBLE, options={"combine": combine}))
    for number in range(2):
        write_recipe(run.folder / "members" / f"{number}.toml", SMALL)
    made = combine_models(
        [build_from_recipe(SMALL.with_changes(seed=seed)) for seed in (1, 2)], on_logits=on_logits
    )
    made.get_layer("combine").set_weights([np.array([[0.3], [0.5]]), np.array([0.1])])
    made.save_weights(run.weights)
    face = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.uint8)
    np.testing.assert_allclose(load_model(run)(face), made(face), atol=1e-6)
