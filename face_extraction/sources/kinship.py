"""Notes on files whose names say that they belong together. Names alone never make a group."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import combinations
from pathlib import PurePosixPath

from face_extraction.manifest import FAKE, REAL, SPLITS
from face_extraction.media import CROP, PHOTO
from face_extraction.sources.layout import SPLIT_WORDS, plain
from face_extraction.sources.registry import Item

# So many words of a name are looked at, or every set of them would take too long.
MOST_WORDS = 6
LEAST_TORN = 3
_WORD = re.compile(r"[^\W_]+")
_DIGITS, _SIGNS = "0123456789", "_-.,#( "


def kinship(items: Iterable[Item]) -> list[str]:
    """Notes on photos that are named like frames of one video, and fakes that are named after real files.

    Args:
        items: those whose group is their own file, named by its stem.
    """
    own = list(items)
    return [*_frames(own), *_named_after(own)]


def _frames(items: Iterable[Item]) -> list[str]:
    series: dict[str, list[str]] = defaultdict(list)
    count = 0
    for item in items:
        if item.kind == PHOTO:
            count += 1
            if name := _series(item.group):
                series[name].append(item.path)
    several = [paths for paths in series.values() if len(paths) > 1]
    photos = sum(map(len, several))
    if len(several) < 2 or 2 * photos < count:
        return []
    first, second = several[0][:2]
    return [
        f"photos named as series: {photos:,} in {len(several):,} series, such as {first} and {second}; "
        "each is its own group: if a series is one video or person, give it a folder, or use --group-pattern"
    ]


def torn_series(items: Iterable[Item]) -> list[str]:
    """A note on photos that are named like frames of one video, but stand in several given splits.

    Args:
        items: those whose group is their own file.
    """
    series: dict[tuple[int, str], dict[str, str]] = defaultdict(dict)
    sizes: Counter[tuple[int, str]] = Counter()
    count = 0
    for item in items:
        if item.kind in (PHOTO, CROP) and item.split in SPLITS:
            count += 1
            path = PurePosixPath(item.path)
            folder = next((part for part in path.parts[-2::-1] if plain(part) not in SPLIT_WORDS), "")
            # In a folder of their own, frames are often called by their numbers alone.
            if name := _series(path.stem) or (folder if path.stem.isdecimal() else ""):
                key = item.label, f"{folder}/{name}"
                series[key].setdefault(item.split, item.path)
                sizes[key] += 1
    torn = [key for key, splits in series.items() if len(splits) > 1]
    # A set whose photos are all called img_1, img_2 ... has one or two such series, and they say nothing.
    if len(torn) < LEAST_TORN or 2 * sum(sizes[key] for key in torn) < count:
        return []
    one, other = list(series[torn[0]].values())[:2]
    return [
        f"photos named as one series that stand in several splits: {len(torn):,} series, such as {one} and "
        f"{other}: if these are frames of one video, the splits share it"
    ]


def _series(name: str) -> str:
    """What stands before the number at a name's end: "v" for "v_012"; empty without one."""
    before = name.rstrip(_DIGITS)
    series = before.rstrip(_SIGNS)
    return series if len(series) < len(before) < len(name) else ""


def _named_after(items: Iterable[Item]) -> list[str]:
    by_label: dict[int, list[Item]] = defaultdict(list)
    for item in items:
        by_label[item.label].append(item)
    reals = {frozenset(_words(item)): item for item in reversed(by_label[REAL])}
    sizes = sorted({len(words) for words in reals}, reverse=True)
    found = [
        (fake, reals[part])
        for fake in by_label[FAKE]
        if (part := next((each for each in _parts(fake, sizes) if each in reals), None))
    ]
    if not found:
        return []
    fake, real = found[0]
    return [
        f"fakes named after real files: {len(found):,}, such as {fake.path} and {real.path}; each is its own "
        "group: if they show the same people, use --group-pattern"
    ]


def _words(item: Item) -> list[str]:
    return _WORD.findall(item.group.lower())


def _parts(item: Item, sizes: Iterable[int]) -> Iterable[frozenset[str]]:
    """The sets of so many, but not all, of a name's words."""
    words = sorted(set(_words(item)))
    fitting = [size for size in sizes if 0 < size < len(words) <= MOST_WORDS]
    return (frozenset(part) for size in fitting for part in combinations(words, size))
