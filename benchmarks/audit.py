"""`python -m benchmarks.audit`: time and memory of the leakage audit on a made-up manifest of 1,000,000 rows.

The rows resemble FaceForensics++ (an original, its swaps, ten frames a video); 1 in 1,000 originals has its
group torn between splits. Small grey pictures stand for the crops: faces with one mean and their own
structure. 1 in 1,000 has a changed copy in another split.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_extraction.manifest import SPLITS, FaceSample, read_manifest, write_manifest

SHARES = (0.72, 0.14, 0.14)  # of the splits, as FaceForensics++ has them
FRAMES = 10
PLANTED = 1000  # one leak in this many


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser("python -m benchmarks.audit", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="(default: 1000000)")
    measure(parser.parse_args().rows)
    return 0


def measure(count: int) -> None:
    """Print time and memory of an audit of so many rows."""
    from dfdetect.audit.auditing import audit, repair
    from dfdetect.audit.registry import list_kinds
    from dfdetect.audit.rows import Rows
    from dfdetect.audit.similar import coefficients, near_pairs

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "manifest.csv"
        with timed("make up the manifest"):
            write_manifest(manifest, make_rows(count, rng))
        with timed("read the manifest"):
            samples = read_manifest(manifest, torn_groups=True)
        columns = [kind for kind in list_kinds() if kind.needs == "columns"]
        with timed(f"audit by columns ({', '.join(kind.name for kind in columns)})"):
            result = audit(Rows(Path(folder), samples, Path(folder) / "cache.sqlite"), columns)
            found = {kind.name: sum(each.pairs for each in every) for kind, every in result.crossings.items()}
        print(f"  pairs: {found}")
        with timed("repair it, and audit again"):
            print(f"  dropped: {repair(result).dropped}")
        splits = result.rows.splits
        del result, samples
    with timed("make up the pictures"):
        thumbs, planted = make_pictures(splits, rng)
    digests = [number.to_bytes(8, "big") for number in range(1, count + 1)]
    with timed("near-duplicates"):
        pairs, _ = near_pairs(thumbs, digests, splits)
    got = {(int(a), int(b)) for a, b in pairs}
    print(
        f"  planted {len(planted):,}, found {len(got & planted):,} of them and {len(got - planted):,} others"
    )
    recall(coefficients(thumbs), splits)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the block took, and the most memory that the process has held."""
    start, worked = time.monotonic(), time.process_time()
    yield
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{what}: {time.monotonic() - start:.1f} s, {time.process_time() - worked:.1f} s of processor, "
        f"peak so far {memory:.2f} GiB",
        flush=True,
    )


def make_rows(count: int, rng: np.random.Generator) -> Iterator[FaceSample]:
    """Rows of originals with four swaps each, and `FRAMES` of every video."""
    per_group = 5 * FRAMES
    for original in range(-(-count // per_group)):
        home = SPLITS[rng.choice(3, p=SHARES)]
        for number in range(min(per_group, count - original * per_group)):
            video, frame = divmod(number, FRAMES)
            torn = original % PLANTED == 0 and video == 4
            yield FaceSample(
                path=f"faces/{original}_{video}_{frame}.png",
                label=int(video > 0),
                split="test" if torn and home == "train" else home,
                group=str(original),
                video=f"{original:07d}" if not video else f"{original:07d}_{original + 1:07d}",
                frame=frame,
                method=f"method-{video}" if video else "",
                source="made-up",
            )


def make_pictures(
    splits: NDArray[np.int8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], set[tuple[int, int]]]:
    """Pictures, uint8 of shape (n, 32, 32), and the pairs of rows that nearly share a picture."""
    from dfdetect.audit.prints import SIDE

    thumbs = np.empty((len(splits), SIDE, SIDE), dtype=np.uint8)
    # As alike as DFDC crops: 1 pair in 7,000 becomes a candidate.
    mean = smooth(rng.normal(0, 25, (1, 5, 5)), SIDE)
    for start in range(0, len(splits), 10_000):
        n = len(thumbs[start : start + 10_000])
        own = smooth(rng.normal(0, 20, (n, 5, 5)), SIDE)
        own += smooth(rng.normal(0, 12, (n, 16, 16)), SIDE)
        thumbs[start : start + n] = np.clip(120 + mean + own, 0, 255)
    sources = np.flatnonzero(splits == 0)[::PLANTED]
    copies = rng.choice(np.flatnonzero(splits != 0), len(sources), replace=False)
    changed = thumbs[sources] * 0.8 + rng.normal(0, 2, (len(sources), SIDE, SIDE)) + 20
    thumbs[copies] = np.clip(changed, 0, 255)
    return thumbs, set(zip(sources.tolist(), copies.tolist(), strict=True))


def smooth(coarse: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Enlarge coarse pictures of shape (n, c, c) to (n, side, side) by linear interpolation."""
    cells = coarse.shape[1]
    place = np.linspace(0, cells - 1, side)
    weights = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(cells)))
    weights = weights.astype(np.float32)
    return np.asarray(weights @ coarse.astype(np.float32) @ weights.T)


def recall(vectors: NDArray[np.float32], splits: NDArray[np.int8], asked: int = 500) -> None:
    """Print the share of candidates that the search by cells finds, against comparing all."""
    from dfdetect.audit.neighbours import EXACT, pairs_within
    from dfdetect.audit.similar import CANDIDATE

    known, queries = vectors[splits == 0], vectors[splits != 0][:asked]
    if len(known) <= EXACT:
        print(f"all pairs were compared: fewer than {EXACT:,} rows")
        return
    expected = int((queries @ known.T > CANDIDATE).sum())
    with timed(f"{asked} searches"):
        found = sum(len(left) for _, left, _ in pairs_within(known, queries, CANDIDATE))
    share = found / max(1, expected)
    print(f"  {found:,} of {expected:,} candidates ({share:.2%})")


if __name__ == "__main__":
    sys.exit(main())
