"""Where results may go."""

import pytest

from dfdetect.out_folder import check_file, check_out
from face_extraction.errors import InputError


def test_results_do_not_go_into_a_run_or_a_file(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.toml").write_text("")
    with pytest.raises(InputError, match="run: a run folder, whose own files would be overwritten"):
        check_out(run)
    for inside in ("recipe.toml", "recipe.toml/inside"):
        with pytest.raises(InputError, match=r"recipe\.toml: not a folder; give another --out"):
            check_out(run / inside)
    check_out(run / "stress")
    check_out(tmp_path)
    check_out(tmp_path / "a" / "new" / "folder")
    assert not (tmp_path / "a").exists()


def test_a_file_needs_a_folder_that_can_be_made(tmp_path):
    (tmp_path / "old.toml").write_text("")
    with pytest.raises(InputError, match="a folder; accepted: the name of a file"):
        check_file(tmp_path)
    with pytest.raises(InputError, match=r"old\.toml: not a folder; give another --html"):
        check_file(tmp_path / "old.toml" / "report.html", "--html")
    check_file(tmp_path / "old.toml")
    check_file(tmp_path / "new" / "best.toml")
    assert not (tmp_path / "new").exists()
