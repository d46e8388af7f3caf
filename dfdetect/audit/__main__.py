"""`python -m dfdetect.audit`: find what rows of different splits have in common."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError

if TYPE_CHECKING:
    from dfdetect.audit.auditing import Audit, Target
    from dfdetect.audit.registry import Kind

PROG = "python -m dfdetect.audit"


def main(argv: Sequence[str] | None = None) -> int:
    """Audit, and return the exit status."""
    given = sys.argv[1:] if argv is None else argv
    return run(
        _parser(), lambda args: _audit(args, shlex.join(["python", "-m", "dfdetect.audit", *given])), argv
    )


def _parser() -> Parser:
    parser = Parser(
        PROG,
        "Look for leaks between the splits of a manifest: rows of different splits that share an original,\n"
        "a video, a person of a swap, a YouTube video, a file, or nearly the same picture; with --kinds\n"
        "also the faces of one person. For a recipe or a run, audits the split that it trains with.\n"
        "Writes a page with examples, and audit.json.",
        "examples:\n"
        f"  {PROG} data/mine/manifest.csv --write-clean data/mine/clean.csv\n"
        f"  {PROG} --scores runs/NAME\n"
        "\n"
        "exit status: 0 nothing found, 1 a leak or a crop that cannot be read, 2 wrong use",
    )
    parser.add_argument(
        "target",
        nargs="?",
        type=Path,
        metavar="DATA",
        help="manifest.csv, recipe.toml or a run (default: the run of --scores)",
    )
    parser.add_argument(
        "--kinds",
        metavar="A,B",
        help="what to look for: group, video, swap, youtube, file, near, identity, or all (default: all but "
        "identity, which encodes faces and is slow)",
    )
    parser.add_argument(
        "--scores",
        type=Path,
        metavar="RUN",
        help="show this run's numbers on its whole test split and on the clean part of it",
    )
    parser.add_argument(
        "--write-clean",
        type=Path,
        metavar="FILE",
        help="write a manifest without the leaking rows, beside the audited one",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="the page's folder (default: audit, or audit-NAME of NAME.csv, beside the data)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="FILE",
        help="file that keeps what was read from crops (default: audit-cache.sqlite, beside the data)",
    )
    return parser


def _audit(args: argparse.Namespace, command: str) -> int:
    from dfdetect.audit.auditing import CACHE, audit, open_target, repair
    from dfdetect.audit.page import render_audit
    from dfdetect.audit.rows import Rows
    from dfdetect.audit.scores import compare
    from dfdetect.audit.table import findings_table, repair_line, to_json, verdict
    from dfdetect.models.shipped import is_shipped, run_folder
    from dfdetect.out_folder import check_out
    from dfdetect.render.table import text
    from dfdetect.runs.folder import Run
    from face_extraction.atomic import write_text
    from face_extraction.json_file import write_json
    from face_extraction.ledger import renew_ledger
    from face_extraction.manifest import write_manifest

    scored = Run(run_folder(args.scores)) if args.scores else None
    kinds = _kinds(args.kinds)
    if scored and is_shipped(scored.folder):
        raise InputError(
            f"--scores {args.scores}: a detector that ships keeps no face's score; accepted: a run's folder"
        )
    target = open_target(args.target, scored)
    if scored:
        scored.require_finished()
    folder = target.manifest.parent
    _check_clean(args.write_clean, target)
    beside = args.target if args.target and args.target.is_dir() else args.scores or folder
    named = "" if target.manifest.stem == "manifest" or scored else f"-{target.manifest.stem}"
    out = args.out or beside / f"audit{named}"
    check_out(out)
    rows = Rows(folder, target.samples, args.cache or folder / CACHE)
    result = audit(rows, kinds, named=args.kinds not in (None, "all"))
    print(f"{verdict(result)}\n\n{text(findings_table(result))}")
    _print_notes(result)
    scores = compare(scored, result) if scored else None
    if scores:
        print("\n" + text(scores.table()))
    repaired = None
    if args.write_clean:
        repaired = (args.write_clean, repair(result))
        write_manifest(args.write_clean, repaired[1].samples)
        print(f"\n{args.write_clean}: {repair_line(repaired[1])}")
    write_json(out / "audit.json", to_json(result))
    write_text(out / "index.html", render_audit(target, result, scores, repaired, command))
    print(f"\nlook at {out / 'index.html'}")
    unread = out / "unread.csv"
    renew_ledger(unread, result.unread)
    if result.unread:
        print(f"{len(result.unread):,} crops could not be read: {unread}")
    return DONE if result.clean and not result.unread else FINDING


def _kinds(names: str | None) -> "list[Kind]":
    from dfdetect.audit.registry import get_kind, list_kinds

    if names is None:
        return [kind for kind in list_kinds() if kind.needs != "faces"]
    if names == "all":
        return list_kinds()
    # An earlier name of the kind "video".
    wanted = [get_kind("video" if name == "clip" else name) for name in names.split(",")]
    # Cheap kinds first: if one of them cannot be looked for, no crop was read in vain.
    return [kind for kind in list_kinds() if kind in wanted]


def _check_clean(path: Path | None, target: "Target") -> None:
    """Refuse a place that the rows' relative paths do not fit, or a file that would be overwritten."""
    if path is None:
        return
    if path.absolute().parent.resolve() != target.manifest.absolute().parent.resolve():
        raise InputError(
            f"--write-clean {path}; accepted: a file in {target.manifest.parent}, "
            "because the rows' paths are relative to it"
        )
    if path.resolve() == target.manifest.resolve():
        raise InputError(f"--write-clean {path}: that is the audited file; give another name")
    if path.exists():
        raise InputError(f"--write-clean {path}: exists already; give another name, or delete it")


def _print_notes(result: "Audit") -> None:
    for kind, links in result.found.items():
        if links.note:
            print(f"{kind.name}: {links.note}")
    for kind, why in result.skipped.items():
        print(f"not looked for: {kind.name}: {why}")


if __name__ == "__main__":
    sys.exit(main())
