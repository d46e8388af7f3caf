"""What the data sets' files share: find folders and videos, read lists, join pairs."""

import difflib
import os
import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NoReturn

from face_extraction.csv_file import read_csv
from face_extraction.errors import InputError, unknown_name
from face_extraction.journal import JOURNAL_FILE
from face_extraction.ledger import DOUBLED, UNLISTED, UNREADABLE, LedgerRow, as_text
from face_extraction.manifest import FAKE, MANIFEST_FILE, REAL, SPLITS
from face_extraction.media import VIDEO, is_archive, kind_found

# Only these names give a label, never the order of folders or a bare number.
LABELS = {"real": REAL, "fake": FAKE}
# Words that mean one of the two and nothing else; only their letters count, in any case.
LABEL_WORDS = {
    **dict.fromkeys(("real", "reals", "original", "originals", "genuine", "pristine", "authentic"), REAL),
    **dict.fromkeys(("bonafide", "unmanipulated"), REAL),
    **dict.fromkeys(("fake", "fakes", "deepfake", "deepfakes", "forged", "manipulated", "altered"), FAKE),
    **dict.fromkeys(("synthetic", "synthesized", "generated", "swapped", "tampered"), FAKE),
    # 0_real and 1_fake, as in ForenSynths and the sets that follow it.
    "0real": REAL,
    "1fake": FAKE,
}
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trainset", "trainingset"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "development"), "val"),
    **dict.fromkeys(("valset", "validationset", "devset"), "val"),
    **dict.fromkeys(("test", "testing", "testset", "testingset"), "test"),
}
# A label that is a whole number; spreadsheets write 1 as 1.0, and as 1,0 in half of Europe.
_NUMBER = re.compile(r"(?P<sign>[+-]?)0*(?P<value>\d+)([.,]0*)?")
_PART = re.compile(r"[+-]?\d*[.,]\d+")
# What systems and servers keep among the data: thumbnails, snapshots and deleted files, in lower case.
NO_DATA = (
    "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "$recycle.bin",
    "system volume information", "lost+found", "__macosx",
)  # fmt: skip
INNER = "videos"
# So many folders are looked into for one that has a data set's layout.
MOST_LOOKED_INTO = 200


def need_folder(root: Path) -> None:
    """Refuse a root that is not a folder, and name the nearest folder beside it.

    Raises:
        InputError: `root` is not a folder.
    """
    if root.is_dir():
        return
    if root.exists():
        raise InputError(f"{root}: not a folder")
    beside = [path.name for path in root.parent.iterdir() if path.is_dir()] if root.parent.is_dir() else []
    raise InputError(f"{root}: no such folder{nearest(root.name, beside)}")


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint " (nearest: X)"; empty if none of `names` resembles `name`. Case does not matter."""
    lower = {other.lower(): other for other in names}
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    return f" (nearest: {lower[near[0]]})" if near else ""


def subfolders(folder: Path) -> list[str]:
    """Sorted names of the folders in `folder`, without hidden ones; empty if `folder` is not one."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:  # It knows folders without a look at each file.
        return visited(entry.name for entry in entries if entry.is_dir())


def visited(names: Iterable[str]) -> list[str]:
    """Sorted names of the folders that may hold data."""
    return sorted(name for name in names if not name.startswith(".") and name.lower() not in NO_DATA)


def is_extraction(folder: Path) -> bool:
    """Whether an earlier extraction wrote this folder; it may lie beside the data."""
    return any((folder / name).is_file() for name in (JOURNAL_FILE, MANIFEST_FILE))


def named_folder(root: Path, name: str) -> Path | None:
    """The folder `name` in `root`, in any case; None if there is none.

    Raises:
        InputError: two folders differ only in their case.
    """
    found = [folder for folder in subfolders(root) if folder.lower() == name.lower()]
    if len(found) > 1:
        raise InputError(f"{root}: the folders {' and '.join(found)} are both {name!r}; one is accepted")
    return root / found[0] if found else None


def named_file(root: Path, name: str) -> Path:
    """The file `name` in `root`, in any case, or with its suffix doubled, as Windows hides one of them.

    Without such a file it is `root / name`.
    """
    wanted = (name.lower(), f"{name}{Path(name).suffix}".lower())
    found = sorted(path for path in root.iterdir() if path.name.lower() in wanted and path.is_file())
    return root / name if root / name in found or not found else found[0]


def no_layout(root: Path, needed: str, *markers: str) -> InputError:
    """The error for a root without the data set's layout; it names a subfolder that seems to have it."""
    wanted = {name.lower() for name in markers}
    inside = folder_below(root, lambda folder: any(path.name.lower() in wanted for path in folder.iterdir()))
    if inside:
        return InputError(f"{root}: needed: {needed}; {inside} looks like it")
    near = nearest(markers[0], subfolders(root))
    return InputError("; ".join(filter(None, (f"{root}: needed: {needed}{near}", packed(root)))))


def folder_below(root: Path, is_wanted: Callable[[Path], bool]) -> Path | None:
    """The nearest folder below `root` that is wanted; None if none of the first `MOST_LOOKED_INTO` is."""
    return next(filter(is_wanted, islice(_by_depth(root), MOST_LOOKED_INTO)), None)


def _by_depth(root: Path) -> Iterator[Path]:
    waiting = deque([root])
    while waiting:
        folder = waiting.popleft()
        for name in subfolders(folder):
            waiting.append(folder / name)
            yield folder / name


def packed(root: Path) -> str:
    """A hint "still packed: X" that names archives in a folder; empty if it has none."""
    names = sorted(path.name for path in root.iterdir() if is_archive(path) and path.is_file())
    return f"still packed: {', '.join(names[:3])}{' and more' if len(names) > 3 else ''}" if names else ""


def plain(word: str) -> str:
    """The letters and digits of a word in lower case: "Deep-Fake" becomes "deepfake"."""
    # macOS writes é as e and an accent, others as one letter.
    whole = unicodedata.normalize("NFC", word)
    return "".join(sign for sign in whole.lower() if sign.isalnum())


def label_word(text: str) -> str:
    """A label as `label_options` knows it: "1.0", "1,0" and "1" are one number, "-1" and "1.5" are others.

    Words are compared by their letters and digits, or by their signs if they have neither.
    """
    number = _NUMBER.fullmatch(text.strip())
    if number:
        sign = "-" if number["sign"] == "-" and number["value"] != "0" else ""
        return sign + number["value"]
    return text.strip() if _PART.fullmatch(text.strip()) else plain(text) or text.strip()


def label_options(given: Sequence[str]) -> dict[str, int]:
    """The words of `--label real=A,B` and `--label fake=C`, with the label that each means.

    Args:
        given: the value of each `--label`.

    Returns:
        Labels by words in the form of `label_word`.

    Raises:
        InputError: an option has another form, or a word means both.
    """
    words: dict[str, int] = {}
    for text in given:
        name, sign, values = text.partition("=")
        if not sign or plain(name) not in LABELS or not values:
            raise InputError(f"--label {text!r}: accepted: real=WORD,WORD or fake=WORD,WORD")
        for word in values.split(","):
            if words.setdefault(label_word(word), LABELS[plain(name)]) != LABELS[plain(name)]:
                raise InputError(f"--label: {word!r} is named both real and fake")
    return words


def wanted_labels(*, real_only: bool, fake_only: bool) -> set[int]:
    """The labels that `--real-only` and `--fake-only` leave.

    Raises:
        InputError: both are given.
    """
    if real_only and fake_only:
        raise InputError("--real-only and --fake-only: accepted: one of them")
    return {REAL} if real_only else {FAKE} if fake_only else {REAL, FAKE}


def label_by_name(text: str, where: str) -> int:
    """1 for "fake" and 0 for "real", in any case.

    Raises:
        InputError: `text` is another word, or a number, which would be ambiguous.
    """
    if text.lower() not in LABELS:
        raise InputError(f"{where}: label {text!r}; accepted: REAL or FAKE")
    return LABELS[text.lower()]


def find_videos(
    root: Path, folder: Path, pattern: re.Pattern[str], form: str
) -> tuple[dict[str, re.Match[str]], list[LedgerRow]]:
    """The videos directly in `folder`, or in `videos` in it, in the order of their names.

    Args:
        root: the folder that the paths are relative to.
        folder: the folder to look into; other files in it are skipped.
        pattern: must match a video's whole name without its suffix.
        form: the pattern in words, for the ledger.

    Returns:
        the matches by the videos' paths, and ledger rows for doubled videos or those with other names.
    """
    found: dict[str, re.Match[str]] = {}
    ledger = []
    stems: dict[str, str] = {}
    # DeepfakeBench puts the videos of every data set one folder deeper.
    folders = [folder, *([folder / INNER] if (folder / INNER).is_dir() else [])]
    for path in (each / name for each in folders for name in sorted(os.listdir(each))):
        if kind_found(path) != VIDEO:
            continue
        relative = relative_to(path, root)
        match = pattern.fullmatch(path.stem)
        if match is None:
            ledger.append(LedgerRow(relative, UNLISTED, f"not named like {form}"))
        elif path.stem in stems:
            ledger.append(LedgerRow(relative, DOUBLED, f"{stems[path.stem]} is the same video"))
        else:
            found[relative] = match
            stems[path.stem] = path.relative_to(folder).as_posix()
    return found, ledger


def relative_to(path: Path, root: Path) -> str:
    """`path` as seen from `root`, with forward slashes; it begins with ".." if it lies outside."""
    relative = Path(os.path.relpath(path, root))
    if relative.parts[:1] == ("..",):
        # If root is a link, the system takes ".." from the link's target. The video keeps its own name.
        relative = Path(os.path.relpath(path.parent.resolve() / path.name, root.resolve()))
    return relative.as_posix()


def no_text(relative: str) -> list[LedgerRow]:
    """A ledger row for a file whose name is not valid UTF-8, which no manifest can hold; else nothing."""
    shown = as_text(relative)
    return [] if shown == relative else [LedgerRow(shown, UNREADABLE, "the file's name is not valid UTF-8")]


def files_below(folder: Path, without: Callable[[Path], bool] | None = None) -> Iterator[Path]:
    """All files below `folder`, sorted by name within each folder.

    Links to folders are followed, but no folder is read twice. Skips hidden folders and those of `NO_DATA`,
    which hold copies, small pictures and deleted files.

    Args:
        folder: where to look.
        without: tells which other folders to skip.

    Raises:
        OSError: a folder cannot be read. Without the error its files would be lost silently.
    """
    seen = set()
    for here, names, files in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:
            names.clear()
            continue
        seen.add(real)
        names[:] = [name for name in visited(names) if not (without and without(Path(here) / name))]
        yield from (Path(here) / name for name in sorted(files))


def _refuse(error: OSError) -> NoReturn:
    raise error


def read_lines(path: Path) -> list[str]:
    """The lines of a text file.

    Raises:
        InputError: the file is not text in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8 ({error})") from None


def read_rows(path: Path, columns: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a CSV file with a header: each row's place and the wanted columns, "" if empty.

    Capitals and blanks in the header do not matter.

    Raises:
        InputError: a column is missing, or the file is not CSV text.
    """
    wanted = tuple(columns)
    rows = read_csv(path).rows
    header = [plain(name) for name in rows[0][1]] if rows else []
    missing = [name for name in wanted if plain(name) not in header]
    if missing:
        raise InputError(f"{path}: missing column {', '.join(missing)}; needed: {', '.join(wanted)}")
    places = {name: header.index(plain(name)) for name in wanted}
    for number, row in rows[1:]:
        values = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
        yield f"{path}, row {number}", values


def chosen(option: str, text: str, accepted: Iterable[str], what: str) -> tuple[str, ...]:
    """The names in a comma-separated list, each once, in any case; all accepted names if it is empty.

    Raises:
        InputError: a name is not accepted; the line names `option`.
    """
    names = {name.lower(): name for name in accepted}
    given = [part.strip() for part in text.split(",") if part.strip()]
    for name in given:
        if name.lower() not in names:
            raise unknown_name(what, name, names.values(), f"--{option}")
    return tuple(dict.fromkeys(names[name.lower()] for name in given)) or tuple(names.values())


def join(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The connected component of each name in `pairs`, called by its first name in order."""
    parent: dict[str, str] = {}

    def top(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for one, other in pairs:
        first, second = sorted((top(one), top(other)))
        parent[second] = first
    return {name: top(name) for name in parent}


def split_lists(folder: Path, suffix: str, *, asked: bool = False) -> dict[str, Path]:
    """The official lists train, val and test in `folder`, by split; empty if there is none of them.

    Args:
        folder: their folder.
        suffix: the end of their names, such as ".json".
        asked: whether the user named the folder; the lists must then be there.

    Raises:
        InputError: only some of them are there.
    """
    paths = {split: folder / f"{split}{suffix}" for split in SPLITS}
    missing = [path.name for path in paths.values() if not path.is_file()]
    if len(missing) == len(paths) and not asked:
        return {}
    if missing:
        needed = ", ".join(path.name for path in paths.values())
        raise InputError(f"{folder}: no {', '.join(missing)} in it; needed: {needed}")
    return paths
