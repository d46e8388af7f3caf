"""What was measured, as one table, as sentences, and as a figure."""

from collections.abc import Mapping, Sequence

from dfdetect.metrics.estimates import DASH, Estimate
from dfdetect.render.figures.stress import Panel, Point
from dfdetect.render.table import Cell, Table, Value, columns
from dfdetect.stress.measuring import UNDISTURBED, Row, first_break
from dfdetect.stress.registry import get_kind
from dfdetect.stress.stressing import TRANSFERRED

Rows = Mapping[str, Sequence[Row]]
"""By kind, or by attack."""

CHANGE_NOTE = (
    "Change: disturbed less undisturbed, on the same faces and the same resampled groups. Brackets hold 95 % "
    "intervals; a dash means that none can be estimated, as where nothing changed."
)
CUTS_NOTE = (
    "At the run's own cuts: recall is the share of fakes called substantial evidence, false alarms the share "
    "of reals called so, flips the share of faces whose level of evidence changed."
)
WHERE_NOTE = (
    "Crops are disturbed at their own size, and then scaled for the model. What lies outside a crop is not "
    "known: shifted and turned crops mirror their inside."
)
FIRST_NOTE = (
    "What breaks first: of the kinds whose paired interval of the AUC's change lies below 0 at the mildest "
    "severity at which any does, the one that loses most. Severities of two kinds cannot be compared; of all "
    "rows about one in forty lies below 0 by chance."
)
FORGED_NOTE = (
    "Epsilon: by so many levels of 255 each pixel may be changed; forged pixels are whole numbers, as in a "
    "file. Fakes are forged to score lower and reals to score higher, at the size that the model takes. "
    "Missed: fakes called little evidence; false alarms: reals called substantial evidence."
)
TRANSFER_NOTE = (
    "Transferred: the same forged files, scaled for another run, which the attacker does not have; its "
    "changes are against its scores of the unforged files, scaled in the same way."
)
NO_DEFENCE = (
    "This is a measurement and no defence: do not rely on a score where somebody gains by forging it."
)


def stress_table(rows: Rows) -> Table:
    """All kinds of disturbance, a row a severity."""
    cells: list[Sequence[Cell]] = []
    headings = {}
    for name, own in rows.items():
        headings[len(cells)] = "Undisturbed" if name == UNDISTURBED else get_kind(name).title
        for row in own:
            words = DASH if name == UNDISTURBED else get_kind(name).shown(row.severity)
            cells.append([words, *_cells(row, ("recall", "false_alarms"), changed=name != UNDISTURBED)])
    titles = ("n", "AUC", "change", "recall", "change", "false alarms", "change", "flips")
    notes = (CHANGE_NOTE, CUTS_NOTE, WHERE_NOTE, FIRST_NOTE)
    return Table(
        columns(["severity"], titles), cells, "Disturbed faces", "stress", notes=notes, headings=headings
    )


def attack_table(rows: Rows) -> Table:
    """All attacks, a row an epsilon."""
    cells: list[Sequence[Cell]] = []
    headings = {}
    for name, own in rows.items():
        headings[len(cells)] = _attack_title(name)
        for row in sorted(own, key=lambda each: each.severity):
            plain = name.startswith(UNDISTURBED)
            words = DASH if plain else f"{row.severity:g}/255"
            cells.append([words, *_cells(row, ("missed", "false_alarms"), changed=not plain)])
    titles = ("n", "AUC", "change", "missed", "change", "false alarms", "change", "flips")
    transferred = any(name.endswith(TRANSFERRED) for name in rows)
    notes = (FORGED_NOTE, *((TRANSFER_NOTE,) if transferred else ()), CHANGE_NOTE, NO_DEFENCE)
    return Table(
        columns(["epsilon"], titles), cells, "Forged faces", "attacks", notes=notes, headings=headings
    )


def _attack_title(name: str) -> str:
    attack, _, tail = name.partition(", ")
    title = "Undisturbed" if attack == UNDISTURBED else attack.upper()
    return f"{title}, {tail}" if tail else title


def _cells(row: Row, shares: Sequence[str], *, changed: bool) -> list[Cell]:
    found = row.estimates

    def change(name: str) -> Cell:
        return Value(found[f"{name}_change"]) if changed else DASH

    cells: list[Cell] = [f"{row.n:,}", Value(found["auc"]), change("auc")]
    for name in shares:
        cells += [Value(found[name]).number, change(name)]
    return [*cells, Value(found["flips"]) if changed else DASH]


def told_first(rows: Rows) -> str:
    """One sentence on what breaks first."""
    kinds = {name: own for name, own in rows.items() if name != UNDISTURBED}
    found = first_break(kinds)
    if found is None:
        return "Nothing breaks: no paired interval of the AUC's change lies below 0."
    loss = _loss(found.row.estimates["auc_change"])
    return f"{_where(found.kind, found.row)}, costs {loss} of AUC: it breaks first."


def told_more(rows: Rows) -> list[str]:
    """Sentences on the largest loss of AUC, on false alarms and on flips; none where nothing is certain."""
    every = [(name, row) for name, own in rows.items() if name != UNDISTURBED for row in own]
    told = []
    losses = [each for each in every if each[1].estimates["auc_change"].high < 0]
    if losses:
        name, row = min(losses, key=lambda each: each[1].estimates["auc_change"].value)
        told.append(f"{_where(name, row)}, costs most: {_loss(row.estimates['auc_change'])}.")
    alarming = [each for each in every if each[1].estimates["false_alarms_change"].low > 0]
    if alarming:
        name, row = max(alarming, key=lambda each: each[1].estimates["false_alarms_change"].value)
        share, change = (row.estimates[each].value for each in ("false_alarms", "false_alarms_change"))
        told.append(
            f"{_where(name, row)}, raises false alarms most: {100 * share:.0f} % of the reals are called "
            f"substantial evidence, {100 * (share - change):.0f} % undisturbed."
        )
    flipping = [each for each in every if each[1].estimates["flips"].value > 0]
    if flipping:
        name, row = max(flipping, key=lambda each: each[1].estimates["flips"].value)
        told.append(f"{_where(name, row)}, flips most verdicts: {row.estimates['flips']} of them.")
    return told


def _where(name: str, row: Row) -> str:
    """A kind and a severity in words, such as "JPEG, quality 30"."""
    kind = get_kind(name)
    return f"{kind.title}, {kind.shown(row.severity)}"


def _loss(change: Estimate) -> str:
    return str(Estimate(-change.value, -change.high, -change.low))


def told_forged(rows: Rows) -> str:
    """What attacks do at best for the forger, in a sentence."""
    every = [
        (name, row)
        for name, own in rows.items()
        if not name.startswith(UNDISTURBED) and not name.endswith(TRANSFERRED)
        for row in own
    ]
    name, row = max(every, key=lambda each: (each[1].estimates["missed"].value, -each[1].severity))
    missed, change = row.estimates["missed"].value, row.estimates["missed_change"].value
    return (
        f"Scores can be forged: whoever has the model changes pixels by at most {row.severity:g} of 255 "
        f"levels ({name.upper()}), and {100 * missed:.0f} % of the fakes pass as little evidence; unforged, "
        f"{100 * (missed - change):.0f} % do."
    )


def panels(rows: Rows) -> list[Panel]:
    """The figure's panels, one a kind with degrees."""
    found = []
    for name, own in rows.items():
        if name != UNDISTURBED:
            kind = get_kind(name)
            points = [
                Point(
                    f"{row.severity:g}" if "{}" in kind.unit else "",
                    row.estimates["auc"],
                    row.estimates["auc_change"].high < 0,
                )
                for row in own
            ]
            found.append(Panel(kind.title, " ".join(kind.unit.replace("{}", "").split()), points))
    return found
