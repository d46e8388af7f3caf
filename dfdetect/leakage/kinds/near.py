"""Near-duplicates on both sides of a split."""

from collections import defaultdict

from dfdetect.leakage.links import Links, link
from dfdetect.leakage.registry import PICTURES, register
from dfdetect.leakage.rows import Rows
from dfdetect.leakage.similar import ALIKE, near_pairs


@register(
    "near",
    "Near-duplicates",
    "The files differ, but the pictures are all but the same: compressed again, scaled, brightened, "
    "mirrored, cropped a little otherwise, a neighbouring frame, or a fake beside its original. Candidates "
    "are found by the coefficients of a perceptual hash (DCT), then laid over each other and compared by "
    f"their pixels: a pair counts when the fine structure correlates by {ALIKE:.2f} or more.",
    needs=PICTURES,
)
def near(rows: Rows) -> Links:
    """Link each two rows of different splits whose pictures are nearly the same."""
    prints = rows.prints
    pairs, flat = near_pairs(prints.thumbs, prints.digests, rows.splits)
    note = f"{flat:,} crops of one even colour were not compared." if flat else ""
    # Of identical files in one split only the first was compared: what it shares, they all share.
    cells = list(zip(prints.digests, rows.splits.tolist(), strict=True))
    copies: defaultdict[tuple[bytes, int], list[int]] = defaultdict(list)
    for row, cell in enumerate(cells):
        copies[cell].append(row)
    shared = (
        (copy, number)
        for number, pair in enumerate(pairs.tolist())
        for row in pair
        for copy in copies[cells[row]]
    )
    return link(shared, note=note)
