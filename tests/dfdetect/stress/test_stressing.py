"""Scores of undisturbed, disturbed and forged faces of a small run."""

import keras
import numpy as np
import pytest

from dfdetect.metrics.calibrating import Calibration
from dfdetect.stress import stressing
from dfdetect.stress.disturbing import Work
from dfdetect.stress.journal import open_journal
from dfdetect.stress.registry import get_kind
from dfdetect.stress.stressing import Plan, Scorer, Victims, attack, stress
from face_extraction.errors import InputError

KINDS = [get_kind("flip"), get_kind("saturation")]
CUTS = Calibration().with_cut(0.5, "a test")


def linear(side, frames=0, seed=0):
    """A model whose logit is a weighted sum of the pixels, about 0 for grey noise."""
    shape = (frames, side, side, 3) if frames else (side, side, 3)
    image = keras.Input(shape)
    logit = keras.layers.Dense(1, name="logit", use_bias=False)(keras.layers.Flatten()(image))
    model = keras.Model(image, keras.layers.Activation("sigmoid", name="p_fake")(logit))
    count = int(np.prod(shape))
    weights = np.random.default_rng(seed).normal(0, 0.6 / 100 / np.sqrt(count), (count, 1))
    model.get_layer("logit").set_weights([weights - weights.mean()])
    return Scorer(model, CUTS)


def test_a_killed_stress_goes_on_with_the_kind_it_was_at(make_cases, tmp_path, monkeypatch):
    cases, scorer, work = make_cases(20), linear(16), Work(16)
    with open_journal(tmp_path / "whole.jsonl", {}) as journal:
        stress(scorer, cases, KINDS, work, journal)
    whole = (tmp_path / "whole.jsonl").read_bytes()
    real = stressing.measure
    monkeypatch.setattr(
        stressing, "measure", lambda *given: real(*given) if len(given[2]) == 1 else pytest.fail("killed")
    )
    path = tmp_path / "killed.jsonl"
    with pytest.raises(pytest.fail.Exception), open_journal(path, {}) as journal:
        stress(scorer, cases, KINDS, work, journal)
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:3])
    again = []
    monkeypatch.setattr(stressing, "measure", lambda *given: again.append(given) or real(*given))
    with open_journal(path, {}) as journal:
        stress(scorer, cases, KINDS, work, journal)
    assert path.read_bytes() == whole
    assert len(again) == 1


def test_an_attack_worsens_every_score_and_finished_ones_are_not_repeated(make_cases, tmp_path, monkeypatch):
    cases, victims = make_cases(20, side=16), Victims(linear(16), linear(24, seed=1))
    path = tmp_path / "attacks.jsonl"
    with open_journal(path, {}) as journal:
        attack(victims, cases, Plan(("fgsm", "pgd"), (8, 2), steps=3), journal)
        rows = journal.rows
    names = [
        "undisturbed",
        "undisturbed, transferred",
        "fgsm",
        "fgsm, transferred",
        "pgd",
        "pgd, transferred",
    ]
    assert list(rows) == names
    assert [row.severity for row in rows["fgsm"]] == [2.0, 8.0]
    start = rows["undisturbed"][0].estimates["auc"].value
    mild, hard = (row.estimates["auc"].value for row in rows["fgsm"])
    assert hard < mild < start
    assert rows["fgsm"][1].estimates["missed_change"].value > 0
    assert rows["fgsm"][1].estimates["false_alarms_change"].value > 0
    before = path.read_bytes()
    monkeypatch.setattr(stressing, "ATTACKS", {})
    with open_journal(path, {}) as journal:
        attack(victims, cases, Plan(("fgsm", "pgd"), (8, 2), steps=3), journal)
    assert path.read_bytes() == before


def test_a_score_is_lowered_by_exactly_epsilon_times_the_l1_norm(make_cases):
    (_, fake), scorer = make_cases(2, side=16), linear(16)
    fake = type(fake)(fake.sample, (np.clip(fake.pictures[0], 20, 230),))
    inputs = scorer.inputs([fake])
    target = stressing._target(scorer, inputs, [fake], "fgsm 3", 0)
    forged = stressing.ATTACKS["fgsm"](target, stressing.Bound(3))
    logits = [np.log(p / (1 - p)) for p in (scorer.score(each)[0] for each in (inputs, forged))]
    norm = np.abs(scorer.model.get_layer("logit").get_weights()[0]).sum()
    assert logits[0] - logits[1] == pytest.approx(3 * norm, rel=1e-3)


def test_models_over_clips_are_attacked_too_but_not_by_faces(make_cases, tmp_path):
    cases = [type(case)(case.sample, case.pictures * 2) for case in make_cases(8, side=16)]
    with open_journal(tmp_path / "clips.jsonl", {}) as journal:
        attack(Victims(linear(16, frames=2), linear(24, frames=2)), cases, Plan(("fgsm",), (4,)), journal)
        changes = [
            journal.rows[name][0].estimates["auc_change"].value for name in ("fgsm", "fgsm, transferred")
        ]
    assert changes[0] < 0
    assert not np.isnan(changes[1])
    with pytest.raises(InputError, match="one model takes 2 faces at once, the other 1"):
        Victims(linear(16, frames=2), linear(16)).check()
