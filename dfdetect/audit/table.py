"""The result of an audit as a table, for the terminal, the page and a file."""

from typing import Any

from dfdetect.audit.auditing import Audit, Repair
from dfdetect.render.table import Table, columns
from face_extraction.manifest import SPLITS


def findings_table(result: Audit) -> Table:
    """One row for each kind and two splits, or one row that says that nothing was found."""
    sizes = {split: sum(sample.split == split for sample in result.rows.samples) for split in SPLITS}
    rows = []
    for kind, found in result.crossings.items():
        if not found:
            rows.append([kind.name, "none", "0", "0", "0", ""])
        for each in found:
            first, second = each.splits
            share = each.rows[1] / sizes[second]
            rows.append(
                [
                    kind.name,
                    f"{first} – {second}",
                    f"{each.pairs:,}",
                    f"{sum(each.rows):,}",
                    f"{each.groups:,}",
                    f"{each.rows[1]:,} {second} ({share:.1%})".replace("%", " %"),
                ]
            )
    head = columns(["kind", "between"], ["pairs", "rows", "groups", "share of the latter"])
    return Table(head, rows, "Findings")


def verdict(result: Audit) -> str:
    """The result, in one sentence."""
    leaks = [kind.name for kind, found in result.crossings.items() if found]
    looked = ", ".join(kind.name for kind in result.found) or "nothing"
    if not leaks:
        return f"No leak between splits. Looked for: {looked}."
    rows = int(result.leaking.sum())
    return (
        f"{rows:,} of {len(result.rows):,} rows have something in common with a row of another split: "
        f"{', '.join(leaks)}."
    )


def repair_line(repair: Repair) -> str:
    """What a repair kept and dropped, in one sentence."""
    dropped = ", ".join(f"{count:,} {split}" for split, count in repair.dropped.items())
    return f"{len(repair.samples):,} rows kept; dropped: {dropped}."


def to_json(result: Audit) -> dict[str, Any]:
    """The result as plain values."""
    kinds = {
        kind.name: [
            {
                "between": list(each.splits),
                "pairs": each.pairs,
                "rows": list(each.rows),
                "groups": each.groups,
                "examples": [[result.rows.samples[row].path for row in pair] for pair in each.examples],
            }
            for each in found
        ]
        for kind, found in result.crossings.items()
    }
    return {
        "rows": len(result.rows),
        "leaking_rows": int(result.leaking.sum()),
        "clean": result.clean,
        "kinds": kinds,
        "not_looked_at": {kind.name: why for kind, why in result.skipped.items()},
    }
