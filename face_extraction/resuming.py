"""Decide which items and crops of a stopped extraction are still valid when it goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from face_extraction.digest import FileMark
from face_extraction.errors import InputError
from face_extraction.journal import FaceRow, ItemResult
from face_extraction.manifest import LABEL_NAMES
from face_extraction.paths import inside
from face_extraction.progress import progress
from face_extraction.sources import Item
from face_extraction.worker import FACES_FOLDER


def unchanged_items(
    finished: Mapping[str, ItemResult], items: Sequence[Item], root: Path
) -> dict[str, ItemResult]:
    """The results of items whose files have not changed, each with its file's mark now, by the item's path.

    If only a file's times changed, its content is read and compared.

    Args:
        finished: the journal's results, by the item's path.
        items: of the extraction that goes on.
        root: the folder that their paths are relative to.
    """
    known = [finished[item.path] for item in items if item.path in finished]
    if not known:
        return {}
    unchanged = {}
    with progress("check", len(known), unit="files") as advance:
        for result in known:
            mark = result.file and result.file.now(root / result.path)
            if mark:
                unchanged[result.path] = replace(result, file=mark)
            advance()
    return unchanged


def check_moved(
    before: str,
    root: Path,
    out: Path,
    finished: Mapping[str, ItemResult],
    unchanged: Mapping[str, ItemResult],
) -> None:
    """Accept that the data moved, if every finished item lies unchanged in the new place.

    Args:
        before: the root with which the extraction began.
        root: the root now.
        out: the extraction's folder, for messages.
        finished: the journal's results, by the item's path.
        unchanged: those that `unchanged_items` gave.

    Raises:
        InputError: a finished item is missing in the new place, or differs.
    """
    if before == str(root.resolve()):
        return
    other = next((path for path in finished if path not in unchanged), None)
    if other is not None:
        raise InputError(
            f"{out}: made with root {before}, now {root.resolve()}, where {other} is missing or differs; "
            "choose another --out, or start afresh with --overwrite"
        )
    print(f"note: {out}: begun from {before}, where the same data were")


def still_valid(
    unchanged: Mapping[str, ItemResult], items: Sequence[Item], out: Path
) -> dict[str, ItemResult]:
    """The results whose crops are unchanged and lie in the folder of the item's label, by the item's path.

    Args:
        unchanged: from `unchanged_items`.
        items: of the extraction that goes on.
        out: the extraction's folder.
    """
    results = {}
    for item in items:
        result = unchanged.get(item.path)
        if result is None:
            continue
        marks = [_crop_mark(out, item, face) for face in result.faces]
        if all(marks):
            pairs = zip(result.faces, marks, strict=True)
            faces = [replace(face, file=mark) for face, mark in pairs]
            results[item.path] = replace(result, faces=faces)
    return results


def delete_others(before: ItemResult | None, now: ItemResult, out: Path) -> None:
    """Delete an item's earlier crops that were not cut again."""
    kept = {face.path for face in now.faces}
    for face in before.faces if before else ():
        if face.path not in kept:
            inside(out, face.path).unlink(missing_ok=True)


def _crop_mark(out: Path, item: Item, face: FaceRow) -> FileMark | None:
    """The crop's mark now; None if it is gone, has changed, or was cut under another label."""
    labelled = face.path.startswith(f"{FACES_FOLDER}/{LABEL_NAMES[item.label]}/")
    return face.file.now(inside(out, face.path)) if labelled and face.file else None
