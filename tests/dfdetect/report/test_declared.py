"""A declared grid: its cells."""

import pytest

from dfdetect.report.reading import read_experiment
from face_extraction.errors import InputError


def test_axes_expand_to_cells_models_before_ensembles(declare):
    experiment = read_experiment(declare())
    names = [cell.name for cell in experiment.cells()]
    assert names == ["custom_cnn, base", "custom_cnn, l2", "meso4, base", "absent, base", "both, base"]
    both = experiment.cells()[-1]
    assert [member.name for member in both.members] == ["custom_cnn, base", "meso4, base"]
    assert experiment.cells()[1].recipe.l2 == 1e-3
    folds = {cell.name: cell.recipe.folds for cell in experiment.cells("folds")}
    assert (folds["custom_cnn, base"], folds["both, base"]) == (2, 0)


@pytest.mark.parametrize(
    ("at", "names"),
    [
        ('model = "custom_cnn"', ["custom_cnn, base, seed 7", "custom_cnn, l2, seed 7"]),
        ('model = "custom_cnn", regime = "l2"', ["custom_cnn, l2, seed 7"]),
    ],
)
def test_a_part_of_the_grid_or_a_single_cell_is_repeated(declare, at, names):
    text = f'[profiles.two]\nabout = "two seeds"\nrepeat = [{{ at = {{ {at} }}, seeds = [7] }}]\n'
    experiment = read_experiment(declare(declare.text + text))
    assert [cell.name for cell in experiment.repeats("two")] == names


def test_options_of_a_model_add_up(declare):
    """The grid's, and a choice's: the later wins where both name one."""
    text = declare.text.replace('"none"\n', '"none"\noptions = { units = 9, width = 1 }\n', 1)
    text = text.replace('{ model = "custom_cnn" }', '{ model = "custom_cnn", options = { units = 7 } }')
    first, *_ = read_experiment(declare(text)).cells()
    assert first.recipe.options == {"units": 7, "width": 1}


def test_an_ensemble_of_which_one_member_is_left_out_is_refused(declare):
    text = declare.text.replace('["custom_cnn", "meso4"]', '["custom_cnn", "meso4", "absent"]')
    text = text.replace('{ model = "absent", regime = "l2" }', '{ model = "absent" }')
    with pytest.raises(InputError, match="both, base: members are left out"):
        read_experiment(declare(text))


def test_a_size_goes_over_parts_of_the_grid_and_its_own_parts_over_both(declare):
    text = (
        declare.text
        + """
[[where]]
at = { regime = "l2" }
recipe = { epochs = 9, batch_size = 9 }

[profiles.small]
about = "two epochs"
recipe = { epochs = 2, batch_size = 2 }

[[profiles.small.where]]
at = { model = "custom_cnn" }
recipe = { batch_size = 3 }
"""
    )
    experiment = read_experiment(declare(text))
    cell, small = (experiment.cells(size)[1].recipe for size in ("full", "small"))
    assert (cell.epochs, cell.batch_size) == (9, 9)
    assert (small.epochs, small.batch_size) == (2, 3)
