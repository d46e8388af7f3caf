"""The embedded sample set: drawn people and face swaps between them, made on first use.

It lets users try every command without any data. Faces of real people cannot be shipped freely, but
drawings can. They show that the pipeline works, and nothing else.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import face_extraction
from dfdetect.sample.films import FPS, Film, film, write_video
from dfdetect.sample.identity import Identity, draw_identity
from dfdetect.sample.people import Person
from dfdetect.sample.swaps import swap_film
from face_extraction.atomic import write_text
from face_extraction.errors import InputError
from face_extraction.progress import progress
from face_extraction.settings import ExtractionSettings
from face_extraction.splits import SplitRule

NOTICE = (
    "The sample set is drawn by code: it shows that the pipeline works, and says nothing about skill on "
    "real faces."
)
CACHE_VARIABLE = "DFDETECT_CACHE"
PAIRS, SECONDS = 30, 1.0
"""Many people and short videos: a model learns more from more people. The usual split rule puts 18 of
these pairs into train, 6 into val and 6 into test."""

_README = f"""{NOTICE}

real/<pair>/<person>.mp4               a drawn person, {FPS} frames a second
fake/<pair>/<target>_from_<donor>.mp4  the target's video with the donor's face in it

Two people make a pair. Each is swapped into the other's video. The pair is the group, which stays in
one split. The drawings come from a seed: no person was photographed. The swaps are warped by
landmarks, matched in colour, blended with a feathered mask and compressed again, as real face swaps are.
"""

_PERSON, _FILM, _SWAP, _ORDER = range(4)
"""Streams of random numbers, so that a longer video shows the same people."""


def draw_sample(folder: Path, *, pairs: int = PAIRS, seconds: float = SECONDS, seed: int = 0) -> None:
    """Draw the sample set's videos into `folder`; equal arguments give equal frames.

    The folder appears when it is complete. Its layout is the one for `python -m face_extraction folders`.

    Args:
        folder: where to write; it must not exist, or be empty.
        pairs: number of pairs of people; each gives two real videos and two fake ones.
        seconds: length of each video.
        seed: another seed draws other people.

    Raises:
        InputError: `folder` is not empty, a number is out of range, or a video cannot be written.
    """
    frames = round(seconds * FPS)
    if not (1 <= pairs <= 999 and 2 <= frames <= 60 * FPS):
        raise InputError(
            f"sample set of {pairs} pairs and {seconds} seconds; accepted: 1 to 999 pairs, 0.1 to 60 seconds"
        )
    with _whole(folder) as temporary, progress("drawing people", 4 * pairs, unit="videos") as advance:
        write_text(temporary / "README.txt", _README)
        for number, couple in enumerate(_couples(pairs, seed)):
            for name in _draw_pair(temporary, number, couple, frames, seed):
                advance(note=name)


def sample_manifest() -> Path:
    """The manifest of the sample set in the user's cache; it is drawn and extracted if it is not there.

    The cache is the folder named by the environment variable DFDETECT_CACHE, or ~/.cache/dfdetect.
    Each version of the drawings and of the extraction's settings gets its own folder there.

    Raises:
        InputError: the cache cannot be written.
    """
    settings, rule, manifest = ExtractionSettings(), SplitRule(), sample_place()
    home = manifest.parents[1]
    if not manifest.is_file():
        try:
            with _whole(home) as temporary:
                _draw_and_extract(temporary, settings, rule)
        except OSError as error:
            if not manifest.is_file():  # else another process was faster
                raise InputError(
                    f"{home}: the sample set cannot be written ({error.strerror or error}); {CACHE_VARIABLE} "
                    "names another folder"
                ) from None
    return manifest


def sample_place() -> Path:
    """Where the sample set's manifest lies, or will lie when it is drawn."""
    home = cache_folder() / f"sample-{_fingerprint(ExtractionSettings(), SplitRule())}"
    return home / "faces" / "manifest.csv"


def _draw_and_extract(home: Path, settings: ExtractionSettings, rule: SplitRule) -> None:
    # These load dlib, which is not needed if the manifest already exists.
    from face_extraction.extract import extract
    from face_extraction.plan import Plan
    from face_extraction.sources import get_source

    root = home / "drawn-people"
    draw_sample(root)
    listing = get_source("folders").find(root)
    extract(Plan(listing.items, rule, listing.ledger), root, home / "faces", settings)


def people_of(number: int) -> tuple[str, str]:
    """The names of the two people of a pair; pairs are numbered from 0."""
    return f"{2 * number + 1:02d}", f"{2 * number + 2:02d}"


def pair_name(number: int) -> str:
    """The name of a pair's folder, which is the group of its videos."""
    return "_".join(people_of(number))


def cache_folder() -> Path:
    """The user's cache for this package."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).expanduser() if named else Path.home() / ".cache" / "dfdetect"


def _fingerprint(*parameters: object) -> str:
    """A short hash of what decides the sample set: the code that makes it, and `parameters`."""
    digest = hashlib.sha256(repr(parameters).encode())
    here, extraction = Path(__file__).parent, Path(face_extraction.__path__[0])
    for path in (*sorted(here.glob("*.py")), *sorted(extraction.rglob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _couples(pairs: int, seed: int) -> list[tuple[Identity, Identity]]:
    """Pairs of people who look alike enough to be swapped, in random order."""
    people = [draw_identity(np.random.default_rng([seed, _PERSON, n])) for n in range(2 * pairs)]
    people.sort(key=lambda person: (person.feminine > 0.5, float(person.skin.sum())))
    order = np.random.default_rng([seed, _ORDER]).permutation(pairs)
    return [(people[2 * n], people[2 * n + 1]) for n in order]


def _draw_pair(
    folder: Path, number: int, couple: tuple[Identity, Identity], frames: int, seed: int
) -> Iterator[str]:
    """Draw the videos of a pair and of their swaps, and give the name of each when it is written."""
    names, pair = people_of(number), pair_name(number)
    films = []
    for place, (name, identity) in enumerate(zip(names, couple, strict=True)):
        rng = np.random.default_rng([seed, _FILM, 2 * number + place])
        video = film(Person(identity), rng, frames)
        seen = write_video(folder / "real" / pair / f"{name}.mp4", video.frames)
        # A swap starts from the written video, which has been compressed once.
        films.append(Film(seen, video.landmarks))
        yield name
    for target, donor in ((0, 1), (1, 0)):
        rng = np.random.default_rng([seed, _SWAP, 2 * number + target])
        swapped = swap_film(films[target], films[donor], rng)
        name = f"{names[target]}_from_{names[donor]}"
        write_video(folder / "fake" / pair / f"{name}.mp4", swapped)
        yield name


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Yield a new folder beside `folder`; rename it to `folder` if the block succeeds."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: already exists; accepted: a new or empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
