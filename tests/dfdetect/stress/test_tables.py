"""Sentences and the tables that they stand above."""

import math

from dfdetect.metrics.estimates import Estimate
from dfdetect.stress.measuring import Row
from dfdetect.stress.tables import (
    attack_table,
    panels,
    stress_table,
    told_first,
    told_forged,
    told_more,
)

SHARES = ("recall", "missed", "false_alarms")


def row(severity, change, low, high, *, flips=0.1, missed=0.2):
    estimates = {"auc": Estimate(0.7, 0.6, 0.8), "auc_change": Estimate(change, low, high)}
    for name in SHARES:
        estimates[name] = Estimate(missed, 0.1, 0.4)
        estimates[f"{name}_change"] = Estimate(missed - 0.1, -0.1, 0.3)
    return Row(severity, 2000, 50, {**estimates, "flips": Estimate(flips, flips, flips)})


UNDISTURBED = {"undisturbed": [row(0.0, 0.0, math.nan, math.nan, flips=0.0)]}
ROWS = {
    **UNDISTURBED,
    "jpeg": [row(90.0, -0.01, -0.02, 0.01), row(70.0, -0.12, -0.16, -0.08)],
    "blur": [row(0.5, 0.0, -0.1, 0.1), row(1.0, -0.02, -0.03, -0.01), row(1.5, -0.2, -0.3, -0.1, flips=0.4)],
}


def test_what_breaks_first_and_most_is_told():
    assert told_first(ROWS) == "JPEG, quality 70, costs 0.120 [0.080, 0.160] of AUC: it breaks first."
    most, flips = told_more(ROWS)
    assert most == "Defocus, 1.5 % of the side, costs most: 0.200 [0.100, 0.300]."
    assert flips.startswith("Defocus, 1.5 % of the side, flips most verdicts: 0.400")
    assert told_first(UNDISTURBED).startswith("Nothing breaks")
    assert told_more(UNDISTURBED) == []


def test_false_alarms_that_rise_are_told():
    mild, hard = row(1.0, -0.1, -0.2, 0.1), row(3.0, -0.1, -0.2, 0.1)
    for each, change in ((mild, 0.2), (hard, 0.5)):
        each.estimates["false_alarms"] = Estimate(0.1 + change, 0.0, 1.0)
        each.estimates["false_alarms_change"] = Estimate(change, 0.1, 0.6)
    said, _ = told_more({**UNDISTURBED, "gamma": [mild, hard]})
    assert said == (
        "Gamma, gamma 3, raises false alarms most: 60 % of the reals are called substantial evidence, "
        "10 % undisturbed."
    )


def test_the_table_has_a_row_a_severity_under_its_kind():
    table = stress_table(ROWS)
    assert table.headings == {0: "Undisturbed", 1: "JPEG", 3: "Defocus"}
    assert [cells[0] for cells in table.rows][:3] == ["–", "quality 90", "quality 70"]
    assert [len(cells) for cells in table.rows] == [len(table.columns)] * 6
    assert table.rows[2][1] == "2,000"
    assert str(table.rows[2][3].estimate) == "-0.120 [-0.160, -0.080]"


def test_panels_mark_certain_losses():
    first, second = panels(ROWS)
    assert (first.title, first.unit) == ("JPEG", "quality")
    assert [(point.severity, point.lost) for point in first.points] == [("90", False), ("70", True)]
    assert second.unit == "% of the side"


def test_the_strongest_attack_is_told_and_transfers_stand_apart():
    rows = {
        **UNDISTURBED,
        "fgsm": [row(4.0, -0.5, -0.6, -0.4, missed=0.6), row(1.0, -0.3, -0.4, -0.2, missed=0.3)],
        "pgd": [row(1.0, -0.5, -0.6, -0.4, missed=0.8), row(4.0, -0.7, -0.8, -0.6, missed=0.8)],
        "pgd, transferred": [row(4.0, -0.1, -0.2, 0.0, missed=0.9)],
    }
    said = told_forged(rows)
    assert "by at most 1 of 255 levels (PGD), and 80 % of the fakes pass" in said
    assert "unforged, 10 % do" in said
    table = attack_table(rows)
    assert table.headings == {0: "Undisturbed", 1: "FGSM", 3: "PGD", 5: "PGD, transferred"}
    assert [cells[0] for cells in table.rows] == ["–", "1/255", "4/255", "1/255", "4/255", "4/255"]
    assert any(note.startswith("Transferred") for note in table.notes)
