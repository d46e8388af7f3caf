"""What every data set must do with its own example, so that a new file is tested as it is."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import pytest

from face_extraction.__main__ import main
from face_extraction.extract import Execution, extract
from face_extraction.manifest import SPLITS, read_manifest
from face_extraction.media import SEQUENCE, VIDEO
from face_extraction.plan import Plan
from face_extraction.settings import ExtractionSettings
from face_extraction.sources import get_source, list_sources
from face_extraction.splits import SplitRule, settle

NAMES = [source.name for source in list_sources()]


@pytest.fixture(params=NAMES)
def source(request):
    return get_source(request.param)


def _laid(source, lay):
    media = [name for name, text in source.example.items() if not text]
    return lay(*media, texts={name: text for name, text in source.example.items() if text})


def test_the_example_is_listed_wholly(source, lay):
    root = _laid(source, lay)

    listing = source.find(root)

    media = {name for name, text in source.example.items() if not text}
    folders = [item.path for item in listing.items if item.kind == SEQUENCE]
    media = {next((one for one in folders if name.startswith(f"{one}/")), name) for name in media}
    assert {item.path for item in listing.items} == media
    assert listing.ledger == []
    assert {item.label for item in listing.items} == set(source.classes)
    assert all(item.source and item.group for item in listing.items)
    assert all(not item.method for item in listing.items if item.label == 0)


def test_what_its_layout_has_no_place_for_is_told(source, lay):
    root = _laid(source, lay)
    suffix = PurePosixPath(source.find(root).items[0].path).suffix or ".jpg"

    lay(f"another place/x{suffix}")

    ledger = source.find(root).ledger
    reads_all = source.name == "list"  # A list says nothing about files that it does not name.
    assert [(row.path, row.reason) for row in ledger] == (
        [] if reads_all else [("another place", "unlisted")]
    )


def test_clips_are_told_apart_by_source_method_and_video(source, lay):
    items = source.find(_laid(source, lay)).items

    clips = Counter((item.source, item.method, item.video) for item in items if item.kind == VIDEO)
    assert all(count == 1 for count in clips.values())


def test_every_part_is_of_the_published_ones(source, lay):
    listing = source.find(_laid(source, lay))

    parts = {item.part for item in listing.items}
    assert "" not in parts
    assert not listing.published or parts <= set(listing.published)


def test_the_example_becomes_a_manifest(source, draw, tmp_path):
    root = draw(source.example)
    rule = SplitRule()
    listing = settle(source.find(root), rule)

    with ThreadPoolExecutor(1) as pool:
        summary = extract(
            Plan(listing.items, rule, listing.ledger),
            root,
            tmp_path / "out",
            ExtractionSettings(faces_per_video=1),
            Execution(executor=pool),
        )

    assert summary.ledger == []
    samples = read_manifest(tmp_path / "out/manifest.csv")
    assert len({sample.video_key for sample in samples}) == len(listing.items)
    assert {sample.label for sample in samples} == set(source.classes)
    assert {sample.split for sample in samples} <= set(SPLITS)


def test_check_counts_the_example(source, lay, capsys):
    root = _laid(source, lay)

    status = main(["check", source.name, "--root", str(root), "--json"])

    report = json.loads(capsys.readouterr().out)
    listing = source.find(root)
    assert {part["name"]: part["found"] for part in report["parts"] if part["found"]} == Counter(
        item.part for item in listing.items
    ) + Counter(listing.counted)
    assert status == (0 if report["whole"] else 1)
    assert report["whole"] == (not listing.published)
