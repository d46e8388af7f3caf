"""FaceForensics++ and Google's DFD: swapped and reenacted faces in YouTube videos.

Layout: as the official script leaves it, or any part of it:
`original_sequences/{youtube,actors}/COMPRESSION/videos/*.mp4` and
`manipulated_sequences/METHOD/COMPRESSION/videos/*.mp4`, where COMPRESSION is raw, c23 or c40; or the
folders of the Kaggle mirror "ff-c23": `original/` and `METHOD/` with c23 videos. Older copies call raw c0.
1,000 originals `000.mp4`; for each method 1,000 fakes `TARGET_SOURCE.mp4`, in pairs that swap both ways.
DFD: 363 videos of actors, `ACTOR__SCENE.mp4`, and 3,068 fakes `TARGET_SOURCE__SCENE__ID.mp4`.

Splits: the official train.json, val.json and test.json (720, 140 and 140 originals). They come with the
official code, not with the download: put them into RAW or RAW/splits, or name their folder with --splits.
Without them a hash splits the groups. A group is a pair, with all methods' fakes of it. Seven YouTube videos
were cut into two originals each. The official lists put the two into different splits; the hash keeps them
together. DFD has no official split: a hash splits its actors, and fakes between actors of two splits are
left out.

Licence: the FaceForensics terms of use, research only, after a signed form; it may not be passed on.
Citation: A. Roessler et al., "FaceForensics++: Learning to Detect Manipulated Facial Images", ICCV
2019, https://arxiv.org/abs/1901.08971; DFD: N. Dufour and A. Gully, Google and Jigsaw, 2019.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from face_extraction.errors import InputError, unknown_name
from face_extraction.json_file import read_json
from face_extraction.ledger import UNLISTED, LedgerRow
from face_extraction.manifest import FAKE, REAL
from face_extraction.media import VIDEO, kind_found
from face_extraction.sources.layout import (
    INNER,
    chosen,
    find_videos,
    join,
    named_folder,
    need_folder,
    no_layout,
    split_lists,
    subfolders,
)
from face_extraction.sources.registry import Item, Listing, Option, register

NAME = "faceforensics"
YOUTUBE, ACTORS, DFD = "youtube", "actors", "DeepFakeDetection"
METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter", DFD)
COMPRESSIONS = ("raw", "c23", "c40")
RAW_OF_OLD = "c0"
RAW = {RAW_OF_OLD: "raw"}
# The regions that were altered, and the whole YouTube videos.
PASSED = ("masks", "downloaded_videos")
SPLITS = "splits"
ORIGINALS, FAKES, MIRRORED = "original_sequences", "manipulated_sequences", "original"
PUBLISHED = dict.fromkeys((YOUTUBE, *METHODS), 1_000) | {ACTORS: 363, DFD: 3_068}
NUMBERS = tuple(f"{number:03d}" for number in range(1_000))
# Originals cut from one YouTube video, from the conversion_dict.json of the official code.
ONE_VIDEO = tuple((f"{first}", f"{first + 1}") for first in (605, 639, 755, 837, 875, 954, 982))
_FORMS = {
    YOUTUBE: (re.compile(r"(\d{3})"), "000.mp4"),
    ACTORS: (re.compile(r"(\d{2})__.+"), "ACTOR__SCENE.mp4"),
    DFD: (re.compile(r"(\d{2})_(\d{2})__.+"), "TARGET_SOURCE__SCENE__ID.mp4"),
}
_PAIR = (re.compile(r"(\d{3})_(\d{3})"), "TARGET_SOURCE.mp4")
_NEEDED = f"{ORIGINALS}/ or {FAKES}/, or the mirror's {MIRRORED}/ and folders named as methods"


@dataclass(frozen=True)
class _Video:
    path: str
    part: str
    people: tuple[str, ...]

    @property
    def pair(self) -> tuple[str, str]:
        """The numbers of target and source; for an original, its own number twice."""
        return self.people[0], self.people[-1]


@register(
    NAME,
    page="https://github.com/ondyari/FaceForensics",
    options=(
        Option("compression", "C", f"{', '.join(COMPRESSIONS)}; needed if RAW holds several"),
        Option("methods", "M,M", f"the wanted fakes: {', '.join(METHODS)} (default: all in RAW)"),
        Option("splits", "DIR", "folder of the official train.json, val.json and test.json (default: RAW)"),
    ),
    example={
        "train.json": '[["000", "003"]]',
        "val.json": '[["001", "870"]]',
        "test.json": '[["002", "006"]]',
        "original_sequences/youtube/c23/videos/000.mp4": "",
        "original_sequences/youtube/c23/videos/001.mp4": "",
        "original_sequences/youtube/c23/videos/002.mp4": "",
        "original_sequences/actors/c23/videos/01__talking.mp4": "",
        "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4": "",
        "manipulated_sequences/Face2Face/c23/videos/000_003.mp4": "",
        "manipulated_sequences/DeepFakeDetection/c23/videos/01_02__talking__ABCDEFGH.mp4": "",
    },
)
def faceforensics(root: Path, *, compression: str = "", methods: str = "", splits: str = "") -> Listing:
    """List the videos of one compression.

    Args:
        root: the folder of the official download, or of the mirror.
        compression: "raw", "c23" or "c40"; "" if only one is there.
        methods: the wanted ones, separated by commas; "" for all. Their originals are listed too.
        splits: the folder of the three official lists; "" looks into `root`.

    Raises:
        InputError: the folder has another layout, holds several compressions, or a list is wrong.
    """
    need_folder(root)
    wanted = chosen("methods", methods, METHODS, "method")
    official = read_splits(Path(splits) if splits else root, asked=bool(splits))
    official = official or read_splits(root / SPLITS, asked=False)
    compression, folders = find_parts(root, compression)
    parts = _with_originals(wanted)
    found: list[_Video] = []
    ledger = [LedgerRow(folder, UNLISTED, "a folder that has no method's name") for folder in _strange(root)]
    for part in parts:
        if part in folders:
            pattern, form = _FORMS.get(part, _PAIR)
            matches, rows = find_videos(root, folders[part], pattern, form)
            found += [_Video(path, part, match.groups()) for path, match in matches.items()]
            ledger += rows
    # Follow the official lists even if they tear originals of one YouTube video apart.
    known = official or ONE_VIDEO
    homes = {number: split for pair, split in official.items() for number in pair}
    # A stray video of people in two splits is left out, so it must not tie people together.
    tied = (video.pair for video in found if video.part not in (ACTORS, DFD))
    pairs = join([*(pair for pair in tied if not homes or _home(pair, homes)), *known])
    items = []
    for video in found:
        item = _item(video, compression, pairs, homes)
        if item is None:
            ledger.append(LedgerRow(video.path, UNLISTED, "its pair is in none of the official lists"))
        else:
            items.append(item)
    if not items:
        raise InputError(f"{root}: no video of {compression} in it; needed: {_NEEDED}")
    notes = [] if official else ["no train.json, val.json and test.json: split by a hash of the pairs"]
    # No count is published for the mirror's part of DFD.
    unknown = {DFD, ACTORS} if _is_mirror(root) else set()
    published = {part: PUBLISHED[part] for part in parts if part not in unknown}
    passed = _passed(root, compression, parts)
    return Listing(items, ledger, notes, published, _absent(found, parts), passed=passed)


def find_parts(root: Path, compression: str) -> tuple[str, dict[str, Path]]:
    """The compression, and the folders of videos by part ("youtube", "actors" or a method).

    Raises:
        InputError: neither layout is there, or the compression is not clear.
    """
    compression = "raw" if compression == RAW_OF_OLD else compression
    if compression and compression not in COMPRESSIONS:
        raise unknown_name("compression", compression, COMPRESSIONS, "--compression")
    if _is_mirror(root):
        if compression not in ("", "c23"):
            raise InputError(
                f"{root}: the mirror's layout has only c23. Received: --compression {compression}"
            )
        return "c23", _mirrored(root)
    held: dict[str, dict[str, Path]] = {}
    for above, names in ((ORIGINALS, (YOUTUBE, ACTORS)), (FAKES, METHODS)):
        for part in names:
            for name in (*COMPRESSIONS, RAW_OF_OLD):
                folder = root / above / part / name
                if _holds_videos(folder):
                    parts = held.setdefault("raw" if name == RAW_OF_OLD else name, {})
                    if part in parts:
                        raise InputError(f"{root / above / part}: holds raw and c0, which are the same")
                    parts[part] = folder
    if not held:
        raise _no_videos(root)
    if compression and compression not in held:
        raise InputError(f"{root}: no videos of {compression} in it; there: {', '.join(held)}")
    if not compression and len(held) > 1:
        raise InputError(f"{root}: holds {', '.join(held)}; choose one with --compression")
    compression = compression or next(iter(held))
    return compression, held[compression]


def _holds_videos(folder: Path) -> bool:
    """Whether a folder has videos in it, or the folder of videos that the data set has there."""
    return (folder / INNER).is_dir() or (
        folder.is_dir() and any(kind_found(path) == VIDEO for path in folder.iterdir())
    )


def _no_videos(root: Path) -> InputError:
    """The error for a root without videos in the right places; it says what is there instead."""
    there = [
        (above, part, name)
        for above in (ORIGINALS, FAKES)
        for part in subfolders(root / above)
        for name in subfolders(root / above / part)
    ]
    if not there:
        if (root / ORIGINALS).is_dir() or (root / FAKES).is_dir():
            inside = [f"{above}/{name}" for above in (ORIGINALS, FAKES) for name in subfolders(root / above)]
            return InputError(
                f"{root}: no folder of a compression in {', '.join(inside) or 'its folders'}; needed: "
                f"{FAKES}/METHOD/{'|'.join(COMPRESSIONS)}/videos"
            )
        return no_layout(root, _NEEDED, ORIGINALS, FAKES, MIRRORED, *METHODS)
    strange = sorted({name for _, _, name in there} - {*COMPRESSIONS, RAW_OF_OLD})
    if strange:
        accepted = ", ".join(COMPRESSIONS)
        return InputError(
            f"{root}: compression {', '.join(strange)}; accepted: {accepted} (or {RAW_OF_OLD} for raw)"
        )
    known = {*METHODS, YOUTUBE, ACTORS}
    above, part, name = next((each for each in there if each[1] in known), there[0])
    if part not in known:
        return InputError(f"{root / above}: unknown folder {part}; accepted: {', '.join(METHODS)}")
    held = ", ".join(subfolders(root / above / part / name)) or "nothing"
    return InputError(
        f"{root / above / part / name}: no folder videos in it, but {held}; for frames that are already "
        "cut out use: list --frame-folders"
    )


def read_splits(folder: Path, *, asked: bool) -> dict[tuple[str, str], str]:
    """The official split of each pair of originals; empty without lists.

    Args:
        folder: the folder of train.json, val.json and test.json: lists of pairs of numbers.
        asked: whether the user named the folder; the lists must then be there.

    Raises:
        InputError: only some of the lists are there, or a list is wrong.
    """
    official: dict[tuple[str, str], str] = {}
    homes: dict[str, str] = {}
    for split, path in split_lists(folder, ".json", asked=asked).items():
        for pair in read_json(path, list):
            if not (isinstance(pair, list) and len(pair) == 2 and all(each in NUMBERS for each in pair)):
                raise InputError(f'{path}: {pair!r}; accepted: pairs such as ["000", "003"]')
            for number in pair:
                if homes.setdefault(number, split) != split:
                    raise InputError(f"{path}: {number} stands in {homes[number]}.json too")
            official[pair[0], pair[1]] = split
    return official


def _is_mirror(root: Path) -> bool:
    inside = subfolders(root)
    official = ORIGINALS in inside or FAKES in inside
    return not official and bool(_mirrored(root))


def _mirrored(root: Path) -> dict[str, Path]:
    """The mirror's folders by part."""
    names = {YOUTUBE: MIRRORED} | {method: method for method in METHODS}
    named = {part: named_folder(root, name) for part, name in names.items()}
    return {part: folder for part, folder in named.items() if folder is not None}


def _strange(root: Path) -> list[str]:
    """Folders beside the methods' that are none of them: a misspelt one would be missed silently."""
    known = {ORIGINALS: (YOUTUBE, ACTORS), FAKES: METHODS}
    return [
        f"{above}/{name}"
        for above, names in known.items()
        for name in subfolders(root / above)
        if name not in names
    ]


def _passed(root: Path, compression: str, wanted: Sequence[str]) -> list[str]:
    """`PASSED`, and the folders of the parts and compressions that nobody asked for."""
    passed = [*PASSED, *(folder.name for part, folder in _mirrored(root).items() if part not in wanted)]
    for above, names in ((ORIGINALS, (YOUTUBE, ACTORS)), (FAKES, METHODS)):
        passed += [f"{above}/{part}" for part in names if part not in wanted]
        others = (name for name in (*COMPRESSIONS, RAW_OF_OLD) if RAW.get(name, name) != compression)
        passed += [f"{above}/{part}/{name}" for name in others for part in wanted]
    return passed


def _with_originals(methods: tuple[str, ...]) -> list[str]:
    originals = [YOUTUBE] if set(methods) - {DFD} else []
    if DFD in methods:
        originals.append(ACTORS)
    return [*originals, *methods]


def _item(video: _Video, compression: str, pairs: dict[str, str], homes: dict[str, str]) -> Item | None:
    real = video.part in (YOUTUBE, ACTORS)
    group, swapped, split = "", "", None
    if video.part in (ACTORS, DFD):
        group, swapped = (f"actor {person}" for person in video.pair)
    else:
        split = _home(video.pair, homes)
        if homes and not split:
            return None
        group = pairs[video.pair[0]]
    return Item(
        path=video.path,
        label=REAL if real else FAKE,
        group=group,
        kind=VIDEO,
        source=NAME,
        method="" if real else video.part,
        split=split,
        video=f"{compression}/{Path(video.path).stem}",
        swapped="" if swapped == group else swapped,
        part=video.part,
    )


def _home(pair: tuple[str, str], homes: dict[str, str]) -> str | None:
    """The official split of two originals; None if they stand in two, or in no list."""
    first, second = (homes.get(number) for number in pair)
    return first if first == second else None


def _absent(found: list[_Video], parts: list[str]) -> dict[str, list[str]]:
    """By part, the targets without a video, unless all are missing."""
    absent = {}
    for part in parts:
        there = {video.people[0] for video in found if video.part == part}
        if there and part not in (ACTORS, DFD):
            absent[part] = [number for number in NUMBERS if number not in there]
    return absent
