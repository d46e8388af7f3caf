"""`python -m dfdetect.export`: a run's model for other programs."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dfdetect.cli import held_back, load_keras
from dfdetect.export.exporting import Wanted, check
from dfdetect.export.formats import FLOAT16, FLOAT32, FORMATS, INT8
from face_extraction.command import DONE, Parser, run


def main(argv: Sequence[str] | None = None) -> int:
    """Export, and return the exit status."""
    return run(_parser(), _export, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.export",
        "Write a finished run's model for programs without dfdetect: RGB 0..255 in, p_fake out.\n\n"
        "savedmodel: a folder for TensorFlow; litert: a .tflite file, which takes one face or clip a call;\n"
        "onnx: an .onnx file. dfdetect predict runs the last two without TensorFlow.\n"
        "PATH.json, and an .onnx file itself, tell the input, what scores mean, crops and versions. The\n"
        "export is loaded again and has to score random inputs (--int8: faces of the val split) nearly as\n"
        "the run does; else nothing is written.",
        "examples:\n  python -m dfdetect.export runs/NAME --format onnx --out detector.onnx\n"
        "  python -m dfdetect.export runs/NAME --format litert --out small.tflite --int8 "
        "--manifest data/mine/manifest.csv\n\n"
        "exit status: 0 written, 2 wrong use, or the export does not score as the run does",
    )
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="a finished run's folder, or a detector that ships"
    )
    parser.add_argument("--format", choices=FORMATS, required=True, help="the format to write")
    parser.add_argument("--out", type=Path, required=True, metavar="PATH", help="the file or folder to write")
    smaller = parser.add_mutually_exclusive_group()
    smaller.add_argument(
        "--float16", action="store_true", help="store numbers in 16 bits, which halves the file"
    )
    smaller.add_argument(
        "--int8", action="store_true", help="compute in 8 bits: a quarter of the size, about twice as fast"
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        metavar="FILE",
        help="faces: --int8 takes its ranges from the val split (default: the run's own); the test split "
        "tells what the export costs in AUC",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an older export")
    return parser


def _export(args: argparse.Namespace) -> int:
    numbers = FLOAT16 if args.float16 else INT8 if args.int8 else FLOAT32
    wanted = Wanted(args.format, numbers, args.manifest, args.overwrite)
    check(wanted, args.out)
    load_keras()
    from dfdetect.export.exporting import export
    from dfdetect.metrics.estimates import signed
    from dfdetect.models.shipped import run_folder
    from dfdetect.runs.folder import Run

    with held_back():  # a converter prints the whole graph if it lacks an operation
        done = export(Run(run_folder(args.run)), wanted, args.out)
    how = f"{done.difference:.1e} of the run's own{' on average' if args.int8 else ''}"
    print(f"{done.path} and {done.about}: scores within {how}")
    if done.path.is_file():
        print(f"{done.path.stat().st_size / 1e6:.2f} MB")
    if cost := done.cost:
        change = signed(cost.change, digits=4)
        print(f"AUC on {cost.n:,} test faces: {cost.before:.4f} before, {cost.after:.4f} after: {change}")
    for kind, cuts in done.cuts.items():
        levels = f"from a calibrated score of {cuts['upper']:.3f} on, little below {cuts['lower']:.3f}"
        print(f"in a {kind}, substantial evidence {levels}")
    if not done.cuts:
        print("the run is not calibrated: its scores give no verdict")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
