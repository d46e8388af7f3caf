"""FFIW10K: videos of several people; in the fake ones a part of the faces is swapped.

Layout: `source/{train,val,test}/*.mp4` (real) and `target/{train,val,test}/*.mp4` (fake), in RAW, in
RAW/FFIW10K-v1-release or in RAW/FFIW10K-v1-release-test; videos may lie in a folder `videos` of each.
`target_mask/` is not read. Published: 8,000, 250 and 1,738 videos of each class. The layout is the
authors'; the counts and the test folder come from other people's code and were not checked on the data.

**The label is the video's, not the face's.** In a fake video some faces are real: the policy "largest" may
take one of them, and "all" takes them too.

Splits: the folders'. Videos with one name in one split are one group; nothing else tells which real video a
fake was made from.

Licence: its terms of use, research only, after a form; it may not be passed on.
Citation: T. Zhou et al., "Face Forensics in the Wild", CVPR 2021, pages 5778-5788
"""

import re
from pathlib import Path

from face_extraction.errors import InputError
from face_extraction.ledger import DOUBLED, LedgerRow
from face_extraction.manifest import FAKE, REAL, SPLITS
from face_extraction.media import VIDEO
from face_extraction.sources.layout import find_videos, named_folder, need_folder, no_layout
from face_extraction.sources.registry import Item, Listing, register

NAME = "ffiw"
MASKS = "target_mask"
CLASSES = {"source": REAL, "target": FAKE}
RELEASES = ("FFIW10K-v1-release", "FFIW10K-v1-release-test", "FFIW10K")
COUNTS = {"train": 8_000, "val": 250, "test": 1_738}
PUBLISHED = {f"{name}/{split}": count for name in CLASSES for split, count in COUNTS.items()}
_ANY = re.compile(r"(.+)")


@register(
    NAME,
    page="https://github.com/tfzhou/FFIW",
    example={f"{name}/{split}/{split}_00000000.mp4": "" for name in CLASSES for split in SPLITS},
)
def ffiw(root: Path) -> Listing:
    """List the videos of both classes.

    Raises:
        InputError: no class's folder exists, or none holds a video.
    """
    need_folder(root)
    above = [root, *(folder for name in RELEASES if (folder := named_folder(root, name)))]
    items: list[Item] = []
    ledger: list[LedgerRow] = []
    seen: dict[tuple[str, str, str], str] = {}
    found = False
    for release in above:
        for name in CLASSES:
            folder = named_folder(release, name)
            found = found or folder is not None
            for split in SPLITS:
                inside = named_folder(folder, split) if folder else None
                if inside is not None:
                    matches, rows = find_videos(root, inside, _ANY, "any video")
                    ledger += rows
                    for path, match in matches.items():
                        other = seen.setdefault((name, split, match[1]), path)
                        if other == path:
                            items.append(_item(path, match[1], name, split))
                        else:
                            ledger.append(LedgerRow(path, DOUBLED, f"{other} is the same video"))
    if not found:
        raise no_layout(root, "source/ and target/ with train, val and test", *CLASSES, *RELEASES)
    if not items:
        raise InputError(f"{root}: no video in its folders; needed: source/train/*.mp4 and so on")
    return Listing(items, ledger, published=PUBLISHED, passed=[MASKS])


def _item(path: str, stem: str, name: str, split: str) -> Item:
    return Item(
        path=path,
        label=CLASSES[name],
        group=f"{split}/{stem}",
        kind=VIDEO,
        source=NAME,
        method="FFIW" if CLASSES[name] == FAKE else "",
        split=split,
        video=f"{split}/{stem}",
        part=f"{name}/{split}",
    )
