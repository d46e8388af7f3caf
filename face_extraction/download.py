"""`python -m face_extraction download DATASET`: download what Kaggle offers to everybody."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from face_extraction.command import DONE, Parser
from face_extraction.errors import InputError
from face_extraction.missing import extra
from face_extraction.sources import Source

CACHE = "KAGGLEHUB_CACHE"  # where Kaggle's client keeps what it downloads; read at each download


def parser(prog: str, source: Source) -> Parser:
    """The command line of `download` for one data set."""
    command = f"{prog} download {source.name}"
    parser = Parser(command, source.description, f"example:\n  {command} --out RAW")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="RAW",
        help="the folder to download into; the last line names the data set's folder in it",
    )
    return parser


def download(source: Source, out: Path) -> Path:
    """Download a data set below `out`; a stopped download continues when started again.

    `out` becomes the cache of Kaggle's client, because the client resumes a download only in its cache,
    not in a folder given to it.

    Returns:
        the folder below `out` that has the data set's layout.

    Raises:
        InputError: the data set has no public download, the extra is not installed, or Kaggle's
            client failed.
    """
    if not source.kaggle:
        page = f"; ask for it, or find it, at {source.page}" if source.page else ""
        raise InputError(f"{source.name} has no public download{page}")
    try:
        import kagglehub
    except ImportError:
        raise InputError(f"downloads need kagglehub: {extra('download')}") from None
    out.mkdir(parents=True, exist_ok=True)
    try:
        with _cache_at(out.resolve()):
            return Path(kagglehub.dataset_download(source.kaggle))
    except Exception as error:  # The client raises its libraries' errors: offline, refused, disk full.
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(f"{source.name}: Kaggle's download failed ({reason}); see {source.page}") from error


@contextmanager
def _cache_at(folder: Path) -> Iterator[None]:
    before = os.environ.get(CACHE)
    os.environ[CACHE] = str(folder)
    try:
        yield
    finally:
        del os.environ[CACHE]
        if before is not None:
            os.environ[CACHE] = before


def run_download(prog: str, source: Source, args: argparse.Namespace) -> int:
    """Download, and print the next step."""
    folder = download(source, args.out)
    print(f"downloaded: {folder}; its licence: {prog} {source.name} --help")
    print(f"next: {prog} check {source.name} --root {folder}")
    return DONE
