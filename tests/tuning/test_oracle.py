"""Keras Tuner's oracles: through its public names alone."""

import ast
import inspect

import optuna

from dfdetect.recipe import Recipe
from tuning import oracle
from tuning.job import parse_job
from tuning.strategy import EPOCHS, Turn

SPACE = {"optimizer": ["sgd", "adam"], "dropout": [0.0, 0.5]}


def proposals(strategy, count, *, score=lambda trial: 0.5, finish=True):
    """The next `count` proposals of a new study, each scored as soon as it is made if `finish`."""
    job = parse_job({"strategy": strategy, "trials": 100, "space": SPACE}, "test")
    kind = oracle.KerasTuner(job, Recipe(epochs=3))
    study = optuna.create_study(direction="maximize")
    found = []
    for _ in range(count):
        turn = kind.prepare(study)
        if turn is not Turn.RUN:
            found.append(turn)
            continue
        trial = study.ask()
        found.append(kind.values(trial))
        if finish:
            study.tell(trial, score(trial))
    return found, study


def test_no_private_name_of_keras_tuner_is_used():
    nodes = list(ast.walk(ast.parse(inspect.getsource(oracle))))
    reads = [node for node in nodes if isinstance(node, ast.Attribute) and node.attr.startswith("_")]
    assert {ast.unparse(node.value) for node in reads} == {"self"}
    assert not [node for node in nodes if isinstance(node, ast.Name) and node.id in ("getattr", "setattr")]


def test_a_grid_counts_on_from_its_last_trial_even_one_that_still_runs():
    found, _ = proposals("grid", 5, finish=False)
    assert found[:4] == [
        {"optimizer": "sgd", "dropout": 0.0},
        {"optimizer": "sgd", "dropout": 0.5},
        {"optimizer": "adam", "dropout": 0.0},
        {"optimizer": "adam", "dropout": 0.5},
    ]
    assert found[4] is Turn.WAIT  # all combinations are given out, none is finished


def test_random_values_are_new_until_the_space_is_used_up():
    found, _ = proposals("random", 5)
    assert len({str(values) for values in found[:4]}) == 4
    assert found[4] is Turn.STOP


def test_a_bayesian_search_may_repeat_its_best_values_once_it_has_scores():
    found, _ = proposals("bayesian", 8, score=lambda trial: float(trial.params["optimizer"] == "adam"))
    assert all(isinstance(values, dict) for values in found[:4])


def test_hyperbands_state_is_read_under_the_names_of_earlier_versions():
    found, study = proposals("hyperband", 3, score=lambda trial: trial.number)
    for trial in study.get_trials(deepcopy=False):
        state = trial.user_attrs[oracle.BRACKETS]
        trial.user_attrs[oracle.BRACKETS] = {f"_{name}": value for name, value in state.items()}
    job = parse_job({"strategy": "hyperband", "trials": 100, "space": SPACE}, "test")
    kind = oracle.KerasTuner(job, Recipe(epochs=3))
    assert kind.prepare(study) is Turn.RUN
    following = kind.values(study.ask())
    whole, _ = proposals("hyperband", 4, score=lambda trial: trial.number)
    assert [*found, following] == whole
    assert {values[EPOCHS] for values in whole} <= {1, 3}
