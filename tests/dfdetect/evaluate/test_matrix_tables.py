"""The tables of a matrix, with numbers that were counted by hand."""

import csv
import math

import pytest

from dfdetect.evaluate.matrix import fill, open_sets
from dfdetect.evaluate.matrix_tables import all_lines, both_tables, write_matrix
from dfdetect.metrics.calibrating import Calibration, Held
from dfdetect.metrics.ideal import ideal_ece
from dfdetect.render.table import text

pytestmark = pytest.mark.usefixtures("light", "scoring")

# Each set is ranked without a mistake, but the second one's scores are higher throughout.
LOW = ((0.1, 0.2), (0.3, 0.4))
HIGH = ((0.6, 0.7), (0.8, 0.9))


@pytest.fixture
def home(write_faces, make_run):
    """A run whose home is elsewhere; its only calibration is one cut, the threshold."""
    return make_run("run", write_faces("home", (0.2,), (0.9,)))


def lines_of(run, *manifests):
    cells = fill([run], open_sets(manifests, None, "test"))
    return cells, {(line.set, line.by): line for line in all_lines(cells)}


def test_the_pooled_auc_falls_where_sets_are_shifted_and_each_is_perfect(home, write_faces):
    _, lines = lines_of(home, write_faces("low", *LOW), write_faces("high", *HIGH))
    assert lines["low", "face"].estimates["auc"].value == 1
    assert lines["high", "face"].estimates["auc"].value == 1
    # Of 4 x 4 pairs the fakes .3 and .4 lose against the reals .6 and .7: 12 of 16 are right.
    pooled = lines["pooled, 2 sets", "face"]
    assert pooled.estimates["auc"].value == 12 / 16
    assert (pooled.reals, pooled.fakes, pooled.groups) == (4, 4, 8)
    assert lines["mean, 2 sets", "face"].estimates["auc"].value == 1


def test_the_mean_has_an_interval_and_weighs_sets_alike(home, write_faces):
    """One set is perfect; of the other, half of the pairs are right."""
    poor = write_faces("poor", (0.1, 0.5) * 3, (0.3, 0.2) * 3)
    _, lines = lines_of(home, write_faces("good", *LOW), poor)
    assert lines["poor", "face"].estimates["auc"].value == 0.5
    mean = lines["mean, 2 sets", "face"].estimates["auc"]
    assert mean.value == 0.75
    assert mean.low < 0.75 < mean.high


def test_both_error_rates_and_the_accuracy_are_counted_at_home_cuts(write_faces, make_run):
    # A real of .9 or more is called substantial: of 19 held-out reals none may lie above; the tenth of 19
    # fakes may lie below .4.
    reals = tuple([0.05] * 18 + [0.9])
    fakes = (0.3, 0.4, *[0.95] * 17)
    cuts = Calibration(val=Held(reals=reals, fakes=fakes), false_alarms=0.05, missed=0.1)
    assert (cuts.lower, math.isclose(cuts.upper, 0.9)) == (0.4, True)
    run = make_run("run", write_faces("home", (0.2,), (0.9,)), cuts)
    # Reals: .95 is called substantial, .6 is only above the threshold. Fakes: .1, .35 are called little.
    cells, lines = lines_of(run, write_faces("abroad", (0.1, 0.2, 0.6, 0.95), (0.1, 0.35, 0.45, 0.7, 0.99)))
    found = lines["abroad", "face"].estimates
    assert found["alarms"].value == 1 / 4
    assert found["misses"].value == 2 / 5
    assert found["accuracy"].value == pytest.approx(4 / 9)  # of reals .1 .2, of fakes .7 .99
    # In bins of 1/15: |.1 + .1 - 1|, .2, .35 - 1, .45 - 1, .6, .7 - 1, |.95 + .99 - 1|; over 9 faces.
    assert found["ece"].value == pytest.approx((0.8 + 0.2 + 0.65 + 0.55 + 0.6 + 0.3 + 0.94) / 9)
    calibration = text(both_tables(list(all_lines(cells)))[1])
    assert "without a calibration" not in calibration
    assert str(lines["abroad", "face"].ideal) in calibration


def test_the_chance_level_of_the_calibration_error_is_drawn_once_for_the_scores_that_are_shown(
    write_faces, make_run, monkeypatch
):
    drawn = []
    monkeypatch.setattr(
        "dfdetect.metrics.estimates.ideal_ece",
        lambda scored, *rest: drawn.append(scored.p_fake.tolist()) or ideal_ece(scored, *rest),
    )
    cuts = Calibration(method="platt", slope=1.0, intercept=1.0, val=Held(reals=(0.1,), fakes=(0.9,)))
    run = make_run("run", write_faces("home", (0.2,), (0.9,)), cuts)
    cells, _ = lines_of(run, write_faces("abroad", (0.1,), (0.9,)))
    drawn.clear()
    list(all_lines(cells))
    (scores,) = drawn
    assert scores == pytest.approx(cuts.apply([0.1, 0.9]).tolist())


def test_a_set_of_reals_has_no_auc_but_a_false_alarm_rate(home, write_faces):
    _, lines = lines_of(home, write_faces("reals", (0.1, 0.2, 0.9, 0.7)), write_faces("low", *LOW))
    only = lines["reals", "face"]
    assert math.isnan(only.estimates["auc"].value)
    assert math.isnan(only.estimates["misses"].value)
    assert only.estimates["alarms"].value == 0.5
    assert (only.reals, only.fakes) == (4, 0)
    # Its reals count in the pool (.9 and .7 lie above both fakes), and it has no part in the mean.
    assert lines["pooled, 2 sets", "face"].estimates["auc"].value == pytest.approx(8 / 12)
    assert ("mean, 1 set", "face") in lines


def test_home_and_sets_that_were_seen_are_marked_and_not_pooled(write_faces, make_run, tmp_path):
    manifest = write_faces("home", *LOW)
    trained = write_faces("trained", *HIGH, group="home-0.1-00")
    run = make_run("run", manifest)
    cells, lines = lines_of(run, manifest, trained)
    assert set(lines) == {("home (home)", "face"), ("trained", "face")}
    assert not lines["home (home)", "face"].remarks
    run = make_run("taught", write_faces("school", *LOW, split="train", group="home-0.1-00"))
    cells, lines = lines_of(run, manifest, write_faces("new", *LOW), write_faces("newer", *LOW))
    page = write_matrix(cells, tmp_path / "out")
    assert "home (1)" in page.read_text()


def test_videos_have_a_row_of_their_own(home, write_faces):
    videos = write_faces("videos", (0.1, 0.9), (0.3, 0.2), video="v")
    _, lines = lines_of(home, videos, write_faces("low", *LOW))
    assert (lines["videos", "face"].reals, lines["videos", "video"].reals) == (2, 1)
    # The mean of .1 and .9 is above that of .3 and .2, so the one pair of videos is wrong.
    assert lines["videos", "video"].estimates["auc"].value == 0
    assert lines["pooled, 2 sets", "video"].reals == 3  # photos count as videos of their own


def test_the_tables_in_all_forms(home, write_faces, tmp_path, capsys):
    cells, _ = lines_of(home, write_faces("l<o>w_", *LOW), write_faces("high", *HIGH))
    page = write_matrix(cells, tmp_path / "out").read_text()
    assert "l&lt;o&gt;w_" in page
    assert "<script" not in page
    assert "http" not in page
    assert "l<o>w_" in capsys.readouterr().out
    assert "l&lt;o&gt;w_" in (tmp_path / "out" / "matrix.md").read_text()
    tex = (tmp_path / "out" / "matrix.tex").read_text()
    assert r"l\textless{}o\textgreater{}w\_" in tex
    assert r"\label{tab:matrix-auc}" in tex
    assert r"\label{tab:matrix-cuts}" in tex
    rows = list(csv.reader((tmp_path / "out" / "auc.csv").read_text().splitlines()))
    assert rows[0] == ["run", "set", "by", "real / fake", "groups", "AUC", "accuracy"]
    assert rows[1][:5] == ["run", "l<o>w_", "face", "2 / 2", "4"]
    assert len((tmp_path / "out" / "cuts.csv").read_text().splitlines()) == 4  # no row of the mean
    assert "run: without a calibration" in page
