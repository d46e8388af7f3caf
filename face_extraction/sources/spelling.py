"""Find the file, or the group, that a list means though it spells it otherwise."""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from face_extraction.media import kind_found, kind_of
from face_extraction.sources.registry import Item

# They lead on without being in the list of a folder's names.
_UP = ("..", "/")
_ADDRESS = re.compile(r"(?i)(https?|ftp|s3|gs):/")
_FILE = re.compile(r"(?i)file:(//(localhost)?(?=/))?")
_NUMBER = re.compile(r"0*(\d+)(\.0+)?")


def alike(name: str) -> str:
    """What the spellings of one name have in common.

    Capitals, how accents are written, blanks at the ends and signs that nobody sees do not matter. Numbers
    are equal if their values are: a spreadsheet makes 1 of 001, and pandas makes 1.0 of it.
    """
    seen = name if name.isascii() else "".join(sign for sign in name if unicodedata.category(sign) != "Cf")
    plain = unicodedata.normalize("NFC", seen).casefold().strip()
    number = _NUMBER.fullmatch(plain)
    return number[1] if number else plain


def one_spelling(names: Iterable[str]) -> dict[str, str]:
    """One spelling, the first by order, for all names that are `alike`, as of a person or an original."""
    spelled: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        spelled[alike(name)].append(name)
    chosen = {word: unicodedata.normalize("NFC", min(same)).strip() for word, same in spelled.items()}
    return {name: chosen[word] for word, same in spelled.items() for name in same}


def with_one_spelling(items: Iterable[Item]) -> list[Item]:
    """The items, with one spelling for the groups that are `alike`."""
    known = list(items)
    groups = one_spelling(item.group for item in known)
    return [
        item if groups[item.group] == item.group else replace(item, group=groups[item.group])
        for item in known
    ]


def is_address(name: str) -> bool:
    """Whether a name is an address of the web, not of a file."""
    return bool(_ADDRESS.match(name))


def exists(path: Path) -> bool:
    """Whether a path is there; a text that is far too long for one is not."""
    try:
        return path.exists()
    except OSError:
        return False


class Finder:
    """Finds files and folders by the names that a list gives them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._inside: dict[str, tuple[Mapping[str, list[str]], Mapping[str, list[str]]]] = {}

    def find(self, name: str) -> str | None:
        """The path, from the root or absolute, of the file or folder that a list calls `name`; or None.

        A path that is there as it stands is taken. Otherwise backslashes, `%20`, `file://`, capitals and
        accents may differ, and the suffix may be left out, if only one file can be meant.
        """
        names = dict.fromkeys(_spellings(name))
        exact = next((each for each in names if exists(self._root / each)), None)
        return exact or next(filter(None, map(self._alike, names)), None)

    def _alike(self, name: str) -> str | None:
        *folders, last = PurePosixPath(name).parts or ("",)
        above = ""
        for part in folders:
            whole, _ = self._names(above)
            same = whole.get(alike(part), [])
            found = [part] if part in same or part in _UP else same
            if len(found) != 1:
                return None
            above = os.path.join(above, found[0])
        whole, stems = self._names(above)
        found = whole.get(alike(last)) or ([] if kind_of(PurePosixPath(last)) else stems.get(alike(last), []))
        return os.path.join(above, found[0]) if len(found) == 1 else None

    def _names(self, folder: str) -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
        """The names in a folder, and those of photos and videos in it by their stems."""
        if folder not in self._inside:
            path = self._root / folder
            whole: dict[str, list[str]] = defaultdict(list)
            stems: dict[str, list[str]] = defaultdict(list)
            for each in sorted(path.iterdir()) if path.is_dir() else ():
                whole[alike(each.name)].append(each.name)
                if kind_found(each):
                    stems[alike(each.stem)].append(each.name)
            self._inside[folder] = whole, stems
        return self._inside[folder]


def _spellings(name: str) -> Iterator[str]:
    for each in (name, name.strip()):
        yield each
        yield each.replace("\\", "/")
    plain = _FILE.sub("", name.strip()).replace("\\", "/")
    yield plain
    yield unquote(plain)
