"""Celeb-DF++ (v3): the real videos of Celeb-DF v2, and fakes of them by 22 methods.

Layout: `Celeb-real/id0_0000.mp4`, `YouTube-real/00000.mp4`, `Celeb-synthesis/SCENARIO/METHOD/*.mp4` with
the scenarios FaceSwap, FaceReenact and TalkingFace, and `List_of_testing_videos.txt`; videos may lie in a
folder `videos` of each. Swaps and reenactments are named `id0_id1_0000.mp4` (target, source, recording),
talking faces `id0_0000_test_X.mp4` (person, recording, and the voice). The second form is known only from
other people's code. The list is read like v2's (`1 YouTube-real/00170.mp4`, where **1 means real**); a line
that its folder contradicts is refused. It names 5,418 videos: 178 real ones, 340 of `FaceSwap/Celeb-DF`,
which are v2's, and 200, 200 and 300 of each method in the three scenarios. No other counts are known.

Splits: as in Celeb-DF with `--protocol official`. The list is the test split, and other videos that share a
recording with it are left out, so that few videos remain. Of the rest, a hash sends each person to train or
val, and fakes between the two are left out.

Licence: the terms of use of Celeb-DF++, research only, after a signed form; it may not be passed on.
Citation: Y. Li et al., "Celeb-DF++: A Large-scale Challenging Video DeepFake Benchmark for Generalizable
Forensics", 2025, https://arxiv.org/abs/2507.18015
"""

import re
from pathlib import Path

from face_extraction.errors import InputError
from face_extraction.ledger import MISSING, UNLISTED, LedgerRow
from face_extraction.manifest import FAKE, REAL
from face_extraction.media import VIDEO
from face_extraction.sources.celebdf_list import CELEBRITIES, FAKES, LIST, OTHERS, read_tests
from face_extraction.sources.layout import (
    find_videos,
    named_file,
    named_folder,
    need_folder,
    no_layout,
    relative_to,
    subfolders,
)
from face_extraction.sources.registry import LEFT_OUT, NOT_TEST, Item, Listing, register

NAME = "celebdf-pp"
SCENARIOS = {
    "FaceSwap": (
        "Celeb-DF",
        "BlendFace",
        "GHOST",
        "HifiFace",
        "InSwapper",
        "MobileFaceSwap",
        "SimSwap",
        "UniFace",
    ),
    "FaceReenact": ("DaGAN", "FSRT", "HyperReenact", "LIA", "LivePortrait", "MCNET", "TPSMM"),
    "TalkingFace": ("AniTalker", "EchoMimic", "EDTalk", "FLOAT", "IP_LAP", "Real3DPortrait", "SadTalker"),
}
METHODS = {method: scenario for scenario, methods in SCENARIOS.items() for method in methods}
PUBLISHED: dict[str, int | None] = {
    CELEBRITIES: 590,
    OTHERS: 300,
    **dict.fromkeys(METHODS),
    "Celeb-DF": 5_639,
    LIST: 5_418,
}
_FORMS = {
    CELEBRITIES: (re.compile(r"(?P<person>id\d+)_(?P<take>\d{4})"), "id0_0000.mp4"),
    OTHERS: (re.compile(r"(?P<person>\d{5})"), "00000.mp4"),
    "TalkingFace": (re.compile(r"(?P<person>id\d+)_(?P<take>\d{4})(_.*)?"), "id0_0000_test_X.mp4"),
}
_SWAP = (re.compile(r"(?P<person>id\d+)_(?P<other>id\d+)_(?P<take>\d{4})"), "id0_id1_0000.mp4")


@register(
    NAME,
    page="https://github.com/OUC-VAS/Celeb-DF-PP",
    recordings_of="celebdf-v2",
    example={
        LIST: "1 Celeb-real/id0_0000.mp4\n0 Celeb-synthesis/FaceSwap/BlendFace/id0_id1_0000.mp4\n",
        "Celeb-real/id0_0000.mp4": "",
        "Celeb-real/id1_0003.mp4": "",
        "YouTube-real/00000.mp4": "",
        "Celeb-synthesis/FaceSwap/BlendFace/id0_id1_0000.mp4": "",
        "Celeb-synthesis/FaceReenact/LIA/id1_id2_0003.mp4": "",
        "Celeb-synthesis/TalkingFace/FLOAT/id1_0003_test_00001.mp4": "",
    },
)
def celebdfpp(root: Path) -> Listing:
    """List the videos of the real folders and of all methods.

    Raises:
        InputError: the folder has another layout, or the list is wrong.
    """
    need_folder(root)
    folders, ledger = _folders(root)
    if not folders:
        raise no_layout(root, f"{CELEBRITIES}, {OTHERS}, {FAKES}/SCENARIO/METHOD", CELEBRITIES, FAKES)
    found: list[tuple[str, str, re.Match[str]]] = []
    for part, folder in folders.items():
        pattern, form = _FORMS.get(METHODS.get(part, part), _SWAP)
        matches, rows = find_videos(root, folder, pattern, form)
        found += [(part, path, match) for path, match in matches.items()]
        ledger += rows
    tests = _read_list(named_file(root, LIST))
    named = {_key(part, match[0]): _recording(part, match) for part, _, match in found}
    held = {recording for key, recording in named.items() if key in tests}
    items = []
    for part, path, match in found:
        test = _key(part, match[0]) in tests
        left = "test" if test else LEFT_OUT if _recording(part, match) in held else NOT_TEST
        items.append(_item(part, path, match, left if tests else None))
    if not items:
        raise InputError(f"{root}: no video in its folders")
    ledger += [
        LedgerRow(f"{name}.mp4", MISSING, f"named in {LIST}, but not there")
        for name in sorted(tests - named.keys())
    ]
    notes = [] if tests else [f"no {LIST}: a hash of the people gives the test split, like the others"]
    return Listing(items, ledger, notes, PUBLISHED, counted={LIST: len(tests)})


def _folders(root: Path) -> tuple[dict[str, Path], list[LedgerRow]]:
    """The folders of videos by part, and ledger rows for those of unknown methods."""
    folders = {part: folder for part in (CELEBRITIES, OTHERS) if (folder := named_folder(root, part))}
    rows = []
    fakes = named_folder(root, FAKES) or root / FAKES
    known = {(scenario.lower(), method.lower()): method for method, scenario in METHODS.items()}
    for scenario in subfolders(fakes):
        for name in subfolders(fakes / scenario):
            path = fakes / scenario / name
            method = known.get((scenario.lower(), name.lower()))
            if method:
                folders[method] = path
            else:
                rows.append(LedgerRow(relative_to(path, root), UNLISTED, "no method of that scenario"))
    return folders, rows


def _read_list(path: Path) -> set[str]:
    """The test videos, named as by `_key`; empty without the list."""
    if not path.is_file():
        return set()
    known = {method.lower(): method for method in METHODS}
    tests = read_tests(path, f"{FAKES}/FaceSwap/GHOST/id0_id1_0000.mp4")
    return {_key(known.get(above.lower(), above), stem) for *_, above, stem in tests}


def _key(part: str, stem: str) -> str:
    above = f"{FAKES}/{METHODS[part]}/{part}" if part in METHODS else part
    return f"{above}/{stem}"


def _recording(part: str, match: re.Match[str]) -> str:
    """The real video that a video is, or was made from."""
    return f"{OTHERS}/{match[0]}" if part == OTHERS else f"{CELEBRITIES}/{match['person']}_{match['take']}"


def _item(part: str, path: str, match: re.Match[str], split: str | None) -> Item:
    fake = part in METHODS
    person = f"youtube {match['person']}" if part == OTHERS else match["person"]
    other = match.groupdict().get("other") or ""
    return Item(
        path=path,
        label=FAKE if fake else REAL,
        # Test videos are grouped by recording, because their people stand in the other splits too.
        group=_recording(part, match) if split == "test" else person,
        kind=VIDEO,
        source=NAME,
        method=part if fake else "",
        split=split,
        video=match[0],
        swapped="" if split == "test" else other,
        part=part,
    )
