"""`python -m face_extraction manifest A.csv B.csv --out OUT`: join and filter manifests."""

import argparse
import filecmp
import re
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from face_extraction.atomic import link_or_copy, sync_folder
from face_extraction.command import DONE, Parser
from face_extraction.digest import file_size
from face_extraction.errors import InputError, check_name, unknown_name
from face_extraction.manifest import (
    LABEL_NAMES,
    MANIFEST_FILE,
    SPLITS,
    FaceSample,
    check_groups,
    count_table,
    read_manifest,
    write_manifest,
)
from face_extraction.paths import inside
from face_extraction.progress import progress
from face_extraction.settings import copy_settings, read_settings
from face_extraction.sources import list_sources
from face_extraction.wording import plural

_Row = tuple[Path, FaceSample]

DESCRIPTION = """\
Join manifests into one, and keep the rows that --where asks for.

The crops are linked into OUT, or copied if the file system has no hard links, so that OUT needs no other
folder. A face in two of the manifests is taken once. Refused are a group that stands in different splits,
and one name for two videos. Data sets made from the same recordings that stand in different splits are
named."""
# Valid values, even if no row has them.
_CLOSED = {"split": SPLITS, "label": tuple(LABEL_NAMES.values())}
COLUMNS = tuple(field.name for field in fields(FaceSample) if field.name != "box")


@dataclass(frozen=True)
class Condition:
    """One --where: a column, its values, and whether to keep or to exclude them."""

    column: str
    values: frozenset[str]
    excluded: bool

    def __call__(self, sample: FaceSample) -> bool:
        """Whether the row is kept."""
        return (_value(sample, self.column) in self.values) != self.excluded


def parser(prog: str) -> Parser:
    """The command line of `manifest`."""
    example = f"example:\n  {prog} manifest data/one data/other --out data/both --where 'method=,FaceSwap'"
    parser = Parser(f"{prog} manifest", DESCRIPTION, example)
    add = parser.add_argument
    add("manifests", type=Path, nargs="+", metavar="MANIFEST", help="a manifest.csv, or the folder of one")
    add(
        "--out", type=Path, required=True, metavar="OUT", help="the new folder for manifest.csv and the crops"
    )
    add(
        "--where",
        action="append",
        default=[],
        metavar="COLUMN=V,V",
        help="keep the rows with these values, or, with !=, all others; repeatable, and all must "
        "hold: method=,FaceSwap keeps rows without a method and FaceSwap's. "
        f"Columns: {', '.join(COLUMNS)}",
    )
    return parser


def run_combine(args: argparse.Namespace) -> int:
    """Join the manifests, and print the result."""
    samples, doubled = combine(args.manifests, args.out, args.where)
    print(count_table(samples))
    print(f"{plural(len(samples), 'face')} from {plural(len(args.manifests), 'manifest')}")
    if doubled:
        print(f"faces in two manifests, each taken once, from the first that has it: {doubled:,}")
    if read_settings(args.out) is None:
        print("no extraction.toml: the crops were made elsewhere, or with different settings")
    for line in shared_recordings(samples):
        print(line)
    print(f"written: {args.out / MANIFEST_FILE}")
    return DONE


def combine(manifests: Sequence[Path], out: Path, where: Sequence[str] = ()) -> tuple[list[FaceSample], int]:
    """Join manifests and filter their rows, with the crops, into the new folder `out`.

    Args:
        manifests: manifests or their folders; the rows keep this order.
        out: a folder without a manifest.
        where: conditions such as "method=Deepfakes,FaceSwap" or "split!=test"; all must hold.

    Returns:
        the new manifest's rows, and how many doubled rows were dropped.

    Raises:
        InputError: a manifest or condition is wrong, no row is left, a doubled face has two labels or
            splits, two manifests give different videos one name, a group would stand in two splits, a crop
            is missing, or `out`, or a folder in it that would receive crops, already has a manifest.
    """
    target = out / MANIFEST_FILE
    if target.exists():
        raise InputError(f"{target}: exists; choose another --out")
    paths = [path / MANIFEST_FILE if path.is_dir() else path for path in manifests]
    twice = {path for path in paths if [other.resolve() for other in paths].count(path.resolve()) > 1}
    if twice:
        raise InputError(f"{min(twice)}: given twice")
    read = [read_manifest(path) for path in paths]
    conditions = [_condition(text, [sample for samples in read for sample in samples]) for text in where]
    kept: list[_Row] = []
    known: dict[Hashable, list[_Row]] = defaultdict(list)
    same_videos: set[Hashable] = set()
    doubled = 0
    for path, samples in zip(paths, read, strict=True):
        wanted = [sample for sample in samples if all(condition(sample) for condition in conditions)]
        # Rows of one manifest are different faces, even under the same name.
        first_seen: list[tuple[Hashable, _Row]] = []
        for row in ((path, sample) for sample in wanted):
            key = _key(row)
            other = next((other for other in known[key] if _is_same(row, other)), None)
            if other is None:
                first_seen.append((key, row))
            else:
                _check_alike(*row, *other)
                same_videos.add(row[1].video_key)
                doubled += 1
        for key, row in first_seen:
            known[key].append(row)
            kept.append(row)
    if not kept:
        raise InputError(
            f"no row is left of {', '.join(map(str, paths))} with --where {' --where '.join(where)}"
        )
    _check_videos(kept, same_videos)
    check_groups(target, [sample for _, sample in kept])
    folders = _names([path.parent for path in paths])
    if len(folders) > 1:
        _check_free(out, folders)
    samples = []
    with progress("crops", len(kept)) as advance:
        for path, sample in kept:
            new = f"{folders[path.parent]}/{sample.path}" if len(folders) > 1 else sample.path
            _link(inside(path.parent, sample.path), inside(out, new))
            samples.append(replace(sample, path=new))
            advance()
    for parent in {(out / sample.path).parent for sample in samples}:
        sync_folder(parent)
    _settings(list(folders), out)
    write_manifest(target, samples)
    return samples, doubled


def shared_recordings(samples: Iterable[FaceSample]) -> list[str]:
    """Notes on data sets that are made from the same recordings and stand in different splits."""
    splits: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        splits[sample.source].add(sample.split)
    pairs = [(source.name, source.recordings_of) for source in list_sources()]
    return [
        f"note: {name} is made from the recordings of {origin}: one recording may stand in two splits "
        "under two names; python -m dfdetect.audit finds such pairs"
        for name, origin in pairs
        if name in splits and origin in splits and len(splits[name] | splits[origin]) > 1
    ]


def _value(sample: FaceSample, column: str) -> str:
    value = getattr(sample, column)
    return LABEL_NAMES[value] if column == "label" else str(value)


def _condition(text: str, samples: Sequence[FaceSample]) -> Condition:
    match = re.fullmatch(r"(\w+)(!?=)(.*)", text)
    if match is None:
        raise InputError(f"--where {text!r}: accepted: COLUMN=VALUE,VALUE or COLUMN!=VALUE,VALUE")
    column, sign, values = match.groups()
    check_name("column", column, COLUMNS, "--where")
    there = {_value(sample, column) for sample in samples} | set(_CLOSED.get(column, ()))
    named = {str(number): name for number, name in LABEL_NAMES.items()} if column == "label" else {}
    given = [named.get(value, value) for value in values.split(",")]
    for value in given:
        if value not in there:
            shown = sorted(there - {""}) if len(there) <= 20 else []
            if shown:
                raise unknown_name(column, value, shown, "--where")
            raise InputError(f"--where {text!r}: no row has {column} {value!r}")
    return Condition(column, frozenset(given), sign == "!=")


def _key(row: _Row) -> Hashable:
    """Identify a face in two manifests: its video, frame and box; without them by its crop.

    A crop is known by its digest, which its copy in a set of fakes keeps; without one by name and size.
    """
    path, sample = row
    crop = path.parent / sample.path
    file: tuple[Hashable, ...] = ()
    if not _has_place(sample):
        file = (sample.digest,) if sample.digest else (crop.name, file_size(crop))
    return (sample.source, sample.method, sample.video, sample.frame, sample.box, *file)


def _has_place(sample: FaceSample) -> bool:
    return bool(sample.video) and any(sample.box)


def _is_same(row: _Row, other: _Row) -> bool:
    """Whether two rows with one key are one face; without place and digest, their files are compared."""
    if _has_place(row[1]) or row[1].digest:
        return True
    first, second = (path.parent / sample.path for path, sample in (row, other))
    return first.is_file() and second.is_file() and filecmp.cmp(first, second, shallow=False)


def _check_alike(path: Path, sample: FaceSample, other_path: Path, other: FaceSample) -> None:
    for column in ("label", "split", "group"):
        one, two = getattr(other, column), getattr(sample, column)
        if one != two:
            raise InputError(
                f"{path}: {sample.path} has {column} {two}, but {one} in {other_path}; a face may have one"
            )


def _check_videos(rows: Iterable[_Row], same: Collection[Hashable]) -> None:
    """Refuse one name for videos of two manifests without a common face: they would become one video."""
    homes: dict[Hashable, Path] = {}
    for path, sample in rows:
        if sample.video and sample.video_key not in same:
            other = homes.setdefault(sample.video_key, path)
            if other != path:
                raise InputError(
                    f"{path}: video {sample.video!r} of {sample.source!r} stands in {other} too, with no "
                    "face in common; accepted: one name for one video (extract one folder with --source NAME)"
                )


def _names(folders: Sequence[Path]) -> dict[Path, str]:
    """A name for each folder: its own, with a number if two have the same."""
    names: dict[Path, str] = {}
    for folder in dict.fromkeys(folders):
        base = re.sub(r"[^A-Za-z0-9-]+", "_", folder.resolve().name).strip("_") or "manifest"
        number = sum(name == base or name.startswith(f"{base}~") for name in names.values())
        names[folder] = f"{base}~{number + 1}" if number else base
    return names


def _check_free(out: Path, folders: Mapping[Path, str]) -> None:
    """Refuse to put crops beside another manifest's crops: equal names would replace them."""
    for folder, name in folders.items():
        other = out / name / MANIFEST_FILE
        if other.exists() and not other.parent.samefile(folder):
            raise InputError(f"{other}: the crops of {folder} would lie beside its own; choose another --out")


def _link(source: Path, target: Path) -> None:
    if not source.is_file():
        raise InputError(f"{source}: no such crop, though its manifest names it")
    if target.exists() and target.samefile(source):
        return  # It is linked already, or it is the crop itself, in `out`.
    # A stopped run left the target, and its source may have been made anew since.
    target.unlink(missing_ok=True)
    link_or_copy(source, target)


def _settings(folders: Sequence[Path], out: Path) -> None:
    """Keep the settings if all crops were made with the same; if they differ, none is right."""
    settings = [read_settings(folder) for folder in folders]
    if all(other == settings[0] for other in settings):
        copy_settings(folders[0], out)
