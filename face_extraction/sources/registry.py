"""What a data set's file in this folder provides: a function from its root folder to its items."""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any, Protocol

from face_extraction.ledger import LedgerRow
from face_extraction.manifest import FAKE, REAL
from face_extraction.media import PHOTO
from face_extraction.registry import Registry
from face_extraction.sources.strays import strays

NOT_TEST, LEFT_OUT = "train or val", "left out"


@dataclass(frozen=True, slots=True)
class Item:
    """One photo, video or ready-made crop of a data set.

    Attributes:
        path: its file, relative to the root, with forward slashes.
        label: 1 = fake, 0 = real, -1 = unknown.
        group: the original video or identity; a group never stands in two splits.
        kind: "photo", "video", "frames" (a folder of a video's frames), "crop" (a face already cut out,
            which is copied), "sequence" (a folder of a video's crops) or "archive" (a tar of them).
        source: the data set's name.
        method: how it was faked; "" if it is real or the method is unknown.
        split: the official split; or None: a hash of the group decides; or `NOT_TEST`: the hash decides
            between train and val only, because the data set names its test split; or `LEFT_OUT`: none,
            because it shares its original with an official test video.
        video: the video's name, unique together with source and method; "" for a photo.
        width: a crop's width in pixels before it was scaled; 0 if unknown.
        height: a crop's height in pixels before it was scaled; 0 if unknown.
        swapped: a second group, the person whose face was put in, for data whose fakes tie all people
            together; an item whose two groups fall into different splits is left out.
        part: the part of the data set whose count was published, such as a method.
        take: how many of an archive's crops, evenly spaced; 0 for all.
    """

    path: str
    label: int
    group: str
    kind: str = PHOTO
    source: str = ""
    method: str = ""
    split: str | None = None
    video: str = ""
    width: int = 0
    height: int = 0
    swapped: str = ""
    part: str = ""
    take: int = 0


@dataclass(frozen=True)
class Listing:
    """The content of a data set's folder.

    Attributes:
        items: in a fixed order, which the manifest keeps.
        ledger: files that are in the folder or in the data set's own list, but not in both.
        notes: lines for the person who runs the extraction.
        published: the published number of items in each wanted part; None: unknown.
        absent: by part, known names that were published but are not there.
        counted: the size of published parts that are no items, such as the lines of a list.
        passed: folders that are known and not read, by their names or their paths from the root: `strays`
            leaves them out. None: the layout has a place for everything, or no file is looked for.
    """

    items: list[Item]
    ledger: list[LedgerRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    published: Mapping[str, int | None] = field(default_factory=dict)
    absent: Mapping[str, Sequence[str]] = field(default_factory=dict)
    counted: Mapping[str, int] = field(default_factory=dict)
    passed: Collection[str] | None = ()


@dataclass(frozen=True)
class Option:
    """An option of one data set, such as "group-pattern": `--group-pattern` on the command line.

    Attributes:
        name: the option without its dashes.
        metavar: the name of its value in the help; "" for a switch, whose value is True or False.
        help: what it does.
        many: it is repeatable; its value is a tuple.
    """

    name: str
    metavar: str
    help: str
    many: bool = False

    @property
    def keyword(self) -> str:
        """Its name as a keyword argument."""
        return self.name.replace("-", "_")


class Find(Protocol):
    """Lists a data set."""

    def __call__(self, root: Path, /, **options: Any) -> Listing:
        """List what lies under `root`.

        Raises:
            InputError: the folder does not have the data set's layout.
        """


@dataclass(frozen=True)
class Source:
    """A data set that can be extracted.

    Attributes:
        name: its name on the command line.
        description: its file's docstring: layout, licence and citation.
        find: lists its items, and in the ledger what the layout has no place for (`strays`).
        example: the layout in small, for the tests of every data set: paths with the text of each file;
            "" stands for a photo, a video, or a tar of photos.
        ready_made: its items are crops, so no face is searched.
        options: its own options, beyond those that every data set has.
        kaggle: its handle on Kaggle; "" if it has no public download.
        page: the page of the data set, or of the form that asks for it.
        recordings_of: the data set whose recordings it is made from, if a manifest calls that otherwise.
        classes: its labels: only fakes, if the reals are another data set's.
        root_of: an option that names a file; the data lie in its folder unless --root is given.
    """

    name: str
    description: str
    find: Find
    example: Mapping[str, str]
    ready_made: bool = False
    options: tuple[Option, ...] = ()
    kaggle: str = ""
    page: str = ""
    recordings_of: str = ""
    classes: tuple[int, ...] = (REAL, FAKE)
    root_of: str = ""

    @property
    def summary(self) -> str:
        """The first line of the description."""
        return self.description.partition("\n")[0]


_SOURCES: Registry[Source] = Registry("data set", __package__ or "")


def register(name: str, **facts: Any) -> Callable[[Callable[..., Listing]], Callable[..., Listing]]:
    """Register the decorated function as the data set `name`; its module's docstring describes it.

    Args:
        name: its name on the command line.
        facts: the other fields of `Source`; `example` is needed.
    """

    def made(find: Callable[..., Listing]) -> Source:
        description = (sys.modules[find.__module__].__doc__ or "").strip()
        return Source(name, description, _with_strays(find), **facts)

    return _SOURCES.decorator(name, made)


def _with_strays(find: Callable[..., Listing]) -> Find:
    @wraps(find)
    def find_all(root: Path, /, **options: Any) -> Listing:
        listing = find(root, **options)
        if listing.passed is None:
            return listing
        more = strays(root, listing.items, listing.ledger, listing.passed)
        return replace(listing, ledger=[*listing.ledger, *more])

    return find_all


def list_sources() -> list[Source]:
    """All data sets, in the order of their names."""
    return _SOURCES.all()


def get_source(name: str) -> Source:
    """The data set called `name`.

    Raises:
        InputError: no data set has this name; the line gives the nearest.
    """
    return _SOURCES.get(name)
