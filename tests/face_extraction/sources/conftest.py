"""Trees of files in the data sets' layouts."""

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import pytest

from face_extraction.media import VIDEO, kind_of

Lay = Callable[..., Path]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """lay("a.mp4", ..., texts={"list.txt": "..."}) -> a root with these; media hold one byte."""

    def build(*names: str, texts: Mapping[str, str] | None = None) -> Path:
        root = tmp_path / "raw"
        root.mkdir(exist_ok=True)
        for name, text in {**dict.fromkeys(names, "x"), **(texts or {})}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root

    return build


@pytest.fixture
def draw(tmp_path: Path, draw_faces, write_clip) -> Callable[[Mapping[str, str]], Path]:
    """draw(a source's example) -> a root in which photos, clips and archives show a face."""
    rgb = draw_faces((160, 120, 110))
    jpeg = cv2.imencode(".jpg", rgb[..., ::-1])[1].tobytes()

    def build(example: Mapping[str, str]) -> Path:
        root = tmp_path / "raw"
        for name, text in example.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text:
                path.write_text(text)
            elif ".tar" in name:
                write_tar(path, {"0/12.jpg": jpeg, "1/7.jpg": jpeg})
            elif kind_of(path) == VIDEO:
                write_clip(path, [rgb] * 3)
            else:
                path.write_bytes(jpeg)
        return root

    return build


def write_tar(path: Path, members: Mapping[str, bytes]) -> None:
    """A tar of the given files, compressed where its name says so."""
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
