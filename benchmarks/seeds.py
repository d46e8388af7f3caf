"""The files that `benchmarks.fuzz` changes: draw each kind, and read it as the commands do."""

import io
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dfdetect.hdf5 import check_contents
from dfdetect.metrics.calibrating import Calibration, Held
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions, read_predictions, write_predictions
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.runs.calibration import read_calibrations, write_calibrations
from dfdetect.runs.checkpoint import read_state
from dfdetect.runs.folder import Run
from face_extraction.digest import FileMark
from face_extraction.extract import write_results
from face_extraction.frames import read_frames
from face_extraction.images import read_rgb
from face_extraction.journal import FaceRow, ItemResult, Journal
from face_extraction.ledger import LedgerRow
from face_extraction.manifest import LABEL_NAMES, SPLITS, Box, FaceSample, read_manifest, write_manifest
from face_extraction.merge import merge
from face_extraction.plan import Plan
from face_extraction.settings import ExtractionSettings, read_settings, write_settings
from face_extraction.shards import Shard, write_part
from face_extraction.sources import Item
from face_extraction.splits import SplitRule

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


def _animation(folder: Path) -> bytes:
    out = io.BytesIO()
    first, *others = (Image.fromarray(_picture(number)) for number in range(0, 40, 5))
    first.save(out, "GIF", save_all=True, append_images=others, duration=80)
    return out.getvalue()


def _heic(folder: Path) -> bytes:
    from pillow_heif import from_pillow

    out = io.BytesIO()
    from_pillow(Image.fromarray(_picture())).save(out)
    return out.getvalue()


def _video(codec: str, form: str, **options: str) -> Callable[[Path], bytes]:
    def draw(folder: Path) -> bytes:
        import av

        path = folder / f"seed.{form}"
        with av.open(str(path), "w", options=options) as container:
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


def _calibration(folder: Path) -> bytes:
    held = Held(reals=(0.1, 0.2, 0.4), fakes=(0.3, 0.8), real_groups=3, fake_groups=2)
    platt = Calibration(method="platt", slope=1.5, intercept=-0.2, val=held, origin="some videos")
    write_calibrations(folder, {"face": platt, "video": Calibration()})
    return next(folder.iterdir()).read_bytes()


def _history(folder: Path) -> bytes:
    Run(folder).write_history([{"epoch": n, "loss": 0.7 / n, "val_auc": 0.5 + n / 10} for n in (1, 2, 3)])
    return Run(folder).history_file.read_bytes()


def _checkpoint(folder: Path) -> bytes:
    state = np.array('{"epoch": 3, "history": [{"epoch": 1, "loss": 0.5}]}')
    arrays: dict[str, Any] = {"state": state, "model/0": np.zeros((30, 40), "f4")}
    np.savez(folder / "checkpoint.npz", **arrays)
    return (folder / "checkpoint.npz").read_bytes()


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


def _part(folder: Path) -> None:
    """An extraction of five crops, as the only part of its data set."""
    items = [Item(f"{n}.png", n % 2, f"g{n}", "crop", "drawn") for n in range(5)]
    plan = Plan(items, SplitRule(), [LedgerRow("6.png", "missing", "")], ["train"])
    write_part(folder, Shard(1, 1), plan)
    journal = Journal(folder)
    journal.start({"root": "RAW", "ready_made": True, "shard": "1/1"})
    results = {}
    for number, item in enumerate(items):
        crop = folder / f"faces/{LABEL_NAMES[item.label]}/{item.path}"
        crop.parent.mkdir(parents=True, exist_ok=True)
        crop.write_bytes(bytes([number]))
        face = FaceRow(
            str(crop.relative_to(folder)), 3, 0.1, Box(1, 9, 9, 1), 20, 20, 1, 0, "hog", FileMark.of(crop)
        )
        results[item.path] = ItemResult(item.path, [face], [], FileMark.of(crop))
        journal.add(results[item.path])
    journal.close()
    write_results(folder, Plan(items, SplitRule()), results)


def _of_part(name: str) -> Callable[[Path], bytes]:
    def draw(folder: Path) -> bytes:
        _part(folder)
        return (folder / name).read_bytes()

    return draw


@cache
def _drawn(*draws: Callable[[Path], object]) -> dict[str, bytes]:
    """The files that these functions write into one folder, by their paths; drawn once a process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for draw in draws:
            draw(folder)
        return {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _in_run(name: str) -> Callable[[Path, bytes], None]:
    """A reader of a whole run folder in which the file of this name is the mutant."""

    def read(folder: Path, content: bytes) -> None:
        files = _drawn(_metrics, _environment, _recipe, _calibration, _history, _settings)
        _write_all(folder, {**files, name: content})
        run = Run(folder)
        run.require_finished()
        for part in (run.threshold, run.metrics, run.environment, run.cautions, run.history):
            part()
        read_calibrations(folder)
        read_settings(folder)

    return read


def _in_part(name: str) -> Callable[[Path, bytes], None]:
    """A reader that merges an extraction in which the file of this name is the mutant."""

    def read(folder: Path, content: bytes) -> None:
        _write_all(folder / "part", {**_drawn(_part), name: content})
        merge([folder / "part"], folder / "out")

    return read


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
    "heic": _heic,
    "gif": _animation,
    "tiff": _photo("TIFF"),
    "bmp": _photo("BMP"),
    "mp4": _video("libx264", "mp4"),
    "mkv": _video("libx265", "mkv"),
    "ts": _video("libx264", "ts"),
    "avi": _video("mjpeg", "avi"),
    "mp4-fragments": _video("libx264", "mp4", movflags="frag_keyframe+empty_moov"),
    "flv": _video("flv1", "flv"),
    "wmv": _video("wmv2", "wmv"),
    "ogg": _video("libvpx", "ogg"),
    "manifest": _manifest,
    "predictions": _predictions_file,
    "metrics": _metrics,
    "environment": _environment,
    "recipe": _recipe,
    "settings": _settings,
    "weights": _weights,
    "calibration": _calibration,
    "history": _history,
    "checkpoint": _checkpoint,
    "journal": _of_part("journal.jsonl"),
    "shard": _of_part("shard.json"),
    "ledger": _of_part("ledger.csv"),
}
"""The undamaged file of each kind, drawn with the help of an empty folder."""

READERS: dict[str, Callable[[Path, bytes], None]] = {
    **{
        name: _written(f"a.{suffix}", read_rgb)
        for name, suffix in (
            *(("jpeg", "jpg"), ("jpeg-progressive", "jpg"), ("png", "png"), ("webp", "webp")),
            *(("avif", "avif"), ("heic", "heic"), ("tiff", "tiff"), ("bmp", "bmp")),
        )
    },
    **{
        name: _written(f"a.{name.partition('-')[0]}", _frames)
        for name in ("gif", "mp4", "mp4-fragments", "mkv", "ts", "avi", "flv", "wmv", "ogg")
    },
    "manifest": _written("manifest.csv", lambda path: read_manifest(path, torn_groups=True)),
    "predictions": _written("predictions.csv", lambda path: read_predictions(path, "test")),
    "metrics": _in_run("metrics.json"),
    "environment": _in_run("environment.json"),
    "recipe": _in_run("recipe.toml"),
    "settings": _in_run("extraction.toml"),
    "calibration": _in_run("calibration.json"),
    "history": _in_run("history.csv"),
    "checkpoint": _written("checkpoint.npz", read_state),
    "weights": _written("a.weights.h5", lambda path: check_contents(path, PARAMETERS)),
    "journal": _in_part("journal.jsonl"),
    "shard": _in_part("shard.json"),
    "ledger": _in_part("ledger.csv"),
}
