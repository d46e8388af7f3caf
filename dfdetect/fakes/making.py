"""Sets of fakes as files: crops with masks and a manifest, or videos."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from dfdetect.fakes.motion import moving, write_video
from dfdetect.fakes.pairs import Donors, check_shares, make_fake, scaled
from dfdetect.fakes.reals import Reals, find_reals
from dfdetect.fakes.registry import Face, Fake, Points, Rgb, Rng, get_kind
from dfdetect.out_folder import check_out
from face_extraction.digest import crop_digest
from face_extraction.errors import InputError, unforeseen
from face_extraction.images import Unreadable, read_rgb, write_image
from face_extraction.json_file import read_json, write_json
from face_extraction.ledger import FAILED, ItemFailed, LedgerRow, write_ledger
from face_extraction.lock import alone
from face_extraction.manifest import (
    FAKE,
    LABEL_NAMES,
    MANIFEST_FILE,
    REAL,
    FaceSample,
    manifest_hash,
    of_split,
    read_manifest,
    write_manifest,
)
from face_extraction.pool import small_pool
from face_extraction.progress import progress
from face_extraction.settings import copy_settings

SET_FILE = "fakes.json"
LEDGER_FILE = "ledger.csv"
_JITTER = 0.006
"""Deviation of a video's landmarks from frame to frame, as a share of the face's width."""


@dataclass(frozen=True)
class Order:
    """What set is wanted.

    Attributes:
        manifest: the manifest of real faces, with landmarks beside it.
        kinds: the kinds of fake; each real face gives one of each.
        split: which rows; "all" for all of them.
        seed: another seed gives other fakes.
        frames: of each video; 0 makes crops instead.
        crf: x264's quality of the videos.
    """

    manifest: Path
    kinds: tuple[str, ...]
    split: str = "all"
    seed: int = 0
    frames: int = 0
    crf: int = 23


class Crop(NamedTuple):
    """A crop's file and its landmarks."""

    path: Path
    points: Points

    def read(self) -> Face:
        """The face, scaled to a square of an even side, which videos need.

        Raises:
            Unreadable: the crop cannot be decoded.
        """
        face = Face(read_rgb(self.path), self.points)
        return scaled(face, max(2, min(face.picture.shape[:2]) // 2 * 2))


@dataclass(frozen=True)
class Task:
    """One real face and what is made of it, complete in itself so that it can go to another process.

    Attributes:
        sample: the face's row.
        crop: its crop.
        donors: other people's crops, as they were drawn: the first that can be decoded is taken.
        order: what set is wanted.
        out: its folder.
    """

    sample: FaceSample
    crop: Crop
    donors: Sequence[Crop]
    order: Order
    out: Path


@dataclass(frozen=True)
class MadeSet:
    """How many faces or videos a set has, and the real faces that gave none."""

    files: int
    ledger: Sequence[LedgerRow]


def make_set(order: Order, out: Path, *, workers: int = 1) -> MadeSet:
    """Make the fakes of a manifest's real faces as files, and go on where an earlier call was cut.

    Crops: OUT/manifest.csv, faces/, and masks/ with a grey picture for each fake, white where it was changed.
    The real faces are in it too, decoded and written as the fakes are. Videos: OUT/real/GROUP/*.mp4 and
    OUT/fake/GROUP/*.mp4, the layout of `face_extraction folders`. Groups and splits are those of the
    manifest; a donor is always of the same split.

    Args:
        order: what is wanted.
        out: the folder to write into.
        workers: number of processes.

    Raises:
        InputError: the manifest has no real faces or no landmarks, a kind is unknown, or `out` holds
            another set.
    """
    check_shares(dict.fromkeys(order.kinds, 1.0))
    check_out(out)
    reals, ledger = find_reals(order.manifest, of_split(read_manifest(order.manifest), order.split))
    with alone(out):
        check_same(asdict(order) | {"kinds": list(order.kinds)}, order.manifest, out)
        made: list[FaceSample] = []
        files = 0
        tasks = list(_tasks(reals, order, out))
        with progress("fakes", len(tasks), unit="faces") as advance, small_pool(workers) as pool:
            for task, future in [(task, pool.submit(_make, task)) for task in tasks]:
                try:
                    rows, count = future.result()
                    made += rows
                    files += count
                except Exception as error:
                    ledger.append(failed(task.sample, error))
                advance()
        finish(out, order.manifest, [] if order.frames else made, ledger)
    return MadeSet(files, ledger)


def finish(out: Path, manifest: Path, rows: Sequence[FaceSample], ledger: Sequence[LedgerRow]) -> None:
    """Write a set's ledger and, if it has rows, its manifest and how its crops were cut."""
    if rows:
        write_manifest(out / MANIFEST_FILE, rows)
        copy_settings(manifest.parent, out)
    write_ledger(out / LEDGER_FILE, ledger)


def failed(sample: FaceSample, error: Exception) -> LedgerRow:
    """What one strange face costs: itself. A disk that is full would cost all others too, and is raised."""
    if isinstance(error, ItemFailed):
        return LedgerRow(sample.path, error.reason, error.detail)
    if isinstance(error, OSError):
        raise error
    return LedgerRow(sample.path, FAILED, unforeseen(error))


def check_same(wanted: Mapping[str, object], manifest: Path, out: Path) -> None:
    """Refuse a folder that holds another set, and record what this one is.

    Args:
        wanted: what decides the set, by name, as JSON has it.
        manifest: the manifest of real faces, of which the hash is recorded.
        out: the set's folder.

    Raises:
        InputError: `out` holds another set, or a manifest that was not made here.
    """
    wanted = {**wanted, "manifest": manifest_hash(manifest)}
    path = out / SET_FILE
    if path.is_file():
        refuse_other(path, "a set", wanted)
    elif (out / MANIFEST_FILE).exists():
        raise InputError(f"{out / MANIFEST_FILE}: exists, and was not made here; choose another --out")
    else:
        write_json(path, wanted)


def refuse_other(record: Path, kind: str, wanted: Mapping[str, object]) -> None:
    """Refuse a folder whose record says that it holds another thing of the kind.

    Args:
        record: the JSON file.
        kind: what the folder holds, such as "a set".
        wanted: what decides it, by name, as JSON has it; the record may say more.

    Raises:
        InputError: a value differs; the line names the first.
    """
    had = read_json(record, dict[str, object])
    name = next((name for name in wanted if had.get(name) != wanted[name]), None)
    if name is not None:
        raise InputError(
            f"{record.parent}: it holds {kind} with {name} {had.get(name)!r}, not {wanted[name]!r}; "
            "choose another --out"
        )


def _tasks(reals: Reals, order: Order, out: Path) -> Iterator[Task]:
    """A task for each real face, with its donors chosen: those nearest in pose, of its own split."""
    needing = [kind for kind in order.kinds if get_kind(kind).needs_donor]
    for split in dict.fromkeys(sample.split for sample in reals.samples):
        rows = [row for row, sample in enumerate(reals.samples) if sample.split == split]
        donors = Donors([reals.points[row] for row in rows], [reals.groups[row] for row in rows])
        for place, row in enumerate(rows):
            sample = reals.samples[row]
            near = donors.near(place) if needing else []
            if needing and not near:
                raise InputError(
                    f"{order.manifest}: the kind of fake {needing[0]!r} needs two groups or more in each "
                    f"split; {split!r} has one"
                )
            drawn = _rng(order.seed, "donor", sample.path).permutation(near)
            others = [rows[int(place)] for place in drawn]
            yield Task(sample, _crop(reals, row), [_crop(reals, other) for other in others], order, out)


def _crop(reals: Reals, row: int) -> Crop:
    return Crop(reals.folder / reals.samples[row].path, reals.points[row])


def _rng(seed: int, kind: str, path: str) -> Rng:
    digest = hashlib.sha256(f"{kind}:{path}".encode()).digest()
    return np.random.default_rng((seed, int.from_bytes(digest[:8], "big")))


def _make(task: Task) -> tuple[list[FaceSample], int]:
    """Make the files of one face, but for those that are there; every file is written whole or not at all."""
    face, donor = task.crop.read(), _first_readable(task.donors)
    if task.order.frames:
        return [], _make_videos(task, face, donor)
    rows = _make_crops(task, face, donor)
    return rows, len(rows)


def _first_readable(crops: Sequence[Crop]) -> Face | None:
    for number, crop in enumerate(crops, start=1):
        try:
            return crop.read()
        except Unreadable:
            if number == len(crops):
                raise
    return None


def _name(sample: FaceSample) -> str:
    """A file's name that tells crops apart whose files have one name in different folders."""
    digest = hashlib.sha256(sample.path.encode()).hexdigest()[:10]
    return f"{PurePosixPath(sample.path).stem}-{digest}"


def _make_crops(task: Task, face: Face, donor: Face | None) -> list[FaceSample]:
    order, path = task.order, task.sample.path
    makers = {kind: partial(_fake, kind, face, _rng(order.seed, kind, path), donor) for kind in order.kinds}
    return write_crops(task.out, task.sample, face.picture, makers)


def write_crops(
    out: Path, sample: FaceSample, picture: Rgb, makers: Mapping[str, Callable[[], Fake]]
) -> list[FaceSample]:
    """Write a real face, and each fake of it with its mask, but for those that are there.

    Args:
        out: the set's folder.
        sample: the real face's row.
        picture: the real face.
        makers: for each kind what makes the fake; called only where it is missing.

    Returns:
        Their rows, the real face's first. A fake has its own digest. The real face keeps that of the crop
        which it copies, by which `face_extraction manifest` knows that both are one face.
    """
    name = _name(sample)
    real = replace(sample, path=f"faces/{LABEL_NAMES[REAL]}/{name}.png", label=REAL, method="")
    rows = [real]
    if not (out / real.path).is_file():
        write_image(out / real.path, picture)
    for kind, make in makers.items():
        fake = replace(sample, path=f"faces/{LABEL_NAMES[FAKE]}/{kind}/{name}.png", label=FAKE, method=kind)
        mask = out / "masks" / kind / f"{name}.png"
        if not ((out / fake.path).is_file() and mask.is_file()):
            made = make()
            write_image(out / fake.path, made.picture)
            grey = np.rint(made.mask * 255).astype(np.uint8)
            write_image(mask, np.repeat(grey[:, :, None], 3, axis=2))
        rows.append(replace(fake, digest=crop_digest(out / fake.path)))
    return rows


def _make_videos(task: Task, face: Face, donor: Face | None) -> int:
    """Write the video of the moving face and one of each kind of fake; the number of videos."""
    order, sample = task.order, task.sample
    name, group = _name(sample), sample.group.replace("/", "_")
    real = task.out / LABEL_NAMES[REAL] / group / f"{name}.mp4"
    fakes = {kind: task.out / LABEL_NAMES[FAKE] / group / f"{name}-{kind}.mp4" for kind in order.kinds}
    if all(path.is_file() for path in (real, *fakes.values())):
        return 1 + len(fakes)
    frames = list(moving(face, _rng(order.seed, "motion", sample.path), order.frames))
    if not real.is_file():
        write_video(real, [frame.picture for frame in frames], order.crf)
    for kind, path in fakes.items():
        if path.is_file():
            continue
        tremble = _rng(order.seed, f"{kind} tremble", sample.path)
        pictures = []
        for frame in frames:
            off = tremble.normal(0, _JITTER * np.ptp(frame.points[:, 0]), frame.points.shape)
            tracked = Face(frame.picture, frame.points + off.astype(np.float32))
            # The same random numbers for every frame: one forger, one setting.
            pictures.append(_fake(kind, tracked, _rng(order.seed, kind, sample.path), donor).picture)
        write_video(path, pictures, order.crf)
    return 1 + len(fakes)


def _fake(kind: str, face: Face, rng: Rng, donor: Face | None) -> Fake:
    return make_fake(kind, face, rng, (lambda _: donor) if donor is not None else None)
