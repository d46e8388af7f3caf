"""`python -m dfdetect.models`: the tables as a user sees them."""

import subprocess
import sys

import pytest

from dfdetect.models import __main__ as command
from dfdetect.models import list_models


def columns(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_blocks_of_one_model_are_listed_with_the_head(capsys):
    assert command.main(["--blocks", "custom_cnn"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "block   parameters  trained from here on by",
        "stage1         896  last:4",
        "stage2      18,496  last:3",
        "stage3      73,856  last:2",
        "stage4     295,168  last:1",
        "(head)      33,025  head",
    ]


@pytest.mark.parametrize("arguments", [[], ["--list"]])
def test_models_are_listed_with_their_facts(monkeypatch, capsys, arguments):
    monkeypatch.setattr(command, "list_models", lambda: ["meso4", "mobilenet"])
    assert command.main(arguments) == 0
    titles, *rows = (columns(line) for line in capsys.readouterr().out.splitlines())
    assert titles == ["model", "input", "parameters", "blocks", "last 5", "pretrained", "reference"]
    link = "https://arxiv.org/abs/"
    last = " ".join(f"conv_{n}" for n in (9, 10, 11, 12, 13))
    assert rows == [
        # 27,977 trained ones, and the moving means and variances of 48 channels.
        ["meso4", "256", "28,073", "4", "stage1 stage2 stage3 stage4", "-", f"{link}1809.00888"],
        ["mobilenet", "224", "3,229,889", "14", last, "ImageNet", f"{link}1704.04861"],
    ]


@pytest.mark.slow
def test_every_model_is_listed(capsys):
    assert command.main([]) == 0
    _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == list_models()
    assert all(len(columns(row)) == 7 for row in rows)


def test_unknown_model_is_one_line_and_status_2(capsys):
    assert command.main(["--blocks", "xeption"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m dfdetect.models: unknown model 'xeption' (nearest: xception)")


def test_list_and_blocks_exclude_each_other(capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(["--list", "--blocks", "meso4"])
    assert "not allowed with" in capsys.readouterr().err


def test_help_comes_without_keras():
    show = "from dfdetect.models import __main__; __main__._parser().format_help()"
    code = f"import sys; {show}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"keras", "tensorflow", "dlib", "cv2"} & set(done.stdout.split())


def test_the_module_runs_as_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "dfdetect.models", "--help"], capture_output=True, text=True, check=True
    )
    assert "--blocks NAME" in done.stdout
