"""Commands without the chatter of TensorFlow's C++ side: at Keras' import, and where they ask for it."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from face_extraction.errors import InputError


def load_keras() -> None:
    """Import Keras and its backend; what they print on standard error is shown only if that fails.

    TensorFlow 2.21 prints half a dozen lines at import on which no user can act, before its own log
    level takes effect. Warnings and errors after the import are not touched.
    """
    with held_back():
        import keras  # noqa: F401


@contextmanager
def held_back() -> Iterator[None]:
    """Keep file descriptor 2 in a file while the block runs; print it after an exception.

    Not after an `InputError`, whose line says all.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except InputError:
            raise
        except BaseException:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
