"""Start without the packages that dfdetect needs: print one line, not a traceback."""

import os
import sys
from types import TracebackType

OURS = ("dfdetect", "face_extraction", "tuning")
TRAINING = ("keras", "keras_tuner", "optuna", "sklearn", "sqlalchemy", "tensorflow")
"""Packages of the extra "train"."""
USAGE = 2


def extra(name: str) -> str:
    """How to install an extra of dfdetect, as words for an error: `pip install '.[NAME]' in the folder ...`.

    Never by the package's name alone: nothing of that name has been released, so pip would ask an index.
    """
    return f"pip install '.[{name}]' in the folder of dfdetect"


def missing_package(error: ModuleNotFoundError) -> int:
    """Print a line about a package that is not installed, and return the exit status 2.

    Raises:
        ModuleNotFoundError: the missing module is one of ours, which is a fault of the program.
    """
    package = (error.name or "").partition(".")[0]
    if not package or package in OURS:
        raise error
    if package == os.environ.get("KERAS_BACKEND") != "tensorflow":
        told = (
            f"KERAS_BACKEND={package}: that package is not installed in {sys.prefix}; accepted: tensorflow, "
            "or jax where it is installed"
        )
    else:
        what = "'.[train]'" if package in TRAINING else "."
        told = (
            f"the package {package} is not installed in {sys.prefix}; run `pip install {what}` in the folder "
            "of dfdetect, or start the commands from the environment that `make` wrote (.venv)"
        )
    print(f"dfdetect: {told}", file=sys.stderr)
    return USAGE


def explain_missing_packages() -> None:
    """When `python -m` starts a command, replace the traceback of a missing package with one line.

    Elsewhere, such as in a program that imports dfdetect, errors stay as they are.
    """
    # Python sets this name while it looks for the module named by -m.
    if sys.argv[:1] == ["-m"]:
        sys.excepthook = _excepthook


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, ModuleNotFoundError):
        try:
            status = missing_package(error)
        except ModuleNotFoundError:
            pass
        else:
            raise SystemExit(status)
    sys.__excepthook__(kind, error, trace)
