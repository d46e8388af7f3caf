"""Files that are there twice are told at the end of an extraction."""

import numpy as np
import pytest

from face_extraction.__main__ import main
from face_extraction.images import write_image


@pytest.fixture
def told(tmp_path, capsys):
    """told("a real train 1", ...) -> the notes of a list of crops; equal numbers are equal files."""

    def extract(*rows):
        lines = ["path,label,split"]
        for name, label, split, shade in (row.split() for row in rows):
            write_image(tmp_path / f"raw/{name}.png", np.full((32, 32, 3), int(shade), np.uint8))
            lines.append(f"{name}.png,{label},{split}")
        (tmp_path / "raw/list.csv").write_text("\n".join(lines))
        command = ["list", "--csv", str(tmp_path / "raw/list.csv"), "--crops", "--out", str(tmp_path / "out")]
        assert main([*command, "--workers", "1"]) == 0
        return [line for line in capsys.readouterr().out.splitlines() if "files that are there" in line]

    return extract


def test_a_file_under_two_labels_is_told(told):
    rows = ("a real train 1", "b fake train 2", "c fake train 1", "d real train 1", "e real train 3")

    assert told(*rows, "f fake train 3") == [
        "files that are there under two labels, of which one is wrong: 2, "
        "such as a.png (real) and c.png (fake)"
    ]


def test_a_file_in_two_splits_is_told(told):
    rows = ("a real train 1", "b real train 1", "c real test 1", "d fake test 2", "e fake val 3")

    assert told(*rows) == ["files that are there in two splits: 1, such as a.png (train) and c.png (test)"]


def test_other_files_are_not(told):
    assert told("a real train 1", "b real train 1", "c fake test 2", "d real val 3") == []
