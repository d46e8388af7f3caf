"""The benchmark joins three kinds of training data, trains each with every seed, and compares the scores."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks import gan as benchmark
from dfdetect.metrics.comparison import Scored
from dfdetect.predictions import Predictions
from face_extraction.manifest import FaceSample, read_manifest, write_manifest


@pytest.fixture
def data(tmp_path):
    """A manifest of three splits, and a generated set of two reals and two fakes."""
    dfdc = [
        FaceSample(f"{split}{n}.png", n % 2, split, f"{split}{n}")
        for split in ("train", "val", "test")
        for n in range(4)
    ]
    made = [FaceSample(f"real{n}.png", 0, "train", f"p{n}", source="open") for n in range(2)]
    made += [FaceSample(f"gan{n}.png", 1, "train", "gan-1", method="gan", source="gan") for n in range(2)]
    for name, rows in (("dfdc", dfdc), ("set", made)):
        (tmp_path / name).mkdir()
        for row in rows:
            (tmp_path / name / row.path).write_bytes(row.path.encode())
        write_manifest(tmp_path / name / "manifest.csv", rows)
    return tmp_path


def test_the_kinds_of_data_differ_in_train_alone_and_by_what_they_are_named_after(data):
    manifests = benchmark.join(data / "dfdc", data / "set", data / "out")
    assert manifests == benchmark.join(data / "dfdc", data / "set", data / "out")  # a second call takes them
    rows = {name: read_manifest(path) for name, path in manifests.items()}
    added = {
        name: sorted((row.source, row.label) for row in found if row.source) for name, found in rows.items()
    }
    assert added["alone"] == []
    assert added["with-reals"] == [("open", 0)] * 2
    assert added["with-generated"] == [("gan", 1)] * 2 + [("open", 0)] * 2
    for found in rows.values():
        held = [row for row in found if row.split != "train"]
        assert held == [row for row in rows["alone"] if row.split != "train"]
        assert len(held) == 8


def test_a_set_of_another_split_is_refused(data, capsys):
    write_manifest(data / "set" / "manifest.csv", [FaceSample("gan0.png", 1, "val", "gan-1")])
    status = benchmark.main(
        ["--manifest", str(data / "dfdc"), "--generated", str(data / "set"), "--out", str(data / "out")]
    )
    assert status == 2
    assert "it has faces of the split val; accepted: a set of train" in capsys.readouterr().err


def arguments_of(data):
    """The benchmark's arguments for the sets in a folder."""
    parts = {"--manifest": "dfdc", "--generated": "set", "--out": "out"}
    return [word for flag, name in parts.items() for word in (flag, str(data / name))]


def scored(seed, gain):
    """Scores of 40 reals and 40 fakes; a gain of 1 parts them, of 0 does not."""
    rng = np.random.default_rng(seed)
    samples = [FaceSample(f"{n}.png", n % 2, "test", f"g{n}") for n in range(80)]
    labels = np.array([sample.label for sample in samples])
    return Scored(
        Predictions(samples, np.clip(0.25 + gain * labels * 0.5 + rng.uniform(0, 0.2, 80), 0, 1)), 0.5
    )


def test_every_seed_is_trained_on_each_kind_and_means_are_compared(data, monkeypatch, capsys):
    trained = []
    monkeypatch.setattr(benchmark, "train", lambda argv: trained.append(argv) or 0)
    gains = {"alone": 0, "with-reals": 0, "with-generated": 1}
    monkeypatch.setattr(
        benchmark,
        "scores_of",
        lambda folder: scored(int(folder.name[-1]), gains[folder.name.rpartition("-")[0]]),
    )
    assert benchmark.main([*arguments_of(data), "--seeds", "2", "--recipe", "r.toml"]) == 0
    assert [argv[:2] for argv in trained] == [["--recipe", "r.toml"]] * 6
    assert len({tuple(argv) for argv in trained}) == 6
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("auc"))
    assert lines[at + 3].split() == ["with-generated", "1.000", "1.000"]
    assert "with-reals - alone, mean over seeds: +0.000 [–]" in lines[at + 5]
    alike = [scored(seed, 0).predictions for seed in (0, 1)]
    gained = 1 - np.mean([roc_auc_score(each.labels, each.p_fake) for each in alike])
    assert f"with-generated - with-reals, mean over seeds: {gained:+.3f} [" in lines[at + 4]


def test_a_training_that_fails_ends_the_benchmark(data, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "train", lambda argv: 2)
    assert benchmark.main(arguments_of(data)) == 2
    assert "alone-0: the training ended with status 2" in capsys.readouterr().err
