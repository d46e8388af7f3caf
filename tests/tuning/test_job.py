"""Jobs as data. The ready jobs are pinned: another space is another comparison with a report."""

from pathlib import Path

import pytest

from dfdetect.report.reading import read_experiment
from dfdetect.train.training import resolve
from face_extraction.errors import InputError
from tuning import __main__ as tuning
from tuning.job import Job, cases, list_jobs, parse_job, read_job, slug, write_job
from tuning.space import write_space

REPORTS = Path(__file__).resolve().parents[2] / "reports"
C_GRID = {"optimizer": ["sgd", "adam", "nadam"], "learning_rate": [0.1, 0.01]}
PINNED = {
    "default": (
        "bayesian",
        20,
        {
            "optimizer": ["sgd", "adam", "nadam", "adamw"],
            "learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
            "dense_units": [0, 128, 512],
            "dropout": [0.0, 0.2, 0.5],
            "weight_decay": [0.0, 1e-4, 1e-2],
        },
    ),
    "report_b": ("tpe", 10, {"learning_rate": {"low": 1e-5, "high": 1e-2, "log": True}}),
    "report_c": ("grid", 6, C_GRID),
    "report_c_mobilenet": ("grid", 6, C_GRID),
    "report_c_dense": (
        "bayesian",
        30,
        {
            "dense_units": {"low": 32, "high": 512, "log": False, "step": 32},
            "learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
            "dropout": {"low": 0.0, "high": 0.6, "log": False, "step": 0.1},
        },
    ),
    "report_e_grid": (
        "grid",
        27,
        {"learning_rate": [1e-4, 1e-3, 1e-2], "dense_units": [0, 128, 512], "dropout": [0.0, 0.2, 0.5]},
    ),
    "report_e_bayesian": (
        "bayesian",
        20,
        {
            "learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
            "dense_units": {"low": 64, "high": 512, "log": False, "step": 64},
            "dropout": {"low": 0.0, "high": 0.6, "log": False, "step": 0.1},
            "weight_decay": [0.0, 1e-4, 1e-2],
        },
    ),
}


def test_every_job_that_comes_along_is_pinned():
    assert list_jobs() == sorted(PINNED)


@pytest.mark.parametrize("name", sorted(PINNED))
def test_the_space_of_a_job(name):
    job = read_job(name)
    strategy, trials, space = PINNED[name]
    assert (job.strategy, job.trials, write_space(job.space)) == (strategy, trials, space)
    assert cases(job)
    assert bool(job.report) == (name != "default")


def test_the_cases_of_the_reports_jobs():
    assert [case.name for case in cases(read_job("report_c"))] == [
        "Custom CNN",
        "Augmented data + pre-trained model",
    ]
    custom, pretrained = (case.recipe for case in cases(read_job("report_c")))
    assert (custom.model, custom.weights, custom.augment) == ("custom_cnn", "none", "none")
    assert (pretrained.model, pretrained.trainable, pretrained.augment) == ("xception", "all", "report-c")
    assert custom.monitor == "val_accuracy"

    found = cases(read_job("report_b"))
    assert len(found) == 12 * 3
    assert found[4].name == "VGG16, with, fold 2"
    assert (found[4].recipe.trainable, found[4].recipe.folds, found[4].recipe.fold) == ("last:2", 3, 2)


@pytest.mark.parametrize("name", ["report_b", "report_c"])
def test_jobs_search_on_what_their_reports_train_on(name):
    cells = read_experiment(REPORTS / name).cells()
    fields = ("image_size", "normalisation", "per_class", "trainable", "augment", "weights")
    for case in cases(read_job(name)):
        recipes = [resolve(cell.recipe) for cell in cells if cell.recipe.model == case.recipe.model]
        found = [getattr(resolve(case.recipe), field) for field in fields]
        assert found in [[getattr(recipe, field) for field in fields] for recipe in recipes]


def test_a_job_is_written_and_read_back(tmp_path):
    for name in list_jobs():
        job = read_job(name)
        write_job(tmp_path / "job.toml", job)
        assert read_job(str(tmp_path / "job.toml")).content() == job.content()


SPACE = {"dropout": [0.0, 0.5]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"stratgy": "grid"}, "unknown name in a job 'stratgy' (nearest: strategy)"),
        ({"strategy": "bayes"}, "unknown strategy 'bayes' (nearest: bayesian)"),
        ({"objective": "val_acc"}, "unknown objective 'val_acc' (nearest: val_auc)"),
        ({"trials": 0}, "trials 0; accepted: 1 or more"),
        ({"trials": "many"}, "trials 'many'; accepted: a whole number"),
        ({"trials": True}, "trials True; accepted: a whole number"),
        ({"folds": 1}, "folds 1; accepted: 0, or 2 or more"),
        ({"per_fold": True}, "per_fold and the recipe's folds"),
        (
            {"recipe": {"folds": 3, "fold": 1, "split": "group"}},
            "per_fold and the recipe's folds",
        ),
        (
            {
                "per_fold": True,
                "recipe": {"folds": 3, "fold": 1, "split": "group"},
                "cases": {"a": {}, "b": {"folds": 0, "fold": 0}},
            },
            "case b: per_fold and the recipe's folds",
        ),
        ({"cases": {"a": {"dropout": 0.1}}}, "case a sets dropout, which the space varies"),
        ({"cases": {"a": {"monitor": "val_loss"}}}, "case a sets monitor, which the objective decides"),
        ({"cases": {"a": 3}}, "case a 3; accepted: a table of recipe fields"),
        ({"strategy": "hyperband", "space": {"epochs": [1, 2]}}, "Hyperband itself decides"),
    ],
)
def test_what_is_refused_is_named_with_its_file(content, words):
    with pytest.raises(InputError) as error:
        parse_job({"space": SPACE, **content}, "mine.toml")
    assert str(error.value).startswith("mine.toml: ")
    assert words in str(error.value)


def test_a_recipe_field_that_is_unknown_is_refused():
    job = parse_job({"space": SPACE, "cases": {"a": {"modle": "vgg16"}}}, "mine.toml")
    with pytest.raises(InputError, match=r"case a: unknown recipe field 'modle' \(nearest: model\)"):
        cases(job)
    with pytest.raises(InputError, match=r"unknown job 'report_x' \(nearest: report_[bce]"):
        read_job("report_x")
    assert isinstance(job, Job)


def test_names_of_cases_as_parts_of_file_names():
    assert slug("ResNet-50 (1 layer), fold 2") == "ResNet-50--1-layer---fold-2"


@pytest.mark.parametrize("other", ["VGG-16", "vgg 16"])
def test_cases_that_would_share_their_files_are_refused(other):
    job = parse_job({"space": SPACE, "cases": {"VGG 16": {"model": "vgg16"}, other: {}}}, "mine.toml")
    with pytest.raises(InputError, match=f"cases 'VGG 16' and '{other}' would share files"):
        cases(job)


@pytest.mark.parametrize("wrong", ["model = 0", "epochs = 'x'", "modle = 'vgg16'"])
def test_a_value_that_a_jobs_recipe_does_not_accept_is_named_with_its_file(tmp_path, capsys, wrong):
    path = tmp_path / "mine.toml"
    path.write_text(f"[recipe]\n{wrong}\n[space]\ndropout = [0.0, 0.5]\n")
    assert tuning.main(["--job", str(path), "--out", str(tmp_path / "best.toml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{path}: " in line
    assert wrong.split()[0] in line


def test_flags_go_over_a_recipe_file_and_both_over_the_jobs_recipe(tmp_path):
    (tmp_path / "job.toml").write_text(
        "[recipe]\nepochs = 5\nl2 = 0.5\nema = 0.9\n[space]\ndropout = [0.0, 0.5]\n"
    )
    (tmp_path / "r.toml").write_text('manifest = "m.csv"\nl2 = 0.25\nema = 0.5\ndropout = 0.1\n')
    files = ["--job", str(tmp_path / "job.toml"), "--recipe", str(tmp_path / "r.toml")]
    args = tuning._parser().parse_args([*files, "--ema", "0.1", "--out", "best.toml"])
    (case,) = cases(tuning._job(args))
    assert (case.recipe.epochs, case.recipe.l2, case.recipe.ema) == (5, 0.25, 0.1)
    assert case.recipe.image_size == 0  # the file's manifest is no sample set, whose faces are small
