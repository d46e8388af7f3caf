"""FakeAVCeleb: VoxCeleb2 videos of celebrities, with swapped or lip-synced faces, cloned voices, or both.

Layout: `{RealVideo-RealAudio,FakeVideo-RealAudio,FakeVideo-FakeAudio}/RACE/GENDER/ID/*.mp4`, in RAW or in
RAW/FakeAVCeleb_v1.2, and `meta_data.csv`, which names each fake's method; without it the folder is the
method. The label is the picture's. `RealVideo-FakeAudio` is counted but not read: it has the real videos'
pictures with another voice. Published: 500 real videos, 9,709 and 10,835 fakes, and 500 with a cloned
voice. Layout and counts come from other people's code and were not checked on the data.

Splits: none official. A group is a person, named by the folder. The file name gives the person whose face
was put in (`00021_id01933_I5XXxgK7QpE_id00781_wavtolip.mp4`: the first id is the face, the last the voice;
with one id and wavtolip, the id is the voice), and fakes between people of two splits are left out. There
are 40 times as many fakes as reals: train on a balanced sample (dfdetect.train --per-class).

Licence: its terms of use, research only, after a form; it may not be passed on.
Citation: H. Khalid et al., "FakeAVCeleb: A Novel Audio-Video Multimodal Deepfake Dataset", NeurIPS Datasets
and Benchmarks 2021, https://arxiv.org/abs/2108.05080
"""

import re
from pathlib import Path, PurePosixPath

from face_extraction.errors import InputError
from face_extraction.ledger import UNLISTED, LedgerRow
from face_extraction.manifest import FAKE, REAL
from face_extraction.media import VIDEO, kind_found
from face_extraction.sources.layout import (
    files_below,
    named_folder,
    need_folder,
    no_layout,
    no_text,
    read_rows,
    relative_to,
)
from face_extraction.sources.registry import Item, Listing, register

NAME = "fakeavceleb"
FOLDER, METADATA, VOICES = "FakeAVCeleb_v1.2", "meta_data.csv", "RealVideo-FakeAudio"
CATEGORIES = {"RealVideo-RealAudio": REAL, "FakeVideo-RealAudio": FAKE, "FakeVideo-FakeAudio": FAKE}
PUBLISHED = {
    "RealVideo-RealAudio": 500,
    "FakeVideo-RealAudio": 9_709,
    "FakeVideo-FakeAudio": 10_835,
    VOICES: 500,
}
LIPS = "wavtolip"
_ID = re.compile(r"id\d+")


@register(
    NAME,
    page="https://github.com/DASH-Lab/FakeAVCeleb",
    example={
        f"{FOLDER}/RealVideo-RealAudio/African/men/id00076/00109.mp4": "",
        f"{FOLDER}/FakeVideo-RealAudio/African/men/id00076/00109_1_id00701_wavtolip.mp4": "",
        f"{FOLDER}/FakeVideo-FakeAudio/African/men/id00076/00109_2_id00166_wavtolip.mp4": "",
        f"{FOLDER}/{METADATA}": "source,target1,target2,method,category,type,race,gender,path,\n"
        "id00076,id00166,-,wav2lip,D,FakeVideo-FakeAudio,African,men,00109_2_id00166_wavtolip.mp4,x\n",
    },
)
def fakeavceleb(root: Path) -> Listing:
    """List the videos whose picture is real or fake.

    Raises:
        InputError: none of the folders exists or holds a video, or meta_data.csv is wrong.
    """
    need_folder(root)
    above = named_folder(root, FOLDER) or root
    folders = {name: named_folder(above, name) for name in CATEGORIES}
    if not any(folders.values()):
        raise no_layout(root, f"{', '.join(CATEGORIES)} with RACE/GENDER/ID/*.mp4", *CATEGORIES, FOLDER)
    methods = _methods(above / METADATA)
    items: list[Item] = []
    ledger: list[LedgerRow] = []
    for name, folder in folders.items():
        for path in files_below(folder) if folder else ():
            if kind_found(path) != VIDEO:
                continue
            relative = relative_to(path, root)
            inside = PurePosixPath(relative_to(path, above))
            if unnamed := no_text(relative):
                ledger += unnamed
            elif len(inside.parts) != 5 or not _ID.fullmatch(inside.parts[3]):
                ledger.append(LedgerRow(relative, UNLISTED, "not in a folder like RACE/GENDER/id00076"))
            else:
                items.append(_item(relative, inside, name, methods))
    if not items:
        raise InputError(f"{above}: no video in its folders")
    voices = named_folder(above, VOICES)
    count = sum(kind_found(path) == VIDEO for path in files_below(voices)) if voices else 0
    notes = [] if methods else [f"no {METADATA}: the folder is the fakes' method"]
    if count:
        notes.append(f"left out, real pictures with a cloned voice: {count:,}")
    passed = [voices.name] if voices else []
    return Listing(items, ledger, notes, PUBLISHED, counted={VOICES: count}, passed=passed)


def _methods(path: Path) -> dict[tuple[str, str, str], str]:
    """Each video's method, by its type, person and file name; empty without the list."""
    if not path.is_file():
        return {}
    rows = read_rows(path, ("source", "method", "type", "path"))
    return {(row["type"], row["source"], PurePosixPath(row["path"]).name): row["method"] for _, row in rows}


def _item(path: str, inside: PurePosixPath, category: str, methods: dict[tuple[str, str, str], str]) -> Item:
    fake = CATEGORIES[category] == FAKE
    person = inside.parts[3]
    ids = _ID.findall(inside.stem)
    face = ids[0] if fake and ids and (len(ids) > 1 or LIPS not in inside.stem) else ""
    return Item(
        path=path,
        label=CATEGORIES[category],
        group=person,
        kind=VIDEO,
        source=NAME,
        method=(methods.get((category, person, inside.name)) or category) if fake else "",
        video=str(inside.with_suffix("")),
        swapped="" if face == person else face,
        part=category,
    )
