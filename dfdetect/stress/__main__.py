"""`python -m dfdetect.stress`: what a run's scores become when faces are disturbed or forged."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dfdetect.cli import fill_mode, load_keras
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError, check_name, check_range
from face_extraction.machine import available_cores
from face_extraction.manifest import SPLITS
from face_extraction.settings import MOST_WORKERS

if TYPE_CHECKING:
    from dfdetect.render.table import Table
    from dfdetect.stress.registry import Kind
    from dfdetect.stress.subject import Subject

PROG = "python -m dfdetect.stress"
MOST = 10_000
ATTACK = {"epsilon": "1,2,4,8", "steps": 10, "transfer": None}
"""What --attack takes if no flag says otherwise."""
MOST_STEPS = 1000


def main(argv: Sequence[str] | None = None) -> int:
    """Stress, and return the exit status."""
    return run(_parser(), _stress, argv)


def _parser() -> Parser:
    parser = Parser(
        PROG,
        "Disturb faces as files are disturbed on their way to a reader (JPEG, H.264, blur, masks and\n"
        "more), in five severities of each kind. Tell how a run's AUC changes, and its recall and false\n"
        "alarms at its own cuts, and which share of its verdicts flips, with paired intervals.\n\n"
        "With --attack, forge the scores instead: change pixels by a few levels along the model's gradient.\n"
        "Writes a table, a figure and a page into --out. A stopped call goes on if you give it again.",
        "examples:\n"
        f"  {PROG} runs/NAME\n"
        f"  {PROG} small --manifest data/other/manifest.csv --kinds jpeg,h264 --out stressed\n"
        f"  {PROG} runs/A --attack fgsm,pgd --limit 200 --transfer runs/B\n"
        "\n"
        "exit status: 0 done, 1 some faces could not be read (see unscored.csv), 2 wrong use,\n"
        "130 interrupted",
    )
    add = parser.add_argument
    add("run", type=Path, nargs="?", metavar="RUN", help="a finished run's folder, or a detector that ships")
    add("--list", action="store_true", help="list the kinds of disturbance")
    add("--manifest", type=Path, metavar="FILE", help="the faces (default: the run's own)")
    add("--split", choices=(*SPLITS, "all"), default="test", help="which rows (default: %(default)s)")
    add("--kinds", metavar="A,B", help="kinds of disturbance (default: all)")
    add(
        "--limit",
        type=int,
        default=2000,
        metavar="N",
        help="at most so many faces, drawn group by group and kept in memory (default: %(default)s)",
    )
    add("--workers", type=int, metavar="N", help="processes that disturb faces (default: one per core)")
    add("--seed", type=int, default=0, metavar="N", help="of everything random (default: %(default)s)")
    add("--out", type=Path, metavar="DIR", help="folder of the results (default: RUN/stress)")
    attack = parser.add_argument_group("with --attack")
    attack.add_argument("--attack", metavar="A,B", help="forge the scores by these attacks: fgsm, pgd")
    attack.add_argument(
        "--epsilon",
        metavar="N,N",
        help="change pixels by at most so many levels of 255; each number is tried "
        f"(default: {ATTACK['epsilon']})",
    )
    attack.add_argument("--steps", type=int, metavar="N", help=f"steps of pgd (default: {ATTACK['steps']})")
    attack.add_argument(
        "--transfer", type=Path, metavar="RUN", help="a run, unknown to the attack, that scores the faces too"
    )
    return parser


def _stress(args: argparse.Namespace) -> int:
    from dfdetect.stress.registry import get_kind, list_kinds

    if args.list:
        for kind in list_kinds():
            print(f"{kind.name}: {kind.summary} Severities: {', '.join(map(kind.shown, kind.severities))}")
        return DONE
    _check(args)
    kinds = list_kinds() if args.kinds is None else [get_kind(name) for name in _names(args.kinds)]
    attacks, epsilons = _attacks(args)
    load_keras()
    from dfdetect.models.shipped import run_folder
    from dfdetect.runs.folder import Run, check_once
    from dfdetect.stress.faces import Chosen
    from dfdetect.stress.subject import open_subject

    if args.transfer:
        other = run_folder(args.transfer)
        check_once([run_folder(args.run), other])
        Run(other).require_finished()
    chosen = Chosen(args.split, args.limit, args.seed)
    subject = open_subject(args.run, args.manifest, chosen, args.out)
    if attacks:
        return _forge(args, subject, attacks, epsilons)
    return _disturb(args, subject, kinds)


def _check(args: argparse.Namespace) -> None:
    """Refuse what does not go together.

    Raises:
        InputError: a flag is missing, out of its range, or beside another that excludes it.
    """
    if args.run is None:
        raise InputError("RUN is missing; accepted: the folder of a finished run, or a detector that ships")
    for name, low, high in (
        ("limit", 2, MOST), ("seed", 0, 2**32 - 1), ("workers", 1, MOST_WORKERS), ("steps", 1, MOST_STEPS)
    ):  # fmt: skip
        value = getattr(args, name)
        if value is not None:
            check_range(f"--{name}", value, low, high)
    fill_mode(args, "attack", ATTACK)
    if args.attack is not None and args.kinds is not None:
        raise InputError("--kinds with --attack; accepted: one of both")


def _names(text: str) -> list[str]:
    """The names in a list with commas, each once."""
    return list(dict.fromkeys(text.split(",")))


def _attacks(args: argparse.Namespace) -> tuple[list[str], list[int]]:
    """The names of the attacks, none without --attack, and the epsilons, ascending."""
    from dfdetect.stress.attacks import ATTACKS

    attacks = [] if args.attack is None else _names(args.attack)
    for name in attacks:
        check_name("attack", name, ATTACKS)
    texts = args.epsilon.split(",")
    if not all(text.isdecimal() and 1 <= int(text) <= 255 for text in texts):
        raise InputError(
            f"--epsilon {args.epsilon}; accepted: whole numbers from 1 to 255, such as {ATTACK['epsilon']}"
        )
    return attacks, sorted({int(text) for text in texts})


def _disturb(args: argparse.Namespace, subject: "Subject", kinds: "Sequence[Kind]") -> int:
    from dfdetect.stress.disturbing import Work
    from dfdetect.stress.journal import open_journal
    from dfdetect.stress.stressing import stress
    from dfdetect.stress.writing import write_stress

    scorer = subject.scorer
    work = Work(scorer.size, scorer.frames, args.seed, args.workers or available_cores())
    with subject.alone(), open_journal(subject.out / "stress.jsonl", subject.facts) as journal:
        stress(scorer, subject.cases, kinds, work, journal)
        table, lines = write_stress(journal.rows, subject.about, subject.out)
    return _tell(subject, table, lines, "stress.html")


def _forge(
    args: argparse.Namespace, subject: "Subject", attacks: Sequence[str], epsilons: Sequence[int]
) -> int:
    from dfdetect.stress.journal import open_journal
    from dfdetect.stress.stressing import Plan, Victims, attack
    from dfdetect.stress.subject import other_run
    from dfdetect.stress.writing import write_attacks

    other = other_run(args.transfer, subject.cases) if args.transfer else None
    about = replace(subject.about, facts={**subject.facts, "steps": args.steps})
    if other:
        print("\n".join(other.notices))
        notices, facts = [*about.notices, *other.notices], {**about.facts, **other.facts}
        about = replace(about, notices=notices, facts=facts)
    plan = Plan(attacks, epsilons, args.steps, args.seed)
    with subject.alone(), open_journal(subject.out / "attacks.jsonl", about.facts) as journal:
        attack(Victims(subject.scorer, other.scorer if other else None), subject.cases, plan, journal)
        table, lines = write_attacks(journal.rows, about, subject.out)
    return _tell(subject, table, lines, "attacks.html")


def _tell(subject: "Subject", table: "Table", lines: Sequence[str], page: str) -> int:
    """Print what was measured, and return the exit status."""
    from dfdetect.render.table import text

    print("\n".join(["", text(table), "", *table.below(), "", subject.about.data, *lines]))
    print(f"look at {subject.out / page}")
    if subject.unread:
        print(f"{len(subject.unread):,} faces could not be read: {subject.unscored}")
    return FINDING if subject.unread else DONE


if __name__ == "__main__":
    sys.exit(main())
