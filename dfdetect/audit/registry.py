"""What a file in the folder "kinds" provides: a function from rows to their links."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dfdetect.audit.links import Links
from dfdetect.audit.rows import NotLooked, Rows
from face_extraction.errors import unknown_name

__all__ = ["Find", "Kind", "NotLooked", "get_kind", "list_kinds", "register"]

# What a kind looks at, in the order in which they cost time.
COLUMNS, PICTURES, FACES = "columns", "pictures", "faces"
NEEDS = (COLUMNS, PICTURES, FACES)

Find = Callable[[Rows], Links]


@dataclass(frozen=True)
class Kind:
    """A kind of leak.

    Attributes:
        name: its name on the command line.
        title: a few words, the head of its part of the page.
        meaning: what linked rows share and why that is a leak, in sentences.
        needs: "columns" of the manifest, "pictures" (every crop is read) or "faces" (every face is
            encoded, which is slow).
        find: finds the links. Raises `NotLooked` where the rows do not say.
    """

    name: str
    title: str
    meaning: str
    needs: str
    find: Find


_KINDS: dict[str, Kind] = {}


def register(name: str, title: str, meaning: str, *, needs: str = COLUMNS) -> Callable[[Find], Find]:
    """Register the decorated function as the kind of leak `name`."""

    def add(find: Find) -> Find:
        if name in _KINDS:
            raise ValueError(f"kinds of leak must have unique names. Received: {name!r} a second time")
        _KINDS[name] = Kind(name, title, meaning, needs, find)
        return find

    return add


@cache
def _load_all() -> None:
    for module in pkgutil.iter_modules([str(Path(__file__).parent / "kinds")]):
        importlib.import_module(f"{__package__}.kinds.{module.name}")


def list_kinds() -> list[Kind]:
    """All kinds, the cheap ones first."""
    _load_all()
    return sorted(_KINDS.values(), key=lambda kind: (NEEDS.index(kind.needs), kind.name))


def get_kind(name: str) -> Kind:
    """The kind called `name`.

    Raises:
        InputError: there is none of that name; the nearest is named.
    """
    _load_all()
    if name not in _KINDS:
        raise unknown_name("kind of leak", name, _KINDS)
    return _KINDS[name]
