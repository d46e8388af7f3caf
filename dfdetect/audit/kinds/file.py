"""The same file on both sides of a split."""

import numpy as np

from dfdetect.audit.links import Links, link
from dfdetect.audit.registry import PICTURES, register
from dfdetect.audit.rows import Rows


@register("file", "Identical files", "The files are equal, byte by byte.", needs=PICTURES)
def file(rows: Rows) -> Links:
    """Link rows whose files have the same content."""
    digests = rows.prints.digests
    links = link((row, digest) for row, digest in enumerate(digests) if digest)
    _, first, counts = np.unique(links.keys, return_index=True, return_counts=True)
    doubled = int(counts.sum() - len(first))
    inside = _doubled_inside(links, rows)
    note = f"{doubled:,} rows repeat another row's file, {inside:,} of them within their own split."
    return Links(links.rows, links.keys, note=note if doubled else "")


def _doubled_inside(links: Links, rows: Rows) -> int:
    """Count rows whose file stands in an earlier row of their own split."""
    cells = links.keys * 3 + rows.splits[links.rows]
    return len(cells) - len(np.unique(cells))
