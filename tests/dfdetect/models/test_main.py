"""`python -m dfdetect.models`: the tables as a user sees them."""

import subprocess
import sys

import pytest

from dfdetect.models import __main__ as command
from dfdetect.models.blocks import blocks
from dfdetect.models.build import build_model
from dfdetect.models.registry import family, list_models


def columns(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_blocks_of_one_model_are_listed_with_the_head(capsys):
    assert command.main(["--blocks", "custom_cnn"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "block   parameters  trained from here on by  parameters trained",
        "stage1         896  last:4                              421,441",
        "stage2      18,496  last:3                              420,545",
        "stage3      73,856  last:2                              402,049",
        "stage4     295,168  last:1                              328,193",
        "(head)      33,025  head                                 33,025",
    ]


@pytest.mark.parametrize("arguments", [[], ["--list"]])
def test_models_are_listed_with_their_facts(monkeypatch, capsys, arguments):
    monkeypatch.setattr(command, "list_models", lambda: ["meso4", "mobilenet"])
    assert command.main(arguments) == 0
    titles, *rows = (columns(line) for line in capsys.readouterr().out.splitlines())
    assert titles == list(command.LISTED)
    link = "arxiv.org/abs/"
    # Pairs 9 to 13 of MobileNet: 9 weights a channel, the pointwise kernel, and two times two parameters
    # a channel of normalisation, of which two are trained; the head has 1,024 weights and a bias.
    pairs = [(512, 512)] * 3 + [(512, 1024), (1024, 1024)]
    trained = sum(9 * a + 2 * a + a * b + 2 * b for a, b in pairs) + 1025
    assert rows == [
        # 27,977 trained ones, and the moving means and variances of 48 channels.
        ["meso4", "256", "28,073", "16,417", "4", "-", "-", "-", f"{link}1809.00888"],
        [
            "mobilenet",
            "224",
            "3,229,889",
            "1,025",
            "14",
            "last:5",
            f"{trained:,}",
            "ImageNet",
            f"{link}1704.04861",
        ],
    ]


# "Last two layers" (VGG, ResNet), "last five blocks" (DenseNet), "last four layers" (Inception), "last five
# layers" (MobileNet): which blocks these are, by name.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vgg16", "block5_conv2 block5_conv3"),
        ("resnet50", "conv5_block2 conv5_block3"),
        ("resnet50_plus", "conv5_block2 conv5_block3"),
        ("densenet121", "conv5_block12 conv5_block13 conv5_block14 conv5_block15 conv5_block16"),
        ("inception_v3", "mixed7 mixed8 mixed9 mixed10"),
        ("mobilenet", "conv_9 conv_10 conv_11 conv_12 conv_13"),
        ("vit_b16", "block12"),
    ],
)
@pytest.mark.usefixtures("unfilled")
def test_report_b_trains_these_blocks(name, expected):
    kind = family(name)
    model = build_model(name, image_size=kind.min_image_size, trainable=kind.report_b)
    moved = [
        block
        for block, layers in blocks(model, kind).items()
        if any(layer.trainable_weights for layer in layers)
    ]
    assert " ".join(moved) == expected


@pytest.mark.slow
def test_every_model_is_listed(capsys):
    assert command.main([]) == 0
    _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == list_models()
    assert all(len(columns(row)) == len(command.LISTED) for row in rows)
    assert max(map(len, rows)) <= 120


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
