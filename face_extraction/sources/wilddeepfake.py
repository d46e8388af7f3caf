"""WildDeepfake: face crops of real and fake videos gathered from the internet.

Layout: `real_train/`, `real_test/`, `fake_train/` and `fake_test/` (with a space or an underscore) in RAW
or in RAW/deepfake_in_the_wild, each with `0.tar.gz`, `1.tar.gz` and so on. An archive holds a video's face
sequences, one folder each, of crops named by frame number. Each sequence counts as a person of the video,
so that a clip for a model over time never mixes two. The archives are read as streams: do not unpack them.
Published: 7,314 sequences of 707 videos (3,805 real, 3,509 fake), but not how many archives a folder has, so
`check` counts the archives and only reports a folder without any.

Splits: the folders' test split; a hash sends the other archives to train or val. An archive is one video and
one group; nothing tells which archives come from one video of the internet.

Licence: research only, after a signed form; it may not be passed on.
Citation: B. Zi et al., "WildDeepfake: A Challenging Real-World Dataset for Deepfake Detection", ACM
Multimedia 2020, https://arxiv.org/abs/2101.01456
"""

from pathlib import Path

from face_extraction.errors import InputError
from face_extraction.ledger import DOUBLED, UNLISTED, LedgerRow
from face_extraction.manifest import FAKE
from face_extraction.media import ARCHIVE
from face_extraction.sources.layout import LABELS, named_folder, need_folder, no_layout, relative_to
from face_extraction.sources.registry import NOT_TEST, Item, Listing, Option, register

NAME = "wilddeepfake"
FOLDER = "deepfake_in_the_wild"
SPLITS = {"train": NOT_TEST, "test": "test"}
FOLDERS = {f"{label}_{split}": (label, split) for label in LABELS for split in SPLITS}
SUFFIXES = (".tar", ".tar.gz", ".tgz")


@register(
    NAME,
    ready_made=True,
    page="https://github.com/OpenTAI/wild-deepfake",
    options=(
        Option("crops-per-archive", "N", "take N crops of each archive, evenly spaced, instead of all"),
    ),
    example={f"{FOLDER}/{name}/0.tar.gz": "" for name in FOLDERS},
)
def wilddeepfake(root: Path, *, crops_per_archive: str = "") -> Listing:
    """List the archives; the extraction reads them.

    Args:
        root: the folder that holds the four folders, or the one above it.
        crops_per_archive: how many crops of each archive, evenly spaced; "" for all.

    Raises:
        InputError: none of the folders exists or holds an archive, or `crops_per_archive` is no number.
    """
    need_folder(root)
    if crops_per_archive and not (crops_per_archive.isdecimal() and int(crops_per_archive) > 0):
        raise InputError(f"--crops-per-archive {crops_per_archive!r}: accepted: a whole number, 1 or more")
    take = int(crops_per_archive or 0)
    above = named_folder(root, FOLDER) or root
    folders = {
        name: named_folder(above, name) or named_folder(above, name.replace("_", " ")) for name in FOLDERS
    }
    if not any(folders.values()):
        raise no_layout(root, f"{', '.join(FOLDERS)} with *.tar.gz", *FOLDERS, FOLDER)
    items: list[Item] = []
    ledger: list[LedgerRow] = []
    for name, folder in folders.items():
        seen: dict[str, str] = {}
        for path in sorted(folder.iterdir()) if folder is not None else ():
            suffix = next((end for end in SUFFIXES if path.name.lower().endswith(end)), None)
            if path.name.startswith("."):
                continue
            if suffix is None:
                if ".tar" in path.name.lower():  # A part of one, or packed otherwise.
                    why = f"its name does not end in {', '.join(SUFFIXES)}"
                    ledger.append(LedgerRow(relative_to(path, root), UNLISTED, why))
                continue
            stem, relative = path.name[: -len(suffix)], relative_to(path, root)
            if stem in seen:
                ledger.append(LedgerRow(relative, DOUBLED, f"{seen[stem]} is the same archive"))
                continue
            seen[stem] = relative
            items.append(_item(name, stem, relative, take))
    if not items:
        raise InputError(f"{above}: no archive in its folders; needed: {', '.join(SUFFIXES)}")
    notes = [f"no folder {name} in {above}" for name, folder in folders.items() if folder is None]
    held = {item.part for item in items}
    return Listing(items, ledger, notes, absent={name: ["all"] for name in folders if name not in held})


def _item(name: str, stem: str, path: str, take: int) -> Item:
    label, split = FOLDERS[name]
    return Item(
        path=path,
        label=LABELS[label],
        group=f"{name}/{stem}",
        kind=ARCHIVE,
        source=NAME,
        method="wild" if LABELS[label] == FAKE else "",
        split=SPLITS[split],
        video=f"{name}/{stem}",
        part=name,
        take=take,
    )
