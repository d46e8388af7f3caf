"""Every run on every manifest: what is kept, what fails, and what a run has seen."""

import shutil

import pytest

from dfdetect.evaluate import __main__ as evaluate
from dfdetect.evaluate.matrix import fill, open_sets
from dfdetect.runs.folder import Run
from face_extraction.manifest import read_manifest, write_manifest

pytestmark = pytest.mark.usefixtures("light")
R, F = (0.1, 0.2, 0.6), (0.4, 0.8, 0.9)


@pytest.fixture
def matrix(tmp_path):
    """matrix(runs, manifests, *more): the exit status of the command."""

    def call(runs, manifests, *more):
        given = [each for path in manifests for each in ("--manifest", str(path))]
        folders = [str(run.folder) for run in runs]
        return evaluate.main(["--matrix", *folders, *given, "--out", str(tmp_path / "tables"), *more])

    return call


@pytest.fixture
def home(write_faces, make_run):
    """A run that was trained on two groups, and tested on another."""
    manifest = write_faces("home", R, F)
    rows = read_manifest(manifest)
    write_faces("seen", (0.3, 0.7), (0.35, 0.75), split="train")
    seen = read_manifest(manifest.parent.parent / "seen" / "manifest.csv")
    for row in seen:
        shutil.copy(manifest.parent.parent / "seen" / row.path, manifest.parent / row.path)
    write_manifest(manifest, [*rows, *seen])
    return make_run("run", manifest)


def test_a_killed_matrix_goes_on(home, write_faces, matrix, scoring, tmp_path, monkeypatch, capsys):
    first, second = write_faces("first", R, F), write_faces("second", R[:2], F[:2])
    usual = "dfdetect.evaluate.evaluating.write_results"

    def killed(results, outcome):
        raise KeyboardInterrupt

    assert matrix([home], [first]) == 0
    with monkeypatch.context() as patch:
        patch.setattr(usual, killed)
        assert matrix([home], [first, second]) == 130
    assert scoring == ["first", "second"]
    assert matrix([home], [first, second]) == 0
    assert scoring == ["first", "second", "second"]  # the first was kept
    assert "scored already" in capsys.readouterr().out


def test_other_weights_other_rows_and_another_threshold_are_scored_anew(home, write_faces, matrix, scoring):
    other = write_faces("other", R, F)
    assert matrix([home], [other]) == 0
    home.weights.write_bytes(b"trained again")
    assert matrix([home], [other]) == 0
    write_faces("other", R, F[:2])
    assert matrix([home], [other]) == 0
    home.write_metrics(0.4, home.metrics())
    assert matrix([home], [other]) == 0
    assert matrix([home], [other]) == 0
    assert len(scoring) == 4


def test_a_failed_cell_is_listed_with_its_reason_and_the_others_go_on(
    home, write_faces, matrix, scoring, tmp_path
):
    bad, good = write_faces("bad", R, F), write_faces("good", R, F)
    rows = read_manifest(bad)
    (bad.parent / rows[0].path).rename(bad.parent / "broken.png")
    write_manifest(bad, [type(rows[0])("broken.png", 0, "test", "g"), *rows[1:]])
    assert matrix([home], [bad, good]) == 1
    text = (tmp_path / "tables" / "matrix.md").read_text()
    assert "(1) Failed: [Errno 5] Input/output error" in text
    assert "| run | good | face | 3 / 3 |" in text
    page = (tmp_path / "tables" / "index.html").read_text()
    assert "Failed: [Errno 5]" in page


def test_groups_and_files_that_the_run_has_seen_are_told(home, write_faces, scoring, tmp_path):
    """Groups of the same name and data set, and the same file under another name."""
    groups = write_faces("groups", R, F, group="seen-0.3-00")
    copied = write_faces("copied", R, F)
    source = home.folder.parent / "seen" / "faces" / "0.7-01.png"
    shutil.copy(source, copied.parent / "faces" / "0.1-00.png")
    clean = write_faces("clean", R, F)
    cells = fill([home], open_sets([groups, copied, clean], None, "test"))
    lines = {cell.set.name: list(cell.job.seen.lines) for cell in cells}
    assert lines["groups"] == [
        "1 of the groups scored were trained on: these numbers do not measure skill.",
    ]
    (line,) = lines["copied"]
    assert line.startswith("1 of the files scored are equal to files of other groups")
    assert lines["clean"] == []


def test_training_data_are_found_among_the_manifests_if_their_path_is_gone(
    home, write_faces, scoring, tmp_path
):
    """As of a detector that ships: its recipe names a path of another machine."""
    manifest = home.folder.parent / "home" / "manifest.csv"
    moved = shutil.copytree(manifest.parent, tmp_path / "moved") / "manifest.csv"
    shutil.rmtree(manifest.parent)
    other = write_faces("other", R, F, group="seen-0.3-00")
    (cell,) = fill([home], open_sets([other], None, "test"))
    assert "its training data are unknown" in cell.job.seen.unknown[0]
    at_home, cell = fill([home], open_sets([moved, other], None, "test"))
    assert (at_home.home, cell.home) == (True, False)
    assert not cell.job.seen.unknown
    assert "were trained on" in cell.job.seen.lines[0]


def test_names_are_those_of_the_evaluations(home, write_faces, matrix, scoring, tmp_path):
    manifests = [write_faces("first", R, F), write_faces("second", R, F[:2])]
    assert matrix([home], manifests, "--name", "one", "--name", "two") == 0
    assert {path.name for path in (home.folder / "evaluations").iterdir()} == {"one", "two"}
    assert "| run | one | face |" in (tmp_path / "tables" / "matrix.md").read_text()
    assert matrix([home], manifests, "--name", "one") == 2


def test_wrong_use_is_refused_before_anything_is_scored(home, write_faces, matrix, scoring, tmp_path, capsys):
    one = write_faces("one", R, F)
    again = shutil.copytree(one.parent, tmp_path / "deeper" / "one") / "manifest.csv"
    assert matrix([home], [one, again]) == 2
    assert "stands twice" in capsys.readouterr().err
    assert matrix([home], [one, tmp_path / "gone.csv"]) == 2
    assert matrix([home, home], [one]) == 2
    assert "another run has this name" in capsys.readouterr().err
    assert matrix([home], []) == 2
    assert matrix([home], [one], "--slices") == 2
    assert matrix([Run(tmp_path / "none")], [one]) == 2
    assert evaluate.main([str(home.folder), "--manifest", str(one), "--manifest", str(again)]) == 2
    assert evaluate.main([str(home.folder), "--out", "x"]) == 2
    assert matrix([home], [one], "--out", str(home.folder)) == 2
    assert matrix([home], [one], "--out", str(one)) == 2
    assert scoring == []
