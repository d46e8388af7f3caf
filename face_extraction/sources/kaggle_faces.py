"""Kaggle's "deepfake and real images": face crops of OpenForensics, 256 pixels wide.

Layout: `{Train,Validation,Test}/{Real,Fake}/*.jpg`, in RAW or in RAW/Dataset. Sets with this layout that
call Validation `valid`, `val` or `dev`, such as "140k real and fake faces", are read too; `check` then
reports a difference. The names of the class folders give the labels; alphabetical order would make fake 0
and real 1. Published: 140,002 crops to train with (70,001 of each class), 39,428 for validation (19,787
real, 19,641 fake), 10,905 to test (5,413 real, 5,492 fake).

Splits: the folders'. Several crops come from one photo of OpenForensics, and their names do not tell
which. So every crop is its own group here: intervals are too narrow, and one photo's faces may stand in two
splits. Reports A and E use this set; Report B's confusion matrices add up to its test folder.

Licence: OpenForensics'; read its page and Kaggle's.
Citation: T.-N. Le et al., "OpenForensics: Large-Scale Challenging Dataset For Multi-Face Forgery
Detection And Segmentation In-The-Wild", ICCV 2021, https://zenodo.org/records/5528418
"""

from pathlib import Path

from face_extraction.errors import InputError
from face_extraction.ledger import LedgerRow
from face_extraction.manifest import FAKE
from face_extraction.media import CROP, PHOTO, kind_found
from face_extraction.sources.layout import (
    LABELS,
    SPLIT_WORDS,
    files_below,
    named_folder,
    nearest,
    need_folder,
    no_layout,
    no_text,
    plain,
    relative_to,
    subfolders,
)
from face_extraction.sources.registry import Item, Listing, register

NAME = "kaggle-faces"
FOLDER = "Dataset"
SPLITS = {"Train": "train", "Validation": "val", "Test": "test"}
CLASSES = ("Real", "Fake")
PUBLISHED = {
    "Train/Real": 70_001,
    "Train/Fake": 70_001,
    "Validation/Real": 19_787,
    "Validation/Fake": 19_641,
    "Test/Real": 5_413,
    "Test/Fake": 5_492,
}


@register(
    NAME,
    ready_made=True,
    kaggle="manjilkarki/deepfake-and-real-images",
    page="https://www.kaggle.com/datasets/manjilkarki/deepfake-and-real-images",
    example={f"{FOLDER}/{split}/{name}/{name.lower()}_0.jpg": "" for split in SPLITS for name in CLASSES},
)
def kaggle_faces(root: Path) -> Listing:
    """List the crops of the three splits.

    Raises:
        InputError: no split's folder exists, or a split lacks a class folder or has two of a class.
    """
    need_folder(root)
    above = named_folder(root, FOLDER) or root
    folders = {name: _split_folder(above, name) for name in SPLITS}
    if not any(folders.values()):
        raise no_layout(root, f"{FOLDER}/{'|'.join(SPLITS)}/{'|'.join(CLASSES)}/*.jpg", *SPLITS, FOLDER)
    items: list[Item] = []
    ledger: list[LedgerRow] = []
    for name, folder in folders.items():
        if folder is not None:
            found, rows = _split(root, name, folder)
            items += found
            ledger += rows
    notes = [f"no folder {name} in {above}" for name, folder in folders.items() if folder is None]
    if not items:
        raise InputError(f"{above}: no crop in its folders")
    return Listing(items, ledger, notes, PUBLISHED)


def _split_folder(above: Path, name: str) -> Path | None:
    """The folder of a split, under any of its usual names.

    Raises:
        InputError: two folders have such names.
    """
    found = [folder for folder in subfolders(above) if SPLIT_WORDS.get(plain(folder)) == SPLITS[name]]
    if len(found) > 1:
        raise InputError(f"{above}: the folders {' and '.join(found)} are both {name}; one is accepted")
    return above / found[0] if found else None


def _split(root: Path, name: str, folder: Path) -> tuple[list[Item], list[LedgerRow]]:
    strange = [other for other in subfolders(folder) if other.lower() not in LABELS]
    items = []
    rows = []
    for kind in CLASSES:
        crops = named_folder(folder, kind)
        if crops is None:
            near = nearest(kind, strange)
            there = f"; there: {', '.join(strange[:5])}" if strange else ""
            needed = " and ".join(CLASSES)
            raise InputError(f"{folder}: no folder {kind!r} in it{near}; needed: {needed}{there}")
        label = LABELS[kind.lower()]
        above = relative_to(crops, root)
        for path in files_below(crops):
            if kind_found(path) != PHOTO:
                continue
            inside = path.relative_to(crops).as_posix()
            if unnamed := no_text(f"{above}/{inside}"):
                rows += unnamed
                continue
            items.append(
                Item(
                    path=f"{above}/{inside}",
                    label=label,
                    group=f"{name}/{kind}/{inside.rpartition('.')[0]}",
                    kind=CROP,
                    source=NAME,
                    method="openforensics" if label == FAKE else "",
                    split=SPLITS[name],
                    part=f"{name}/{kind}",
                )
            )
    return items, rows
