"""Faces as numbers: one person's are near, another's are not, and each is computed once."""

from types import SimpleNamespace

import numpy as np
import pytest

from dfdetect.audit import faces
from dfdetect.audit.faces import PER_VIDEO, encode, encode_face, representatives
from dfdetect.audit.kinds import identity
from dfdetect.audit.kinds.identity import SAME_PERSON, cluster
from dfdetect.audit.links import crossings
from dfdetect.audit.registry import get_kind
from dfdetect.audit.rows import Rows
from dfdetect.audit.store import open_store
from face_extraction.errors import InputError
from face_extraction.manifest import Box, FaceSample


def test_a_clip_is_represented_by_frames_spread_over_it(tmp_path, plant, face):
    samples = [plant(face(n), f"f{n}", "train", video="clip", frame=n) for n in range(9)]
    samples += [plant(face(20 + n), f"still{n}", "test") for n in range(4)]
    rows = Rows(tmp_path, samples, tmp_path / "cache.sqlite")
    assert representatives(rows) == [0, 4, 8, 9, 10, 11, 12]
    assert PER_VIDEO == 3


def test_a_crop_that_cannot_be_read_represents_nothing(tmp_path, plant, face):
    samples = [plant(face(n), f"f{n}", "train", video="clip", frame=n) for n in range(4)]
    samples.append(plant(face(9), "still", "test"))
    for torn in (0, 4):
        (tmp_path / samples[torn].path).write_bytes(b"no picture")
    rows = Rows(tmp_path, samples, tmp_path / "cache.sqlite")
    assert representatives(rows) == [1, 2, 3]


def test_clusters_hold_what_is_near_and_strangers_stay_alone():
    rng = np.random.default_rng(0)
    people = rng.normal(0, 1, (5, 128)).astype(np.float32)
    vectors = np.concatenate([people + rng.normal(0, 0.01, (5, 128)) for _ in range(4)]).astype(np.float32)
    labels = cluster(vectors).reshape(4, 5)
    assert (labels == labels[0]).all()
    assert len(set(labels[0])) == 5
    apart = np.zeros((2, 128), dtype=np.float32)
    apart[1, 0] = SAME_PERSON + 0.01
    assert len(set(cluster(apart))) == 2
    apart[1, 0] = SAME_PERSON - 0.01
    assert len(set(cluster(apart))) == 1


@pytest.mark.parametrize("shared", [1, 2, 3])
def test_clips_that_share_several_clusters_are_one_pair(tmp_path, monkeypatch, shared):
    samples = [
        FaceSample(f"{split}{frame}.png", 0, split, split, split, frame)
        for split in ("train", "test")
        for frame in range(3)
    ]
    monkeypatch.setattr(identity, "representatives", lambda rows: [*range(6)])
    monkeypatch.setattr(identity, "encode", lambda rows, chosen: None)
    labels = np.array([0, 1, 2, *range(shared), *range(10, 13 - shared)])
    monkeypatch.setattr(identity, "cluster", lambda encodings: labels)
    rows = Rows(tmp_path, samples, tmp_path / "cache.sqlite")

    (one,) = crossings(get_kind("identity").find(rows), rows.splits, rows.groups)

    assert (one.splits, one.pairs, one.rows) == (("train", "test"), 3 * 3, (3, 3))


def test_a_face_is_encoded_once(tmp_path, plant, face, monkeypatch):
    samples = [plant(face(n % 3), f"f{n}", "train") for n in range(4)]
    counted = []
    monkeypatch.setattr(
        faces, "encode_face", lambda *given: counted.append(given) or np.full(128, len(counted))
    )
    rows = Rows(tmp_path, samples, tmp_path / "cache.sqlite")
    first = encode(rows, [0, 1, 2, 3])
    assert len(counted) == 3
    assert (first[0] == first[3]).all()
    again = encode(Rows(tmp_path, samples, tmp_path / "cache.sqlite"), [3, 2])
    assert len(counted) == 3
    assert (again == first[[3, 2]]).all()


def test_a_crop_that_is_gone_since_is_one_line_and_earlier_encodings_are_kept(
    tmp_path, plant, face, monkeypatch
):
    samples = [plant(face(n), f"f{n}", "train") for n in range(3)]
    rows = Rows(tmp_path, samples, tmp_path / "cache.sqlite")
    assert rows.prints.read.all()
    (tmp_path / samples[0].path).write_bytes(b"no picture")  # the last rows are encoded first
    monkeypatch.setattr(faces, "BLOCK", 2)
    monkeypatch.setattr(
        faces,
        "FaceDetector",
        lambda: SimpleNamespace(chip=lambda rgb, box: rgb, encode=lambda _: np.zeros(128)),
    )

    with pytest.raises(
        InputError, match=r"f0\.png: no image .*; it could be read before, so start the audit"
    ):
        encode(rows, [0, 1, 2])

    with open_store(rows.cache) as store:
        assert set(store.encodings(rows.prints.digests)) == set(rows.prints.digests[1:])


@pytest.mark.parametrize(
    ("values", "box"),
    [({"box": Box(0, 60, 50, 0), "width": 100}, Box(20, 80, 80, 20)), ({}, Box(10, 90, 90, 10))],
)
def test_the_face_is_the_middle_of_the_crop(tmp_path, plant, face, values, box):
    """60 of 100 pixels, where the row tells; else `FACE_SHARE`, .8 of them."""
    seen = []
    detector = SimpleNamespace(chip=lambda rgb, where: seen.append(where), encode=lambda chip: np.zeros(128))
    encode_face(detector, tmp_path / "faces/a.png", plant(face(1, 100), "a", "train", **values))
    assert seen == [box]


@pytest.mark.shared
def test_people_of_lfw_are_told_apart(shared, tmp_path):
    """Clusters of twenty faces of five people: no strangers together, and some of each together."""
    folder = shared / "data" / "lfw_identities"
    people = [path for path in sorted(folder.iterdir()) if path.is_dir()][:5]
    samples, names = [], []
    for person in people:
        for number, path in enumerate(sorted(person.glob("*.jpg"))[:4]):
            split = ("train", "test")[number % 2]
            samples.append(FaceSample(f"{person.name}/{path.name}", 0, split, path.name))
            names.append(person.name)
    rows = Rows(folder, samples, tmp_path / "cache.sqlite")
    links = get_kind("identity").find(rows)
    together = {(names[a], names[b]) for key in set(links.keys) for a in links.rows[links.keys == key]
                for b in links.rows[links.keys == key] if a < b}  # fmt: skip
    assert all(one == other for one, other in together)
    assert len(together) >= 3
