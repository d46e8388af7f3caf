"""Where results may go."""

import pytest

from dfdetect.out_folder import check_out
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
