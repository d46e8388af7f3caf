"""`python -m benchmarks.fuzz`: read damaged and hostile files in processes with limits.

Each kind of file is drawn, changed at random thousands of times, and read as the commands read it. Such a
mutant may be read, or refused with one line. It may not raise anything else, end its process, hang, or take
much memory. Exit status 1: some did.
"""

import argparse
import os
import random
import re
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as TimedOut
from dataclasses import dataclass, field
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError, check_name
from face_extraction.ledger import ItemFailed
from face_extraction.progress import progress

SECONDS = 30  # after this a mutant counts as hung
MEMORY = 4 << 30  # a process's address space in bytes, the last safeguard
PEAK = 1 << 30  # the most memory that a mutant may need, in bytes


@dataclass
class Tally:
    """The outcomes of one kind's mutants.

    Attributes:
        outcomes: how many were read, refused, raised something else, ended their process, or hung.
        peak: the most memory that a process held, in bytes, minus what it held before.
        faults: a line for each mutant at fault.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    peak: int = 0
    faults: list[str] = field(default_factory=list)


def main(argv: Sequence[str] | None = None) -> int:
    """Read mutants, print a table, and return the exit status."""
    parser = Parser("python -m benchmarks.fuzz", __doc__ or "")
    parser.add_argument("--mutants", type=int, default=1000, metavar="N", help="of each kind (default: 1000)")
    parser.add_argument(
        "--kind", action="append", metavar="KIND", help="one kind; an unknown one lists them (default: all)"
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other mutants (default: 0)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes (default: 2)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the mutants at fault there")
    return run(parser, _main, argv)


def _main(args: argparse.Namespace) -> int:
    from benchmarks.seeds import SEEDS  # it takes seconds

    for kind in args.kind or ():
        check_name("kind", kind, SEEDS)
    tallies = {}
    for kind in args.kind or sorted(SEEDS):
        with tempfile.TemporaryDirectory() as folder:
            seed = SEEDS[kind](Path(folder))
            tallies[kind] = run_kind(kind, seed, range(args.seed, args.seed + args.mutants), args.workers)
            if args.keep:
                _keep(args.keep, kind, seed, tallies[kind])
    print(table(tallies))
    return FINDING if any(tally.faults for tally in tallies.values()) else DONE


def run_kind(kind: str, seed: bytes, numbers: Sequence[int], workers: int) -> Tally:
    """Read one mutant of `seed` for each number."""
    tally = Tally()
    with (
        ProcessPool(max_workers=workers, initializer=_limit) as pool,
        progress(kind, len(numbers), unit="mutants") as advance,
    ):
        futures = [pool.schedule(_read, (kind, seed, number), timeout=SECONDS) for number in numbers]
        for number, future in zip(numbers, futures, strict=True):
            try:
                outcome, said, peak = future.result()
                tally.peak = max(tally.peak, peak)
            except TimedOut:
                outcome, said = "hung", f"no answer in {SECONDS} s"
            except ProcessExpired as error:
                outcome, said = "ended", f"its process ended, exit status {error.exitcode}"
            tally.outcomes[outcome] += 1
            if outcome not in ("read", "refused"):
                tally.faults.append(f"{kind} {number}: {outcome}: {said}")
            advance()
    if tally.peak > PEAK:
        tally.faults.append(f"{kind}: a process took {tally.peak / 2**20:.0f} MB")
    return tally


def mutate(content: bytes, number: int) -> bytes:
    """The mutant with this number; the same number always gives the same mutant.

    One to four random changes: bits flip, bytes and 32-bit numbers become extremes, and parts are cut off,
    taken out, doubled, zeroed or moved, and values of a text become others.
    """
    rng = random.Random(number)
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        rng.choice(CHANGES)(data, rng)
    return bytes(data)


def _turn_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 3, 30))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _extreme(data: bytearray, rng: random.Random) -> None:
    width = rng.choice((1, 2, 4, 8))
    value = rng.choice((0, 1, 2 ** (8 * width - 1) - 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1))
    place = rng.randrange(len(data) + 1)
    data[place : place + width] = value.to_bytes(width, rng.choice(("big", "little")))


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _part(data: bytearray, rng: random.Random) -> slice:
    start = rng.randrange(len(data) + 1)
    return slice(start, start + rng.choice((1, 4, 64, 1024)))


def _take_out(data: bytearray, rng: random.Random) -> None:
    del data[_part(data, rng)]


def _double(data: bytearray, rng: random.Random) -> None:
    part = _part(data, rng)
    data[part.start : part.start] = data[part]


def _zero(data: bytearray, rng: random.Random) -> None:
    part = _part(data, rng)
    data[part] = bytes(len(data[part]))


def _move(data: bytearray, rng: random.Random) -> None:
    part = _part(data, rng)
    content = data[part]
    del data[part]
    place = rng.randrange(len(data) + 1)
    data[place:place] = content


def _swap_value(data: bytearray, rng: random.Random) -> None:
    """Replace a number, a quoted text or a word of a text file with another value."""
    found = [*VALUE.finditer(data)]
    if found:
        place = rng.choice(found)
        data[place.start() : place.end()] = rng.choice(VALUES)


VALUE = re.compile(rb'"[^"\n]{0,80}"|-?\d+(?:\.\d+)?|\b(?:true|false|null)\b')
VALUES = (
    *(b"0", b"-1", b"1.5", b"1e400", b"nan", b"9" * 30, b"9" * 5000, b"true", b"null", b'""', b'"x"'),
    *(b"[]", b"{}", b"[1]", b'"../x"', b'"/dev/zero"', b"[" * 5000 + b"]" * 5000),
)
CHANGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_turn_bits, _extreme, _cut, _take_out, _double, _zero, _move, _swap_value, _swap_value),
)


def _limit() -> None:
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # Readers show their progress there.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _read(kind: str, seed: bytes, number: int) -> tuple[str, str, int]:
    """Read one mutant; returns the outcome, its message, and the peak of memory in bytes."""
    from benchmarks.seeds import read_seed

    before = _peak()
    with tempfile.TemporaryDirectory() as folder:
        try:
            read_seed(kind, Path(folder), mutate(seed, number))
            return "read", "", _peak() - before
        except (InputError, ItemFailed) as error:
            return "refused", str(error), _peak() - before
        except OSError as error:  # The commands print one line that names the file.
            return "refused" if error.filename else "raised", f"{error!r}"[:300], _peak() - before
        except Exception as error:
            return "raised", f"{type(error).__name__}: {error}"[:300], _peak() - before


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _keep(folder: Path, kind: str, seed: bytes, tally: Tally) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for line in tally.faults:
        number = line.partition(":")[0].partition(" ")[2]
        if number:
            (folder / f"{kind}-{number}").write_bytes(mutate(seed, int(number)))


def table(tallies: dict[str, Tally]) -> str:
    """Each kind's outcomes as text, then each fault."""
    names = ("read", "refused", "raised", "ended", "hung")
    lines = [f"{'kind':<16}" + "".join(f"{name:>9}" for name in names) + f"{'peak MB':>9}"]
    for kind, tally in tallies.items():
        counts = "".join(f"{tally.outcomes[name]:>9,}" for name in names)
        lines.append(f"{kind:<16}{counts}{tally.peak / 2**20:>9.0f}")
    return "\n".join([*lines, *(fault for tally in tallies.values() for fault in tally.faults)])


if __name__ == "__main__":
    sys.exit(main())
