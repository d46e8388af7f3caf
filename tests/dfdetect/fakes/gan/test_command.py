"""The command line of the GAN."""

import pytest

from dfdetect.fakes.__main__ import main
from dfdetect.fakes.gan import making, training
from dfdetect.fakes.gan.settings import Design, Training
from dfdetect.fakes.making import MadeSet
from face_extraction.ledger import NO_FACE, LedgerRow


def test_train_passes_its_flags_on(tmp_path, monkeypatch, capsys):
    given = []
    monkeypatch.setattr(training, "train_gan", lambda *order: given.append(order))
    flags = ["--manifest", "m.csv", "--out", str(tmp_path), "--kind", "style", "--steps", "7", "--seed", "3"]
    assert main(["gan", "train", *flags, "--weights", "none", "--every", "2"]) == 0
    ((order, out),) = given
    assert out == tmp_path
    assert order.design == Design("style", 128, 1024)
    assert order.training == Training(seed=3)
    assert (order.steps, order.every, order.weights) == (7, 2, "none")
    assert "sheets" in capsys.readouterr().out
    assert main(["gan", "train", *flags, "--size", "16", "--batch-size", "8"]) == 0
    assert given[1][0].design.side == 16
    assert given[1][0].training.batch_size == 8


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--size", "48"], "--size 48; accepted: 8, 16, 32, 64, 128 or 256 pixels"),
        (["--steps", "0"], "--steps 0; accepted: 1 to 10,000,000"),
        (["--batch-size", "1"], "--batch-size 1; accepted: 2 to 1,024"),
    ],
)
def test_wrong_flags_are_one_line(tmp_path, capsys, flags, words):
    assert main(["gan", "train", "--manifest", "m.csv", "--out", str(tmp_path), *flags]) == 2
    assert words in capsys.readouterr().err


def test_make_tells_what_was_made_and_refused(tmp_path, monkeypatch, capsys):
    given = []
    refused = [LedgerRow("faces/fake/gan/1.png", NO_FACE, "")]
    made = [MadeSet(5, refused), MadeSet(6, [])]
    monkeypatch.setattr(making, "make_gan_set", lambda *order: given.append(order) or made[len(given) - 1])
    flags = ["--generator", "gan", "--manifest", "m.csv", "--n", "5", "--out", str(tmp_path)]
    assert main(["gan", "make", *flags]) == 1
    told = capsys.readouterr().out
    assert "5 faces" in told
    assert "1 faces were refused: see" in told
    assert main(["gan", "make", *flags, "--split", "val", "--reals", "none"]) == 0
    assert given[0][0].reals == "resampled"
    assert given[0][0].split == "train"
    assert (given[1][0].reals, given[1][0].split, given[1][0].count) == ("none", "val", 5)
