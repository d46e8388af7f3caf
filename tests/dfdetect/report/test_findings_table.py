"""The table of findings: what stands beside an outcome."""

import math
from dataclasses import replace

import pytest

from dfdetect.metrics.comparison import Difference
from dfdetect.report import findings_table, overview
from dfdetect.report.comparisons import write_entries
from dfdetect.report.outcomes import FINDINGS, Compared, claim_outcomes
from dfdetect.report.reading import read_experiment
from dfdetect.report.results import add_result

DATA = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
CNN, MESO = "custom_cnn, base", "meso4, base"
SECOND = """
[[published]]
place = "a table"
at = { model = "meso4", regime = "base" }
accuracy = "70%"
"""
FOUND = """
[[findings]]
says = "the CNN is ahead"
place = "page 1"
metric = "accuracy"
%s
"""
OVER = 'first = { model = "custom_cnn", regime = "base" }\nsecond = { model = %s, regime = "base" }'


def experiment_of(declare, text):
    return read_experiment(declare(declare.text + SECOND + FOUND % text))


@pytest.mark.parametrize(
    ("text", "published"),
    [
        (OVER % '"meso4"', "Accuracy +0.112"),
        (OVER % '["meso4", "absent"]', "–"),  # a mean over a number that is missing
        (OVER % '["meso4", "absent"]' + "\neach = true", "Accuracy +0.112 (1 of 2)"),
        ('first = { model = "meso4", regime = "base" }\nbelow = 0.8', "Accuracy 0.700"),
        (OVER % '"meso4"' + '\npublished = "in words"', "in words"),
    ],
)
def test_the_reports_own_numbers_stand_beside(declare, text, published):
    experiment = experiment_of(declare, text)
    assert findings_table.published(experiment, experiment.findings[0]) == published


def test_a_line_says_what_it_rests_on(declare, measured):
    experiment = experiment_of(declare, OVER % '["meso4", "both"]' + "\neach = true")
    finding = experiment.findings[0]
    results = [
        measured(experiment, CNN, data=DATA, weights={"origin": "random"}),
        measured(experiment, MESO, data=DATA, weights={"origin": "x.h5"}),
    ]
    (open_,) = claim_outcomes(experiment, results, [])
    assert findings_table.basis(open_) == "size full; 1 of 3 cells to run"
    assert findings_table.measured(experiment, open_) == "–"
    parts = [Difference(0.05, 0.03, 0.07, 0.001), Difference(-0.02, *[math.nan] * 3)]
    compared = Compared(finding.key, "full", "m", [], 1610, [parts[0], replace(parts[0], value=0.04)])
    found = replace(open_.found, trainings={one.at["model"]: [one] for one in results})
    claim = replace(open_, outcome="holds", compared=compared, found=found, holm=0.0004)
    assert findings_table.basis(claim) == "1,610 faces of dfdc, size full"
    assert findings_table.random_starts(claim) == "1 of 2 cells"
    of_pretrained = replace(claim, finding=replace(finding, pretrained=frozenset({results[0].at["model"]})))
    assert findings_table.random_starts(of_pretrained) == "1 of 2 cells; claimed of pretrained ones"
    assert (findings_table.random_starts(open_), findings_table.seeds(open_)) == ("–", "–")
    assert findings_table.seeds(claim) == "1"
    repeated = replace(found, trainings=found.trainings | {"more": results + results[:1]})
    assert findings_table.seeds(replace(claim, found=repeated)) == "1 to 3"
    shown = findings_table.measured(experiment, claim)
    assert shown == "Accuracy +0.040 [+0.030, +0.070], of CNN, Base over Both, Base"
    assert findings_table.bases([claim, claim, open_]) == "1,610 faces of dfdc, size full"
    table = findings_table.findings_table(experiment, [claim])
    assert table.rows[0][0] == "the CNN is ahead (page 1)"
    assert table.rows[0][1:] == (
        "**holds**", shown, "<0.001", "Accuracy +0.112 (1 of 2)", "1", "1 of 2 cells"
    )  # fmt: skip


def test_the_page_over_all_reports_lists_outcomes_and_what_they_wait_for(declare, measured):
    text = declare.text + SECOND + FOUND % (OVER % '"meso4"') + FOUND % (OVER % '"absent"')
    experiment = read_experiment(declare(text))
    results = [measured(experiment, name, data=DATA) for name in (CNN, MESO)]
    for result in results:
        add_result(experiment.folder, result)
    key = experiment.findings[0].key
    line = Compared(
        key, "full", "m", [one.digest for one in results], 40, [Difference(-0.1, -0.2, -0.05, 0.001)]
    )
    write_entries(experiment.folder / FINDINGS, [line])
    page = overview.overview([experiment])
    assert "| **does not hold** | Accuracy -0.100 [-0.200, -0.050] | 0.001 | Accuracy +0.112 |" in page
    assert "): 40 faces of dfdc, size full\n\n| claim |" in page
    assert page.count("| not run yet: size full; 1 of 2 cells to run |") == 1
    assert "| full | absent, base |" in page
