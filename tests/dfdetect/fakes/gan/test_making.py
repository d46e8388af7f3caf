"""Sets of generated faces, with a GAN that was not trained and a detector that the tests choose."""

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from dfdetect.fakes.gan import making as module
from dfdetect.fakes.gan.checkpoint import save_state
from dfdetect.fakes.gan.folder import Folder
from dfdetect.fakes.gan.making import SetOrder, check_landmarks, find_face, make_gan_set
from dfdetect.fakes.gan.networks import build_generator
from dfdetect.fakes.gan.settings import Design, Training
from face_extraction.combine import combine
from face_extraction.detect import Detection
from face_extraction.digest import file_digest
from face_extraction.errors import InputError
from face_extraction.images import read_rgb
from face_extraction.ledger import NO_FACE, ItemFailed, read_ledger
from face_extraction.manifest import Box, read_manifest, write_manifest

BOX = Box(10, 50, 50, 10)


@pytest.fixture(scope="module")
def manifest(write_portraits, tmp_path_factory):
    return write_portraits(tmp_path_factory.mktemp("reals"), train=4, val=2, test=1)


@pytest.fixture(scope="module")
def gan(manifest, tmp_path_factory):
    """A folder as a training leaves it."""
    folder = Folder(tmp_path_factory.mktemp("gan"))
    design = Design("dcgan", 8, 32)
    folder.begin(design, Training(), manifest)
    save_state(folder.checkpoint, 1, {"average": build_generator(design).variables, "other": [np.zeros(3)]})
    return folder.path


@pytest.fixture
def finding(monkeypatch):
    """finding(rule): dlib finds a face where the rule of (number of the call) says so."""

    def choose(rule):
        calls = []

        def find(picture, detector):
            calls.append(picture)
            if not rule(len(calls) - 1):
                raise ItemFailed(NO_FACE, "hog found no face")
            return BOX

        monkeypatch.setattr(module, "find_face", find)
        return calls

    return choose


def order(gan, manifest, **changes):
    return replace(SetOrder(gan, manifest, 5, "train", 0, "resampled"), **changes)


def test_a_set_has_reals_and_fakes_of_one_split_and_one_group(gan, manifest, tmp_path, finding):
    finding(lambda number: True)
    made = make_gan_set(order(gan, manifest), tmp_path / "set")
    rows = read_manifest(tmp_path / "set" / "manifest.csv")
    assert made.files == len(rows) == 9
    assert not made.ledger
    reals, fakes = [row for row in rows if not row.label], [row for row in rows if row.label]
    assert len(fakes) == 5
    assert {(row.method, row.source, row.split, row.found_by) for row in fakes} == {
        ("gan", "gan", "train", "hog")
    }
    assert [row.group for row in reals] == [row.group for row in read_manifest(manifest)[:4]]
    (group,) = {row.group for row in fakes}
    assert group.startswith("gan-")
    assert group not in {row.group for row in reals}
    assert fakes[0].box == BOX
    for row in rows:
        assert read_rgb(tmp_path / "set" / row.path).shape == (64, 64, 3)
        assert file_digest(tmp_path / "set" / row.path).startswith(row.digest)
        assert len(row.digest) == 16
    assert len({(tmp_path / "set" / row.path).read_bytes() for row in fakes}) == 5


def test_faces_of_one_gan_cannot_stand_in_two_splits(gan, manifest, tmp_path, finding):
    """The group is the GAN's, whatever the seed of the set, so manifests of both cannot be joined."""
    finding(lambda number: True)
    for split, seed in (("train", 0), ("val", 1)):
        out = tmp_path / split
        make_gan_set(order(gan, manifest, split=split, seed=seed, reals="none"), out)
        rows = read_manifest(out / "manifest.csv")
        assert {row.split for row in rows} == {split}
    with pytest.raises(InputError, match="group 'gan-"):
        combine([tmp_path / "train", tmp_path / "val"], tmp_path / "both")


def test_refused_faces_are_in_the_ledger_and_others_take_their_place(gan, manifest, tmp_path, finding):
    finding(lambda number: number % 2 == 0)  # reals first: 0 and 2 of four are found
    made = make_gan_set(order(gan, manifest, count=3), tmp_path / "set")
    rows = read_manifest(tmp_path / "set" / "manifest.csv")
    assert [row.label for row in rows] == [0, 0, 1, 1, 1]
    ledger = read_ledger(tmp_path / "set" / "ledger.csv")
    assert ledger == list(made.ledger)
    assert [row.reason for row in ledger] == [NO_FACE] * 4
    refused = {row.path for row in ledger}
    assert {"faces/train-1.png", "faces/train-3.png"} < refused
    assert [path[-7:] for path in sorted(refused)[:2]] == ["001.png", "003.png"]
    assert not refused & {row.path for row in rows}


def test_the_same_call_writes_the_same_files_and_another_seed_others(gan, manifest, tmp_path, finding):
    finding(lambda number: True)
    contents = []
    for name, seed in (("one", 0), ("same", 0), ("other", 1)):
        make_gan_set(order(gan, manifest, seed=seed), tmp_path / name)
        contents.append({path.read_bytes() for path in (tmp_path / name).rglob("gan/*.png")})
    assert contents[0] == contents[1]
    assert not contents[0] & contents[2]
    make_gan_set(order(gan, manifest), tmp_path / "one")
    with pytest.raises(InputError, match="it holds a set with seed 0, not 1; choose another --out"):
        make_gan_set(order(gan, manifest, seed=1), tmp_path / "one")


def test_reals_lose_what_the_gan_cannot_make_unless_they_are_left_native(gan, manifest, tmp_path, finding):
    """The finest detail: scaled up from 8 to 64 pixels, neighbours hardly differ."""

    def detail(folder):
        rows = [row for row in read_manifest(folder / "manifest.csv") if not row.label]
        pictures = [read_rgb(folder / row.path).astype(float) for row in rows]
        return np.mean([np.abs(each - cv2.blur(each, (3, 3))).mean() for each in pictures])

    finding(lambda number: True)
    for reals in ("native", "resampled"):
        make_gan_set(order(gan, manifest, count=1, reals=reals), tmp_path / reals)
    # Compression brings a little detail of its own.
    assert detail(tmp_path / "resampled") < 0.7 * detail(tmp_path / "native")
    first = read_manifest(tmp_path / "native" / "manifest.csv")[0]
    np.testing.assert_array_equal(
        read_rgb(tmp_path / "native" / first.path), read_rgb(manifest.parent / "faces/train-0.png")
    )


def test_a_set_can_be_joined_with_the_manifest_that_it_was_made_from(gan, manifest, tmp_path, finding):
    """Crops that came ready-made have no place in their video, by which a frame could be known again."""
    finding(lambda number: True)
    rows = [replace(row, video=f"v{number}") for number, row in enumerate(read_manifest(manifest))]
    own = shutil.copytree(manifest.parent, tmp_path / "own") / "manifest.csv"
    write_manifest(own, rows)
    make_gan_set(order(gan, own), tmp_path / "set")
    joined, doubled = combine([own, tmp_path / "set" / "manifest.csv"], tmp_path / "joined")
    assert (len(joined), doubled) == (len(rows) + 9, 0)
    resampled = next(row for row in joined if row.video == "v0 resampled")
    assert resampled.group == rows[0].group


def test_native_reals_are_the_same_faces_as_the_crops_that_they_copy(gan, manifest, tmp_path, finding):
    finding(lambda number: True)
    own = shutil.copytree(manifest.parent, tmp_path / "own") / "manifest.csv"
    rows = [
        replace(row, video=f"v{number}", digest=file_digest(own.parent / row.path)[:16])
        for number, row in enumerate(read_manifest(manifest))
    ]
    write_manifest(own, rows)
    make_gan_set(order(gan, own, reals="native"), tmp_path / "set")
    joined, doubled = combine([own, tmp_path / "set" / "manifest.csv"], tmp_path / "joined")
    assert (len(joined), doubled) == (len(rows) + 5, 4)


def test_a_gan_whose_faces_are_never_found_is_an_error(gan, manifest, tmp_path, finding):
    finding(lambda number: False)
    with pytest.raises(
        InputError, match="dlib finds a face in none of 8 generated pictures; train it for more"
    ):
        make_gan_set(order(gan, manifest, count=2, reals="none"), tmp_path / "set")


def test_fewer_faces_than_wanted_are_told(gan, manifest, tmp_path, finding, capsys):
    finding(lambda number: number == 3)
    made = make_gan_set(order(gan, manifest, count=2, reals="none"), tmp_path / "set")
    assert made.files == 1
    assert "dlib found a face in 1 of 8 generated pictures" in capsys.readouterr().out


def test_a_folder_without_a_gan_and_a_split_without_reals_are_errors(
    gan, manifest, tmp_path, write_portraits
):
    with pytest.raises(InputError, match=r"gan\.json"):
        make_gan_set(order(tmp_path, manifest), tmp_path / "set")
    unfinished = Folder(tmp_path / "begun")
    unfinished.begin(Design("dcgan", 8, 32), Training(), manifest)
    with pytest.raises(InputError, match=r"checkpoint\.npz: no such file; train the GAN first"):
        make_gan_set(order(unfinished.path, manifest), tmp_path / "set")
    lonely = write_portraits(tmp_path / "lonely", train=1, val=0, test=0)
    with pytest.raises(InputError, match="no real faces of the split val"):
        make_gan_set(order(gan, lonely, split="val"), tmp_path / "set")


class Detector:
    """Finds one box, with the landmarks that it was given."""

    kind = told = "hog"
    min_face = 20

    def __init__(self, points):
        self.points = points

    def search(self, picture):
        return [Detection(BOX, 1.0, "hog")]

    def landmarks(self, picture, box, points):
        assert points == 68
        return self.points.astype(float)


def test_a_face_needs_landmarks_that_form_one(portrait):
    picture, points = portrait(3, 96)
    assert find_face(picture, Detector(points)) == BOX
    upside_down = points * np.float32([1, -1]) + np.float32([0, 95])
    far = (points - 48) * np.float32([2.5, 1]) + 48
    for wrong, reason in (
        (upside_down, "its mouth is not below its eyes"),
        ((points - 48) * np.float32(0.3) + 48, "its eyes are 0.09"),
        (far, "its landmarks reach beyond the picture"),
        (points + np.float32([0, 60]), "its landmarks reach beyond the picture"),
    ):
        with pytest.raises(ItemFailed, match=reason):
            check_landmarks(wrong, (96, 96))


def test_a_first_real_that_cannot_be_read_costs_itself_alone(gan, write_portraits, tmp_path, finding):
    finding(lambda number: True)
    manifest = write_portraits(tmp_path / "reals", train=2, val=0, test=0)
    (tmp_path / "reals/faces/train-0.png").write_bytes(b"no picture")
    made = make_gan_set(order(gan, manifest, count=1), tmp_path / "set")
    assert made.files == 2
    assert [row.path for row in made.ledger] == ["faces/train-0.png"]
    (tmp_path / "reals/faces/train-1.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="none of its 2 real faces of the split can be read"):
        make_gan_set(order(gan, manifest, count=1), tmp_path / "other")
