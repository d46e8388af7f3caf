"""DeeperForensics-1.0: faces of paid actors, put onto FaceForensics++'s YouTube videos.

Layout: `manipulated_videos/VARIANT/TARGET_ACTOR.mp4` (11 variants of 1,000 videos: TARGET is the number
of a FaceForensics++ original, ACTOR such as M004 or W101) and `lists/splits/{train,val,test}.txt`.
Its real class is FaceForensics++'s originals in c23, which the download lacks: name their folder with
--faceforensics, or have `original_sequences/` in RAW. `source_videos/` is not read, because the authors say
that it is no real class.

Splits: the official lists, by actor (71, 9 and 20 actors); an original goes with its fakes. Without the
lists a hash splits targets and actors. Two targets cut from one YouTube video stay together, and fakes
between two splits are left out.

Licence: its terms of use, research only, after a form; it may not be passed on.
Citation: L. Jiang et al., "DeeperForensics-1.0: A Large-Scale Dataset for Real-World Face Forgery
Detection", CVPR 2020, https://arxiv.org/abs/2001.03024
"""

import re
from pathlib import Path, PurePosixPath

from face_extraction.errors import InputError
from face_extraction.ledger import UNLISTED, LedgerRow
from face_extraction.manifest import FAKE, REAL
from face_extraction.media import VIDEO
from face_extraction.sources.faceforensics import FAKES, NUMBERS, ONE_VIDEO, ORIGINALS, YOUTUBE, find_parts
from face_extraction.sources.layout import (
    chosen,
    find_videos,
    join,
    need_folder,
    no_layout,
    read_lines,
    split_lists,
    subfolders,
)
from face_extraction.sources.registry import Item, Listing, Option, register

NAME = "deeperforensics"
FOLDER, LISTS = "manipulated_videos", "lists/splits"
VARIANTS = (
    "end_to_end",
    *(f"end_to_end_level_{level}" for level in range(1, 6)),
    *(f"end_to_end_mix_{count}_distortions" for count in range(2, 5)),
    "end_to_end_random_level",
    "reenact_postprocess",
)
PER_VARIANT = 1_000
# The actors, who are no real class, and FaceForensics++ beside it.
PASSED = ("source_videos", ORIGINALS, FAKES)
NOT_LISTED = f"in none of the lists of {LISTS}"
_FAKE = re.compile(r"(\d{3})_([MW]\d{3})")
_REAL = re.compile(r"(\d{3})")


@register(
    NAME,
    page="https://github.com/EndlessSora/DeeperForensics-1.0/tree/master/dataset",
    recordings_of="faceforensics",
    options=(
        Option(
            "variants", "V,V", "the variants, such as end_to_end,reenact_postprocess (default: all in RAW)"
        ),
        Option(
            "faceforensics", "DIR", "FaceForensics++'s folder, whose c23 originals are real (default: RAW)"
        ),
    ),
    example={
        "lists/splits/train.txt": "000_M004.mp4\n",
        "lists/splits/val.txt": "001_W101.mp4\n",
        "lists/splits/test.txt": "002_M005.mp4\n",
        "manipulated_videos/end_to_end/000_M004.mp4": "",
        "manipulated_videos/end_to_end/001_W101.mp4": "",
        "manipulated_videos/reenact_postprocess/002_M005.mp4": "",
        "original_sequences/youtube/c23/videos/000.mp4": "",
        "original_sequences/youtube/c23/videos/001.mp4": "",
    },
)
def deeperforensics(root: Path, *, variants: str = "", faceforensics: str = "") -> Listing:
    """List the manipulated videos and their FaceForensics++ targets.

    Args:
        root: the folder that holds manipulated_videos/.
        variants: the wanted ones, separated by commas; "" for all.
        faceforensics: FaceForensics++'s folder; "" looks into `root`.

    Raises:
        InputError: the folder has another layout, or a list is wrong.
    """
    need_folder(root)
    wanted = chosen("variants", variants, VARIANTS, "variant")
    if not (root / FOLDER).is_dir():
        raise no_layout(root, f"{FOLDER}/VARIANT/*.mp4", FOLDER)
    ledger = [
        LedgerRow(f"{FOLDER}/{name}", UNLISTED, "a folder that has no variant's name")
        for name in subfolders(root / FOLDER)
        if name not in VARIANTS
    ]
    fakes: list[tuple[str, str, tuple[str, ...]]] = []
    absent = {}
    for variant in wanted:
        if (root / FOLDER / variant).is_dir():
            found, rows = find_videos(root, root / FOLDER / variant, _FAKE, "TARGET_ACTOR.mp4")
            fakes += [(variant, path, match.groups()) for path, match in found.items()]
            ledger += rows
            there = {match[1] for match in found.values()}
            absent[variant] = [number for number in NUMBERS if number not in there]
    official = _read_lists(root / LISTS)
    targets = {stem.partition("_")[0]: split for stem, split in official.items()}
    # Follow the official lists even if they tear videos of one YouTube video apart.
    groups = {} if official else join(ONE_VIDEO)
    items = []
    for variant, path, people in fakes:
        split = official.get(PurePosixPath(path).stem)
        if official and split is None:
            ledger.append(LedgerRow(path, UNLISTED, NOT_LISTED))
            continue
        items.append(_item(path, people, split, groups, variant))
    if not items:
        raise InputError(f"{root / FOLDER}: no video of the wanted variants in it")
    notes = [] if official else [f"no {LISTS}: split by a hash of targets and actors"]
    reals, rows, more = _reals(root, Path(faceforensics) if faceforensics else root, bool(faceforensics))
    for path, number in reals.items():
        if official and number not in targets:
            rows.append(LedgerRow(path, UNLISTED, NOT_LISTED))
        else:
            items.append(_item(path, (number,), targets.get(number), groups))
    published = dict.fromkeys((*wanted, YOUTUBE), PER_VARIANT)
    ledger += rows
    passed = {*PASSED, *(set(VARIANTS) - set(wanted))}
    return Listing(items, ledger, notes + more, published, absent, passed=passed)


def _read_lists(folder: Path) -> dict[str, str]:
    """The official split of each manipulated video, by its stem; empty without lists."""
    official: dict[str, str] = {}
    for split, path in split_lists(folder, ".txt").items():
        for number, line in enumerate(read_lines(path), start=1):
            stem = PurePosixPath(line.strip()).stem
            if not stem:
                continue
            if not _FAKE.fullmatch(stem):
                raise InputError(f"{path}, line {number}: {line!r}; accepted: TARGET_ACTOR.mp4")
            if official.setdefault(stem, split) != split:
                raise InputError(f"{path}, line {number}: {stem} stands in {official[stem]}.txt too")
    return official


def _reals(root: Path, folder: Path, asked: bool) -> tuple[dict[str, str], list[LedgerRow], list[str]]:
    """FaceForensics++'s c23 originals by their paths, ledger rows, and notes."""
    need_folder(folder)
    try:
        _, parts = find_parts(folder, "c23")
    except InputError:
        if asked:
            raise
        parts = {}
    if YOUTUBE not in parts:
        return {}, [], ["no real videos: --faceforensics names the folder of FaceForensics++'s c23 originals"]
    found, rows = find_videos(root, parts[YOUTUBE], _REAL, "000.mp4")
    return {path: match[1] for path, match in found.items()}, rows, []


def _item(
    path: str, people: tuple[str, ...], split: str | None, groups: dict[str, str], variant: str = ""
) -> Item:
    """The item of a fake, or of a real video, which has no variant."""
    return Item(
        path=path,
        label=FAKE if variant else REAL,
        group=groups.get(people[0], people[0]),
        kind=VIDEO,
        source=NAME,
        method=variant,
        split=split,
        video=PurePosixPath(path).stem,
        swapped=people[1] if len(people) > 1 else "",
        part=variant or YOUTUBE,
    )
