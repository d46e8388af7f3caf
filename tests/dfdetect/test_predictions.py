"""Predictions: numbering, clips, and the CSV file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.predictions import COLUMNS, Predictions, read_predictions, write_predictions
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample

HEADER = ",".join(COLUMNS)


def face(path: str, label: int = 1, group: str = "g", **more: Any) -> FaceSample:
    return FaceSample(path=path, label=label, split="test", group=group, **more)


def test_one_name_under_four_methods_is_four_clips() -> None:
    methods = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures")
    samples = [
        face(f"{method}/{frame}.png", group="000", video="000_003", method=method, source="ffpp")
        for method in methods
        for frame in range(2)
    ]
    scores = np.array([0.1, 0.3, 0.2, 0.4, 0.6, 0.8, 0.9, 0.9])
    clips = Predictions(samples, scores).by_video()
    assert [sample.method for sample in clips.samples] == list(methods)
    np.testing.assert_allclose(clips.p_fake, [0.2, 0.3, 0.7, 0.9])


def test_a_clip_is_not_melted_from_two_labels() -> None:
    samples = [face("r.png", 0, video="a.mp4"), face("f.png", 1, video="a.mp4")]
    clips = Predictions(samples, np.array([0.2, 0.8])).by_video()
    assert clips.labels.tolist() == [0, 1]
    assert clips.p_fake.tolist() == [0.2, 0.8]


def test_the_most_suspicious_person_decides_a_clip_and_who_was_seen_once_has_no_part() -> None:
    """As a verdict on the clip: measured by the mean of all faces, one of two people swapped sank to .5."""
    people = {"a.mp4": (1, 1, 2, 2), "b.mp4": (1, 1, 2), "c.mp4": (1, 2), "d.mp4": (0, 0)}
    samples = [
        face(f"{video}-{row}.png", video=video, person=person)
        for video, row_of in people.items()
        for row, person in enumerate(row_of)
    ]
    scores = np.array([0.1, 0.3, 0.9, 0.7, 0.2, 0.4, 0.9, 0.3, 0.6, 0.1, 0.5])
    np.testing.assert_allclose(Predictions(samples, scores).by_video().p_fake, [0.8, 0.3, 0.6, 0.3])


def test_stills_are_their_own_clips_and_groups_of_two_sources_differ() -> None:
    samples = [face("a.png", source="x"), face("b.png", source="x"), face("c.png", source="y")]
    predictions = Predictions(samples, np.array([0.5, 0.6, 0.7]))
    assert predictions.videos.tolist() == [0, 1, 2]
    assert predictions.groups.tolist() == [0, 0, 1]


def test_known_leaves_out_unknown_labels() -> None:
    predictions = Predictions([face("a", 1), face("b", -1), face("c", 0)], np.array([0.1, 0.2, 0.3]))
    known = predictions.known()
    assert [sample.path for sample in known.samples] == ["a", "c"]
    assert known.p_fake.tolist() == [0.1, 0.3]


@pytest.mark.parametrize("scores", [[0.5, 0.5], [1.1], [-0.1], [float("nan")]])
def test_wrong_scores_are_refused(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="Received"):
        Predictions([face("a")], np.array(scores))


@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1),
            st.sampled_from([-1, 0, 1]),
            st.floats(0, 1),
        ),
        max_size=5,
    )
)
def test_the_file_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, float]]
) -> None:
    path = tmp_path_factory.mktemp("predictions") / "test.csv"
    samples = [face(name, label, group=name, video=name, method="m,\"'") for name, label, _ in rows]
    written = Predictions(samples, np.array([score for *_, score in rows], dtype=np.float64))
    write_predictions(path, written)
    read = read_predictions(path, "test")
    assert list(read.samples) == samples
    np.testing.assert_array_equal(read.p_fake, written.p_fake)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,label\n", "columns must be path"),
        (f"{HEADER}\na.png,1,g,s,m,v,0,high\n", "row 2: label '1', person '0', p_fake 'high'"),
        (f"{HEADER}\na.png,1,g,s,m,v,0,0.5\na.png,2,g,s,m,v,0,0.5\n", "row 3: label 2"),
        (f"{HEADER}\na.png,1,g,s,m,v,0,nan\n", "row 2: label 1, p_fake nan"),
        (f"{HEADER}\na.png,1,g\n", "row 2: the number of values"),
        (f"{HEADER}\na.png,1,g,s,m,v,0,0.5,9\n", "row 2: the number of values"),
        (f"{HEADER}\n\xff", "utf-8"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=message) as caught:
        read_predictions(path, "test")
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: no such predictions"):
        read_predictions(tmp_path / "none.csv", "test")
