"""Extraction as a whole, its journal and its refusals."""

import dataclasses
import errno
import os
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from filelock import FileLock
from PIL import Image

from face_extraction import extract as module
from face_extraction.digest import FileMark
from face_extraction.errors import InputError
from face_extraction.extract import Execution, WorkerDied, extract, prepare
from face_extraction.images import read_rgb, write_image
from face_extraction.journal import ItemResult
from face_extraction.ledger import LedgerRow, read_ledger
from face_extraction.manifest import manifest_hash, read_manifest
from face_extraction.plan import Plan
from face_extraction.settings import CropSpec, ExtractionSettings, read_settings
from face_extraction.sources import Item
from face_extraction.splits import SplitRule

SETTINGS = ExtractionSettings(crop=CropSpec(size=32))
RULE = SplitRule()


@pytest.fixture(scope="module")
def pool():
    """A thread in place of processes, which take a second to start."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def root(tmp_path, draw_faces):
    """Four photos: three with a face, one without."""
    folder = tmp_path / "raw"
    for index in range(3):
        write_image(folder / f"real/{index}.png", draw_faces((150 + 5 * index, 120, 110)))
    write_image(folder / "fake/0.png", draw_faces())
    return folder


ITEMS = [Item(f"real/{index}.png", 0, f"g{index}", source="raw") for index in (2, 0, 1)] + [
    Item("fake/0.png", 1, "g0", source="raw", method="swap", split=None)
]
PLAN = Plan(ITEMS)
PLANNED = ("ledger", "drawn")


@pytest.fixture
def run(root, tmp_path, pool):
    """run(items=ITEMS, settings=SETTINGS, rule=RULE, **options) -> Summary, into tmp_path / "out"."""

    def extract_here(items=ITEMS, settings=SETTINGS, rule=RULE, **options):
        plan = Plan(items, rule, **{name: options.pop(name) for name in PLANNED if name in options})
        return extract(plan, root, tmp_path / "out", settings, Execution(executor=pool, **options))

    return extract_here


def _count_calls(monkeypatch):
    done = []
    original = module.extract_item

    def counting(item, *args):
        done.append(item.path)
        return original(item, *args)

    monkeypatch.setattr(module, "extract_item", counting)
    return done


def test_the_folder_holds_all_that_is_said(run, tmp_path):
    listed = [LedgerRow("metadata", "missing", "x")]

    summary = run(ledger=listed)

    out = tmp_path / "out"
    samples = read_manifest(out / "manifest.csv")
    assert samples == list(summary.samples)
    assert [sample.group for sample in samples] == ["g2", "g0", "g1"]
    for sample in samples:
        assert (out / sample.path).is_file()
        assert (sample.label, sample.source, sample.split) == (0, "raw", RULE.split_of(sample.group))
        assert sample.box.left < 160 < sample.box.right
        assert sample.width == sample.height > 100
    assert read_settings(out) == SETTINGS
    rows = read_ledger(out / "ledger.csv")
    assert rows == list(summary.ledger)
    assert [(row.path, row.reason) for row in rows] == [("metadata", "missing"), ("fake/0.png", "no_face")]


def test_the_summary_counts(run):
    text = str(run())

    assert "3 faces from 4 items" in text
    assert "1 no_face: the detector found no face" in text
    assert text.splitlines()[0].split() == ["split", "real", "fake", "unknown", "videos", "groups"]


def test_an_official_split_wins(run):
    items = [Item("real/0.png", 0, "g0", split="test"), Item("real/1.png", 0, "g1", split="val")]

    assert [sample.split for sample in run(items).samples] == ["test", "val"]


def test_a_group_in_two_splits_is_refused_before_any_work(run, tmp_path):
    items = [Item("real/0.png", 0, "g", split="test"), Item("real/1.png", 0, "g", split="val")]

    with pytest.raises(InputError, match="group 'g' stands in the splits test and val"):
        run(items)

    assert not (tmp_path / "out").exists()


def test_finished_work_is_not_done_again(run, tmp_path, monkeypatch):
    run()
    manifest = (tmp_path / "out/manifest.csv").read_bytes()
    done = _count_calls(monkeypatch)

    run()

    assert done == []
    assert (tmp_path / "out/manifest.csv").read_bytes() == manifest


@pytest.mark.parametrize("kept", [1, 2, 3, 4])
def test_stopped_work_is_taken_up_and_ends_in_the_same_manifest(run, tmp_path, monkeypatch, kept):
    run()
    out = tmp_path / "out"
    manifest, ledger = (out / "manifest.csv").read_bytes(), (out / "ledger.csv").read_bytes()
    lines = (out / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (out / "journal.jsonl").write_bytes(b"".join(lines[:kept]) + lines[kept][:20])
    (out / "manifest.csv").unlink()
    done = _count_calls(monkeypatch)

    run()

    assert len(done) == len(ITEMS) - kept + 1
    assert (out / "manifest.csv").read_bytes() == manifest
    assert (out / "ledger.csv").read_bytes() == ledger


def test_the_order_is_that_of_the_items_not_of_their_end(run, tmp_path):
    run(ITEMS[2:])
    run(ITEMS)

    groups = [sample.group for sample in read_manifest(tmp_path / "out/manifest.csv")]
    assert groups == ["g2", "g0", "g1"]


def test_a_changed_file_and_a_lost_crop_are_done_again(run, tmp_path, root, monkeypatch, draw_faces):
    summary = run()
    (tmp_path / "out" / summary.samples[0].path).unlink()
    write_image(root / "fake/0.png", draw_faces((150, 120, 110)))
    done = _count_calls(monkeypatch)

    summary = run()

    assert done == ["real/2.png", "fake/0.png"]
    assert (len(summary.samples), len(summary.ledger)) == (4, 0)


def test_splits_and_groups_may_change_without_new_work(run, monkeypatch):
    run()
    done = _count_calls(monkeypatch)
    items = [Item(item.path, item.label, "all") for item in ITEMS]

    summary = run(items, rule=SplitRule(val=0, test=0))

    assert done == []
    assert {(sample.group, sample.split) for sample in summary.samples} == {("all", "train")}


def test_a_split_without_a_class_is_noted_at_the_end(run):
    labels = {0: "real", 1: "fake"}

    def notes(summary):
        lines = [line.partition(";")[0] for line in str(summary).splitlines()]
        return [line for line in lines if line.startswith("note: ")]

    summary = run([dataclasses.replace(item, group="all") for item in ITEMS])
    found = {(sample.split, labels[sample.label]) for sample in summary.samples}
    assert notes(summary) == [
        f"note: split {split!r} has no {label} faces"
        for split in ("train", "val", "test")
        for label in labels.values()
        if (split, label) not in found
    ]
    assert len(notes(summary)) >= 4
    # Nobody asked for faces to validate or test on.
    assert not any("val" in note or "test" in note for note in notes(run(rule=SplitRule(val=0, test=0))))


def test_other_settings_are_refused_unless_overwritten(run, tmp_path):
    run()
    before = {path.name for path in (tmp_path / "out/faces/real").iterdir()}
    other = ExtractionSettings(crop=CropSpec(size=48), format="jpg")

    with pytest.raises(InputError, match=r"made with size 32, now 48; .*--overwrite"):
        run(settings=other)
    assert read_settings(tmp_path / "out") == SETTINGS

    run(settings=other, overwrite=True)
    after = {path.name for path in (tmp_path / "out/faces/real").iterdir()}
    assert read_settings(tmp_path / "out") == other
    assert len(after) == 3
    assert not before & after


def test_somebody_elses_manifest_is_left_alone(run, tmp_path):
    (tmp_path / "out/faces").mkdir(parents=True)
    (tmp_path / "out/faces/mine.png").write_bytes(b"x")
    (tmp_path / "out/manifest.csv").write_text("mine")

    for overwrite in (False, True):
        with pytest.raises(InputError, match="exists, and was not made here"):
            run(overwrite=overwrite)
    assert (tmp_path / "out/manifest.csv").read_text() == "mine"
    assert (tmp_path / "out/faces/mine.png").exists()


def test_an_output_inside_what_is_searched_is_refused(root, pool):
    # The next start would take its crops for photos, those of fakes for reals.
    with pytest.raises(InputError, match=r"lies in .*real, which is searched"):
        extract(PLAN, root, root / "real" / "out", SETTINGS, Execution(executor=pool))
    assert not (root / "real" / "out").exists()
    extract(PLAN, root, root / "out", SETTINGS, Execution(executor=pool))


def test_an_output_that_is_a_file_is_refused(run, tmp_path):
    (tmp_path / "out").write_text("x")

    with pytest.raises(InputError, match="out: not a folder"):
        run()


def test_ready_made_crops_leave_no_settings(run, tmp_path):
    run([Item("real/0.png", 0, "g", "crop")])

    assert read_settings(tmp_path / "out") is None
    assert len(read_manifest(tmp_path / "out/manifest.csv")) == 1


def test_an_unforeseen_error_is_listed_and_tried_again(run, monkeypatch):
    original = module.extract_item

    def failing(item, *args):
        if item.path == "real/0.png":
            raise RuntimeError("dlib stumbled")
        return original(item, *args)

    monkeypatch.setattr(module, "extract_item", failing)
    rows = run().ledger
    assert ("real/0.png", "failed", "RuntimeError: dlib stumbled") in [
        (row.path, row.reason, row.detail) for row in rows
    ]

    monkeypatch.setattr(module, "extract_item", original)
    assert [row.reason for row in run().ledger] == ["no_face"]


def test_a_full_disk_ends_the_run_in_one_line(run, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "extract_item", full)

    with pytest.raises(
        InputError, match=r"out: cannot be written \(No space left on device\); what is finished is kept"
    ):
        run()


def test_the_time_limit_costs_one_item_and_a_disk_that_times_out_ends_the_run(run, monkeypatch):
    """Python makes a TimeoutError of the system's number; pebble's, given here, has words in its place."""
    original = module.extract_item

    def raising(error):
        def fail(item, *args):
            if item.path == "fake/0.png":
                raise error
            return original(item, *args)

        return fail

    monkeypatch.setattr(module, "extract_item", raising(TimeoutError("Task timeout", 5.0)))
    assert [(row.path, row.detail) for row in run().ledger] == [
        ("fake/0.png", "it took longer than the time limit")
    ]
    monkeypatch.setattr(module, "extract_item", raising(OSError(errno.ETIMEDOUT, "Connection timed out")))
    with pytest.raises(InputError, match=r"out: cannot be written \(Connection timed out\)"):
        run()


def test_a_dead_worker_is_named_by_its_work_and_what_was_finished_is_kept(run, tmp_path, monkeypatch):
    original = module.extract_item

    def dying(item, *args):
        if item.path == "fake/0.png":
            raise BrokenProcessPool
        return original(item, *args)

    monkeypatch.setattr(module, "extract_item", dying)
    with pytest.raises(WorkerDied, match=r"while working on: .*fake/0\.png; finished items are kept"):
        run(workers=1)

    monkeypatch.setattr(module, "extract_item", original)
    done = _count_calls(monkeypatch)
    run()
    assert "fake/0.png" in done
    assert len(done) < len(ITEMS)


def test_processes_give_what_a_thread_gives(run, root, tmp_path):
    run()

    extract(PLAN, root, tmp_path / "other", SETTINGS, Execution(workers=2))

    for name in ("manifest.csv", "ledger.csv", "extraction.toml"):
        assert (tmp_path / "other" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    for sample in read_manifest(tmp_path / "out/manifest.csv"):
        assert (tmp_path / "other" / sample.path).read_bytes() == (
            tmp_path / "out" / sample.path
        ).read_bytes()


def test_another_number_of_crops_an_archive_is_another_extraction(tmp_path, draw_faces):
    write_image(tmp_path / "raw/0.png", draw_faces(width=32, height=32))
    with tarfile.open(tmp_path / "raw/0.tar", "w") as archive:
        for name in ("1.png", "2.png", "3.png"):
            archive.add(tmp_path / "raw/0.png", name)

    def run(take):
        item = Item("0.tar", 1, "g", "archive", video="0", take=take)
        with ThreadPoolExecutor(1) as pool:
            execution = Execution(executor=pool)
            return extract(Plan([item]), tmp_path / "raw", tmp_path / "out", ExtractionSettings(), execution)

    assert [sample.frame for sample in run(1).samples] == [2]
    assert [sample.frame for sample in run(1).samples] == [2]
    with pytest.raises(InputError, match="made with crops_per_archive 1, now 0"):
        run(0)
    assert read_settings(tmp_path / "out") is None


def test_two_extractions_into_one_folder_are_refused(run, tmp_path):
    (tmp_path / "out").mkdir(exist_ok=True)
    with (
        FileLock(tmp_path / "out" / ".lock"),
        pytest.raises(InputError, match="another process writes into it"),
    ):
        run()


def test_workers_get_paths_that_hold_in_any_folder(root, tmp_path, monkeypatch):
    given = []

    def note(item, root, out, settings):
        given.append((root, out))
        return ItemResult(item.path, [], [])

    monkeypatch.setattr(module, "extract_item", note)
    monkeypatch.chdir(root.parent)
    with ThreadPoolExecutor(1) as pool:
        extract(Plan(ITEMS[:1]), Path(root.name), Path("elsewhere"), SETTINGS, Execution(executor=pool))
    assert given == [(root.resolve(), (root.parent / "elsewhere").resolve())]


def test_a_file_that_cannot_be_opened_is_tried_again(run, root, tmp_path):
    item = Item("gone.png", 0, "gone")
    assert [row.reason for row in run([item]).ledger] == ["failed"]
    assert len((tmp_path / "out" / "journal.jsonl").read_text().splitlines()) == 1


def test_moved_data_go_on_and_other_data_are_refused(run, root, tmp_path, monkeypatch, pool, capsys):
    run()
    before = (tmp_path / "out" / "manifest.csv").read_bytes()
    moved = root.rename(tmp_path / "moved")
    monkeypatch.setattr(module, "extract_item", None)  # nothing is left to do

    extract(PLAN, moved, tmp_path / "out", SETTINGS, Execution(executor=pool))

    assert (tmp_path / "out" / "manifest.csv").read_bytes() == before
    assert f"note: {tmp_path / 'out'}: begun from {root}, where the same data were" in capsys.readouterr().out
    (moved / ITEMS[0].path).write_bytes(b"x")
    with pytest.raises(InputError, match=f"made with root .*, where {ITEMS[0].path} is missing or differs"):
        extract(PLAN, moved, tmp_path / "out", SETTINGS, Execution(executor=pool))


def test_deleting_that_was_cut_short_can_be_started_again(tmp_path, monkeypatch):
    """Without a journal the next start would take the rest for somebody else's."""
    for name in ("manifest.csv", "ledger.csv", "journal.jsonl"):
        (tmp_path / name).write_text("")
    original = Path.unlink

    def cut(path, missing_ok=False):
        if path.name == "manifest.csv":
            raise KeyboardInterrupt
        original(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", cut)
        with pytest.raises(KeyboardInterrupt):
            prepare(tmp_path, overwrite=True)
    prepare(tmp_path, overwrite=True)

    assert list(tmp_path.iterdir()) == []


def _colours(folder, samples):
    return {sample.label: read_rgb(folder / sample.path)[0, 0].tolist() for sample in samples}


@pytest.mark.parametrize("way", ["swapped", "same times", "edited in place"])
def test_a_file_of_the_same_size_is_done_again(tmp_path, pool, way):
    """Somebody mends a labelling error: the crops must follow their sources."""
    colours = {"real/a.bmp": (200, 0, 0), "fake/a.bmp": (0, 0, 200)}
    root = tmp_path / "raw"
    for name, colour in colours.items():
        (root / name).parent.mkdir(parents=True)
        Image.new("RGB", (64, 64), colour).save(root / name)
        os.utime(root / name, ns=(10**18, 10**18))
    items = [Item("real/a.bmp", 0, "r", "crop"), Item("fake/a.bmp", 1, "f", "crop")]

    def run():
        summary = extract(Plan(items), root, tmp_path / "out", SETTINGS, Execution(executor=pool))
        return _colours(tmp_path / "out", summary.samples), manifest_hash(tmp_path / "out/manifest.csv")

    before, digest = run()
    real, fake = root / "real/a.bmp", root / "fake/a.bmp"
    if way == "edited in place":
        contents = real.read_bytes(), fake.read_bytes()
        real.write_bytes(contents[1])
        fake.write_bytes(contents[0])
    else:
        real.rename(tmp_path / "x")
        fake.rename(real)
        (tmp_path / "x").rename(fake)
    if way != "swapped":
        for path in (real, fake):
            os.utime(path, ns=(10**18, 10**18))
    after, other = run()

    assert before == {0: [200, 0, 0], 1: [0, 0, 200]}
    assert after == {0: [0, 0, 200], 1: [200, 0, 0]}
    assert digest != other  # so that a run trained on the old crops is told


def test_copied_and_touched_files_are_not_done_again(run, root, tmp_path, monkeypatch, pool):
    run()
    copied = shutil.copytree(root, tmp_path / "copied", copy_function=shutil.copyfile)
    for path in (tmp_path / "out/faces/real").iterdir():
        path.touch()
    monkeypatch.setattr(module, "extract_item", None)  # nothing is left to do
    read = []
    monkeypatch.setattr(FileMark, "of", _noting(FileMark.of, read))

    for _ in range(2):
        extract(PLAN, copied, tmp_path / "out", SETTINGS, Execution(executor=pool))

    assert len(read) == 7  # four files and three crops: the second start finds their new times


def _noting(function, calls):
    def noted(path):
        calls.append(path)
        return function(path)

    return noted


@pytest.mark.parametrize("damage", ["empty", "half", "same size"])
def test_a_damaged_crop_is_cut_again(run, tmp_path, damage):
    summary = run()
    crop = tmp_path / "out" / summary.samples[0].path
    whole = crop.read_bytes()
    crop.write_bytes({"empty": b"", "half": whole[:50], "same size": bytes(len(whole))}[damage])

    run()

    assert crop.read_bytes() == whole


def test_what_killed_processes_left_is_deleted(run, tmp_path):
    run()
    left = [tmp_path / "out" / name for name in (".tmp-1-manifest.csv", "faces/real/.tmp-1-a.png")]
    for path in left:
        path.write_bytes(b"half")

    run()

    assert not any(path.exists() for path in left)


def test_crops_that_an_item_no_longer_gives_are_deleted(run, root, tmp_path, draw_faces):
    first = run().samples[0]
    write_image(root / "real/2.png", draw_faces())

    summary = run()

    assert not (tmp_path / "out" / first.path).exists()
    assert [row.path for row in summary.ledger] == ["real/2.png", "fake/0.png"]


def test_a_new_label_moves_the_crop(run, tmp_path):
    item = ITEMS[0]
    run([item])

    (sample,) = run([dataclasses.replace(item, label=1)]).samples

    assert sample.path.startswith("faces/fake/")
    assert not list((tmp_path / "out/faces/real").iterdir())


def test_a_folder_of_crops_that_leads_elsewhere_is_refused(run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/faces").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(InputError, match="leads out of"):
        run()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_frames_in_a_folder_are_one_video(tmp_path, draw_faces, pool):
    for number in (1, 2, 10, 11):
        write_image(tmp_path / f"raw/v/f_{number}.png", draw_faces((150 + number, 120, 110)))
    (tmp_path / "raw/v/f_3.png").write_bytes(b"no picture")
    settings = dataclasses.replace(SETTINGS, faces_per_video=10)

    def run(kind):
        item = Item("v", 1, "g", kind, video="v")
        return extract(Plan([item]), tmp_path / "raw", tmp_path / kind, settings, Execution(executor=pool))

    for kind in ("frames", "sequence"):
        summary = run(kind)
        assert [(sample.frame, sample.person) for sample in summary.samples] == [
            (1, 1),
            (2, 1),
            (10, 1),
            (11, 1),
        ]
        assert [(row.path, row.reason) for row in summary.ledger] == [("v/f_3.png", "unreadable")]
    write_image(tmp_path / "raw/v/f_3.png", draw_faces((150, 120, 110)))
    assert len(run("frames").samples) == 5


@pytest.mark.parametrize(
    ("cores", "memory", "workers"), [(2, 8 * 10**9, 2), (32, 8 * 10**9, 6), (32, 10**9, 1), (4, None, 4)]
)
def test_workers_fit_the_cores_and_the_memory(monkeypatch, cores, memory, workers):
    monkeypatch.setattr(module, "available_cores", lambda: cores)
    monkeypatch.setattr(module, "available_memory", lambda: memory)

    assert module.default_workers() == workers
