"""Parts of an extraction, and that their merging equals the whole."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import pytest

from face_extraction import extract as module
from face_extraction.__main__ import main
from face_extraction.errors import InputError
from face_extraction.extract import Execution, extract
from face_extraction.images import write_image
from face_extraction.journal import ItemResult
from face_extraction.ledger import LedgerRow
from face_extraction.merge import merge
from face_extraction.plan import Plan
from face_extraction.settings import CropSpec, ExtractionSettings
from face_extraction.shards import Shard
from face_extraction.sources import Item
from face_extraction.splits import SplitRule

SETTINGS = ExtractionSettings(crop=CropSpec(size=32))
RULE = SplitRule(seed=3)
ITEMS = [Item(f"{name}.png", index % 2, f"g{index}", source="raw") for index, name in enumerate("hdbfaceg")]
LISTED = [LedgerRow("x.png", "missing", "listed")]


@pytest.fixture
def run(tmp_path, draw_faces):
    """run(folder, shard=None, items=ITEMS, settings=SETTINGS) -> Summary; two photos have no face."""
    for index, item in enumerate(ITEMS):
        face = [(150 + index, 120, 110)] if index not in (1, 4) else []
        write_image(tmp_path / "raw" / item.path, draw_faces(*face))

    def extract_here(folder, shard=None, items=ITEMS, settings=SETTINGS, raw="raw"):
        shard = Shard.parse(shard) if shard else None
        with ThreadPoolExecutor(1) as pool:
            plan, execution = Plan(items, RULE, LISTED), Execution(executor=pool, shard=shard)
            return extract(plan, tmp_path / raw, tmp_path / folder, settings, execution)

    return extract_here


def _files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("journal.jsonl", ".lock")
    }


def test_merged_parts_are_the_whole(run, tmp_path, monkeypatch):
    whole = run("whole")
    parts = [tmp_path / f"part{index}" for index in (1, 2, 3)]
    counts = [run(part.name, f"{index}/3").items for index, part in enumerate(parts, start=1)]

    summary = merge([parts[2], parts[0], parts[1]], tmp_path / "merged")

    assert sum(counts) == len(ITEMS) > max(counts)
    assert summary.items == len(ITEMS)
    assert summary.wanted == whole.wanted == ["train", "val", "test"]
    assert _files(tmp_path / "merged") == _files(tmp_path / "whole")
    merge(parts, tmp_path / "merged")
    assert _files(tmp_path / "merged") == _files(tmp_path / "whole")
    monkeypatch.setattr(module, "extract_item", None)  # The whole goes on there: nothing is left to do.
    run("merged")
    assert _files(tmp_path / "merged") == _files(tmp_path / "whole")


def test_parts_of_equal_data_at_two_places_are_merged(run, tmp_path):
    shutil.copytree(tmp_path / "raw", tmp_path / "elsewhere")
    run("whole")
    run("1", "1/2")
    run("2", "2/2", raw="elsewhere")

    for parts in (["1", "2"], ["2", "1"]):
        merge([tmp_path / part for part in parts], tmp_path / "merged")

    assert _files(tmp_path / "merged") == _files(tmp_path / "whole")


def test_a_part_misses_no_class_in_a_split(run):
    items = [replace(item, split="val" if item.path == "h.png" else "train") for item in ITEMS]

    texts = [str(run(str(index), f"{index}/2", items=items)) for index in (1, 2)]

    assert not any("has no" in text for text in texts)
    assert "split 'val' has no fake faces" in str(run("whole", items=items))


def test_a_failed_item_of_a_part_stays_listed(run, tmp_path, monkeypatch):
    original = module.extract_item

    def failing(item, *args):
        if item.path == "a.png":
            raise RuntimeError("dlib stumbled")
        return original(item, *args)

    monkeypatch.setattr(module, "extract_item", failing)
    run("1", "1/2")
    run("2", "2/2")

    rows = merge([tmp_path / "1", tmp_path / "2"], tmp_path / "out").ledger

    assert LedgerRow("a.png", "failed", "RuntimeError: dlib stumbled") in rows
    monkeypatch.setattr(module, "extract_item", original)
    assert "failed" not in {row.reason for row in run("out").ledger}


def test_an_item_that_fails_half_way_gives_no_faces_in_its_part_either(run, tmp_path, monkeypatch):
    original = module.extract_item

    def failing(item, *args):
        result = original(item, *args)
        if item.path != "b.png":
            return result
        rows = [LedgerRow("b.png", "failed", "Stale file handle"), LedgerRow("b.png/1", "unreadable", "x")]
        return ItemResult(item.path, result.faces, rows)

    monkeypatch.setattr(module, "extract_item", failing)
    parts = [run("1", "1/2"), run("2", "2/2")]

    merged = merge([tmp_path / "1", tmp_path / "2"], tmp_path / "out")

    paths = sorted(sample.path for sample in merged.samples)
    assert paths == sorted(sample.path for part in parts for sample in part.samples)
    assert not any("/b-" in path for path in paths)
    assert len(paths) == len(ITEMS) - 3
    assert LedgerRow("b.png", "failed", "Stale file handle") in merged.ledger


def test_what_does_not_belong_together_is_refused(run, tmp_path):
    a, b, other, third = (tmp_path / name for name in ("a", "b", "other", "third"))
    run("a", "1/2")
    run("b", "2/2")
    run("third", "1/3")
    run("whole")

    def refused(folders, message):
        with pytest.raises(InputError, match=message):
            merge(folders, tmp_path / "out")
        assert not (tmp_path / "out").exists()

    refused([a], "1 shards are missing: 2/2")
    refused([a, b, a], "a: shard 1/2, as is .*a")
    refused([a, third], "third: shard 1/3, but .*a is 1/2")
    refused([a, tmp_path / "whole"], "whole: not made with --shard")
    run("other", "2/2", settings=ExtractionSettings(crop=CropSpec(size=48)))
    refused([a, other], "other: made with size 48, but .*a with 32")
    run("fewer", "2/2", items=ITEMS[:-1])
    refused([a, tmp_path / "fewer"], "fewer: made from other files")
    (b / "manifest.csv").unlink()
    refused([a, b], "b: it is not finished; run shard 2/2 again")
    lines = (b / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (b / "journal.jsonl").write_bytes(b"".join(lines[:-1]))
    refused([a, b], r"b: 1 items, such as .*\.png, are not finished; run shard 2/2 again")


def test_a_part_is_not_continued_as_another(run):
    run("a", "1/2")

    with pytest.raises(InputError, match="made with shard 1/2, now 2/2"):
        run("a", "2/2")
    with pytest.raises(InputError, match="made with shard 1/2, now None"):
        run("a")


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "a/b", "1/", "-1/2", ""])
def test_a_wrong_shard_is_refused(text):
    with pytest.raises(InputError, match="accepted: 1/N to N/N"):
        Shard.parse(text)


def test_the_part_of_an_item_depends_on_its_path_alone():
    shards = [Shard(index, 4) for index in range(1, 5)]
    counts = [sum(shard.holds(f"{n}.mp4") for n in range(400)) for shard in shards]

    assert sum(counts) == 400
    assert all(60 < count < 140 for count in counts)
    assert Shard(1, 1).holds("a")


def test_the_commands(tmp_path, draw_faces, capsys):
    for name in ("real/a", "real/b", "fake/c", "fake/d"):
        write_image(tmp_path / f"raw/{name}.png", draw_faces((160, 120, 110)))
    for index in (1, 2):
        options = ["--root", str(tmp_path / "raw"), "--out", str(tmp_path / f"{index}"), "--workers", "1"]
        assert main(["folders", *options, "--shard", f"{index}/2"]) == 0
    out = tmp_path / "out"

    assert main(["merge", str(tmp_path / "2"), str(tmp_path / "1"), "--out", str(out)]) == 0

    assert "4 faces from 4 items" in capsys.readouterr().out
    assert main(["merge", str(tmp_path / "2"), "--out", str(out)]) == 2
    assert "1 shards are missing: 1/2" in capsys.readouterr().err


def test_what_a_shard_found_since_takes_the_place_of_what_was_merged(run, tmp_path, draw_faces):
    parts = [tmp_path / "part1", tmp_path / "part2"]
    for index, part in enumerate(parts, start=1):
        run(part.name, f"{index}/2")
    first = merge(parts, tmp_path / "merged").samples[0]
    item = next(item for item in ITEMS if item.group == first.group)
    write_image(tmp_path / "raw" / item.path, draw_faces((130, 130, 140)))
    for index, part in enumerate(parts, start=1):
        run(part.name, f"{index}/2")

    again = merge(parts, tmp_path / "merged").samples[0]

    assert again.path == first.path
    assert again.box != first.box
    crop = next(part / again.path for part in parts if (part / again.path).exists())
    assert (tmp_path / "merged" / again.path).read_bytes() == crop.read_bytes()


def test_a_refused_shard_changes_nothing(run, tmp_path):
    run("part", "1/2")
    before = (tmp_path / "part" / "shard.json").read_bytes()
    with pytest.raises(InputError, match="made with shard 1/2, now 2/2"):
        run("part", "2/2")
    assert (tmp_path / "part" / "shard.json").read_bytes() == before
    run("whole")
    with pytest.raises(InputError, match="made with shard None, now 1/2"):
        run("whole", "1/2")
    assert not (tmp_path / "whole" / "shard.json").exists()


def test_what_fails_since_its_file_changed_gives_no_older_faces(run, tmp_path, monkeypatch, draw_faces):
    parts = [tmp_path / "1", tmp_path / "2"]
    run("1", "1/2")
    run("2", "2/2")
    original = module.extract_item

    def failing(item, *args):
        if item.path == "b.png":
            raise RuntimeError("dlib stumbled")
        return original(item, *args)

    monkeypatch.setattr(module, "extract_item", failing)
    write_image(tmp_path / "raw" / "b.png", draw_faces((130, 130, 140), width=640, height=480))
    again = [run("1", "1/2"), run("2", "2/2")]

    merged = merge(parts, tmp_path / "out")

    assert sorted(s.path for s in merged.samples) == sorted(s.path for part in again for s in part.samples)


def test_a_shard_whose_next_try_was_stopped_is_not_merged_with_its_older_ledger(run, tmp_path, monkeypatch):
    original = module.extract_item

    def failing(error):
        def fail(item, *args):
            if item.path == "b.png":
                raise error
            return original(item, *args)

        return fail

    monkeypatch.setattr(module, "extract_item", failing(RuntimeError("dlib stumbled")))
    parts = {name: run(name, f"{name}/2") for name in ("1", "2")}
    name = next(name for name, part in parts.items() if any(row.path == "b.png" for row in part.ledger))
    folders = [tmp_path / "1", tmp_path / "2"]
    monkeypatch.setattr(module, "extract_item", failing(BrokenProcessPool()))
    with pytest.raises(module.WorkerDied):
        run(name, f"{name}/2")

    with pytest.raises(InputError, match=rf"1 items, such as b\.png, are not finished; run shard {name}/2"):
        merge(folders, tmp_path / "out")

    monkeypatch.setattr(module, "extract_item", original)
    run(name, f"{name}/2")
    assert "failed" not in {row.reason for row in merge(folders, tmp_path / "out").ledger}


def test_a_shard_in_which_nothing_waits_stays_finished(run, tmp_path, monkeypatch):
    run("1", "1/2")
    before = (tmp_path / "1" / "manifest.csv").read_bytes()

    def stop(*_, part):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write_results", stop)
    with pytest.raises(KeyboardInterrupt):
        run("1", "1/2")

    assert (tmp_path / "1" / "manifest.csv").read_bytes() == before


def test_a_part_cannot_reach_outside(run, tmp_path):
    """Its journal may come from anybody: merge deletes and links what it names."""
    run("1", "1/2")
    run("2", "2/2")
    victim = tmp_path / "victim.png"
    victim.write_bytes(b"mine")
    journal = tmp_path / "1/journal.jsonl"
    lines = journal.read_text().splitlines()
    place, line = next((n, line) for n, line in enumerate(lines) if "faces/" in line)
    crop = json.loads(line)["faces"][0]["path"]
    for name in ("../victim.png", str(victim)):
        lines[place] = line.replace(crop, name)
        journal.write_text("\n".join(lines) + "\n")
        with pytest.raises(InputError, match=r"path .*accepted: relative"):
            merge([tmp_path / "1", tmp_path / "2"], tmp_path / "out")
    lines[place] = line
    journal.write_text("\n".join(lines) + "\n")
    (tmp_path / "1" / crop).unlink()
    (tmp_path / "1" / crop).symlink_to(victim)
    with pytest.raises(InputError, match="leads out of"):
        merge([tmp_path / "1", tmp_path / "2"], tmp_path / "out")
    assert victim.read_bytes() == b"mine"
    assert not (tmp_path / "out" / crop).exists()
