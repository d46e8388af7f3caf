"""Downloads, with a stand-in for Kaggle's client."""

import os
import sys
import types

import pytest

from face_extraction.__main__ import main
from face_extraction.sources import list_sources

PUBLIC = [source.name for source in list_sources() if source.kaggle]


@pytest.fixture
def kaggle(monkeypatch):
    """A stand-in for kagglehub: what it was asked for; `failure` makes it fail."""
    calls = types.SimpleNamespace(asked=[], failure=None)

    def dataset_download(handle):
        if calls.failure:
            raise calls.failure
        cache = os.environ["KAGGLEHUB_CACHE"]
        calls.asked.append((handle, cache))
        return f"{cache}/datasets/{handle}/versions/1"

    module = types.ModuleType("kagglehub")
    module.dataset_download = dataset_download
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return calls


def test_some_data_sets_can_be_downloaded():
    assert {"kaggle-faces", "deepfake-faces"} == set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_it_lands_in_the_folder_and_says_what_comes_next(name, kaggle, tmp_path, capsys):
    out = tmp_path / "new/raw"

    status = main(["download", name, "--out", str(out)])

    assert status == 0
    handle = {source.name: source.kaggle for source in list_sources()}[name]
    assert kaggle.asked == [(handle, str(out))]
    assert out.is_dir()
    folder = out / "datasets" / handle / "versions/1"
    assert f"next: python -m face_extraction check {name} --root {folder}" in capsys.readouterr().out


@pytest.mark.parametrize("before", [None, "/elsewhere"])
@pytest.mark.parametrize("failure", [None, OSError("cut")])
def test_the_clients_cache_lies_elsewhere_for_the_download_alone(
    kaggle, tmp_path, monkeypatch, before, failure
):
    kaggle.failure = failure
    monkeypatch.delenv("KAGGLEHUB_CACHE", raising=False)
    if before:
        monkeypatch.setenv("KAGGLEHUB_CACHE", before)

    main(["download", "kaggle-faces", "--out", str(tmp_path)])

    assert os.environ.get("KAGGLEHUB_CACHE") == before


def test_kaggles_client_keeps_a_cut_download_where_it_is_told_to(tmp_path, monkeypatch):
    """What it resumes from is looked for at each call, so that setting the variable is enough."""
    cache = pytest.importorskip("kagglehub.cache")
    handle = pytest.importorskip("kagglehub.handle").parse_dataset_handle("a/b/versions/1")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path))

    assert cache.Cache().get_archive_path(handle).startswith(str(tmp_path))
    assert cache.Cache().get_path(handle).startswith(str(tmp_path))


def test_a_failure_is_one_line(kaggle, tmp_path, capsys):
    kaggle.failure = ConnectionError("no route to host\nand more")

    status = main(["download", "kaggle-faces", "--out", str(tmp_path)])

    assert status == 2
    assert capsys.readouterr().err == (
        "python -m face_extraction download kaggle-faces: kaggle-faces: Kaggle's download failed (no route "
        "to host); see https://www.kaggle.com/datasets/manjilkarki/deepfake-and-real-images\n"
    )


def test_without_the_extra_the_line_names_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "kagglehub", None)

    status = main(["download", "kaggle-faces", "--out", str(tmp_path / "raw")])

    assert status == 2
    assert "pip install '.[download]'" in capsys.readouterr().err
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("celebdf", "https://github.com/yuezunli/celeb-deepfakeforensics"),
        ("faceforensics", "https://github.com/ondyari/FaceForensics"),
    ],
)
def test_where_a_form_must_be_signed_its_page_is_named(name, page, kaggle, tmp_path, capsys):
    status = main(["download", name, "--out", str(tmp_path)])

    assert status == 2
    assert page in capsys.readouterr().err
    assert kaggle.asked == []


def test_every_data_set_of_others_has_a_page():
    assert [source.name for source in list_sources() if not source.page] == ["folders", "list"]
