"""Val and test pairs for a manifest with only real faces: made once, and kept beside the manifest.

A split that has its own fakes stays as it is.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from dfdetect.data.paired import fake_shares
from dfdetect.fakes.pairs import Pair, PairSampler
from dfdetect.fakes.reals import Reals, find_reals
from dfdetect.recipe import Recipe
from face_extraction.images import write_image
from face_extraction.ledger import LedgerRow
from face_extraction.machine import available_cores
from face_extraction.manifest import FAKE, REAL, FaceSample, of_split, read_manifest, write_manifest
from face_extraction.progress import progress

FOLDER = "pairs"
"""Pairs are in pairs/KEY/ beside the manifest. KEY hashes the faces, the kinds of fake, shares and seed."""
_ROWS = "rows.csv"


def with_pairs(
    manifest: Path, samples: Sequence[FaceSample], recipe: Recipe
) -> tuple[list[FaceSample], list[str]]:
    """Replace the real faces of val and test by pairs if the split has no fakes.

    Both pictures of a pair get the same disturbances, so the real one is not the manifest's crop either.

    Returns:
        The rows, and a notice for each split that changed.

    Raises:
        InputError: there are no landmarks.
    """
    rows = of_split(samples, "train")
    notices = []
    for split in ("val", "test"):
        mine = of_split(samples, split)
        if {sample.label for sample in mine} & {REAL, FAKE} == {REAL}:
            reals, missing = find_reals(manifest, mine)
            mine = [*_pairs(reals, split, recipe), *(row for row in mine if row.label != REAL)]
            notices.append(_notice(split, missing))
        rows += mine
    return rows, notices


def _notice(split: str, missing: Sequence[LedgerRow]) -> str:
    left_out = f"; {len(missing):,} without landmarks are left out" if missing else ""
    return (
        f"The manifest has no fakes in {split}: each real face is scored beside a fake made from it"
        f"{left_out}. These numbers tell how well such fakes are found, and nothing about other fakes."
    )


def _pairs(reals: Reals, split: str, recipe: Recipe) -> list[FaceSample]:
    """The rows of a split's pairs; missing pairs are made.

    A crop that cannot be decoded keeps its row, so that whoever opens it lists it. The set of pairs then
    counts as incomplete, and is made again the next time.
    """
    shares, seed = dict(fake_shares(recipe)), recipe.drawing_seed
    paths = [sample.path for sample in reals.samples]
    key = hashlib.sha256(repr((sorted(shares.items()), seed, paths)).encode()).hexdigest()[:16]
    folder = f"{FOLDER}/{key}"
    listed = reals.folder / folder / _ROWS
    if listed.is_file():
        return read_manifest(listed)
    with ThreadPoolExecutor(available_cores()) as pool:
        # A broken crop must not be the donor of another face: that pair would be lost too.
        whole = list(pool.map(reals.readable, range(len(paths))))
        readable = reals.subset([index for index, fine in enumerate(whole) if fine])
        broken = [sample for sample, fine in zip(reals.samples, whole, strict=True) if not fine]
        sides = [min(shape) for shape in readable.shapes]
        samplers = {side: _sampler(readable, side, shares) for side in set(sides)}

        def make(index: int) -> list[FaceSample]:
            pair = samplers[sides[index]].draw(index, np.random.default_rng((seed, index)))
            return _written(pair, readable.samples[index], reals.folder, f"{folder}/{index:06d}")

        rows: list[FaceSample] = []
        with progress(f"make pairs for {split}", len(sides), unit="pairs") as advance:
            for made in pool.map(make, range(len(sides))):
                rows += made
                advance()
    if not broken:
        write_manifest(listed, rows)
    return rows + broken


def _sampler(reals: Reals, side: int, shares: dict[str, float]) -> PairSampler:
    return PairSampler(lambda index: reals.load(index).picture, reals.points, reals.groups, side, shares)


def _written(pair: Pair, sample: FaceSample, folder: Path, stem: str) -> list[FaceSample]:
    real = replace(sample, path=f"{stem}-real.png")
    fake = replace(sample, path=f"{stem}-fake.png", label=FAKE, method=pair.kind)
    for row, picture in ((real, pair.real), (fake, pair.fake)):
        write_image(folder / row.path, picture)
    return [real, fake]
