"""The file of results: what is kept, and what is refused."""

import json
import math

import pytest

from dfdetect.metrics.estimates import Estimate
from dfdetect.stress.journal import open_journal
from dfdetect.stress.measuring import ESTIMATES, Row
from face_extraction.errors import InputError

HEADER = {"split": "test", "seed": 0}
ESTIMATED = {**dict.fromkeys(ESTIMATES, Estimate(0.75, 0.5, 1.0)), "flips": Estimate(0.0, math.nan, math.nan)}
ROWS = [Row(10.0, 8, 4, ESTIMATED)]


def test_finished_kinds_are_there_again_and_a_torn_line_is_not(tmp_path):
    path = tmp_path / "stress.jsonl"
    with open_journal(path, HEADER) as journal:
        assert journal.rows == {}
        journal.add("jpeg", ROWS)
    with path.open("ab") as handle:
        handle.write(b'{"kind":"blur","rows":[{"sev')
    with open_journal(path, HEADER) as journal:
        (found,) = journal.rows["jpeg"]
        assert list(journal.rows) == ["jpeg"]
        assert (found.severity, found.n, found.n_groups) == (10.0, 8, 4)
        assert found.estimates["auc"] == ROWS[0].estimates["auc"]
        assert math.isnan(found.estimates["flips"].high)
        journal.add("jpeg", [Row(20.0, 8, 4, ROWS[0].estimates)])
        assert journal.severities("jpeg") == {10.0, 20.0}
    assert len(path.read_bytes().splitlines()) == 3


def test_results_of_something_else_are_refused(tmp_path):
    path = tmp_path / "stress.jsonl"
    with open_journal(path, HEADER):
        pass
    with (
        pytest.raises(InputError, match="made with seed 0, now 1; give another --out"),
        open_journal(path, {**HEADER, "seed": 1}),
    ):
        pass
    path.write_text("1\n")
    with pytest.raises(InputError, match=r"no results of dfdetect\.stress"), open_journal(path, HEADER):
        pass
    path.write_text('{"split": "test", "seed": 0}\n{"kind": 3}\n')
    with pytest.raises(InputError, match="line 2: damaged"), open_journal(path, HEADER):
        pass


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"estimates": {"auc": {"value": 0.5, "low": 0.4, "high": 0.6}}}, "estimates of auc"),
        ({"severity": math.inf}, "Infinity; accepted: numbers of JSON"),
        ({"flips": math.nan}, "NaN; accepted: numbers of JSON"),
        ({"flips": 1e300}, "out of range"),
        ({}, "a severity of jpeg stands twice"),
    ],
)
def test_rows_that_no_table_can_show_are_refused(tmp_path, change, words):
    path = tmp_path / "stress.jsonl"
    with open_journal(path, HEADER) as journal:
        journal.add("jpeg", ROWS)
    entry = json.loads(path.read_text().splitlines()[1])
    (row,) = entry["rows"]
    if "flips" in change:
        row["estimates"]["flips"]["value"] = change["flips"]
    else:
        row |= change
    with path.open("a") as handle:
        handle.write(json.dumps(entry) + "\n")
    with pytest.raises(InputError, match=f"line 3: damaged .*{words}"), open_journal(path, HEADER):
        pass
