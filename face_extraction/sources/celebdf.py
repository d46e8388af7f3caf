"""Celeb-DF v1 and v2: faces of celebrities, swapped among themselves.

Layout: `Celeb-real/id0_0000.mp4` (person, recording), `Celeb-synthesis/id0_id1_0000.mp4` (target, source,
recording: made from `Celeb-real/id0_0000.mp4`), `YouTube-real/00000.mp4` (other people) and
`List_of_testing_videos.txt` (videos may lie in a folder `videos` of each, as in DeepfakeBench). Its lines
look like `1 YouTube-real/00170.mp4`, without a header. **1 means real there**; a line that its folder
contradicts is refused. v2 has 590, 5,639 and 300 videos, 518 of them in the list; v1 (--version v1) has
158, 795 and 250, and 100 in the list.

Splits. The list names only the test split, and it takes videos of nearly every person, so they
cannot all be kept out of training. With `--protocol official` (the default) the list is the test split, and
other videos that share a recording with it are left out. Of the rest, a hash sends each person to train or
val, and fakes between the two are left out. People, but not recordings, then stand on both sides of the
test split. With `--protocol identity` the list is not used: a hash sends each person to train, val or test,
and fakes between two of them are left out (about half, with shares of 70, 15 and 15 %), so that nobody
stands on two sides. The extraction prints how many videos were left out.

Licence: the terms of use of Celeb-DF, research only, after a signed form; it may not be passed on.
Citation: Y. Li et al., "Celeb-DF: A Large-scale Challenging Dataset for DeepFake Forensics", CVPR 2020,
https://arxiv.org/abs/1909.12962
"""

import re
from pathlib import Path

from face_extraction.errors import InputError, check_name
from face_extraction.ledger import MISSING, LedgerRow
from face_extraction.media import VIDEO
from face_extraction.sources.celebdf_list import CELEBRITIES, FAKES, LABELS, LIST, OTHERS, read_tests
from face_extraction.sources.layout import find_videos, named_file, named_folder, need_folder, no_layout
from face_extraction.sources.registry import LEFT_OUT, NOT_TEST, Item, Listing, Option, register

PUBLISHED = {
    "v1": {CELEBRITIES: 158, OTHERS: 250, FAKES: 795},
    "v2": {CELEBRITIES: 590, OTHERS: 300, FAKES: 5_639},
}
LISTED = {"v1": 100, "v2": 518}
OFFICIAL, IDENTITY = "official", "identity"
_FORMS = {
    CELEBRITIES: (re.compile(r"(id\d+)_(\d{4})"), "id0_0000.mp4"),
    OTHERS: (re.compile(r"(\d{5})"), "00000.mp4"),
    FAKES: (re.compile(r"(id\d+)_(id\d+)_(\d{4})"), "id0_id1_0000.mp4"),
}


@register(
    "celebdf",
    page="https://github.com/yuezunli/celeb-deepfakeforensics",
    options=(
        Option("version", "V", "v1 or v2; both have one layout (default: v2)"),
        Option(
            "protocol",
            "P",
            f"{OFFICIAL}: test is {LIST}; {IDENTITY}: nobody in two splits (default: {OFFICIAL})",
        ),
    ),
    example={
        LIST: "1 YouTube-real/00001.mp4\n1 Celeb-real/id0_0000.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n",
        "Celeb-real/id0_0000.mp4": "",
        "Celeb-real/id1_0003.mp4": "",
        "YouTube-real/00000.mp4": "",
        "YouTube-real/00001.mp4": "",
        "Celeb-synthesis/id0_id1_0000.mp4": "",
        "Celeb-synthesis/id1_id2_0003.mp4": "",
    },
)
def celebdf(root: Path, *, version: str = "", protocol: str = "") -> Listing:
    """List the videos of the three folders.

    Args:
        root: the folder that holds them.
        version: "v1" or "v2" (the default); it names the data set and its published counts.
        protocol: "official" (the default) or "identity".

    Raises:
        InputError: the folder has another layout, or the list is wrong.
    """
    need_folder(root)
    version, protocol = version or "v2", protocol or OFFICIAL
    check_name("version", version, PUBLISHED, "--version")
    check_name("protocol", protocol, (OFFICIAL, IDENTITY), "--protocol")
    folders = {part: named_folder(root, part) for part in LABELS}
    if not any(folders.values()):
        raise no_layout(root, f"{', '.join(LABELS)} and {LIST}", *LABELS)
    tests, notes = _read_list(named_file(root, LIST), version) if protocol == OFFICIAL else (set(), [])
    items: list[Item] = []
    ledger: list[LedgerRow] = []
    found: set[str] = set()
    held = {_recording(*name.split("/")) for name in tests}
    for part, folder in folders.items():
        if folder is None:
            continue
        matches, rows = find_videos(root, folder, *_FORMS[part])
        ledger += rows
        for path, match in matches.items():
            name = f"{part}/{match[0]}"
            found.add(name)
            items.append(_item(path, part, match, f"celebdf-{version}", _split(name, tests, held)))
    ledger += [
        LedgerRow(f"{name}.mp4", MISSING, f"named in {LIST}, but not there") for name in sorted(tests - found)
    ]
    if not items:
        raise InputError(f"{root}: no video in its folders or their videos/; needed: {', '.join(LABELS)}")
    if protocol == IDENTITY:
        return Listing(items, ledger, notes, PUBLISHED[version])
    published = PUBLISHED[version] | {LIST: LISTED[version]}
    return Listing(items, ledger, notes, published, counted={LIST: len(tests)})


def _read_list(path: Path, version: str) -> tuple[set[str], list[str]]:
    """The test videos, such as "Celeb-real/id0_0000", and notes."""
    if not path.is_file():
        return set(), [f"no {LIST}: a hash of the people gives the test split, like the others"]
    tests = {"/".join(parts) for parts in read_tests(path, f"{FAKES}/id0_id1_0000.mp4")}
    if len(tests) != LISTED[version]:
        return tests, [f"{LIST} names {len(tests):,} videos; {version} was published with {LISTED[version]}"]
    return tests, []


def _recording(part: str, stem: str) -> str:
    """The real video that a video is, or was made from."""
    people = stem.split("_")
    return f"{CELEBRITIES}/{people[0]}_{people[-1]}" if part == FAKES else f"{part}/{stem}"


def _split(name: str, tests: set[str], held: set[str]) -> str | None:
    if not tests:
        return None
    if name in tests:
        return "test"
    return LEFT_OUT if _recording(*name.split("/")) in held else NOT_TEST


def _item(path: str, part: str, match: re.Match[str], source: str, split: str | None) -> Item:
    person = f"youtube {match[1]}" if part == OTHERS else match[1]
    # Official test videos are grouped by recording, because their people stand in the other splits too.
    group = _recording(part, match[0]) if split == "test" else person
    swapped = match[2] if part == FAKES and split != "test" else ""
    return Item(
        path=path,
        label=LABELS[part],
        group=group,
        kind=VIDEO,
        source=source,
        method="Celeb-synthesis" if part == FAKES else "",
        split=split,
        video=match[0],
        swapped=swapped,
        part=part,
    )
