"""The files that `benchmarks.fuzz` changes: draw each kind, and read it as the commands do."""

import io
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dfdetect.metrics.estimates import compute_metrics
from dfdetect.models.hdf5 import check_contents
from dfdetect.predictions import Predictions, read_predictions, write_predictions
from dfdetect.recipe import Recipe, read_recipe, write_recipe
from dfdetect.runs.folder import Run
from face_extraction.frames import read_frames
from face_extraction.images import read_rgb
from face_extraction.journal import FaceRow, ItemResult, Journal, read_journal
from face_extraction.manifest import SPLITS, Box, FaceSample, read_manifest, write_manifest
from face_extraction.settings import ExtractionSettings, read_settings, write_settings

Rgb = NDArray[np.uint8]
PARAMETERS = 10_000  # of the model that the drawn weights file belongs to


def read_seed(kind: str, folder: Path, content: bytes) -> None:
    """Write a file of this kind into an empty folder, and read it as the commands do."""
    READERS[kind](folder, content)


def _picture(number: int = 0) -> Rgb:
    """96 x 128 pixels: smooth colours, some noise, and a square whose place depends on `number`."""
    rng = np.random.default_rng(0)
    across, down = np.meshgrid(np.linspace(0, 200, 128), np.linspace(0, 200, 96))
    rgb = np.stack([across, down, 200 - across], axis=2) + rng.integers(0, 20, (96, 128, 3))
    rgb[30:60, 20 + number : 50 + number] = 230
    return rgb.astype(np.uint8)


def _photo(form: str, **options: Any) -> Callable[[Path], bytes]:
    def draw(folder: Path) -> bytes:
        out = io.BytesIO()
        Image.fromarray(_picture()).save(out, form, **options)
        return out.getvalue()

    return draw


def _video(codec: str, form: str) -> Callable[[Path], bytes]:
    def draw(folder: Path) -> bytes:
        import av

        path = folder / f"seed.{form}"
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(codec, rate=30)
            stream.height, stream.width = 96, 128
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for number in range(40):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(number), "rgb24")))
            container.mux(stream.encode(None))
        return path.read_bytes()

    return draw


def _samples() -> list[FaceSample]:
    """36 faces of 18 videos, 12 in each split."""
    return [
        FaceSample(f"{n}.png", n % 2, split, f"{split}{n // 4}", f"{n // 2}", n, n / 30, Box(1, 9, 9, 1))
        for place, split in enumerate(SPLITS)
        for n in range(12 * place, 12 * place + 12)
    ]


def _manifest(folder: Path) -> bytes:
    write_manifest(folder / "manifest.csv", _samples())
    return (folder / "manifest.csv").read_bytes()


def _predictions() -> Predictions:
    samples = [sample for sample in _samples() if sample.split == "test"]
    return Predictions(samples, np.linspace(0.1, 0.9, len(samples)))


def _predictions_file(folder: Path) -> bytes:
    write_predictions(folder / "predictions.csv", _predictions())
    return (folder / "predictions.csv").read_bytes()


def _metrics(folder: Path) -> bytes:
    run = Run(folder)
    scored = _predictions()
    levels = {
        level: compute_metrics(scored, threshold=0.5, level=level, resamples=20)
        for level in ("face", "video")
    }
    run.write_metrics(0.5, {"val": levels, "test": levels})
    return run.metrics_file.read_bytes()


def _environment(folder: Path) -> bytes:
    facts = {"manifest_sha256": "0" * 64, "weights_sha256": "", "leaks": ["some"], "training_seconds": 3.5}
    Run(folder).write_environment({**facts, "random_layers": ["logit"], "members": {"a": 0.5}})
    return (folder / "environment.json").read_bytes()


def _recipe(folder: Path) -> bytes:
    write_recipe(folder / "recipe.toml", Recipe(options={"units": 3}))
    return (folder / "recipe.toml").read_bytes()


def _settings(folder: Path) -> bytes:
    write_settings(folder, ExtractionSettings())
    return next(folder.iterdir()).read_bytes()


def _weights(folder: Path) -> bytes:
    import h5py  # type: ignore[import-untyped]

    with h5py.File(folder / "a.weights.h5", "w") as file:
        for name in ("dense", "conv2d", "logit"):
            variables = file.create_group(f"layers/{name}/vars")
            variables.attrs["name"] = name
            variables["0"], variables["1"] = np.zeros((30, 40), "f4"), np.zeros(40, "f4")
    return (folder / "a.weights.h5").read_bytes()


def _journal(folder: Path) -> bytes:
    journal = Journal(folder)
    journal.start({"root": "RAW", "settings": asdict(ExtractionSettings())})
    for number in range(5):
        face = FaceRow(f"real/{number}/0.png", 3, 0.1, Box(1, 9, 9, 1), 20, 20, 1)
        journal.add(ItemResult(f"real/{number}.mp4", [face], []))
    journal.close()
    return journal.path.read_bytes()


def _read_run(folder: Path, **files: bytes) -> None:
    """Read a whole run folder in which one file is the mutant."""
    for draw in (_metrics, _environment, _recipe):
        draw(folder)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    run = Run(folder)
    run.require_finished()
    for read in (run.threshold, run.metrics, run.environment, run.cautions):
        read()


def _written(name: str, read: Callable[[Path], object]) -> Callable[[Path, bytes], None]:
    """A reader that writes the content into a file with this name, and calls `read` on it."""

    def write_and_read(folder: Path, content: bytes) -> None:
        (folder / name).write_bytes(content)
        read(folder / name)

    return write_and_read


def _frames(path: Path) -> None:
    for _ in read_frames(path, count=8):
        pass


SEEDS: dict[str, Callable[[Path], bytes]] = {
    "jpeg": _photo("JPEG"),
    "jpeg-progressive": _photo("JPEG", progressive=True, quality=95),
    "png": _photo("PNG"),
    "webp": _photo("WEBP"),
    "avif": _photo("AVIF"),
    "tiff": _photo("TIFF"),
    "bmp": _photo("BMP"),
    "mp4": _video("libx264", "mp4"),
    "mkv": _video("libx265", "mkv"),
    "ts": _video("libx264", "ts"),
    "avi": _video("mjpeg", "avi"),
    "manifest": _manifest,
    "predictions": _predictions_file,
    "metrics": _metrics,
    "environment": _environment,
    "recipe": _recipe,
    "settings": _settings,
    "weights": _weights,
    "journal": _journal,
}
"""The undamaged file of each kind, drawn with the help of an empty folder."""

READERS: dict[str, Callable[[Path, bytes], None]] = {
    **{
        name: _written(f"a.{suffix}", read_rgb)
        for name, suffix in (
            *(("jpeg", "jpg"), ("jpeg-progressive", "jpg"), ("png", "png"), ("webp", "webp")),
            *(("avif", "avif"), ("tiff", "tiff"), ("bmp", "bmp")),
        )
    },
    **{name: _written(f"a.{name}", _frames) for name in ("mp4", "mkv", "ts", "avi")},
    "manifest": _written("manifest.csv", lambda path: read_manifest(path, torn_groups=True)),
    "predictions": _written("predictions.csv", lambda path: read_predictions(path, "test")),
    "metrics": lambda folder, content: _read_run(folder, **{"metrics.json": content}),
    "environment": lambda folder, content: _read_run(folder, **{"environment.json": content}),
    "recipe": _written("recipe.toml", read_recipe),
    "settings": _written("extraction.toml", lambda path: read_settings(path.parent)),
    "weights": _written("a.weights.h5", lambda path: check_contents(path, PARAMETERS)),
    "journal": _written("journal.jsonl", lambda path: read_journal(path.parent)),
}
