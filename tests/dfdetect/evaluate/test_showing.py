"""The slices on an evaluation's page and in slices.json."""

import json
import re

import pytest

from dfdetect.evaluate import __main__ as evaluate
from dfdetect.evaluate.showing import in_points
from dfdetect.metrics.calibrating import Calibration, Held
from dfdetect.metrics.estimates import Estimate

pytestmark = pytest.mark.usefixtures("light", "scoring")


@pytest.fixture
def abroad(write_faces):
    """80 reals and 40 fakes with these many different scores; no face has a width."""
    reals = [round(0.1 + 0.002 * number, 3) for number in range(40)]
    wrong = [round(0.9 + 0.001 * number, 3) for number in range(40)]
    fakes = [round(0.8 + 0.002 * number, 3) for number in range(40)]
    return write_faces("abroad", [*reals, *wrong], fakes, method="<swap>", source="abroad")


def test_the_page_and_the_file_hold_the_slices(abroad, write_faces, make_run, capsys):
    run = make_run("run", write_faces("home", (0.2,), (0.9,)))
    command = [str(run.folder), "--manifest", str(abroad), "--name", "o", "--slices"]
    assert evaluate.main(command) == 0
    results = run.evaluation("o")
    page = results.page.read_text()
    assert "<h1>run on o</h1>" in page
    assert "Where it errs more" in page
    assert "&lt;swap&gt;" in page
    assert "Crop size: not known of any face here." in page
    assert "Turn (yaw): not known of any face here." in page
    assert "<h3>Crop size</h3>" not in page
    assert "reals called fake" in page
    assert "at the run's threshold" not in page.replace("Errors at the run's threshold 0.5000.", "")
    found = json.loads(results.slices_file.read_text())
    source = found["slices"]["source"]["bands"]["abroad"]
    assert source["false_alarms"]["n"] == 80
    assert source["false_alarms"]["share"]["value"] == 0.5
    assert source["misses"]["share"]["value"] == 0
    assert (found["upper_cut"], found["lower_cut"]) == (0.5, 0.5)
    said = capsys.readouterr().out
    assert re.findall("^test +(\\w+)", said, re.MULTILINE) == ["face"]  # photos: by video is the same
    assert "Errors at the run's threshold 0.5000." in said
    assert "hold together with 95 %" in said
    # Asked again, nothing is scored anew; scored anew, the slices are gone.
    assert evaluate.main(command) == 0
    assert "scored already" in capsys.readouterr().out
    assert evaluate.main(command[:-1]) == 0
    assert not results.slices_file.exists()


def test_a_calibrated_run_errs_at_its_cuts(abroad, write_faces, make_run, capsys):
    cuts = Calibration(val=Held(reals=tuple([0.1] * 19 + [0.92]), fakes=tuple([0.82] * 20)))
    run = make_run("run", write_faces("home", (0.2,), (0.9,)), cuts)
    assert evaluate.main([str(run.folder), "--manifest", str(abroad), "--name", "o", "--slices"]) == 0
    found = json.loads(run.evaluation("o").slices_file.read_text())
    source = found["slices"]["source"]["bands"]["abroad"]
    # Above .92 lie 19 of the 80 reals (.921 to .939), below .82 the first 10 of the 40 fakes.
    assert source["false_alarms"]["share"]["value"] == 19 / 80
    assert source["misses"]["share"]["value"] == 10 / 40
    assert (
        "reals called substantial from 0.9200 on, fakes called little below 0.8200" in capsys.readouterr().out
    )


def test_a_difference_is_told_in_points_and_an_end_near_0_is_not_shown_as_0():
    assert in_points(Estimate(0.123, 0.0294, 0.2201)) == "difference 12.3 points [2.9, 22.0]"
    assert in_points(Estimate(0.039, 0.0002, 0.109)) == "difference 3.90 points [0.02, 10.90]"


def test_what_is_scored_already_keeps_its_notices(write_faces, make_run, capsys):
    run = make_run("run", write_faces("home", (0.2,), (0.9,)))
    reals = write_faces("reals", (0.1, 0.2, 0.9), ())
    for _ in range(2):
        assert evaluate.main([str(run.folder), "--manifest", str(reals), "--name", "o", "--slices"]) == 0
        said = capsys.readouterr().out
        assert "All labelled faces here are real: AUC" in said
        assert "There are too few faces for any number: each band has fewer than 30 faces of a class" in said
        assert "Bonferroni" not in said
    assert "scored already" in said
