"""`python -m dfdetect.explain`: show where a score comes from, and how far such heat maps can be trusted."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfdetect.cli import fill_mode, load_keras
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError, check_range
from face_extraction.manifest import SPLITS

if TYPE_CHECKING:
    import keras

    from dfdetect.runs.folder import Run
    from face_extraction.ledger import LedgerRow

PROG = "python -m dfdetect.explain"
MOST = 100_000
USUAL: dict[str, Any] = {"manifest": None, "split": "test", "limit": 200, "seed": 0}
"""What --measure takes if no flag says otherwise."""


def main(argv: Sequence[str] | None = None) -> int:
    """Explain, and return the exit status."""
    return run(_parser(), _explain, argv)


def _parser() -> Parser:
    parser = Parser(
        PROG,
        "Show where in faces the evidence lies that they are fake: one figure for each face, with the face,\n"
        "its heat map, the map laid over it, and the prediction.\n\n"
        "With --measure, tell instead how far such maps can be trusted: whether the score falls when the\n"
        "hottest pixels are taken away, whether the map changes when the model's weights are shuffled, and\n"
        "whether it points at what was altered in fakes made for that purpose. Writes explain.json and\n"
        "figures, and adds them to the run's page.",
        "examples:\n"
        f"  {PROG} runs/NAME --photo group.jpg --out explained\n"
        f"  {PROG} runs/NAME --measure\n"
        "\n"
        "exit status: 0 done, 1 something could not be read (see ledger.csv; of --measure, unscored.csv),\n"
        "2 wrong use, 130 interrupted",
    )
    add = parser.add_argument
    add(
        "run",
        type=Path,
        metavar="RUN",
        help="a finished run's folder, whose model takes single faces, or a detector that ships",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--faces", type=Path, nargs="+", metavar="FILE", help="face crops, cut as for the run's training"
    )
    what.add_argument(
        "--photo", type=Path, nargs="+", metavar="FILE", help="photos: their faces are found and cut"
    )
    what.add_argument("--measure", action="store_true", help="how far the maps can be trusted")
    what.add_argument("--list", action="store_true", help="list the methods that suit the run's model")
    add(
        "--methods",
        metavar="A,B",
        help="methods of explanation (default: the one that pages show; --measure: all)",
    )
    add("--out", type=Path, metavar="DIR", help="folder for figures and explain.json (default: RUN/explain)")
    measuring = parser.add_argument_group("with --measure")
    measuring.add_argument("--manifest", type=Path, metavar="FILE", help="the faces (default: the run's own)")
    measuring.add_argument(
        "--split", choices=(*SPLITS, "all"), help=f"which rows (default: {USUAL['split']})"
    )
    measuring.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help=f"the most faces, and fakes of each kind, drawn at random (default: {USUAL['limit']})",
    )
    measuring.add_argument(
        "--seed", type=int, metavar="N", help=f"of all that is drawn (default: {USUAL['seed']})"
    )
    return parser


def _explain(args: argparse.Namespace) -> int:
    fill_mode(args, "measure", USUAL)
    check_range("--limit", args.limit, 1, MOST)
    check_range("--seed", args.seed, 0, 2**32 - 1)
    load_keras()
    from dfdetect.explain.heat_maps import default_method, suiting
    from dfdetect.explain.registry import get_method
    from dfdetect.models.shipped import check_not_shipped, run_folder
    from dfdetect.out_folder import check_out
    from dfdetect.runs.build import load_model
    from dfdetect.runs.folder import Run

    source = Run(run_folder(args.run))
    source.require_finished()
    if not args.list:
        if args.out is None:
            check_not_shipped(source.folder)
        check_out(args.out or source.explanation)
    model = load_model(source)
    if args.list:
        for name in suiting(model):
            print(f"{name}: {get_method(name).summary}\n  {get_method(name).source}")
        return DONE
    names = args.methods.split(",") if args.methods else []
    for name in names:
        get_method(name)
    if args.measure:
        return _measure(args, source, model, names)
    return _show(args, source, model, names or [default_method(model)])


def _show(args: argparse.Namespace, source: "Run", model: "keras.Model", methods: Sequence[str]) -> int:
    from dfdetect.explain.showing import Explainer

    explainer = Explainer(source, model, methods)
    out = args.out or source.explanation
    shown, ledger = explainer.explain(args.faces or args.photo, out, whole=bool(args.faces))
    for line in shown:
        print(line)
    return _list(ledger, out / "ledger.csv", "file")


def _measure(args: argparse.Namespace, source: "Run", model: "keras.Model", methods: Sequence[str]) -> int:
    from dfdetect import __version__
    from dfdetect.data.opening import open_data, open_manifest
    from dfdetect.explain.measuring import Wanted, measure
    from dfdetect.explain.tables import draw, explanation, tables, to_json
    from dfdetect.render.table import text
    from dfdetect.runs.results import add_explanation
    from face_extraction.digest import file_digest
    from face_extraction.json_file import write_json

    if args.out is None and not source.page.is_file():
        raise InputError(f"{source.folder}: it has no page to add the numbers to; give --out DIR")
    data = open_manifest(args.manifest) if args.manifest else open_data(source.with_data())
    out = args.out or source.explanation
    wanted = Wanted(source.threshold(), methods, args.split, args.limit, args.seed)
    measured = measure(model, data, wanted)
    facts = {
        "dfdetect": __version__,
        "weights_sha256": file_digest(source.weights),
        "manifest_sha256": data.digest,
        **{name: getattr(wanted, name) for name in ("threshold", "split", "limit", "seed")},
    }
    write_json(out / "explain.json", to_json(measured, facts))
    figures = draw(measured, model, out)
    for table in tables(measured):
        print(f"\n{table.caption}\n{text(table)}")
        for note in table.notes:
            print(note)
    for line in (*data.notices, *measured.left_out):
        print(line)
    print(f"\nwritten: {out / 'explain.json'}")
    if args.out is None:
        if add_explanation(source, explanation(measured, figures)):
            print(f"look at {source.page}")
        else:
            print(f"{source.page} stays as it is: an older version made this run; evaluate or train it again")
    return _list(measured.unscored, out / "unscored.csv", "face")


def _list(unread: "Sequence[LedgerRow]", path: Path, unit: str) -> int:
    """Write what could not be read, and return the exit status; an earlier call's ledger goes."""
    from face_extraction.ledger import renew_ledger
    from face_extraction.wording import plural

    renew_ledger(path, unread)
    if not unread:
        return DONE
    print(f"not explained: {plural(len(unread), unit)}, see {path}")
    return FINDING


if __name__ == "__main__":
    sys.exit(main())
