"""What a file in the folder "kinds" provides: a function from rows to links."""

from collections.abc import Callable
from dataclasses import dataclass

from dfdetect.audit.links import Links
from dfdetect.audit.rows import NotLooked, Rows
from face_extraction.registry import Registry

__all__ = ["Find", "Kind", "NotLooked", "get_kind", "list_kinds", "register"]

# What a kind reads, from fast to slow.
COLUMNS, PICTURES, FACES = "columns", "pictures", "faces"
NEEDS = (COLUMNS, PICTURES, FACES)

Find = Callable[[Rows], Links]


@dataclass(frozen=True)
class Kind:
    """A kind of leak.

    Attributes:
        name: its name on the command line.
        title: a few words, the heading of its part of the page.
        meaning: what linked rows share and why that is a leak, in sentences.
        needs: "columns" of the manifest, "pictures" (every crop is read) or "faces" (every face is
            encoded, which is slow).
        find: finds the links. Raises `NotLooked` if the rows do not contain what it needs.
    """

    name: str
    title: str
    meaning: str
    needs: str
    find: Find


_KINDS: Registry[Kind] = Registry("kind of leak", f"{__package__}.kinds")


def register(name: str, title: str, meaning: str, *, needs: str = COLUMNS) -> Callable[[Find], Find]:
    """Register the decorated function as the kind of leak `name`."""
    return _KINDS.decorator(name, lambda find: Kind(name, title, meaning, needs, find))


def list_kinds() -> list[Kind]:
    """All kinds, the cheap ones first."""
    return sorted(_KINDS.all(), key=lambda kind: (NEEDS.index(kind.needs), kind.name))


def get_kind(name: str) -> Kind:
    """The kind called `name`.

    Raises:
        InputError: no kind has this name; the line gives the nearest.
    """
    return _KINDS.get(name)
