"""DFDC: the Deepfake Detection Challenge's training parts, its preview, or its test videos.

Layout: one of three.
Training: `dfdc_train_part_N/*.mp4` (any N from 0 to 49) with a `metadata.json` in each:
`{"x.mp4": {"label": "FAKE", "split": "train", "original": "y.mp4"}}`; or RAW is such a folder itself. A part
may lie one folder deeper, for zips that were unpacked into folders of their own.
Preview: `dataset.json`: paths with `label`, `set` (train or test), `target_id` and `swapped_id`.
Test: `labels.csv` with `filename,label` (1 = fake), or instead the test videos' own `metadata.json`:
`{"x.mp4": {"augmentations": {}, "is_fake": 1}}`; the videos beside it or in a folder beside it.
Published: 119,154 training videos (19,154 real, 100,000 fake), 5,244 of the preview (1,131 and 4,113),
5,000 of the public test (2,500 and 2,500).

Splits. Training: a video and the fakes made of it are one group. `--protocol parts` (the default) is the
usual split: parts 0-34 train, 35-39 val, 40-49 test. `--protocol group` splits the groups by a hash; use it
if only some parts are there. Preview: the official test set; a hash of the actors splits the rest into train
and val, and fakes between actors of the two are left out. Test: all test; its lists do not say which videos
share an original, so each video is its own group.

Licence: the challenge's terms, research only; it may not be passed on.
Citation: B. Dolhansky et al., "The DeepFake Detection Challenge (DFDC) Dataset", 2020,
https://arxiv.org/abs/2006.07397; preview: https://arxiv.org/abs/1910.08854
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from face_extraction.errors import InputError, check_name
from face_extraction.json_file import read_json
from face_extraction.ledger import DOUBLED, MISSING, UNLISTED, LedgerRow
from face_extraction.manifest import FAKE, LABEL_NAMES, REAL, SPLITS
from face_extraction.media import VIDEO, kind_found
from face_extraction.sources.layout import (
    chosen,
    files_below,
    label_by_name,
    label_word,
    need_folder,
    no_layout,
    read_rows,
    relative_to,
    subfolders,
)
from face_extraction.sources.registry import NOT_TEST, Item, Listing, Option, register

NAME = "dfdc"
METADATA, PREVIEW, TEST = "metadata.json", "dataset.json", "labels.csv"
PARTS, GROUP = "parts", "group"
ALL_PARTS = 50
PUBLISHED = {"real": 19_154, "fake": 100_000}
PREVIEW_PUBLISHED = {"preview, real": 1_131, "preview, fake": 4_113}
TEST_PUBLISHED = {"test, real": 2_500, "test, fake": 2_500}
_PART = re.compile(r"dfdc_train_part_(\d+)")
_NEEDED = f"dfdc_train_part_N/{METADATA}, {METADATA}, {PREVIEW} or {TEST}"


@register(
    NAME,
    page="https://ai.meta.com/datasets/dfdc/",
    options=(
        Option("parts", "N,N", "the wanted training parts (default: all in RAW)"),
        Option(
            "protocol", "P", f"of the training parts: {PARTS} (the usual split) or {GROUP} (default: {PARTS})"
        ),
    ),
    example={
        "dfdc_train_part_0/metadata.json": '{"a.mp4": {"label": "REAL", "split": "train", "original": null}}',
        "dfdc_train_part_0/a.mp4": "",
        "dfdc_train_part_35/metadata.json": '{"b.mp4": {"label": "REAL", "split": "train"}}',
        "dfdc_train_part_35/b.mp4": "",
        "dfdc_train_part_40/metadata.json": '{"c.mp4": {"label": "REAL", "original": null},'
        ' "d.mp4": {"label": "FAKE", "split": "train", "original": "c.mp4"}}',
        "dfdc_train_part_40/c.mp4": "",
        "dfdc_train_part_40/d.mp4": "",
    },
)
def dfdc(root: Path, *, parts: str = "", protocol: str = "") -> Listing:
    """List the videos that the data set's own lists name, if they exist.

    Args:
        root: the folder of the parts, of one part, of the preview, or of the test videos.
        parts: the numbers of the wanted training parts, separated by commas; "" for all.
        protocol: for the training parts, "parts" (the default) or "group".

    Raises:
        InputError: the folder has none of the layouts, or several, or a list is wrong.
    """
    need_folder(root)
    protocol = protocol or PARTS
    check_name("protocol", protocol, (PARTS, GROUP), "--protocol")
    wanted = set(map(int, chosen("parts", parts, map(str, range(ALL_PARTS)), "part")))
    there = {name: int(match[1]) for name in subfolders(root) if (match := _PART.fullmatch(name))}
    lists = [name for name in (METADATA, PREVIEW, TEST) if (root / name).is_file()]
    if lists == [METADATA, TEST] and not there:
        lists = [TEST]  # The official test folder has both, and they agree.
    if len(lists) + bool(there) > 1:
        found = " and ".join([*lists, *(["dfdc_train_part_N"] if there else [])])
        raise InputError(
            f"{root}: holds {found}; needed: one of them, so point --root at a folder of its own"
        )
    if not lists and not there:
        raise no_layout(root, _NEEDED, "dfdc_train_part_0", METADATA, PREVIEW, TEST)
    if lists == [PREVIEW]:
        listing = _preview(root)
    elif lists == [TEST]:
        listing = _test(root, TEST, _read_labels(root / TEST))
    elif lists == [METADATA] and (labels := _read_is_fake(root / METADATA)):
        listing = _test(root, METADATA, labels)
    else:
        held = {name: number for name, number in there.items() if number in wanted}
        if there and not held:
            raise InputError(f"{root}: none of the parts {parts} in it; there: {', '.join(sorted(there))}")
        listing = _training(root, held, wanted, protocol)
    if not listing.items:
        first = f" ({listing.ledger[0].path}: {listing.ledger[0].detail})" if listing.ledger else ""
        raise InputError(f"{root}: none of the videos that its lists name is there{first}")
    others = [name for name, number in there.items() if number not in wanted]
    return replace(listing, passed=others)


def _training(root: Path, parts: dict[str, int], wanted: set[int], protocol: str) -> Listing:
    items: dict[str, Item] = {}
    ledger: list[LedgerRow] = []
    counts: Counter[str] = Counter()
    for name in sorted(parts, key=parts.__getitem__) or [""]:
        folder, number = _part_folder(root / name), parts.get(name)
        above = relative_to(folder, root) if name else ""
        if not (folder / METADATA).is_file():
            ledger.append(LedgerRow(name, UNLISTED, f"no {METADATA} in it: its videos were not read"))
            continue
        split = _split_of_part(number) if protocol == PARTS and number is not None else None
        listed = read_json(folder / METADATA, dict, once=True)
        entries = [_entry(folder / METADATA, video, values) for video, values in listed.items()]
        names = {video for video, _, _ in entries}
        part = METADATA if number is None else f"part {number}"
        counts[part] += len(entries)
        ledger += _unlisted(root, _videos_in(folder), {folder / video for video in names})
        for video, label, original in entries:
            path = f"{above}/{video}" if above else video
            if not (folder / video).is_file():
                ledger.append(LedgerRow(path, MISSING, f"named in {METADATA}, but not there"))
            elif video in items:
                ledger.append(LedgerRow(path, DOUBLED, f"{items[video].path} is the same video"))
            else:
                items[video] = _item(path, label, original, split, part)
    notes = _notes(list(items.values()), parts, protocol)
    away = [str(number) for number in sorted(wanted - set(parts.values()))] if parts else []
    # No counts are published for single parts, so each part is compared with its own list.
    return Listing(list(items.values()), ledger, notes, counts, {"other parts": away} if away else {})


def _part_folder(folder: Path) -> Path:
    """The folder that holds a part's list: the folder itself, or the only folder below it that does."""
    if (folder / METADATA).is_file():
        return folder
    inside = [path.parent for path in folder.rglob(METADATA)]
    return inside[0] if len(inside) == 1 else folder


def _notes(items: list[Item], parts: dict[str, int], protocol: str) -> list[str]:
    notes = []
    if parts:
        count = Counter(LABEL_NAMES[item.label] for item in items)
        found = f"{count['real']:,} real and {count['fake']:,} fake videos in {len(parts)} parts"
        published = f"published: {PUBLISHED['real']:,} and {PUBLISHED['fake']:,} in all {ALL_PARTS}"
        notes.append(f"{found}; {published}")
    reals = {item.video for item in items if item.label == REAL}
    alone = sum(item.label == FAKE and item.group not in reals for item in items)
    if alone:
        notes.append(f"fakes whose original is not there: {alone:,}; its name stays their group")
    if parts and protocol == PARTS:
        splits = {_split_of_part(number) for number in parts.values()}
        if len(splits) < len(SPLITS):
            held = " and ".join(sorted(splits))
            notes.append(f"the parts found fill only {held}; --protocol {GROUP} splits them anew")
    return notes


def _entry(path: Path, video: str, values: Any) -> tuple[str, int, str]:
    """A video's file name, label and original (itself, if it is real)."""
    where = f"{path}, {video}"
    if not isinstance(values, dict) or not isinstance(values.get("label"), str):
        raise InputError(f"{where}: {values!r}; needed: a label, REAL or FAKE")
    if PurePosixPath(video).name != video:
        raise InputError(f"{where}: accepted: the name of a file beside {METADATA}")
    label = label_by_name(values["label"], where)
    original = values.get("original")
    if label == REAL:
        return video, label, PurePosixPath(video).stem
    if not isinstance(original, str) or not original:
        raise InputError(f"{where}: original {original!r}; a FAKE needs the video that it was made from")
    return video, label, PurePosixPath(original).stem


def _split_of_part(number: int) -> str:
    if number < 35:
        return "train"
    return "val" if number < 40 else "test"


def _preview(root: Path) -> Listing:
    items, ledger = [], []
    sets = {"train": NOT_TEST, "test": "test"}
    listed = read_json(root / PREVIEW, dict, once=True)
    for path, values in listed.items():
        where = f"{root / PREVIEW}, {path}"
        if not isinstance(values, dict) or str(values.get("set")) not in sets:
            raise InputError(f"{where}: {values!r}; needed: label, and set: train or test")
        label = label_by_name(str(values.get("label")), where)
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts:
            raise InputError(f"{where}: accepted: a path below the folder of {PREVIEW}")
        if not (root / path).is_file():
            ledger.append(LedgerRow(path, MISSING, f"named in {PREVIEW}, but not there"))
            continue
        # Videos lie in folders named after their actor: original_videos/643049/643049_A_001.mp4.
        target = values.get("target_id") or (pure.parts[1] if len(pure.parts) > 2 else pure.stem)
        swapped = str(values.get("swapped_id") or "") if label == FAKE else ""
        part = f"preview, {LABEL_NAMES[label]}"
        method = pure.parts[0] if label == FAKE and len(pure.parts) > 1 else ""
        split = sets[values["set"]]
        items.append(
            Item(
                path,
                label,
                str(target),
                VIDEO,
                f"{NAME}-preview",
                method,
                split,
                path,
                swapped="" if split == "test" else swapped,
                part=part,
            )
        )
    ledger += _unlisted(root, (path for path in files_below(root)), {root / path for path in listed})
    return Listing(items, ledger, published=PREVIEW_PUBLISHED)


def _read_labels(path: Path) -> dict[str, int]:
    """The labels of the test videos, by their file names."""
    labels: dict[str, int] = {}
    for where, row in read_rows(path, ("filename", "label")):
        label = {"0": REAL, "1": FAKE}.get(label_word(row["label"]))
        if label is None:
            raise InputError(f"{where}: label {row['label']!r}; accepted: 1 = fake, 0 = real")
        if row["filename"] in labels:
            raise InputError(f"{where}: {row['filename']!r} stands in an earlier row too")
        labels[row["filename"]] = label
    return labels


def _read_is_fake(path: Path) -> dict[str, int]:
    """The test videos' labels from their metadata.json; empty if it belongs to a training part."""
    told: dict[str, Any] = {
        video: values.get("is_fake") if isinstance(values, dict) else None
        for video, values in read_json(path, dict, once=True).items()
    }
    if all(value is None for value in told.values()):
        return {}
    for video, value in told.items():
        if value not in (FAKE, REAL):
            raise InputError(f"{path}, {video}: is_fake {value!r}; accepted: 1 = fake, 0 = real")
    return {video: int(value) for video, value in told.items()}


def _test(root: Path, listed_in: str, labels: dict[str, int]) -> Listing:
    found: dict[str, Path] = {}
    ledger = []
    for path in files_below(root):
        if kind_found(path) == VIDEO:
            if path.name in found:
                same = relative_to(found[path.name], root)
                ledger.append(LedgerRow(relative_to(path, root), DOUBLED, f"{same} is the same video"))
            else:
                found[path.name] = path
    items = [
        replace(
            _item(relative_to(found[name], root), label, PurePosixPath(name).stem, "test"),
            source=f"{NAME}-test",
            part=f"test, {LABEL_NAMES[label]}",
        )
        for name, label in labels.items()
        if name in found
    ]
    ledger += [
        LedgerRow(name, MISSING, f"named in {listed_in}, but not there")
        for name in labels
        if name not in found
    ]
    ledger += _unlisted(root, found.values(), {found[name] for name in labels if name in found})
    return Listing(items, ledger, published=TEST_PUBLISHED)


def _item(path: str, label: int, group: str, split: str | None, part: str = "") -> Item:
    # The data set does not name the method of a fake, one of its eight.
    method = "dfdc" if label == FAKE else ""
    stem = PurePosixPath(path).stem
    return Item(path, label, group, VIDEO, NAME, method, split, stem, part=part)


def _videos_in(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.is_file())


def _unlisted(root: Path, files: Iterable[Path], listed: set[Path]) -> list[LedgerRow]:
    """Ledger rows for the videos among `files` that are not `listed`."""
    return [
        LedgerRow(relative_to(path, root), UNLISTED, "in none of the data set's lists")
        for path in files
        if kind_found(path) == VIDEO and path not in listed
    ]
