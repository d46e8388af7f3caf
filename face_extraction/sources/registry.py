"""What a data set's file in this folder provides: a function from its root folder to items."""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from face_extraction.errors import unknown_name
from face_extraction.ledger import LedgerRow
from face_extraction.manifest import FAKE, REAL
from face_extraction.media import PHOTO

NOT_TEST, LEFT_OUT = "train or val", "left out"


@dataclass(frozen=True, slots=True)
class Item:
    """One photo, clip or ready-made crop of a data set.

    Attributes:
        path: its file, relative to the root, with forward slashes.
        label: 1 = fake, 0 = real, -1 = unknown.
        group: the original video or identity; a group never stands in two splits.
        kind: "photo", "video", "frames" (a folder of a video's frames), "crop" (a face that is cut out
            already: copied as it is), "sequence" (a folder of a video's crops) or "archive" (a tar of them).
        source: the data set's name.
        method: how it was faked; "" if real or not known.
        split: the official split; or None: decided by a hash of the group; or `NOT_TEST`: the same,
            but between train and val alone, because the data set names its test split; or
            `LEFT_OUT`: in no split, because it shares its original with an official test clip.
        video: the clip's name, unique together with source and method; "" for a still.
        width: of a crop, its width in pixels before it was scaled; 0 if not known.
        height: of a crop, its height in pixels before it was scaled; 0 if not known.
        swapped: a second group, that of the person whose face was put in, where fakes tie everybody
            to everybody; an item whose two groups fall into different splits is left out.
        part: the part of the data set whose count was published, such as a method.
        take: of an archive, how many of its crops, evenly spaced; 0 for all.
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
    """What a data set's folder holds.

    Attributes:
        items: in a fixed order, which becomes the manifest's.
        ledger: files that the data set's own list and folder do not agree on.
        notes: lines for the person who runs the extraction.
        published: the published number of items by part, of the parts asked for; None: not known.
        absent: names that were published and are not there, by part, as far as names are known.
        counted: how many there are of published parts that are no items, such as the lines of a list.
    """

    items: list[Item]
    ledger: list[LedgerRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    published: Mapping[str, int | None] = field(default_factory=dict)
    absent: Mapping[str, Sequence[str]] = field(default_factory=dict)
    counted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Option:
    """An option of one data set, such as "group-pattern": `--group-pattern` on the command line.

    Attributes:
        name: without its dashes.
        metavar: what stands for its value in the help; "" for a switch, whose value is True or False.
        help: what it does.
        many: it may stand several times; its value is a tuple.
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
            InputError: the folder has not the data set's layout.
        """


@dataclass(frozen=True)
class Source:
    """A data set that can be extracted.

    Attributes:
        name: its name on the command line.
        summary: the first line of its file's docstring.
        description: the whole docstring: layout, licence and citation.
        find: lists its items.
        ready_made: its items are crops, so that no face is searched.
        options: options beyond those of every data set.
        example: the layout in small, for the tests that every data set must pass: paths, each with
            the text of the file; "" stands for a photo, a clip, or a tar of photos.
        kaggle: its handle on Kaggle, "" where it has no public download.
        page: where the data set, or the form that asks for it, is found.
        recordings_of: the data set from whose recordings it is made, though a manifest names it otherwise.
        classes: the labels that it holds: fakes alone, where the reals are another data set's.
        root_of: an option that names a file, in whose folder the data lie unless --root is given.
    """

    name: str
    summary: str
    description: str
    find: Find
    ready_made: bool
    options: tuple[Option, ...]
    example: Mapping[str, str]
    kaggle: str
    page: str
    recordings_of: str
    classes: tuple[int, ...]
    root_of: str


_SOURCES: dict[str, Source] = {}


def register(
    name: str,
    *,
    example: Mapping[str, str],
    ready_made: bool = False,
    options: tuple[Option, ...] = (),
    kaggle: str = "",
    page: str = "",
    recordings_of: str = "",
    classes: tuple[int, ...] = (REAL, FAKE),
    root_of: str = "",
) -> Callable[[Callable[..., Listing]], Callable[..., Listing]]:
    """Register the decorated function as the data set `name`; its module's docstring describes it."""

    def add(find: Callable[..., Listing]) -> Callable[..., Listing]:
        description = (sys.modules[find.__module__].__doc__ or "").strip()
        if name in _SOURCES:
            raise ValueError(f"data set names must be unique. Received: {name!r} a second time")
        summary = description.partition("\n")[0]
        _SOURCES[name] = Source(
            name,
            summary,
            description,
            find,
            ready_made,
            options,
            example,
            kaggle,
            page,
            recordings_of,
            classes,
            root_of,
        )
        return find

    return add


@cache
def _load_all() -> None:
    package = __package__ or ""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"{package}.{module.name}")


def list_sources() -> list[Source]:
    """All data sets, in the order of their names."""
    _load_all()
    return [_SOURCES[name] for name in sorted(_SOURCES)]


def get_source(name: str) -> Source:
    """The data set called `name`.

    Raises:
        InputError: there is none of that name; the nearest is named.
    """
    _load_all()
    if name not in _SOURCES:
        raise unknown_name("data set", name, _SOURCES)
    return _SOURCES[name]
