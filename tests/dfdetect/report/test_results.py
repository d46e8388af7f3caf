"""The file of results: what is written, read again, and still holds."""

import json
from dataclasses import replace
from threading import Thread

import pytest
from filelock import FileLock

from dfdetect.report import __main__ as report
from dfdetect.report.reading import read_experiment
from dfdetect.report.results import (
    Result,
    add_result,
    current,
    declared,
    finished,
    read_results,
    real_manifests,
    without_paths,
)
from face_extraction.errors import InputError

pytestmark = pytest.mark.usefixtures("light")

CNN, BOTH = "custom_cnn, base", "both, base"


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


def result_of(experiment, **changes):
    cell = experiment.cells()[0]
    return Result(cell.at, "full", "failed", declared(cell), **changes)


@pytest.mark.parametrize(
    ("weights", "file"),
    [
        ({"origin": "x.h5 (1 of 2 parameters)", "local": True}, "x.h5"),
        ({"origin": "x.h5 (1 of 2 parameters)", "sha256": "ab"}, "x.h5"),
        ({"origin": "imagenet (1 of 2 parameters)", "local": False, "sha256": "ab"}, ""),
        ({"origin": "random"}, ""),
        ({}, ""),
    ],
    ids=str,
)
def test_a_local_weights_file_is_told_by_its_name(declare, weights, file):
    assert result_of(read_experiment(declare()), weights=weights).weights_file == file


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


def test_results_name_no_folder():
    assert without_paths("/home/me/data/a.png: gone (see /tmp/x/y)") == "a.png: gone (see y)"
    assert without_paths("1/2 and a/b") == "1/2 and a/b"


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


def test_an_ensemble_is_not_done_once_a_member_is_declared_anew(declare, measured):
    data = {"manifest_sha256": "m"}
    experiment = read_experiment(declare())
    cell = experiment.cells()[-1]
    result = measured(experiment, BOTH, data=data, members=[declared(member) for member in cell.members])
    assert current([result], cell, "full", "m") == result
    text = declare.text.replace('{ model = "meso4" }', '{ model = "meso4", dropout = 0.5 }')
    assert current([result], read_experiment(declare(text)).cells()[-1], "full", "m") is None


def test_a_later_failure_takes_no_result_away(declare, measured):
    experiment = read_experiment(declare())
    done = measured(experiment, CNN, data={"manifest_sha256": "m"})
    failed = replace(done, status="failed", reason="why")
    cell = experiment.cells()[0]
    assert current([done, failed], cell, "full", "m") == finished([done, failed], cell, "full", "m") == done
    assert current([failed], cell, "full", "m") == failed
    assert finished([failed], cell, "full", "m") is None


def test_manifests_of_real_faces_go_by_the_last_measured(declare, measured):
    experiment = read_experiment(declare())

    def on(manifest, drawn=False, **changes):
        data = {"manifest_sha256": manifest, "sample_set": drawn}
        return replace(measured(experiment, CNN, data=data), **changes)

    results = [on("a"), on("b"), on("a"), on("drawn", drawn=True), on("c", status="failed")]
    assert real_manifests(results) == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"recipe": "x"}, r"Expected `object`, got `str` - at `\$.recipe`"),
        ({"roc": 0}, r"Expected `array`, got `int` - at `\$.roc`"),
        ({"status": "over"}, r"Invalid enum value 'over'"),
        ({"weights": {"leaks": 0.5}}, r".*at `\$.weights.leaks`"),
        ({"environment": {"devices": -1}}, r".*at `\$.environment.devices`"),
        ({"seconds": float("nan")}, "NaN; accepted: numbers of JSON"),
        ({"data": {}}, "lacks data.sources, data.sample_set"),
        ({"parts": []}, "lacks parts.metrics"),
        ({"parts": [{"n_train": 9, "metrics": {"face": {"estimates": {}}}}]}, "not a record of metrics"),
    ],
    ids=str,
)
def test_a_damaged_line_is_named(declare, measured, change, told):
    folder = declare()
    data = {"sources": [], "sample_set": False}
    add_result(folder, measured(read_experiment(folder), CNN, data=data))
    line = json.loads((folder / "results.jsonl").read_text())
    assert len(read_results(folder)) == 1
    (folder / "results.jsonl").write_text(json.dumps({**line, **change}) + "\n")
    with pytest.raises(InputError, match=rf"results\.jsonl, line 1: damaged \({told}") as error:
        read_results(folder)
    assert "\n" not in str(error.value)


def test_a_folder_in_the_place_of_results_is_not_none(tmp_path):
    assert read_results(tmp_path) == []
    (tmp_path / "results.jsonl").mkdir()
    with pytest.raises(InputError, match=r"results\.jsonl: a folder, or a link"):
        read_results(tmp_path)
