"""DF40: fakes of FaceForensics++'s and Celeb-DF's videos by 31 methods, as ready-made crops; no reals.

Layout: `METHOD/{ff,cdf}/VIDEO/*.png`, or with a folder `frames` above the videos, as in the preprocessed
download: `simswap/ff/frames/071_054/000.png`. A folder of frames is a video. There are **only fakes**. The
reals are FaceForensics++'s and Celeb-DF's, cut by the authors' own tool. Crops made here differ from these
in margin and alignment, and a model can learn that instead of the forgery. So extract the reals from the
authors' own download of them (`list --frame-folders --crops --real-only`), and join them with
`face_extraction manifest`. The nine other methods (HeyGen, MidJourney and so on) have another layout, which
was not checked; the ledger lists them, and `list` reads them. No counts of videos were published.

Splits: those of FaceForensics++ for `ff`, if its train.json, val.json and test.json lie in RAW (its README
says where to find them). Otherwise a hash splits the pairs, and for `cdf` the people. Fakes between people
of two splits are left out.

Licence: CC BY-NC 4.0, and those of the two data sets.
Citation: Z. Yan et al., "DF40: Toward Next-Generation Deepfake Detection", NeurIPS Datasets and Benchmarks
2024, https://arxiv.org/abs/2406.13495
"""

import re
from dataclasses import dataclass
from pathlib import Path

from face_extraction.errors import InputError
from face_extraction.ledger import UNLISTED, LedgerRow
from face_extraction.manifest import FAKE
from face_extraction.media import SEQUENCE
from face_extraction.sources.faceforensics import ONE_VIDEO, read_splits
from face_extraction.sources.layout import (
    is_extraction,
    join,
    named_folder,
    need_folder,
    no_layout,
    relative_to,
    subfolders,
)
from face_extraction.sources.registry import Item, Listing, register

NAME = "df40"
FRAMES = "frames"
PASSED = ("masks", "landmarks")
FORMS = {
    "ff": (re.compile(r"(\d{3})(?:_(\d{3}))?"), "071_054"),
    "cdf": (re.compile(r"(id\d+)(?:_(id\d+))?_\d{4}|(\d{5})"), "id0_id1_0000"),
}


@dataclass(frozen=True)
class _Video:
    """One folder of frames, and the match of its name."""

    method: str
    domain: str
    path: str
    match: re.Match[str]

    @property
    def people(self) -> list[str]:
        """Numbers or people: the target, and the source if there is one."""
        return [person for person in self.match.groups() if person]


@register(
    NAME,
    ready_made=True,
    classes=(FAKE,),
    recordings_of="faceforensics",
    page="https://github.com/YZY-stack/DF40",
    example={
        "simswap/ff/frames/071_054/000.png": "",
        "simswap/cdf/frames/id0_id1_0000/000.png": "",
        "sadtalker/ff/001/000.png": "",
    },
)
def df40(root: Path) -> Listing:
    """List the folders of crops.

    Raises:
        InputError: the folder has another layout, or an official list is wrong.
    """
    need_folder(root)
    official = read_splits(root, asked=False)
    found: list[_Video] = []
    ledger: list[LedgerRow] = []
    for method in subfolders(root):
        domains = {name: named_folder(root / method, name) for name in FORMS}
        if not any(domains.values()) and not is_extraction(root / method):
            ledger.append(
                LedgerRow(method, UNLISTED, "neither ff/ nor cdf/ in it; `list` reads other layouts")
            )
        for name, folder in domains.items():
            if folder is not None:
                matches, rows = _videos(root, folder, name)
                found += [_Video(method, name, relative_to(path, root), match) for path, match in matches]
                ledger += rows
    if not found:
        raise no_layout(root, "METHOD/ff/frames/VIDEO/*.png or METHOD/cdf/frames/VIDEO/*.png", *FORMS)
    homes = {number: split for pair, split in official.items() for number in pair}
    tied = [(video.people[0], video.people[-1]) for video in found if video.domain == "ff"]
    # A stray video of people in two splits is left out, so it must not tie people together.
    own = [pair for pair in tied if not homes or homes.get(pair[0]) == homes.get(pair[1])]
    pairs = join([*own, *(official or ONE_VIDEO)])
    items = []
    for video in found:
        item = _item(video, pairs, homes)
        if item is None:
            ledger.append(LedgerRow(video.path, UNLISTED, "its pair is in none of the official lists"))
        else:
            items.append(item)
    if not items:
        raise InputError(f"{root}: no folder of frames whose video the lists name")
    notes = ["only fakes: the reals are FaceForensics++'s and Celeb-DF's"]
    return Listing(items, ledger, notes, passed=PASSED)


def _videos(root: Path, folder: Path, name: str) -> tuple[list[tuple[Path, re.Match[str]]], list[LedgerRow]]:
    """The folders of frames of one method and domain, and ledger rows for folders with other names."""
    pattern, form = FORMS[name]
    above = named_folder(folder, FRAMES) or folder
    matches, rows = [], []
    for video in subfolders(above):
        match = pattern.fullmatch(video)
        if match:
            matches.append((above / video, match))
        else:
            rows.append(LedgerRow(relative_to(above / video, root), UNLISTED, f"not named like {form}"))
    if not matches and not rows:
        rows.append(LedgerRow(relative_to(above, root), UNLISTED, "no folder of frames in it"))
    return matches, rows


def _item(video: _Video, pairs: dict[str, str], homes: dict[str, str]) -> Item | None:
    first, last = video.people[0], video.people[-1]
    split = None
    if video.domain == "ff":
        split = homes.get(first)
        if homes and (split is None or homes.get(last) != split):
            return None
        first = last = pairs[first]
    return Item(
        path=video.path,
        label=FAKE,
        group=first,
        kind=SEQUENCE,
        source=NAME,
        method=video.method,
        split=split,
        video=f"{video.domain}/{video.match[0]}",
        swapped="" if last == first else last,
        part=f"{video.method}/{video.domain}",
    )
