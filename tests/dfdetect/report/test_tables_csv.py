"""tables.csv: numbers with all digits, beside what is shown."""

import csv
import io

from dfdetect.metrics.estimates import Estimate
from dfdetect.render.table import Table, Value, columns
from dfdetect.report.sections import Section
from dfdetect.report.tables_csv import csv_text


def test_numbers_in_csv_are_shares_beside_what_is_printed():
    rows = [
        ("a", "95.78%", Value(Estimate(0.9, 0.8, 0.95), n=40)),
        ("b", "0.9578", Value(None)),
        ("c", "10,000", "[[1, 2], [3, 4]]"),
        ("d", "3-4", "–"),
    ]
    made = Table(columns(["model"], ["Accuracy, published", "Accuracy"]), rows, "All", label="list")
    section = Section("full", "0123456789", "Measured.", "dfdc", [made], {})
    found = list(csv.DictReader(io.StringIO(csv_text([section]))))
    assert [(row["value"], row["text"]) for row in found] == [
        ("0.9578", "95.78%"),
        ("0.9", "0.900 [0.800, 0.950]"),
        ("0.9578", "0.9578"),
        ("", ""),
        ("10000.0", "10,000"),
        ("", "[[1, 2], [3, 4]]"),
        ("", "3-4"),
        ("", ""),
    ]
    assert not any(None in row.values() or None in row for row in found)
