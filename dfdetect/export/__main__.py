"""`python -m dfdetect.export`: a run's model for other programs."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dfdetect.cli import held_back, load_keras
from dfdetect.export.exporting import FORMATS, check
from face_extraction.command import DONE, Parser, run


def main(argv: Sequence[str] | None = None) -> int:
    """Export, and return the exit status."""
    return run(_parser(), _export, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.export",
        "Write a finished run's model for programs without dfdetect: RGB 0..255 in, p_fake out.\n\n"
        "savedmodel: a folder for TensorFlow; litert: a .tflite file, which takes one face or clip a call;\n"
        "onnx: an .onnx file; it needs pip install 'dfdetect[onnx]'.\n"
        "PATH.json holds threshold, input, crops and versions. The export is loaded again and has to score\n"
        "random inputs as the run does; else nothing is written.",
        "example:\n  python -m dfdetect.export runs/NAME --format litert --out detector.tflite\n\n"
        "exit status: 0 written, 2 wrong use, or the export does not score as the run does",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the run folder")
    parser.add_argument("--format", choices=FORMATS, required=True, help="the format to write")
    parser.add_argument("--out", type=Path, required=True, metavar="PATH", help="the file or folder to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an older export")
    return parser


def _export(args: argparse.Namespace) -> int:
    check(args.format, args.out, overwrite=args.overwrite)
    load_keras()
    from dfdetect.export.exporting import export
    from dfdetect.runs.folder import Run

    with held_back():  # a converter prints the whole graph if it lacks an operation
        done = export(Run(args.run), args.format, args.out, overwrite=args.overwrite)
    print(f"{done.path} and {done.about}: scores within {done.difference:.1e} of the run's own")
    print(f"a p_fake of {done.threshold:.6g} or more is called fake")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
