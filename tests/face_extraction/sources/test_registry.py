"""What every data set must keep to."""

import inspect
import sys

import pytest

from face_extraction.errors import InputError
from face_extraction.registry import Registry
from face_extraction.sources import get_source, list_sources
from face_extraction.sources.layout import need_folder
from face_extraction.sources.registry import register

NAMES = [source.name for source in list_sources()]


def test_sources_are_listed_by_name():
    assert sorted(NAMES) == NAMES
    assert {"folders", "deepfake-faces"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_source_says_its_layout_licence_and_citation(name):
    source = get_source(name)

    for word in ("Layout:", "Licence", "itation"):
        assert word in source.description
    assert source.summary == source.description.splitlines()[0]
    assert source.summary.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_each_source_takes_its_options_as_keywords(name):
    source = get_source(name)

    parameters = inspect.signature(source.find).parameters.values()

    keywords = {item.name for item in parameters if item.kind is item.KEYWORD_ONLY}
    assert keywords == {option.keyword for option in source.options}


@pytest.mark.parametrize("name", NAMES)
def test_each_source_refuses_a_root_of_another_layout(name, tmp_path):
    (tmp_path / "something").mkdir()

    with pytest.raises(InputError, match="needed"):
        get_source(name).find(tmp_path)
    with pytest.raises(InputError, match=r"somethink: no such folder \(nearest: something\)"):
        get_source(name).find(tmp_path / "somethink")


def test_an_unknown_source_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"unknown data set 'folder' \(nearest: folders\)"):
        get_source("folder")


def test_a_file_is_no_root(tmp_path):
    (tmp_path / "a").write_text("x")

    with pytest.raises(InputError, match="a: not a folder"):
        need_folder(tmp_path / "a")


def test_a_name_cannot_be_taken_twice():
    with pytest.raises(ValueError, match="'folders' a second time"):
        register("folders", example={})(lambda root: None)


def test_one_new_file_is_all_that_a_source_takes(tmp_path, monkeypatch):
    from face_extraction.sources import registry

    (tmp_path / "my_set.py").write_text(
        '"""My set."""\n'
        "from face_extraction.sources.registry import Listing, register\n"
        "@register('my-set', example={})\n"
        "def my_set(root):\n"
        "    return Listing([])\n"
    )
    monkeypatch.setattr(sys.modules["face_extraction.sources"], "__path__", [str(tmp_path)])
    monkeypatch.setattr(registry, "_SOURCES", Registry("data set", "face_extraction.sources"))

    try:
        assert [source.name for source in list_sources()] == ["my-set"]
    finally:
        sys.modules.pop("face_extraction.sources.my_set", None)
