"""Deepfake faces: ready-made face crops of DFDC, one from each video (Kaggle, "deepfake_faces").

Layout: `faces_224/NAME.jpg` (224x224) and `metadata.csv` with the columns videoname, original_width,
original_height (of the crop before scaling), label (FAKE or REAL) and original (for a fake: its real video,
which is its group). The whole set has 95,634 crops: 16,293 REAL, 79,341 FAKE.

Licence: DFDC's, research only; it may not be passed on.
Citation: B. Dolhansky et al., "The DeepFake Detection Challenge (DFDC) Dataset", 2020,
https://arxiv.org/abs/2006.07397
"""

from pathlib import Path, PurePosixPath

from face_extraction.errors import InputError
from face_extraction.ledger import MISSING, UNLISTED, LedgerRow
from face_extraction.manifest import FAKE, REAL
from face_extraction.media import CROP
from face_extraction.sources.layout import label_by_name, label_word, nearest, need_folder, read_rows
from face_extraction.sources.registry import Item, Listing, register

NAME = "deepfake-faces"
CROPS, METADATA = "faces_224", "metadata.csv"
COLUMNS = ("videoname", "original_width", "original_height", "label", "original")
PUBLISHED = {"REAL": 16_293, "FAKE": 79_341}
# The set does not name the method of a fake, one of DFDC's eight.
METHODS = {REAL: "", FAKE: "dfdc"}


@register(
    NAME,
    ready_made=True,
    kaggle="dagnelies/deepfake-faces",
    recordings_of="dfdc",
    page="https://www.kaggle.com/datasets/dagnelies/deepfake-faces",
    example={
        "metadata.csv": f"{','.join(COLUMNS)}\na.mp4,223,221,FAKE,b.mp4\nb.mp4,155,155,REAL,\n",
        "faces_224/a.jpg": "",
        "faces_224/b.jpg": "",
    },
)
def deepfake_faces(root: Path) -> Listing:
    """List the crops that `root`/metadata.csv names, if they exist.

    Raises:
        InputError: the folder has another layout, or a row of metadata.csv is wrong.
    """
    need_folder(root)
    inside = sorted(path.name for path in root.iterdir())
    for needed in (CROPS, METADATA):
        if needed not in inside:
            near = nearest(needed, inside)
            raise InputError(f"{root}: no {needed} in it{near}; needed: {CROPS}/ and {METADATA}")
    listed = _read(root / METADATA)
    there = {path.name for path in (root / CROPS).iterdir() if not path.name.startswith(".")}
    items = [item for name, item in listed.items() if name in there]
    ledger = [
        LedgerRow(item.path, MISSING, f"named in {METADATA}, but not there")
        for name, item in listed.items()
        if name not in there
    ]
    unlisted = (
        LedgerRow(f"{CROPS}/{name}", UNLISTED, f"not in {METADATA}") for name in sorted(there - listed.keys())
    )
    ledger.extend(unlisted)
    if not items:
        raise InputError(f"{root / CROPS}: none of the files that {METADATA} names is there")
    return Listing(items, ledger, published=PUBLISHED)


def _read(path: Path) -> dict[str, Item]:
    """The items of metadata.csv by their crop's file name."""
    listed: dict[str, Item] = {}
    for where, row in read_rows(path, COLUMNS):
        item = _item(where, row)
        name = PurePosixPath(item.path).name
        if name in listed:
            raise InputError(f"{where}: {item.video!r} stands in an earlier row too")
        listed[name] = item
    return listed


def _item(where: str, row: dict[str, str]) -> Item:
    label = label_by_name(row["label"], where)
    video = PurePosixPath(row["videoname"]).stem
    original = PurePosixPath(row["original"]).stem if label == FAKE else video
    if not video or not original:
        raise InputError(f"{where}: a row needs a videoname, and a FAKE its original")
    sizes = []
    for column in ("original_width", "original_height"):
        number = label_word(row[column])  # A spreadsheet may have made 223.0 of it.
        if not number.isdecimal():
            raise InputError(f"{where}: {column} {row[column]!r} is not a whole number")
        sizes.append(int(number))
    return Item(
        path=f"{CROPS}/{video}.jpg",
        label=label,
        group=original,
        kind=CROP,
        source=NAME,
        method=METHODS[label],
        video=video,
        width=sizes[0],
        height=sizes[1],
        part="FAKE" if label == FAKE else "REAL",
    )
