"""Where the service works: a folder for uploads, and the processes that look for faces in them."""

import tempfile
from pathlib import Path

from face_extraction.errors import InputError
from face_extraction.pool import LocalPool


class Workplace:
    """The folder and the processes, once they are started.

    Args:
        workers: processes.
        seconds: that the search in one file may take.

    Attributes:
        workers: processes.
        pool: starts others where all broke down.
    """

    def __init__(self, workers: int, seconds: float) -> None:
        self.workers, self.pool = workers, LocalPool(workers, seconds)
        self._root: tempfile.TemporaryDirectory[str] | None = None

    @property
    def folder(self) -> Path:
        """Where uploads lie while they are in work."""
        if self._root is None:
            raise RuntimeError("start() makes the folder. Received: no start()")
        return Path(self._root.name)

    def start(self) -> None:
        """Make the folder and start the processes; does nothing the second time.

        Raises:
            InputError: no folder can be written, or no process can be started.
        """
        if self._root is None:
            try:
                root = tempfile.TemporaryDirectory(prefix="dfdetect-serve-", ignore_cleanup_errors=True)
                Path(tempfile.mkdtemp(dir=root.name)).rmdir()
            except OSError as error:
                where = f"{error.filename}: " if error.filename else ""
                raise InputError(
                    f"no folder for uploads ({where}{error.strerror}); let TMPDIR name a folder that can be "
                    "written, and let umask leave you your own files"
                ) from None
            self._root = root
        try:
            self.pool.start()
        except InputError:
            self.close()
            raise

    def close(self) -> None:
        """End the processes, and remove the folder."""
        self.pool.shutdown(cancel_futures=True)
        if self._root:
            self._root.cleanup()
            self._root = None
