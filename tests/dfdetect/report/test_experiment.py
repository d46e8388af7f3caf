"""A declared grid from its file to its tables: what is run, kept, refused, and never stale."""

import csv
import io
import json
import shutil
from dataclasses import replace
from threading import Thread

import numpy as np
import pytest
from filelock import FileLock

from dfdetect.compare import __main__ as compare
from dfdetect.metrics.comparison import Scored
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.models.build import build_model
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.report import __main__ as report
from dfdetect.report import comparing, overview, pictures, recording, running, tables
from dfdetect.report.comparisons import Comparison, read_comparisons
from dfdetect.report.declared import read_experiment
from dfdetect.report.results import Result, add_result, current, declared, read_results, without_paths
from dfdetect.report.scores import still_measures
from dfdetect.report.sections import sections
from dfdetect.runs.environment import hardware
from dfdetect.runs.folder import Run
from dfdetect.runs.lineage import random_backbone
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample

AT = {"model": "custom_cnn", "regime": "base"}


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
    ("old", "new", "message"),
    [
        ('kind = "grid"', 'kind = "gird"', "unknown kind of table 'gird' \\(nearest: grid\\)"),
        ('metrics = ["accuracy"]', 'metrics = ["acuracy"]', "unknown metric 'acuracy'"),
        ("image_size = 32", "imagesize = 32", "unknown recipe field 'imagesize'"),
        ("l2 = 1e-3", "l2 = -1.0", "custom_cnn, l2: recipe: l2 -1.0; accepted: at least 0"),
        ('["custom_cnn", "meso4"]', '["custom_cnn", "meso5"]', "unknown choice of model 'meso5'"),
        ('columns = "regime"', 'columns = "regimes"', "unknown axis 'regimes'"),
        ('figures = ["roc"]', 'pictures = ["roc"]', "unknown key 'pictures'"),
        (
            'figures = ["roc"]',
            'own_data = ["dfcd"]',
            "unknown data set in own_data 'dfcd' \\(nearest: dfdc\\)",
        ),
        ("[profiles.folds]", "[profiles.folds]\nrecipes = {}", "profile folds: unknown key 'recipes'"),
        ('rows = ["model"]', "rows = []", "table grid: several choices of model would share a place"),
        ('columns = "regime"', "", "table grid: a grid has columns, and one metric"),
        ('metrics = ["accuracy"]', "metrics = []", "table grid: no metrics"),
        ('metrics = ["accuracy"]', 'metrics = ["learning_rate"]', "a grid shows a metric that is measured"),
        (', regime = "base" }]', " }]", "{'model': 'custom_cnn'}: a cell has a choice of regime too"),
        ('accuracy = "81.2%"', 'accuracy = "about 81"', "'about 81'; accepted: a number as printed"),
    ],
)
def test_a_wrong_declaration_is_refused_by_name(declare, old, new, message):
    folder = declare(declare.text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_experiment(folder)


@pytest.fixture(scope="module")
def trained(write_squares, tmp_path_factory):
    """A manifest, and a folder of runs that the tests share: what one has trained is there for all."""
    folder = tmp_path_factory.mktemp("grid")
    return write_squares(folder / "data", train=16, val=8, test=16), folder / "runs"


@pytest.fixture
def grid(declare, trained, tmp_path, monkeypatch, capsys):
    """The tiny grid, run once: its folder, its runs, the command and what that printed."""
    folder, (manifest, runs) = declare(), trained
    monkeypatch.chdir(tmp_path)
    command = ["run", str(folder), "--manifest", str(manifest), "--runs", str(runs)]
    assert report.main(command) == 1  # one model does not exist
    return folder, runs, command, capsys.readouterr().out


def test_a_grid_from_end_to_end(grid, tmp_path, capsys):
    folder, _, command, out = grid
    assert "5 cells done; 4 trainings left, time not known yet" in out.replace("0 of ", "")
    results = read_results(folder)
    assert [result.status for result in results] == ["done", "done", "done", "failed", "done"]
    assert "unknown model 'not_there'" in results[3].reason
    assert str(tmp_path) not in (folder / "results.jsonl").read_text()
    record = results[0]
    assert record.n("face") == 16
    assert record.data["faces"]["train fake"] == 8
    assert len(record.roc) == 101
    assert record.roc[-1] == 1.0
    assert len(results[-1].members) == 2

    capsys.readouterr()
    assert report.main(command) == 1  # what is done stays, what failed is tried again
    out = capsys.readouterr().out
    assert out.count("done before") == 4
    assert len(read_results(folder)) == 6

    (tmp_path / "README.md").write_text("head\n<!-- reports: begin -->\n<!-- reports: end -->\ntail\n")
    assert report.main(["tables", "--check"]) == 1
    assert report.main(["tables"]) == 0
    assert report.main(["tables", "--check"]) == 0
    text = (folder / "tables.md").read_text()
    accuracy = str(record.estimate("accuracy", "face"))
    assert f"| CNN | 81.2% | {accuracy.partition(' ')[0]}" in text.replace("**", "")
    assert "(1) Failed: unknown model 'not_there'" in text
    assert "| Absent | – | – (1) | – | – |" in text
    assert list(folder.glob("roc-*.png"))
    readme = (tmp_path / "README.md").read_text()
    assert readme.startswith("head\n")
    assert readme.endswith("-->\ntail\n")
    assert "`reports/tiny --only model=custom_cnn --only regime=base`" in readme
    assert report.main(["tables", "--root", str(folder.parent)]) == 0
    mine = tmp_path / "mine"
    shutil.copytree(folder, mine / folder.name)
    (mine / folder.name / "results.jsonl").unlink()
    assert report.main(["tables", "--root", "mine"]) == 0
    assert "Nothing has been measured yet." in (mine / folder.name / "tables.md").read_text()
    assert (tmp_path / "README.md").read_text() == readme
    tex = (folder / "tables.tex").read_text()
    assert r"\caption[{Accuracy}]{Accuracy. Measured on an unnamed source (manifest " in tex
    assert "Absent & -- & -- (1) & -- & --" in tex
    page = (folder / "tables.html").read_text()
    cells = "".join(f'<td class="right">{text}</td>' for text in ("–", "– (1)", "–", "–"))
    assert f'<th scope="row">Absent</th>{cells}' in page
    assert f'src="{next(folder.glob("roc-*.png")).name}"' in page
    rows = list(csv.DictReader(io.StringIO((folder / "tables.csv").read_text())))
    shown = [row for row in rows if (row["row"], row["column"]) == ("CNN", "Base")]
    assert float(shown[0]["value"]) == record.estimate("accuracy", "face").value
    assert (shown[0]["n"], shown[0]["data"], shown[0]["note"]) == ("16", "an unnamed source", "")
    failed = [row for row in rows if (row["row"], row["column"]) == ("Absent", "Base")]
    assert failed[0]["note"].startswith("Failed: unknown model 'not_there'")

    (folder / "tables.md").write_text(text + "edited")
    assert report.main(["tables", "--check"]) == 1
    assert "tables.md: differs" in capsys.readouterr().out


def test_the_best_is_marked_by_comparisons_and_two_runs_compare(grid, capsys):
    folder, folder_of_runs, _, _ = grid
    found = [one for one in read_comparisons(folder) if one.table == "list" and one.metric == "auc"]
    assert len(found) == 2
    done = {result.digest: result for result in read_results(folder) if result.status == "done"}
    values = {digest: result.estimate("auc", "face").value for digest, result in done.items()}
    for one in found:
        assert one.value == pytest.approx(values[one.best] - values[one.other])
        assert one.value >= 0
    runs = [name for result in done.values() for name in result.runs][:2]
    capsys.readouterr()
    assert compare.main([str(folder_of_runs / name) for name in runs]) == 0
    assert "16 faces of 4 groups" in capsys.readouterr().out


def test_a_changed_declaration_makes_no_stale_table(grid, declare):
    folder, _, command, _ = grid
    declare(declare.text.replace("l2 = 1e-3", "l2 = 1e-2"))
    experiment = read_experiment(folder)
    results = read_results(folder)
    manifest = results[0].manifest
    state = {cell.name: current(results, cell, "full", manifest) is not None for cell in experiment.cells()}
    assert state == {
        "custom_cnn, base": True,
        "custom_cnn, l2": False,
        "meso4, base": True,
        "absent, base": True,
        "both, base": True,
    }
    assert current(results, experiment.cells()[0], "full", "another manifest") is None
    assert report.main([*command, "--only", "regime=l2"]) == 0
    assert current(read_results(folder), experiment.cells()[1], "full", manifest) is not None


def test_a_finished_run_is_adopted_and_folds_are_averaged(grid, capsys):
    folder, runs, command, _ = grid
    run = read_results(folder)[0].runs[0]
    (folder / "results.jsonl").unlink()
    assert report.main(["add", str(folder), str(runs / run)]) == 0
    assert dict(read_results(folder)[0].at) == AT
    assert report.main(["add", str(folder), str(runs / "none")]) == 2
    (runs / run).rename(runs / "elsewhere")
    only = ["--only", "model=custom_cnn", "--only", "regime=base"]
    assert report.main([*command, *only]) == 0  # not trained again
    assert not (runs / run).exists()
    (runs / "elsewhere").rename(runs / run)
    assert report.main([*command, *only, "--profile", "folds"]) == 0
    found = read_results(folder)[-1]
    values = [metrics.estimates["accuracy"].value for metrics in found.metrics("face")]
    assert len(values) == 2
    assert found.estimate("accuracy", "face").value == pytest.approx(sum(values) / 2)
    assert found.n("face") == 40  # each face once
    assert report.main(["tables"]) == 0
    text = (folder / "tables.md").read_text()
    assert "| CNN | Base | 1 | 0.80 |" in text
    assert "profile folds (two folds)" in text


def test_a_test_fold_of_one_class_fails_before_the_first_is_trained(declare, uneven_folds, tmp_path):
    folder = declare(declare.text.replace("folds = 2", "folds = 3"))
    command = ["run", str(folder), "--manifest", str(uneven_folds), "--runs", str(tmp_path / "runs")]
    only = ["--only", "model=custom_cnn", "--only", "regime=base", "--profile", "folds"]
    assert report.main([*command, *only]) == 1
    (result,) = read_results(folder)
    assert "fold 3 of 3: split 'test' has 0 real and 3 fake faces" in result.reason
    assert not list((tmp_path / "runs").glob("custom_cnn*"))


def test_a_manifest_without_test_faces_fails_before_anything_is_trained(declare, write_squares, tmp_path):
    manifest = write_squares(tmp_path / "data", train=8, val=8, test=0)
    command = ["run", str(declare()), "--manifest", str(manifest), "--runs", str(tmp_path / "runs")]
    assert report.main([*command, "--only", "model=custom_cnn", "--only", "regime=base"]) == 1
    (result,) = read_results(tmp_path / "reports" / "tiny")
    assert "split 'test' has 0 real and 0 fake faces" in result.reason
    assert not list((tmp_path / "runs").glob("custom_cnn*"))


def test_an_ensemble_finds_its_members_however_the_manifest_was_called(
    declare, trained, tmp_path, monkeypatch
):
    folder, (manifest, _) = declare(), trained
    base = ["run", str(folder), "--runs", str(tmp_path / "runs"), "--only", "regime=base"]
    members = ["--only", "model=custom_cnn", "--only", "model=meso4"]
    assert report.main([*base, "--manifest", str(manifest), *members]) == 0
    monkeypatch.chdir(manifest.parent)
    ensemble = [*base, "--manifest", manifest.name, "--only", "model=both"]
    (member,) = (tmp_path / "runs").glob("meso4-*")
    member.rename(tmp_path / "away")
    assert report.main(ensemble) == 1
    (tmp_path / "away").rename(member)
    assert report.main(ensemble) == 0
    assert read_results(folder)[-1].members


def test_options_of_a_model_add_up(declare):
    """The grid's, and a choice's: the later wins where both name one."""
    text = declare.text.replace('"none"\n', '"none"\noptions = { units = 9, width = 1 }\n', 1)
    text = text.replace('{ model = "custom_cnn" }', '{ model = "custom_cnn", options = { units = 7 } }')
    first, *_ = read_experiment(declare(text)).cells()
    assert first.recipe.options == {"units": 7, "width": 1}


def test_a_cell_whose_run_folder_is_gone_is_run_again_when_asked(grid, tmp_path, capsys):
    folder, _, command, _ = grid
    elsewhere = [*command[:-1], str(tmp_path / "new"), "--only", "model=custom_cnn", "--only", "regime=base"]
    before = len(read_results(folder))
    assert report.main(elsewhere) == 0
    assert "results have no run folder" in capsys.readouterr().out
    assert len(read_results(folder)) == before
    assert report.main([*elsewhere, "--again"]) == 0
    assert "custom_cnn, base: its run folder is gone: accuracy" in capsys.readouterr().out
    assert len(read_results(folder)) == before + 1
    assert list((tmp_path / "new").glob("custom_cnn-*"))
    assert report.main([*elsewhere, "--again"]) == 0
    assert len(read_results(folder)) == before + 1


def test_results_follow_their_predictions(grid, tmp_path, capsys):
    """A run trained again under its name, or a metric defined anew: no comparison of what no table shows."""
    folder, runs, command, _ = grid
    copy = tmp_path / "runs"
    shutil.copytree(runs, copy)
    old = read_results(folder)[0]
    (copy / old.runs[0] / "predictions-test.csv").write_text("other\n1\n")
    other = [*command[:-1], str(copy), "--only", "regime=l2"]
    capsys.readouterr()
    assert report.main(other) == 0
    assert "custom_cnn, base stays out of comparisons: " in capsys.readouterr().out
    run = Run(copy / old.runs[0])
    scores = Run(runs / old.runs[0]).predictions("test")
    run.write_predictions("test", replace(scores, p_fake=1 - scores.p_fake))
    assert report.main(other) == 0
    assert "its run folder has other scores now" in capsys.readouterr().out
    other[-1] = "model=custom_cnn"
    assert report.main(other) == 0
    assert "custom_cnn, base: done before, its predictions measured anew" in capsys.readouterr().out
    new = read_results(folder)[-1]
    assert new.estimate("auc", "face").value == pytest.approx(1 - old.estimate("auc", "face").value)
    assert new.parts[0]["n_train"] == old.parts[0]["n_train"]
    assert new.roc != old.roc


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("custom_cn", "unknown model of these cells 'custom_cn' (nearest: custom_cnn)"),
        ("custom_cnn", "custom_cnn starts at random in these cells"),
    ],
)
def test_a_weights_file_that_nothing_starts_from_is_refused(declare, trained, capsys, name, message):
    manifest, runs = trained
    command = ["run", str(declare()), "--manifest", str(manifest), "--runs", str(runs)]
    only = ["--only", "model=custom_cnn", "--only", "regime=base"]
    assert report.main([*command, *only, "--weights", f"{name}={manifest}"]) == 2
    assert message in capsys.readouterr().err


def test_a_run_that_began_otherwise_than_its_cell_fails(declare, trained, monkeypatch):
    manifest, runs = trained
    folder = declare()
    monkeypatch.setattr(running, "same_start", lambda wanted, run: False)
    command = ["run", str(folder), "--manifest", str(manifest), "--runs", str(runs)]
    assert report.main([*command, "--only", "model=custom_cnn", "--only", "regime=base"]) == 1
    assert "trained weights; the cell starts from published ones" in read_results(folder)[-1].reason


def test_trained_weights_are_refused_before_anything_is_trained(declare, trained, tmp_path, monkeypatch):
    manifest, runs = trained
    folder = declare(declare.text.replace('recipe = { model = "meso4" }', 'recipe = { model = "mobilenet" }'))
    build_model("mobilenet", image_size=32).save_weights(tmp_path / "whole.weights.h5")
    monkeypatch.setattr(running, "train", lambda *_: pytest.fail("it trains"))
    command = ["run", str(folder), "--manifest", str(manifest), "--runs", str(runs), "--only", "model=meso4"]
    assert report.main([*command, "--weights", f"mobilenet={tmp_path / 'whole.weights.h5'}"]) == 1
    assert "trained weights; the cell starts from published ones" in read_results(folder)[-1].reason


def test_a_folder_that_has_a_cells_name_alone_is_not_its_result(declare, trained, tmp_path):
    folder, manifest = declare(), trained[0]
    command = [
        "run",
        str(folder),
        "--manifest",
        str(manifest),
        "--runs",
        str(tmp_path),
        "--only",
        "model=both",
    ]
    only = ["--only", "model=custom_cnn", "--only", "model=meso4", "--only", "regime=base"]
    assert report.main([*command, *only]) == 0
    runs = {result.at["model"]: Run(tmp_path / result.runs[0]) for result in read_results(folder)}
    write_recipe(runs["meso4"].recipe_file, runs["meso4"].recipe().with_changes(learning_rate=0.5))
    combined = runs["both"].recipe()
    write_recipe(runs["both"].recipe_file, replace(combined, options={"combine": "stacked"}))
    (folder / "results.jsonl").unlink()

    assert report.main([*command, *only]) == 1

    reasons = {result.at["model"]: result.reason for result in read_results(folder)}
    assert reasons["custom_cnn"] == ""
    assert "it holds a run with learning_rate 0.5, not 0.0003" in reasons["meso4"]
    assert "it holds another ensemble" in reasons["both"]


@pytest.mark.parametrize(("own", "said"), [('["dfdc"]', False), ('["celebdf"]', True), ("[]", True)])
def test_tables_say_when_the_data_are_not_the_reports(declare, own, said):
    experiment = read_experiment(declare(f"own_data = {own}\n{declare.text}"))
    data = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
    (section,) = sections(experiment, [measured(experiment, CNN, data=data)], ())
    assert ("not the report's own data" in section.caption) == said
    assert "nothing else" not in section.caption


def test_the_readme_leaves_out_sizes_that_only_show_that_cells_run(declare):
    """The headline's cell is measured at both sizes: at "full", and at "folds", which is smoke in one."""
    for smoke, expected in (("false", "folds"), ("true", None)):
        text = declare.text.replace("[profiles.folds]\n", f"[profiles.folds]\nsmoke = {smoke}\n")
        experiment = read_experiment(declare(text))
        cell = experiment.cells("folds")[0]
        data = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
        result = replace(measured(experiment, CNN, data=data), profile="folds", recipe=declared(cell))
        found = overview._newest(experiment, [result], AT)
        assert (found.profile if found else None) == expected
        (section,) = sections(experiment, [result], ())
        assert ("It shows that the cells run, and nothing else." in section.caption) == (expected is None)


def test_two_processes_that_compare_lose_nothing(declare):
    folder = declare()
    ends = {"value": 0.1, "low": 0.0, "high": 0.2, "p": 0.1, "holm": 0.1, "together": "t"}
    experiment = read_experiment(folder)
    for name in (CNN, MESO):
        add_result(folder, measured(experiment, name))
    one, other = (result.digest for result in read_results(folder))
    mine = Comparison("list", "face", "auc", one, other, **ends)
    theirs = Comparison("grid", "face", "accuracy", other, one, **ends)
    comparing._write(folder, [theirs], set())
    comparing._write(folder, [mine], set())
    assert read_comparisons(folder) == [theirs, mine]
    comparing._write(folder, [], {one, other})
    assert read_comparisons(folder) == []


def test_only_shards_and_budgets_limit_the_grid(declare, trained, tmp_path, capsys):
    folder, (manifest, runs) = declare(), trained
    command = ["run", str(folder), "--manifest", str(manifest)]
    assert report.main([*command, "--only", "model=nothing"]) == 2
    assert "unknown choice of model 'nothing'" in capsys.readouterr().err
    assert report.main([*command, "--shard", "3/5", "--runs", str(runs)]) == 0
    assert [result.at["model"] for result in read_results(folder)] == ["meso4"]
    assert (
        report.main([*command, "--shard", "5/5", "--runs", str(tmp_path)]) == 1
    )  # an ensemble whose member is missing waits
    assert "waits for custom_cnn, base" in capsys.readouterr().out
    assert len(read_results(folder)) == 1
    assert report.main([*command, "--budget", "0.0001s", "--only", "model=custom_cnn"]) == 1
    assert "it would go past the budget" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        report.main([*command, "--budget", "soon"])


def result_of(experiment, **changes):
    cell = experiment.cells()[0]
    return Result(cell.at, "full", "failed", declared(cell), **changes)


def test_a_torn_line_is_cut_off_and_older_records_still_count(declare):
    folder = declare()
    experiment = read_experiment(folder)
    add_result(folder, result_of(experiment, reason="first", data={"manifest_sha256": "m"}))
    path = folder / "results.jsonl"
    record = json.loads(path.read_text())
    del record["recipe"]["bn_momentum"]  # a field that came later, at its default
    path.write_text(json.dumps(record) + "\n" + '{"at": {"mod')
    add_result(folder, result_of(experiment, reason="second", data={"manifest_sha256": "m"}))
    results = read_results(folder)
    assert [result.reason for result in results] == ["first", "second"]
    assert all(result.is_of(experiment.cells()[0], "full") for result in results)
    path.write_text('{"at": 3}\n')
    with pytest.raises(InputError, match="line 1: damaged"):
        read_results(folder)


def test_a_cell_that_another_process_has_is_left_to_it(declare, trained, tmp_path, capsys, monkeypatch):
    folder, (manifest, _) = declare(), trained
    command = ["run", str(folder), "--manifest", str(manifest), "--runs", str(tmp_path / "runs")]
    monkeypatch.setattr(running, "_folder_name", lambda *args: "cell")
    (tmp_path / "runs").mkdir()
    with FileLock(tmp_path / "runs" / ".cell.lock"):
        assert report.main([*command, "--only", "model=custom_cnn", "--only", "regime=base"]) == 1
    assert "custom_cnn, base: another process is at it" in capsys.readouterr().out
    assert not (tmp_path / "runs" / "cell").exists()


class Begun:
    """A run of which only the beginning is asked for."""

    def __init__(self, weights, random, partial=False):
        self._recipe = Recipe(model="xception", weights=weights, partial_weights=partial)
        self._random = random

    def recipe(self):
        return self._recipe

    def environment(self):
        return {"random_layers": self._random}


def test_weights_that_fill_a_part_of_the_backbone_are_told(declare):
    part = bool(random_backbone(Begun("x.h5", ["block14_sepconv1", "logit"], partial=True)))
    assert part
    assert not random_backbone(Begun("x.h5", ["head_dense", "logit"], partial=True))
    assert not random_backbone(Begun("none", ["block1_conv1", "logit"]))
    result = result_of(read_experiment(declare()), weights={"origin": "x.h5 (a half)", "partial": part})
    notes = tables._Footnotes()
    assert notes.of_result(result) == 1
    assert notes.texts == ["Weights: x.h5 (a half)."]
    seen = replace(result, weights={"origin": "first", "partial": False, "leaks": ["2 were seen.", "As 3."]})
    assert notes.of_result(seen) == 2
    assert notes.texts[1] == "2 were seen. As 3."


def test_trained_weights_do_not_stand_for_imagenet():
    assert recording.same_start("imagenet", Begun("x.h5", ["logit"]))
    assert not recording.same_start("imagenet", Begun("runs/other", []))
    assert not recording.same_start("imagenet", Begun("none", ["block1_conv1", "logit"]))
    assert recording.same_start("none", Begun("none", []))


def test_results_name_no_folder():
    assert without_paths("/home/me/data/a.png: gone (see /tmp/x/y)") == "a.png: gone (see y)"
    assert without_paths("1/2 and a/b") == "1/2 and a/b"


def measured(experiment, name, accuracy=0.9, folds=1, **changes):
    """The result of a cell, with so many right of 40 drawn scores."""
    labels, right = np.arange(40) % 2, np.arange(40) < round(40 * accuracy)
    samples = [FaceSample(f"{row}.png", int(labels[row]), "test", str(row)) for row in range(40)]
    scores = Predictions(samples, np.where(right, labels, 1 - labels).astype(np.float64))
    part = {"n_train": 9, "metrics": {"face": compute_metrics(scores, threshold=0.5, resamples=0).to_dict()}}
    cell = next(cell for cell in experiment.cells() if cell.name == name)
    return Result(cell.at, "full", "done", declared(cell), parts=[part] * folds, **changes)


def built(experiment, name, results, comparisons=()):
    spec = next(spec for spec in experiment.tables if spec.name == name)
    return tables.build(tables.Asked(experiment, spec, experiment.cells(), results, comparisons))


def marks_of(experiment, accuracies, comparisons, level="face"):
    """What the table "list" shows of cells by name: "best", "same" or ""."""
    results = {name: measured(experiment, name, accuracy) for name, accuracy in accuracies.items()}
    digests = {name: result.digest for name, result in results.items()}
    found = [
        Comparison(
            "list", level, "accuracy", *(digests.get(name, name) for name in pair), *[0.1] * 4, p, "these"
        )
        for *pair, p in comparisons
    ]
    table = built(experiment, "list", results, found)
    return {
        row[0]: "best" if row[3].best else "same" if row[3].same else ""
        for row in table.rows
        if row[1] == "Base" and row[3].estimate
    }


CNN, MESO, BOTH = "custom_cnn, base", "meso4, base", "both, base"


def test_a_mark_is_never_of_a_result_that_is_not_shown(declare):
    """Meso-4 could not be told from what was best before that cell was declared anew."""
    experiment = read_experiment(declare())
    accuracies = {CNN: 0.9, MESO: 0.6}
    found = marks_of(experiment, accuracies, [("gone", MESO, 0.5), (CNN, MESO, 0.01)])
    assert found == {"CNN": "best", "Meso-4": ""}


def test_a_comparison_by_clips_marks_no_table_of_faces(declare):
    experiment = read_experiment(declare())
    found = marks_of(experiment, {CNN: 0.9, MESO: 0.6}, [(CNN, MESO, 0.5)], level="video")
    assert found == {"CNN": "", "Meso-4": ""}


@pytest.mark.parametrize(
    ("accuracies", "comparisons"),
    [
        # The best's run was not at hand when the second was compared with the third.
        ({CNN: 0.9, MESO: 0.8, BOTH: 0.7}, [(CNN, MESO, 0.01), (CNN, BOTH, 0.01), (MESO, BOTH, 0.9)]),
        # A new cell is better than the best, whose run was not at hand; or worse.
        ({CNN: 0.9, MESO: 0.8, BOTH: 0.7}, [(CNN, BOTH, 0.01), (MESO, BOTH, 0.9)]),
        ({CNN: 0.9, MESO: 0.8, BOTH: 0.7}, [(MESO, BOTH, 0.9), (CNN, BOTH, 0.01)]),
    ],
)
def test_one_column_has_one_best_though_runs_were_not_at_hand(declare, accuracies, comparisons):
    found = marks_of(read_experiment(declare()), accuracies, comparisons)
    assert found == {"CNN": "best", "Meso-4": "", "Both": ""}


def test_a_training_that_scores_all_faces_alike_is_called_collapsed(declare):
    experiment = read_experiment(declare())
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(40)]
    found = {}
    for name, scores in ((CNN, np.full(40, 0.4)), (MESO, np.arange(40) / 40)):
        metrics = compute_metrics(Predictions(samples, scores), threshold=0.5)
        result = measured(experiment, name)
        found[name] = replace(result, parts=[{"n_train": 9, "metrics": {"face": metrics.to_dict()}}])
    table = built(experiment, "list", found)
    assert table.footnotes == [tables.COLLAPSED]
    marked = [row[0] for row in table.rows if any(getattr(entry, "footnote", 0) for entry in row)]
    assert marked == ["CNN"]
    assert tables.NOTE_UNCOMPARED in table.notes
    assert tables.NOTE_BEST not in table.general


PART = {"origin": "x.h5 (1 of 2 parameters)", "local": True, "partial": True}


@pytest.mark.parametrize(("name", "folds"), [("grid", 1), ("list", 1), ("folds", 2)])
def test_every_kind_of_table_tells_of_weights_of_a_part_and_of_a_split_that_leaks(declare, name, folds):
    text = declare.text.replace("[recipe]", '[recipe]\nsplit = "random"', 1)
    experiment = read_experiment(declare(text))
    table = built(experiment, name, {CNN: measured(experiment, CNN, folds=folds, weights=PART)})
    notes = {entry.footnote for row in table.rows for entry in row if isinstance(entry, tables.Value)}
    assert 1 in notes
    assert table.below()[-1] == "(1) Weights: x.h5 (1 of 2 parameters)."
    assert tables.NOTE_THRESHOLD in table.general
    assert f"Tested on {40 * folds} faces." in table.notes
    assert [note for note in table.notes if note.startswith("Split at random over faces")]
    apart = read_experiment(declare())
    table = built(apart, name, {CNN: measured(apart, CNN, folds=folds)})
    assert not [note for note in table.below() if "random" in note or note.startswith("(1)")]


def test_the_pages_over_all_reports_tell_it_too(declare):
    text = declare.text.replace("[recipe]", '[recipe]\nsplit = "random"', 1)
    experiment = read_experiment(declare(text))
    data = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
    add_result(experiment.folder, measured(experiment, CNN, weights=PART, data=data))
    assert "| dfdc, split at random, weights of a part |" in overview.overview([experiment])
    summary = overview.summary([experiment])
    assert "| dfdc, split at random, weights of a part (size full) |" in summary
    assert "--partial-weights --weights custom_cnn=FILE`" in summary


def test_the_summary_names_the_files_and_the_members_that_a_number_needs(declare):
    text = declare.text.replace(
        'regime = "base" }]', 'regime = "base" }, { model = "both", regime = "base" }]'
    )
    experiment = read_experiment(declare(text))
    data = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
    local = {"origin": "y.h5 (1 of 2 parameters)", "sha256": "00", "partial": True}
    add_result(experiment.folder, measured(experiment, CNN, weights=local, data=data))
    (cell,) = (cell for cell in experiment.cells() if cell.name == BOTH)
    members = [declared(member) for member in cell.members]
    add_result(experiment.folder, measured(experiment, BOTH, data=data, members=members))
    single, both = overview.summary([experiment]).splitlines()[-2:]
    start = "--only regime=base --partial-weights --weights custom_cnn=FILE`"
    assert f"`{experiment.folder.as_posix()} --only model=custom_cnn {start}" in single
    names = "--only model=custom_cnn --only model=meso4 --only model=both"
    assert f"`{experiment.folder.as_posix()} {names} {start}" in both
    # A file of all weights is a copy of those that are downloaded.
    whole = {**local, "origin": "y.h5 (2 of 2 parameters)", "partial": False}
    add_result(experiment.folder, measured(experiment, CNN, weights=whole, data=data))
    assert "FILE" not in overview.summary([experiment])


def test_headlines_of_one_model_are_shown_at_one_size(declare):
    """The larger size has one of the two alone: a difference of sizes would look like theirs."""
    regimes = ", ".join(f'{{ model = "custom_cnn", regime = "{name}" }}' for name in ("base", "l2"))
    text = declare.text.replace('[{ model = "custom_cnn", regime = "base" }]', f"[{regimes}]")
    experiment = read_experiment(declare(text))
    data = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
    add_result(experiment.folder, measured(experiment, CNN, data=data))
    assert [line.count("size full") for line in overview.summary([experiment]).splitlines()[-2:]] == [1, 0]
    small = {cell.name: cell for cell in experiment.cells("folds")}
    for name in (CNN, "custom_cnn, l2"):
        cell = {"profile": "folds", "recipe": declared(small[name]), "at": small[name].at}
        add_result(experiment.folder, replace(measured(experiment, CNN, folds=2, data=data), **cell))
    assert [line.count("size folds") for line in overview.summary([experiment]).splitlines()[-2:]] == [1, 1]


def test_a_list_shows_matrices_beside_metrics(declare):
    experiment = read_experiment(
        declare(declare.text.replace('"accuracy", "auc"]', '"accuracy", "confusion"]'))
    )
    failed = replace(measured(experiment, MESO), status="failed", reason="why")
    found = {CNN: measured(experiment, CNN, 0.75), MESO: failed, BOTH: measured(experiment, BOTH, folds=2)}
    table = built(experiment, "list", found)
    assert table.header[-1] == "Matrix"
    # Of 40 faces in turn real and fake, the first 30 or 36 are called right.
    shown = {row[0]: row[-1] for row in table.rows if row[1] == "Base"}
    assert shown == {"CNN": "[[15, 5], [5, 15]]", "Meso-4": "–", "Absent": "–", "Both": "[[18, 2], [2, 18]]"}
    assert tables.NOTE_MATRIX in table.notes


def test_a_figure_of_former_results_is_neither_shown_nor_kept(declare):
    experiment = read_experiment(declare())
    data = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
    names = []
    for accuracy in (0.75, 0.5):
        add_result(experiment.folder, measured(experiment, CNN, accuracy, data=data, roc=[0.0] + [1.0] * 100))
        (path,) = pictures.figure_files(experiment)
        assert not path.is_file()  # what `tables --check` then finds
        assert pictures.draw_figures(experiment) == [path]
        assert [*experiment.folder.glob("roc-*.png")] == [path]
        names.append(path.name)
        (retitled,) = pictures.figure_files(read_experiment(declare(declare.text.replace("CNN", "My CNN"))))
        assert retitled != path
        declare()
    assert names[0] != names[1]


def test_the_time_that_cells_need_is_that_of_their_model_or_of_any(declare):
    experiment, here = read_experiment(declare()), {"python": "3.11", **hardware()}
    data = {"manifest_sha256": "m", "sample_set": False, "sources": []}
    cells = {cell.name: cell for cell in experiment.cells()}
    done = [
        measured(experiment, CNN, data=data, seconds=60.0, environment=here),
        measured(experiment, CNN, data=data, seconds=90.0, folds=2, environment=here),
        measured(experiment, BOTH, data=data, seconds=0.0, members=[{}, {}], environment=here),
        measured(experiment, CNN, data=data, seconds=1.0, environment={**here, "devices": ["a faster one"]}),
        measured(experiment, CNN, data=data, seconds=1.0),
    ]
    # 150 s for three trainings of the CNN on a machine like this; an ensemble trains nothing, and says
    # nothing of others.
    assert running._expected(done, cells[CNN], "full") == 50
    assert running._expected(done, cells[MESO], "full") == 50
    assert running._expected(done, cells[BOTH], "full") == 0
    assert running._expected(done, cells[CNN], "tiny") is None
    assert running._expected(done[2:], cells[CNN], "full") is None


def test_the_curve_of_a_result_is_that_drawn_by_hand():
    # Reals .1 and .4, fakes .3 and .9: from (0, 1/2) to (1/2, 1/2), up to (1/2, 1) and on to (1, 1).
    samples = [FaceSample(f"{row}.png", row // 2, "test", str(row)) for row in range(4)]
    heights = recording._roc(Predictions(samples, np.array([0.1, 0.4, 0.3, 0.9])))
    assert heights[[0, 49, 50, 100]].tolist() == [0.5, 0.5, 1.0, 1.0]


def test_an_ensemble_of_which_one_member_is_left_out_is_refused(declare):
    text = declare.text.replace('["custom_cnn", "meso4"]', '["custom_cnn", "meso4", "absent"]')
    text = text.replace('{ model = "absent", regime = "l2" }', '{ model = "absent" }')
    with pytest.raises(InputError, match="both, base: members are left out"):
        read_experiment(declare(text))


def test_a_result_waits_for_the_line_of_another_process(declare):
    """Both cut off what they take for a torn line: the later one would cut the earlier one's off."""
    folder = declare()
    thread = Thread(target=add_result, args=(folder, result_of(read_experiment(folder))))
    with FileLock(f"{folder / 'results.jsonl'}.lock"):
        thread.start()
        thread.join(0.3)
        assert read_results(folder) == []
    thread.join()
    assert len(read_results(folder)) == 1


def test_of_errors_the_smallest_keeps_its_mark_though_runs_were_not_at_hand(declare):
    text = declare.text.replace('metrics = ["accuracy", "auc"]', 'metrics = ["log_loss"]')
    experiment = read_experiment(declare(text))
    results = {
        name: measured(experiment, name, right) for name, right in ((CNN, 0.9), (MESO, 0.8), (BOTH, 0.7))
    }
    found = [
        Comparison(
            "list", "face", "log_loss", results[best].digest, results[BOTH].digest, *[0.1] * 4, p, "these"
        )
        for best, p in ((CNN, 0.01), (MESO, 0.9))
    ]
    table = built(experiment, "list", results, found)
    assert [row[0] for row in table.rows if row[2].best] == ["CNN"]
    assert not any(row[2].same for row in table.rows)


def test_an_ensemble_is_not_done_once_a_member_is_declared_anew(declare):
    data = {"manifest_sha256": "m"}
    experiment = read_experiment(declare())
    cell = experiment.cells()[-1]
    result = measured(experiment, BOTH, data=data, members=[declared(member) for member in cell.members])
    assert current([result], cell, "full", "m") == result
    text = declare.text.replace('{ model = "meso4" }', '{ model = "meso4", dropout = 0.5 }')
    assert current([result], read_experiment(declare(text)).cells()[-1], "full", "m") is None


def test_a_later_failure_takes_no_result_away(declare):
    experiment = read_experiment(declare())
    done = measured(experiment, CNN, data={"manifest_sha256": "m"})
    failed = replace(done, status="failed", reason="why")
    assert current([done, failed], experiment.cells()[0], "full", "m") == done


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


def test_a_run_folder_with_other_scores_of_one_fold_is_noticed(declare):
    labels, samples = (
        np.arange(40) % 2,
        [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(40)],
    )
    same, other = (
        Scored(Predictions(samples, np.where(np.arange(40) < right, labels, 1.0 - labels)), 0.5)
        for right in (36, 30)
    )
    result = measured(read_experiment(declare()), CNN, accuracy=0.9, folds=2)
    assert still_measures(result, [same, same])
    assert not still_measures(result, [same, other])


@pytest.mark.parametrize(
    ("weights", "replaced"), [("vit.npz", True), ("imagenet", True), ("", True), ("none", False)]
)
def test_a_local_file_stands_for_any_weights_that_a_cell_declares(tmp_path, weights, replaced):
    setup = running.Setup("cpu", "", tmp_path, weights={"mobilenet": "here/file"})

    assert (setup.recipe(Recipe(model="mobilenet", weights=weights)).weights == "here/file") == replaced
