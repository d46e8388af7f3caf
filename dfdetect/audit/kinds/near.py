"""Near-duplicates on both sides of a split."""

from collections import defaultdict

from dfdetect.audit.links import Links, link
from dfdetect.audit.registry import PICTURES, register
from dfdetect.audit.rows import Rows
from dfdetect.audit.similar import ALIKE, near_pairs


@register(
    "near",
    "Near-duplicates",
    "The files differ, but the pictures are almost the same: compressed again, scaled, brightened, "
    "mirrored, cropped a little differently, or a fake beside its original. The coefficients of a perceptual "
    "hash (DCT) give candidates, which are laid over each other and compared by their pixels: a pair "
    f"counts if the fine structure correlates by {ALIKE:.2f} or more. Frames of one video are not "
    "compared with each other: the kind video finds them. No kind finds an "
    "edited copy whose pixels changed more than that, such as a face and its retouched copy with other eyes "
    "or another mouth.",
    needs=PICTURES,
)
def near(rows: Rows) -> Links:
    """Link every two rows of different splits whose pictures are nearly the same."""
    prints = rows.prints
    pairs, flat = near_pairs(prints.thumbs, prints.digests, rows.splits, rows.videos)
    note = f"{flat:,} crops of one even colour were not compared." if flat else ""
    # Only the first of identical files in one video and split was compared; its links hold for all.
    cells = list(zip(prints.digests, rows.splits.tolist(), rows.videos.tolist(), strict=True))
    copies: defaultdict[tuple[bytes, int, int], list[int]] = defaultdict(list)
    for row, cell in enumerate(cells):
        copies[cell].append(row)
    shared = (
        (copy, number)
        for number, pair in enumerate(pairs.tolist())
        for row in pair
        for copy in copies[cells[row]]
    )
    return link(shared, note=note)
