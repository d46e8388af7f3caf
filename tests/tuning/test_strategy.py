"""Strategies against a made-up objective, through the store, as workers use them."""

import itertools
import math

import pytest
from optuna.trial import TrialState

from dfdetect.recipe import Recipe
from tuning.job import STRATEGIES, parse_job
from tuning.oracle import BRACKETS, grid_notice
from tuning.parzen import prune_rule
from tuning.store import Store
from tuning.strategies import make_strategy
from tuning.strategy import EPOCHS, Turn

SPACE = {
    "learning_rate": {"low": 1e-5, "high": 1e-1, "log": True},
    "optimizer": ["sgd", "adam", "nadam"],
    "dense_units": {"low": 32, "high": 128, "step": 32},
}
GRID = {"optimizer": ["sgd", "adam", "nadam"], "learning_rate": [0.1, 0.01], "dropout": [0.0, 0.5]}


def make_job(strategy, trials=12, space=None):
    return parse_job({"strategy": strategy, "trials": trials, "space": space or SPACE}, "test")


def objective(values):
    """Highest, at 1, for Adam with a learning rate of 0.001."""
    distance = abs(math.log10(values["learning_rate"]) + 3) / 4
    return 1 - 0.8 * distance - 0.2 * (values["optimizer"] != "adam")


def worker(folder, job, stop_after=1000, seed=0):
    """Run trials as a process would that starts now; return the values in order."""
    store = Store(folder, "test")
    strategy = make_strategy(job, Recipe(epochs=9, seed=seed))
    store.study("case", prune_rule(job.strategy))
    found = []
    while len(found) < stop_after:
        held = store.claim("case", strategy, "w")
        if isinstance(held, Turn):
            break
        values = strategy.values(held.trial)
        found.append(values)
        store.finish(held, "case", TrialState.COMPLETE, objective(values), {})
    return found, store


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_budget_is_kept_and_values_are_of_the_space(strategy, tmp_path):
    found, store = worker(tmp_path, make_job(strategy, 5))
    assert len(found) == len(store.trials()["case"]) == 5
    for values in found:
        assert 1e-5 <= values["learning_rate"] <= 1e-1
        assert values["optimizer"] in SPACE["optimizer"]
        assert values["dense_units"] in (32, 64, 96, 128)
        assert (EPOCHS in values) == (strategy == "hyperband")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_starting_again_after_every_few_trials_changes_nothing(strategy, tmp_path):
    job = make_job(strategy, 11 if strategy == "bayesian" else 6)  # its model begins with the tenth
    whole, _ = worker(tmp_path / "whole", job)
    parts = []
    for count in (2, 3, 1000):
        parts += worker(tmp_path / "parts", job, stop_after=count)[0]
    assert parts == whole
    assert len({str(values) for values in whole if values.get(EPOCHS, 1) == 1}) > 1


@pytest.mark.parametrize("strategy", ["random", "bayesian", "tpe"])
def test_another_seed_is_another_search(strategy, tmp_path):
    job = make_job(strategy, 6)
    rates = [
        {values["learning_rate"] for values in worker(tmp_path / str(seed), job, seed=seed)[0]}
        for seed in (0, 1)
    ]
    assert not rates[0] & rates[1]


def test_a_grid_has_every_combination_once_and_stops(tmp_path):
    found, _ = worker(tmp_path, make_job("grid", 100, GRID))
    assert sorted(map(str, found)) == sorted(
        str(dict(zip(GRID, values, strict=True))) for values in itertools.product(*GRID.values())
    )


@pytest.mark.parametrize("strategy", ["random", "bayesian", "tpe", "tpe-median", "tpe-halving"])
def test_no_combination_is_tried_twice_and_none_is_left_out(strategy, tmp_path):
    space = {"optimizer": ["sgd", "adam", "nadam"], "learning_rate": [0.1, 0.001]}
    found, _ = worker(tmp_path, make_job(strategy, 20, space))
    assert len({str(values) for values in found}) == len(found) == 6


@pytest.mark.parametrize("strategy", ["grid", "random"])
def test_a_range_with_a_step_is_tried_to_its_end(strategy, tmp_path):
    space = {
        "dropout": {"low": 0.0, "high": 0.6, "step": 0.1},
        "learning_rate": [1e-3],
        "optimizer": ["adam"],
    }
    found, _ = worker(tmp_path, make_job(strategy, 7, space))
    assert sorted(values["dropout"] for values in found) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_a_grid_with_fewer_trials_names_what_stays_at_one_value(tmp_path):
    assert grid_notice(make_job("grid", 12, GRID)) == ""
    for trials, alone in (
        (2, ", with only one value of optimizer (sgd) and learning_rate (0.1)"),
        (4, ", with only one value of optimizer (sgd)"),
        (5, ""),
    ):
        job = make_job("grid", trials, GRID)
        assert grid_notice(job) == f"Grid: {trials} of 12 combinations are tried{alone}."
        found, _ = worker(tmp_path / str(trials), job)
        for name in GRID:
            assert (len({values[name] for values in found}) == 1) == (f"{name} (" in alone)


@pytest.mark.parametrize("strategy", ["grid", "random", "bayesian", "tpe"])
def test_true_and_false_stay_what_they_are(strategy, tmp_path):
    space = {"learning_rate": [0.1, 0.01], "optimizer": ["adam"], "options": {"flag": [False, True]}}
    found, _ = worker(tmp_path, make_job(strategy, 4, space))
    assert {type(values["options.flag"]) for values in found} == {bool}


def test_workers_at_once_get_different_trials_of_a_grid(tmp_path):
    job = make_job("grid", 100, GRID)
    store = Store(tmp_path, "test")
    store.study("case", prune_rule("grid"))
    strategy = make_strategy(job, Recipe())
    held = [store.claim("case", strategy, f"w{number}") for number in range(12)]
    assert len({str(strategy.values(each.trial)) for each in held}) == 12
    assert store.claim("case", strategy, "late") is Turn.WAIT  # one of them may die yet
    for each in held:
        store.finish(each, "case", TrialState.FAIL, None, {})
    assert store.claim("case", strategy, "late") is Turn.STOP


@pytest.mark.parametrize("strategy", ["bayesian", "tpe"])
def test_a_model_of_the_objective_beats_chance(strategy, tmp_path):
    later = [objective(values) for values in worker(tmp_path, make_job(strategy, 18))[0][12:]]
    chance = [objective(values) for values in worker(tmp_path / "r", make_job("random", 10))[0]]
    assert sum(later) / len(later) > sum(chance) / len(chance) + 0.1


def test_hyperband_gives_the_best_of_a_round_more_epochs(tmp_path):
    found, store = worker(tmp_path, make_job("hyperband", 14))
    epochs = [values[EPOCHS] for values in found]
    assert set(epochs) == {1, 3, 9}, epochs
    first = epochs.index(3)  # the first bracket: rounds of 1, 3 and 9 epochs
    assert all(count == 1 for count in epochs[:first])
    best = max(found[:first], key=objective)
    assert {**found[first], EPOCHS: 1} == best
    assert store.trials()["case"][0].user_attrs[BRACKETS]["current_bracket"] == 2


def test_hyperband_waits_for_what_it_depends_on(tmp_path):
    job = make_job("hyperband", 5)
    store = Store(tmp_path, "test")
    store.study("case", prune_rule("hyperband"))
    strategy = make_strategy(job, Recipe(epochs=3))
    held = []
    while not isinstance(each := store.claim("case", strategy, "w"), Turn):
        held.append(each)
    assert each is Turn.WAIT
    assert len(held) == 5


@pytest.mark.parametrize("strategy", ["tpe-median", "tpe-halving"])
def test_a_hopeless_trial_is_cut_short(strategy, tmp_path):
    job = make_job(strategy, 40)
    store = Store(tmp_path, "test")
    study = store.study("case", prune_rule(strategy))
    kind = make_strategy(job, Recipe())
    cut = []
    for number in range(12):
        held = store.claim("case", kind, "w")
        last = number == 11
        pruned = False
        for epoch in range(1, 10):
            held.trial.report((0.1 if last else 0.9) + number / 1000, epoch)
            pruned = pruned or held.trial.should_prune()
        cut.append(pruned)
        store.finish(held, "case", TrialState.COMPLETE, 0.9, {})
    assert cut[11]
    assert not cut[0]
    assert len(study.trials) == 12


def test_a_failed_trial_does_not_stop_a_strategy(tmp_path):
    for strategy in STRATEGIES:
        store = Store(tmp_path / strategy, "test")
        job = make_job(strategy, 3)
        store.study("case", prune_rule(strategy))
        kind = make_strategy(job, Recipe(epochs=3))
        for _ in range(3):
            held = store.claim("case", kind, "w")
            assert not isinstance(held, Turn)
            store.finish(held, "case", TrialState.FAIL, None, {"reason": "out of memory"})
        assert store.claim("case", kind, "w") is Turn.STOP
