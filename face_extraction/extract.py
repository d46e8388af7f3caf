"""Turn items into a manifest of face crops, in several processes; a stopped extraction goes on."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from errno import ETIMEDOUT
from pathlib import Path

from pebble import ProcessExpired

from face_extraction.atomic import sweep
from face_extraction.digest import CROP_DIGITS
from face_extraction.doubles import notes_on_doubles
from face_extraction.errors import InputError, ran_out_of_memory, unforeseen
from face_extraction.journal import JOURNAL_FILE, ROOT, FaceRow, ItemResult, Journal
from face_extraction.ledger import FAILED, OVERTIME, REASONS, LedgerRow, process_ended, write_ledger
from face_extraction.lock import alone
from face_extraction.machine import available_cores, available_memory
from face_extraction.manifest import (
    FAKE,
    LABEL_NAMES,
    MANIFEST_FILE,
    REAL,
    SETTINGS_FILE,
    SPLITS,
    UNKNOWN,
    FaceSample,
    check_groups,
    count_table,
    write_manifest,
)
from face_extraction.media import ARCHIVE, PHOTO, READY_MADE
from face_extraction.paths import inside
from face_extraction.plan import Plan
from face_extraction.pool import as_finished, local_pool
from face_extraction.progress import progress
from face_extraction.resuming import check_moved, delete_others, still_valid, unchanged_items
from face_extraction.settings import BLAZEFACE, ExtractionSettings, write_settings
from face_extraction.shards import SHARD_FILE, Shard, write_part
from face_extraction.sources import Item
from face_extraction.splits import SplitRule
from face_extraction.wording import plural
from face_extraction.worker import FACES_FOLDER, extract_item

LEDGER_FILE = "ledger.csv"
_JOIN = "training, AUC and accuracy need both classes (face_extraction manifest joins manifests)"
# What faces of one class, or of no known class, are good for.
_ONE_CLASS = {
    frozenset[int](): "note: no label is known: these faces can be scored, but not trained or measured on",
    frozenset({REAL}): f"note: real faces only: they can be scored, and made into fakes; {_JOIN}",
    frozenset({FAKE}): f"note: fake faces only: they can be scored; {_JOIN}",
}
# Memory for one process, in bytes: it took 920 MB with a photo of 200 megapixels.
_WORKER_MEMORY = 1_200_000_000
_Call = tuple[Item, Path, Path, ExtractionSettings]


class WorkerDied(Exception):
    """The executor broke down and took its workers with it; finished items are kept."""


@dataclass(frozen=True)
class Summary:
    """The result of an extraction.

    Attributes:
        items: the number of items.
        samples: the manifest's rows.
        ledger: the ledger's rows.
        wanted: splits that should have faces; a note names those that lack a class.
        labels: the items' labels.
        notes: on files that are there twice.
    """

    items: int
    samples: Sequence[FaceSample]
    ledger: Sequence[LedgerRow]
    wanted: Sequence[str] = ()
    labels: frozenset[int] = frozenset()
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        counts = Counter(row.reason for row in self.ledger)
        lines = [
            count_table(self.samples),
            f"{plural(len(self.samples), 'face')} from {plural(self.items, 'item')}",
        ]
        lines += [f"{counts[reason]:>9,} {reason}: {REASONS[reason]}" for reason in REASONS if counts[reason]]
        if placed := sum(sample.found_by == BLAZEFACE for sample in self.samples):
            lines.append(f"note: {placed:,} of the faces are BlazeFace's alone (found_by in the manifest)")
        lines += self.notes
        found = {(sample.split, sample.label) for sample in self.samples}
        if self.labels and not {REAL, FAKE} <= self.labels:
            return "\n".join([*lines, _ONE_CLASS[frozenset(self.labels - {UNKNOWN})]])
        lines += [
            f"note: split {split!r} has no {LABEL_NAMES[label]} faces; training can split anew by groups "
            "(--split group)"
            for split in self.wanted
            for label in (REAL, FAKE)
            if (split, label) not in found
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class Execution:
    """How an extraction is carried out. A stopped one may continue in another way.

    Attributes:
        workers: number of processes; None means `default_workers`. Twice as many items are handed out at
            a time.
        executor: runs the items instead of processes started here; the caller shuts it down.
        time_limit: seconds that one item may take in the processes started here; None for no limit.
        shard: the part of the items to extract; `merge` joins all parts.
        overwrite: delete an earlier extraction first.
    """

    workers: int | None = None
    executor: Executor | None = None
    time_limit: float | None = None
    shard: Shard | None = None
    overwrite: bool = False


def extract(
    plan: Plan, root: Path, out: Path, settings: ExtractionSettings, execution: Execution = Execution()
) -> Summary:
    """Extract the faces of a plan's items into `out`: manifest.csv, ledger.csv, extraction.toml, faces/.

    Finished items are kept in `out`/journal.jsonl. After any stop the same call continues from there and
    writes the same manifest, byte for byte. It repeats an item whose file has changed, or whose crops are
    gone or changed. The journal holds no groups and splits: you can change them and call again without a
    new search for faces.

    An item whose worker dies, or that takes too long, stops no other item: it gets a ledger row, and the
    next start tries it again.

    Args:
        plan: what to extract.
        root: the folder that the items' paths are relative to.
        out: the folder to write into.
        settings: how faces are found and cropped; ignored, and not written, if all items are ready-made
            crops.
        execution: how it is carried out.

    Raises:
        InputError: `out` holds another extraction, a group stands in two splits, or a file cannot
            be written.
        WorkerDied: the executor broke down; the error names the items in work.
    """
    items = plan.items
    check_groups(root, [_sample(item, FaceRow(item.path), plan.split_rule) for item in items])
    _check_apart(items, root, out)
    with alone(out), closing(Journal(out)) as journal:
        prepare(out, execution.overwrite)
        shard = execution.shard
        searched = any(item.kind not in READY_MADE for item in items)
        finished = journal.start(_header(items, root, settings if searched else None, shard))
        unchanged = unchanged_items(finished, items, root)
        check_moved(journal.root, root, out, finished, unchanged)
        if shard:
            plan = write_part(out, shard, plan)
            items = plan.items
        results = still_valid(unchanged, items, out)
        for path, result in results.items():
            if result != finished[path]:  # Copied or touched: record it, so that the next start is quick.
                journal.add(result)
        if searched:
            write_settings(out, settings)
        waiting = [item for item in items if item.path not in results]
        if shard and waiting:
            # If this run stops, `merge` must not trust an older ledger and take the part for finished.
            (out / MANIFEST_FILE).unlink(missing_ok=True)
        workers, executor = execution.workers or default_workers(), execution.executor
        with (
            progress("faces", len(items), done=len(results)) as advance,
            nullcontext(executor) if executor else local_pool(workers, execution.time_limit) as pool,
        ):
            # Workers on other machines have another working folder.
            whole = root.resolve(), out.resolve()
            calls = ((item, *whole, settings) for item in waiting)
            for result in _run(pool, calls, out, 2 * workers):
                failed = [row for row in result.ledger if row.reason == FAILED]
                if failed:  # The next start repeats it, so its crops do not count yet.
                    result = ItemResult(result.path, [], failed)
                else:
                    journal.add(result)
                    delete_others(finished.get(result.path), result, out)
                results[result.path] = result
                advance(note=result.path)
        return write_results(out, plan, results, part=shard is not None)


def default_workers() -> int:
    """One process a usable core, or fewer if memory is short: each needs 1.2 GB."""
    memory = available_memory()
    most = max(1, memory // _WORKER_MEMORY) if memory else available_cores()
    return min(available_cores(), most)


def _header(
    items: Sequence[Item], root: Path, settings: ExtractionSettings | None, shard: Shard | None
) -> dict[str, object]:
    """What an extraction depends on, as flat keys, so that an error can name the difference."""
    header: dict[str, object] = {ROOT: str(root.resolve()), "ready_made": settings is None}
    if settings is not None:
        values = asdict(settings)
        header |= {**values.pop("crop"), **values}
    if any(item.kind == ARCHIVE for item in items):
        header["crops_per_archive"] = max(item.take for item in items)
    return header | ({"shard": str(shard)} if shard else {})


def _check_apart(items: Sequence[Item], root: Path, out: Path) -> None:
    """Refuse to write into a folder that is searched: the next start would take the crops for items."""
    if not out.resolve().is_relative_to(root.resolve()):
        return
    inside = out.resolve().relative_to(root.resolve()).parts
    searched = {Path(item.path).parts[0] for item in items}
    if inside and inside[0] in searched:
        raise InputError(f"{out}: lies in {root / inside[0]}, which is searched; choose another --out")


def prepare(out: Path, overwrite: bool) -> None:
    """Refuse a folder that holds something else; with `overwrite` delete the earlier extraction.

    Also deletes files that killed processes left half written.

    Raises:
        InputError: `out` holds a manifest from elsewhere, or its crops' folder is a link that leads out.
    """
    journal = out / JOURNAL_FILE
    for name in LABEL_NAMES.values():
        crops = inside(out, f"{FACES_FOLDER}/{name}/crop").parent
        sweep(crops)
    sweep(out)
    if (out / MANIFEST_FILE).exists() and not journal.exists():
        raise InputError(f"{out / MANIFEST_FILE}: exists, and was not made here; choose another --out")
    if overwrite:
        # Delete faces/ only beside a journal, which proves that it was made here. Delete the journal last,
        # so that an interrupted deletion can go on.
        if journal.exists() and (out / FACES_FOLDER).is_dir():
            shutil.rmtree(out / FACES_FOLDER)
        for name in (MANIFEST_FILE, LEDGER_FILE, SETTINGS_FILE, SHARD_FILE, JOURNAL_FILE):
            (out / name).unlink(missing_ok=True)


def _run(pool: Executor, calls: Iterator[_Call], out: Path, ahead: int) -> Iterator[ItemResult]:
    """Results of `extract_item` in the order in which they finish.

    Args:
        pool: runs the calls.
        calls: the arguments of each call.
        out: the folder that is written into, for an error's line.
        ahead: how many calls are handed out at a time, at most.
    """
    running: dict[Future[ItemResult], _Call] = {}
    try:
        for (item, *_), future in as_finished(pool, extract_item, calls, ahead, running):
            yield _outcome(future, item, out)
    except BrokenExecutor:
        names = ", ".join(item.path for item, *_ in running.values())
        raise WorkerDied(
            f"the workers broke down (out of memory?) while working on: {names}; "
            "finished items are kept: start again"
        ) from None


def _outcome(future: Future[ItemResult], item: Item, out: Path) -> ItemResult:
    try:
        return future.result()
    except (BrokenExecutor, InputError):
        raise
    except CancelledError as error:  # The dask scheduler is gone: every other item would fail too.
        raise BrokenExecutor(str(error)) from None
    except ProcessExpired as error:
        return _failed(item, process_ended(error.exitcode))
    except OSError as error:
        # The pool's time limit also raises TimeoutError, but without the system's error number.
        if isinstance(error, TimeoutError) and error.errno != ETIMEDOUT:
            return _failed(item, OVERTIME)
        if ran_out_of_memory(error):
            return _failed(item, unforeseen(error))
        told = f"{out}: cannot be written ({error.strerror or error}); what is finished is kept"
        raise InputError(told) from error
    except Exception as error:  # One odd file must not end a run of days; the ledger names it.
        return _failed(item, unforeseen(error))


def _failed(item: Item, detail: str) -> ItemResult:
    return ItemResult(item.path, [], [LedgerRow(item.path, FAILED, detail)])


def write_results(out: Path, plan: Plan, results: Mapping[str, ItemResult], *, part: bool = False) -> Summary:
    """Write manifest and ledger, in the order of the plan's items.

    Args:
        out: the folder to write into.
        plan: what was extracted.
        results: each item's result, by its path.
        part: whether the items are a part of a data set, which cannot tell what the whole lacks.
    """
    ordered = [(item, results[item.path]) for item in plan.items]
    samples = [_sample(item, face, plan.split_rule) for item, result in ordered for face in result.faces]
    ledger = [*plan.ledger, *(row for _, result in ordered for row in result.ledger)]
    write_ledger(out / LEDGER_FILE, ledger)
    write_manifest(out / MANIFEST_FILE, samples)
    if part:
        return Summary(len(ordered), samples, ledger)
    wanted = {*plan.filled, *(sample.split for sample in samples)}
    labels = frozenset(item.label for item in plan.items)
    splits = [split for split in SPLITS if split in wanted]
    notes = notes_on_doubles(plan, results, samples)
    return Summary(len(ordered), samples, ledger, splits, labels, notes)


def _sample(item: Item, face: FaceRow, split_rule: SplitRule) -> FaceSample:
    return FaceSample(
        path=face.path,
        label=item.label,
        split=item.split or split_rule.split_of(item.group),
        group=item.group,
        # If a photo's faces are numbered by person, the file is an animation or a misnamed video.
        video=item.video or (item.path if item.kind == PHOTO and face.person else ""),
        frame=face.frame,
        time=face.time,
        box=face.box,
        width=face.width,
        height=face.height,
        person=face.person,
        rotation=face.rotation,
        digest=face.file.digest[:CROP_DIGITS] if face.file else "",
        found_by=face.found_by,
        method=item.method,
        source=item.source,
    )
