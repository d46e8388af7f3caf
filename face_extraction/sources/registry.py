"""What a data set's file in this folder provides: a function from its root folder to items."""

import difflib
import importlib
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

from face_extraction.errors import InputError, unknown_name
from face_extraction.ledger import LedgerRow
from face_extraction.media import PHOTO


@dataclass(frozen=True, slots=True)
class Item:
    """One photo, clip or ready-made crop of a data set.

    Attributes:
        path: its file, relative to the root, with forward slashes.
        label: 1 = fake, 0 = real, -1 = unknown.
        group: the original video or identity; a group never stands in two splits.
        kind: "photo", "video" or "crop" (a face that is cut out already: copied as it is).
        source: the data set's name.
        method: how it was faked; "" if real or not known.
        split: the official split, or None: decided by a hash of the group.
        video: the clip's name, unique together with source and method; "" for a still.
        width: of a crop, its width in pixels before it was scaled; 0 if not known.
        height: of a crop, its height in pixels before it was scaled; 0 if not known.
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


@dataclass(frozen=True)
class Listing:
    """What a data set's folder holds.

    Attributes:
        items: in a fixed order, which becomes the manifest's.
        ledger: files that the data set's own list and folder do not agree on.
        notes: lines for the person who runs the extraction.
    """

    items: list[Item]
    ledger: list[LedgerRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Option:
    """A text option of one data set, such as "group-pattern": `--group-pattern` on the command line."""

    name: str
    metavar: str
    help: str

    @property
    def keyword(self) -> str:
        """Its name as a keyword argument."""
        return self.name.replace("-", "_")


class Find(Protocol):
    """Lists a data set."""

    def __call__(self, root: Path, /, **options: str) -> Listing:
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
    """

    name: str
    summary: str
    description: str
    find: Find
    ready_made: bool
    options: tuple[Option, ...]


_SOURCES: dict[str, Source] = {}


def register(
    name: str, *, ready_made: bool = False, options: tuple[Option, ...] = ()
) -> Callable[[Callable[..., Listing]], Callable[..., Listing]]:
    """Register the decorated function as the data set `name`; its module's docstring describes it."""

    def add(find: Callable[..., Listing]) -> Callable[..., Listing]:
        description = (sys.modules[find.__module__].__doc__ or "").strip()
        if name in _SOURCES:
            raise ValueError(f"data set names must be unique. Received: {name!r} a second time")
        summary = description.partition("\n")[0]
        _SOURCES[name] = Source(name, summary, description, find, ready_made, options)
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


def need_folder(root: Path) -> None:
    """Refuse a root that is not a folder, naming the nearest folder beside it.

    Raises:
        InputError: `root` is not a folder.
    """
    if root.is_dir():
        return
    if root.exists():
        raise InputError(f"{root}: not a folder")
    beside = [path.name for path in root.parent.iterdir() if path.is_dir()] if root.parent.is_dir() else []
    raise InputError(f"{root}: no such folder{nearest(root.name, beside)}")


def nearest(name: str, names: list[str]) -> str:
    """A hint " (nearest: X)", empty where none of `names` is like `name`; capitals do not matter."""
    lower = {other.lower(): other for other in names}
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    return f" (nearest: {lower[near[0]]})" if near else ""
