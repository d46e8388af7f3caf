"""`merge`: join the parts extracted with --shard into one extraction, equal to an unsharded one."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from face_extraction.atomic import link_or_copy, sync_folder
from face_extraction.errors import InputError
from face_extraction.extract import LEDGER_FILE, Summary, prepare, write_results
from face_extraction.journal import ItemResult, Journal, first_difference, read_journal
from face_extraction.ledger import FAILED, read_ledger
from face_extraction.lock import alone
from face_extraction.manifest import MANIFEST_FILE
from face_extraction.paths import inside
from face_extraction.progress import progress
from face_extraction.settings import copy_settings
from face_extraction.shards import Part, read_part

_NAMED = 10  # missing shards that an error names


def merge(folders: Sequence[Path], out: Path) -> Summary:
    """Join all shards of a data set into one extraction in `out`.

    Crops are linked if the file system can, else copied. A stopped merge continues when started again; the
    unsharded extraction can continue in `out` as well.

    Args:
        folders: the output folders of the shards, in any order.
        out: the folder to write into.

    Raises:
        InputError: a shard is missing, given twice or not finished; shards have different data or
            settings; a path in a shard leads out of its folder; `out` holds something else.
    """
    parts = [read_part(folder) for folder in folders]
    _check_parts(folders, parts)
    header, results = _read_results(folders, parts)
    with alone(out), closing(Journal(out)) as journal:
        prepare(out, overwrite=False)
        placed = [pair for part in parts for pair in zip(part.places, part.plan.items, strict=True)]
        items = [item for _, item in sorted(placed, key=itemgetter(0))]
        before = journal.start(header)
        made: set[Path] = set()
        with progress("merge", len(items), unit="items") as advance:
            for item in items:
                folder, finished, result = results[item.path]
                known = before.get(item.path) == result
                for face in result.faces:
                    target = inside(out, face.path)
                    if not (known and target.exists()):
                        source = inside(folder, face.path)
                        target.unlink(missing_ok=True)  # from a shard that was run again since
                        link_or_copy(source, target)
                        made.add(target.parent)
                if finished and not known:
                    journal.add(result)
                advance()
        for parent in made:
            sync_folder(parent)
        copy_settings(folders[0], out)
        found = {path: result for path, (_, _, result) in results.items()}
        return write_results(out, replace(parts[0].plan, items=items), found)


def _check_parts(folders: Sequence[Path], parts: Sequence[Part]) -> None:
    first = parts[0]
    seen: dict[int, Path] = {}
    for folder, part in zip(folders, parts, strict=True):
        if part.shard.count != first.shard.count:
            raise InputError(f"{folder}: shard {part.shard}, but {folders[0]} is {first.shard}")
        if part.shard.index in seen:
            raise InputError(f"{folder}: shard {part.shard}, as is {seen[part.shard.index]}")
        if part.listing != first.listing:
            raise InputError(f"{folder}: made from other files, labels or splits than {folders[0]}")
        seen[part.shard.index] = folder
    missing = first.shard.count - len(seen)
    if missing:
        absent = (index for index in range(1, first.shard.count + 1) if index not in seen)
        names = [f"{index}/{first.shard.count}" for index in islice(absent, _NAMED)]
        more = f" and {missing - _NAMED:,} more" if missing > _NAMED else ""
        raise InputError(f"{missing:,} shards are missing: {', '.join(names)}{more}")


def _read_results(
    folders: Sequence[Path], parts: Sequence[Part]
) -> tuple[dict[str, Any], dict[str, tuple[Path, bool, ItemResult]]]:
    """The journals' first line without the shard; and each item's folder, whether it finished, and result.

    Failed items stand in their shard's ledger, not in a journal; they are not finished.
    """
    common: dict[str, Any] = {}
    results: dict[str, tuple[Path, bool, ItemResult]] = {}
    for folder, part in zip(folders, parts, strict=True):
        header, finished = read_journal(folder)
        header.pop("shard", None)
        common = common or header
        different = first_difference(header, common)
        if different:
            theirs, here = common.get(different), header.get(different)
            raise InputError(f"{folder}: made with {different} {here}, but {folders[0]} with {theirs}")
        done = (folder / MANIFEST_FILE).exists()
        failed = [row for row in read_ledger(folder / LEDGER_FILE) if row.reason == FAILED] if done else []
        for path, result in finished.items():
            results[path] = (folder, True, result)
        for row in failed:
            # Even if the journal holds the item: its file has changed since.
            results[row.path] = (folder, False, ItemResult(row.path, [], [row]))
        left = [item.path for item in part.plan.items if item.path not in results]
        if left or not done:
            what = f"{len(left)} items, such as {left[0]}, are" if left else "it is"
            raise InputError(f"{folder}: {what} not finished; run shard {part.shard} again")
    return common, results
