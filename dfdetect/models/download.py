"""Report a failed download of published weights in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from face_extraction.errors import InputError, one_line


@contextmanager
def download_errors(name: str) -> Iterator[None]:
    """Turn a failed download by Keras into one line.

    Raises:
        InputError: the download failed, or the downloaded file is broken.
    """
    try:
        yield
    except Exception as error:
        # Keras raises a bare Exception if it cannot fetch, and a ValueError if the hash is wrong.
        if not isinstance(error, OSError) and not str(error).startswith(
            ("URL fetch failure", "Incomplete or")
        ):
            raise
        raise download_failed(name, error) from error


def download_failed(name: str, error: Exception) -> InputError:
    """The error for a model whose published weights could not be downloaded."""
    return InputError(
        f"the published weights of {name} could not be downloaded ({one_line(error)}); "
        "give a file with --weights PATH or --weights none"
    )
