"""What a run depends on besides its recipe: versions, commit, command, devices."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import dfdetect

BACKENDS = {"onnxruntime": ("onnxruntime",), "litert": ("ai-edge-litert",)}
"""The packages that run models without Keras, by backend."""
OF_KERAS = ("keras", "tensorflow", "jax")
PACKAGES = (
    *OF_KERAS,
    "numpy",
    "scikit-learn",
    "opencv-python-headless",
    "dlib-bin",
    "pillow",
    "av",
)

PACKAGE = Path(__file__).resolve().parent


def describe() -> dict[str, Any]:
    """Versions, commit, command, backend and devices, as JSON values."""
    return {
        "dfdetect": dfdetect.__version__,
        "git_commit": git_commit(),
        "command": _command(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        **hardware(),
        "packages": packages(),
    }


def packages() -> dict[str, str]:
    """The versions of the installed packages that have a part in a score."""
    return {name: _version(name) for name in PACKAGES if _version(name)}


def versions(backend: str = "") -> dict[str, str]:
    """The same, with Python's and the backend's name.

    Args:
        backend: what runs the model without Keras, of `BACKENDS`; "" for Keras.
    """
    if not backend:
        import keras

        return {"python": platform.python_version(), "backend": keras.backend.backend(), **packages()}
    rest = {name: known for name, known in packages().items() if name not in OF_KERAS}
    own = {name: _version(name) for name in BACKENDS[backend]}
    return {"python": platform.python_version(), "backend": backend, **own, **rest}


def hardware() -> dict[str, Any]:
    """Cores, backend and devices, which decide how long a training takes."""
    import keras

    return {"cores": os.cpu_count(), "backend": keras.backend.backend(), "devices": _devices()}


def _command() -> str:
    """The command as typed; under `python -m`, argv[0] is the module's file."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    program = f"python -m {spec.name.removesuffix('.__main__')}" if spec else Path(sys.argv[0]).name
    return " ".join([program, *sys.argv[1:]])


def _devices() -> list[str]:
    """The accelerators' names, or "CPU" if Keras sees none."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        names = [
            tf.config.experimental.get_device_details(device).get("device_name", device.name)
            for device in tf.config.list_physical_devices("GPU")
        ]
        return names or ["CPU"]
    if keras.backend.backend() == "jax":
        import jax

        names = [device.device_kind for device in jax.local_devices() if device.platform != "cpu"]
        return names or ["CPU"]
    return [str(device) for device in keras.distribution.list_devices()]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def git_commit(folder: Path = PACKAGE) -> str:
    """The commit of the checkout that holds this package, with "+" if the code has changed; "" outside one.

    Only code counts, new files included, because `dfdetect.report run` itself changes files in reports.
    """

    def git(*args: str) -> str:
        try:
            done = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, check=False)
        except OSError:
            return ""
        return done.stdout.strip()

    if not git("ls-files", Path(__file__).name):
        return ""
    packages = [f":/{name}" for name in ("dfdetect", "face_extraction", "tuning")]
    return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--", *packages) else "")
