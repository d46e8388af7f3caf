"""`python -m benchmarks.gan`: do generated faces in the training help on real fakes?

Three kinds of training data, each with several seeds: the manifest alone, with the real faces of a set of
generated ones, and with the whole set. The second is the control: what the third gains over it comes
from the generated faces, not from more real ones. All are measured on the manifest's test faces.
"""

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from face_extraction.combine import combine
from face_extraction.command import DONE, Parser, run
from face_extraction.errors import InputError
from face_extraction.manifest import MANIFEST_FILE, SPLITS, read_manifest, write_manifest

if TYPE_CHECKING:
    from dfdetect.metrics.comparison import Scored

ALONE, REALS, ALL = "alone", "with-reals", "with-generated"
PAIRS = ((ALL, REALS), (REALS, ALONE), (ALL, ALONE))
METRICS = ("auc", "balanced_accuracy")
FLAGS = ("--model", "mobilenet", "--image-size", "96", "--trainable", "last:3", "--epochs", "3")
"""What is trained, if no recipe is given: small enough for a processor."""


def main(argv: Sequence[str] | None = None) -> int:
    """Train, compare and print."""
    parser = Parser(
        "python -m benchmarks.gan",
        __doc__ or "",
        "example:\n  python -m benchmarks.gan --manifest data/dfdc --generated data/generated --out runs/gan",
    )
    add = parser.add_argument
    add("--manifest", type=Path, required=True, metavar="FOLDER", help="real faces and real fakes")
    add("--generated", type=Path, required=True, metavar="SET", help="what dfdetect.fakes gan make made")
    add("--out", type=Path, required=True, metavar="DIR", help="for the joined data and the runs")
    add("--seeds", type=int, default=3, metavar="N", help="trainings of each kind (default: %(default)s)")
    add("--recipe", type=Path, metavar="FILE", help=f"what is trained (default: {' '.join(FLAGS)})")
    add("--weights", default="imagenet", metavar="PATH", help="to start from (default: %(default)s)")
    return run(parser, _main, argv)


def _main(args: argparse.Namespace) -> int:
    manifests = join(args.manifest, args.generated, args.out / "data")
    for seed in range(args.seeds):  # each seed whole before the next, should time run out
        for name, manifest in manifests.items():
            out = args.out / f"{name}-{seed}"
            recipe = ["--recipe", str(args.recipe)] if args.recipe else FLAGS
            given = ["--weights", args.weights, "--manifest", str(manifest), "--seed", str(seed)]
            if status := train([*recipe, *given, "--out", str(out)]):
                raise InputError(f"{out}: the training ended with status {status}")
    scored = {
        name: [scores_of(args.out / f"{name}-{seed}") for seed in range(args.seeds)] for name in manifests
    }
    print(table(scored))
    return DONE


def join(manifest: Path, generated: Path, out: Path) -> dict[str, Path]:
    """The manifest of each kind of training data, all in one folder, so that a face has one path in all.

    Raises:
        InputError: the generated set has faces of another split than train, or no generated face.
    """
    rows = read_manifest(generated / MANIFEST_FILE)
    for split in SPLITS[1:]:
        if any(row.split == split for row in rows):
            raise InputError(f"{generated}: it has faces of the split {split}; accepted: a set of train")
    if not any(row.label for row in rows):
        raise InputError(f"{generated}: it has no generated faces")
    joined = out / MANIFEST_FILE
    if not joined.is_file():
        combine([manifest, generated], out)
    count, rows = len(read_manifest(manifest / MANIFEST_FILE)), read_manifest(joined)
    own, added = rows[:count], rows[count:]
    kinds = {ALONE: own, REALS: own + [row for row in added if not row.label], ALL: rows}
    for name, kept in kinds.items():
        write_manifest(out / f"{name}.csv", kept)
    return {name: out / f"{name}.csv" for name in kinds}


def train(flags: Sequence[str]) -> int:
    """Train in a process of its own; its exit status."""
    return subprocess.run([sys.executable, "-m", "dfdetect.train", *flags], check=False).returncode


def scores_of(folder: Path) -> "Scored":
    """A run's scores of its test faces."""
    from dfdetect.metrics.comparison import Scored
    from dfdetect.runs.folder import Run

    finished = Run(folder)
    return Scored(finished.predictions("test"), finished.threshold())


def table(scored: Mapping[str, Sequence["Scored"]]) -> str:
    """Each training's metrics, and differences of the means over seeds with intervals over groups.

    Args:
        scored: of each kind of training data the scores of each seed, of the same faces.
    """
    from dfdetect.metrics.comparison import bootstrap
    from dfdetect.metrics.estimates import signed

    place = {kind: number for number, kind in enumerate(scored)}
    drawn = bootstrap(list(scored.values()), METRICS)  # the seeds are averaged as folds are
    single = {
        kind: bootstrap([[each] for each in runs], METRICS, resamples=1) for kind, runs in scored.items()
    }
    lines = []
    for name in METRICS:
        lines.append(f"{name:<20}" + "".join(f"{f'seed {seed}':>9}" for seed in range(len(scored[ALONE]))))
        for kind, found in single.items():
            lines.append(f"  {kind:<18}" + "".join(f"{point:9.3f}" for point in found.points[name]))
        for first, second in PAIRS:
            told = signed(drawn.difference(name, place[first], place[second]))
            lines.append(f"  {first} - {second}, mean over seeds: {told}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
