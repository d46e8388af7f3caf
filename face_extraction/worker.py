"""Extract one item, as a worker process does: write its crops, return its ledger rows."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath

from face_extraction.archive import read_members
from face_extraction.atomic import write_bytes
from face_extraction.crop import crop_side
from face_extraction.cutting import FoundFace, cut_photo
from face_extraction.digest import FileMark
from face_extraction.framefolder import FRAMES_PER_SECOND, frame_files
from face_extraction.frames import Frame, read_frames
from face_extraction.images import (
    Animated,
    NoImage,
    read_bytes_rgb,
    read_content,
    read_photo,
    read_rgb,
    write_image,
)
from face_extraction.journal import FaceRow, ItemResult
from face_extraction.ledger import NO_FACE, UNREADABLE, ItemFailed, LedgerRow, without_faces
from face_extraction.manifest import LABEL_NAMES
from face_extraction.media import ARCHIVE, CROP, FRAMES, PHOTO, SEQUENCE, VIDEO
from face_extraction.mistaken import explained
from face_extraction.proposing import detector_for
from face_extraction.settings import ExtractionSettings
from face_extraction.sources import Item
from face_extraction.video import VideoFinder, search_frames

FACES_FOLDER = "faces"


def extract_item(item: Item, root: Path, out: Path, settings: ExtractionSettings) -> ItemResult:
    """Write the crops of one item below `out`, and return what was found.

    Raises:
        OSError: a crop could not be written.
    """
    try:
        mark = FileMark.of(root / item.path)  # Before reading: the next start then sees a change meanwhile.
    except OSError:
        mark = None  # Reading it gives the reason.
    result = _extract(item, root, out, settings)
    faces = [replace(face, file=FileMark.of(out / face.path)) for face in result.faces]
    ledger = [
        replace(row, detail=explained(root / row.path, row.reason, row.detail)) for row in result.ledger
    ]
    return replace(result, faces=faces, ledger=ledger, file=mark)


def _extract(item: Item, root: Path, out: Path, settings: ExtractionSettings) -> ItemResult:
    try:
        if item.kind == CROP:
            return ItemResult(item.path, [_copy(item, root, out)], [])
        if item.kind == ARCHIVE:
            return _unpack(item, root, out)
        if item.kind == SEQUENCE:
            return _copy_sequence(item, root, out)
        if item.kind in (VIDEO, FRAMES):
            return _extract_video(item, root, out, settings)
        faces = cut_photo(read_photo(root / item.path), detector_for(settings), settings)
        return ItemResult(item.path, _write_faces(item, out, settings, faces), [])
    except Animated:
        return _extract_video(item, root, out, settings)
    except ItemFailed as error:
        if item.kind == PHOTO and isinstance(error, NoImage):
            return _extract_misnamed(item, root, out, settings, error)
        return ItemResult(item.path, [], [LedgerRow(item.path, error.reason, error.detail)])


def _extract_misnamed(
    item: Item, root: Path, out: Path, settings: ExtractionSettings, photo: NoImage
) -> ItemResult:
    """Extract what may be a video, though its name is a photo's."""
    result = _extract_video(item, root, out, settings)
    if [row.reason for row in result.ledger] != [UNREADABLE]:
        return result
    (row,) = result.ledger
    return replace(result, ledger=[replace(row, detail=photo.nor_video(row.detail))])


def crop_path(item: Item, tail: str, suffix: str) -> str:
    """Name a crop, relative to the output folder: unique, readable and safe in any file system.

    A readable name alone is not unique (a.mp4 and a.jpg, É and E, long names), so part of a hash of the
    whole path follows it.
    """
    stem = re.sub(r"[^A-Za-z0-9]+", "_", PurePosixPath(item.path).stem).strip("_")[:60]
    digest = hashlib.sha256(item.path.encode()).hexdigest()[:10]
    return f"{FACES_FOLDER}/{LABEL_NAMES[item.label]}/{stem}-{digest}{tail}{suffix}"


def _copy(item: Item, root: Path, out: Path) -> FaceRow:
    """Copy a ready-made crop byte for byte, after decoding it as a check."""
    path = root / item.path
    content = read_content(path)
    rgb = read_bytes_rgb(content, str(path))
    target = crop_path(item, "", path.suffix.lower())
    write_bytes(out / target, content)
    return FaceRow(target, width=item.width or rgb.shape[1], height=item.height or rgb.shape[0])


def _unpack(item: Item, root: Path, out: Path) -> ItemResult:
    """Write an archive's ready-made crops byte for byte, after decoding each as a check.

    Each folder of crops holds one face in sequence, and counts as one person.
    """
    people: dict[PurePosixPath, int] = {}
    faces: list[FaceRow] = []
    ledger: list[LedgerRow] = []
    try:
        for number, member in enumerate(read_members(root / item.path, item.take)):
            person = people.setdefault(PurePosixPath(member.name).parent, len(people) + 1)
            try:
                rgb = read_bytes_rgb(member.content, member.name)
            except ItemFailed as error:
                ledger.append(LedgerRow(f"{item.path}/{member.name}", error.reason, error.detail))
                continue
            target = crop_path(item, f"_{number:06d}", PurePosixPath(member.name).suffix.lower())
            write_bytes(out / target, member.content)
            height, width = rgb.shape[:2]
            faces.append(FaceRow(target, member.frame, width=width, height=height, person=person))
    except ItemFailed as error:
        ledger.append(LedgerRow(item.path, error.reason, error.detail))
    if not faces and not ledger:
        ledger.append(LedgerRow(item.path, NO_FACE, "no photo in the archive"))
    return ItemResult(item.path, faces, ledger)


def _copy_sequence(item: Item, root: Path, out: Path) -> ItemResult:
    """Copy one video's ready-made crops from a folder byte for byte, after decoding each as a check."""
    faces: list[FaceRow] = []
    ledger: list[LedgerRow] = []
    for number, path in frame_files(root / item.path, item.take):
        try:
            content = read_content(path)
            rgb = read_bytes_rgb(content, path.name)
        except ItemFailed as error:
            ledger.append(LedgerRow(f"{item.path}/{path.name}", error.reason, error.detail))
            continue
        target = crop_path(item, f"_{number:06d}", path.suffix.lower())
        write_bytes(out / target, content)
        height, width = rgb.shape[:2]
        faces.append(FaceRow(target, number, width=width, height=height, person=1))
    return ItemResult(item.path, faces, ledger)


def _extract_video(item: Item, root: Path, out: Path, settings: ExtractionSettings) -> ItemResult:
    """Extract the faces of a video's frames; a frame without one fails the video only if all lack one."""
    faces: list[FaceRow] = []
    ledger: list[LedgerRow] = []
    without: Counter[str] = Counter()
    finder = VideoFinder(detector_for(settings), settings.policy, settings.crop)
    if item.kind == FRAMES:
        frames = _pictures(item, root, settings, ledger)
    else:
        frames = read_frames(
            root / item.path, count=settings.faces_per_video, first=settings.first_frame_only
        )
    try:
        for frame, found in search_frames(frames, finder.faces, without):
            faces += _write_faces(item, out, settings, found, frame)
    except ItemFailed as error:
        ledger.append(LedgerRow(item.path, error.reason, error.detail))
    if without and not faces:
        failed = without_faces(without)
        ledger.append(LedgerRow(item.path, failed.reason, failed.detail))
    return ItemResult(item.path, faces, ledger)


def _pictures(
    item: Item, root: Path, settings: ExtractionSettings, ledger: list[LedgerRow]
) -> Iterator[Frame]:
    """The frames of a video that are pictures in a folder; each unreadable one gets a row in `ledger`."""
    files = frame_files(root / item.path, 0 if settings.first_frame_only else settings.faces_per_video)
    for number, path in islice(files, 1 if settings.first_frame_only else None):
        try:
            rgb = read_rgb(path)
        except ItemFailed as error:
            ledger.append(LedgerRow(f"{item.path}/{path.name}", error.reason, error.detail))
        else:
            yield Frame(number, number / FRAMES_PER_SECOND, rgb)


def _write_faces(
    item: Item, out: Path, settings: ExtractionSettings, faces: list[FoundFace], frame: Frame | None = None
) -> list[FaceRow]:
    index, time = (frame.index, frame.time) if frame else (0, 0.0)
    tail = f"_{index:06d}" if frame else ""
    rows = []
    for number, face in enumerate(faces):
        target = crop_path(item, f"{tail}_{number}", f".{settings.format}")
        write_image(out / target, face.crop, settings.format, settings.quality)
        side = crop_side(face.box, settings.crop)
        row = FaceRow(target, index, time, face.box, side, side, face.person, face.rotation, face.found_by)
        rows.append(row)
    return rows
