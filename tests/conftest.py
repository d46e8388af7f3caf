"""Fixtures that all tests share."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

# The processes of pytest-xdist share the cores: each more thread of one takes time from the others.
for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# How long one example takes depends on what else the machine does: hypothesis' own limit is 0.2 s.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture
def shared() -> Path:
    """The folder of real faces, clips and weights that lies beside some checkouts."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("no folder ../shared with real data beside this checkout")
    return folder


# The functions that draw the figures of a run.
DRAWN = (
    *("accuracy_curves", "case_sheet", "confusion", "histogram", "loss_curves", "precision_recall"),
    *("reliability", "roc"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests of extraction last: their files are short, so the processes end at about the same time."""
    items.sort(key=lambda item: "face_extraction" in item.path.parts)


def pytest_collection_finish() -> None:
    """Take what imports made out of garbage collection: Keras and the code collect it all, many times."""
    gc.collect()
    gc.freeze()


@contextmanager
def _lightly(*, graphs: bool = False) -> Iterator[None]:
    """Make small trainings three times as cheap, for tests that need a run and do not test its training.

    Keras runs each step as it stands, without tracing it into a graph first, and figures are written blank.
    Tests of the training itself (`train/test_fitting.py`, `train/test_training.py`) and of figures
    (`render/figures`) do without this.
    """
    import keras
    from matplotlib.figure import Figure
    from PIL import Image

    from dfdetect.render.figures import drawing

    def blank(*given: Any, **options: Any) -> None:
        (path,) = (value for value in given if isinstance(value, Path))
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (1, 1)).save(path, "PNG")

    with pytest.MonkeyPatch.context() as patch:
        if not graphs:
            patch.setattr(keras.Model, "run_eagerly", property(lambda model: True, lambda model, value: None))
        for name in DRAWN:
            patch.setattr(drawing, name, blank)
        patch.setattr(Figure, "savefig", blank)
        yield


@pytest.fixture(scope="module")
def light() -> Iterator[None]:
    """For the tests of a module, by `pytest.mark.usefixtures`: trainings cost a third."""
    with _lightly():
        yield


@pytest.fixture(scope="module")
def blank() -> Iterator[None]:
    """For the tests of a module: figures are written blank, trainings are as they are."""
    with _lightly(graphs=True):
        yield


@pytest.fixture(scope="session")
def lightly() -> Callable[..., AbstractContextManager[None]]:
    """The same for what a fixture trains: `with lightly():`. From some twenty steps on graphs cost less."""
    return _lightly


@pytest.fixture
def unfilled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models start with weights of 0: for tests that count layers or parameters, and compute nothing."""
    import keras

    def zeros(initializer: Any, shape: Any, dtype: Any = None) -> Any:
        return keras.ops.zeros(shape, dtype)

    for name in ("VarianceScaling", "TruncatedNormal", "RandomNormal", "RandomUniform", "Orthogonal"):
        monkeypatch.setattr(getattr(keras.initializers, name), "__call__", zeros)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """`once(name, make)`: a folder made once for all processes of a test run. Do not change what it holds."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def folder_of(name: str, make: Callable[[Path], object]) -> Path:
        folder, made = base / f"once-{name}", base / f"once-{name}.made"
        with FileLock(base / f"once-{name}.lock"):
            if not made.exists():
                folder.mkdir()
                make(folder)
                made.touch()
        return folder

    return folder_of


@pytest.fixture
def full_disk():
    """full_disk(size): inside the block no file can grow beyond so many bytes, as on a full disk."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limited(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited
