"""The page of the surest mistakes."""

import re
from dataclasses import replace

import numpy as np
import pytest

from dfdetect.evaluate import __main__ as evaluate
from dfdetect.evaluate.errors import EACH, choose
from dfdetect.explain.heat_maps import EMPTY, default_method
from dfdetect.metrics.calibrating import Calibration, Held
from dfdetect.models.build import build_model
from dfdetect.predictions import Predictions
from face_extraction.manifest import Box, FaceSample, read_manifest, write_manifest

pytestmark = pytest.mark.usefixtures("light", "scoring")


@pytest.fixture
def drawn(monkeypatch):
    """A model whose heat maps are all of the same shade: what they show is tested elsewhere."""
    monkeypatch.setattr("dfdetect.evaluate.errors.default_method", lambda model: "occlusion")
    monkeypatch.setattr(
        "dfdetect.evaluate.errors.heat_maps",
        lambda model, faces, method: np.ones(faces.shape[:3], np.float32),
    )

    class Model:
        input_shape = (None, 32, 32, 3)

    monkeypatch.setattr("dfdetect.runs.build.load_model", lambda run: Model)


def files(page, heading):
    """The files of one section, in the order of the page."""
    section = page.partition(f">{heading}</h2>")[2].partition("</section>")[0]
    return re.findall(r"<dt>File</dt><dd>([^<]+)</dd>", section)


def test_the_surest_are_chosen_one_a_group():
    groups, labels = "aabbcd", (0, 0, 0, 0, 0, 1)
    scores = np.array([0.7, 0.9, 0.6, 0.55, 0.2, 0.99])
    samples = [FaceSample(f"{n}.png", labels[n], "test", groups[n]) for n in range(6)]
    scored = Predictions(samples, scores)
    assert choose(scored, 0, 0.5) == [1, 2]  # .9 of a, .6 of b; c is right
    assert choose(scored, 1, 0.5) == []
    many = Predictions(
        [FaceSample(f"{n}.png", 1, "test", f"{n}") for n in range(30)], np.linspace(0, 0.4, 30)
    )
    assert choose(many, 1, 0.5) == list(range(EACH))


def test_the_page_lists_the_right_faces_in_order(write_faces, make_run, drawn, capsys):
    run = make_run("run", write_faces("home", (0.2,), (0.9,)))
    abroad = write_faces("abroad", (0.55, 0.9, 0.7, 0.1), (0.45, 0.05, 0.8), method="<b>swap</b>")
    assert evaluate.main([str(run.folder), "--manifest", str(abroad), "--name", "o", "--errors"]) == 0
    path = run.evaluation("o").errors_page
    assert f"look at {path}" in capsys.readouterr().out
    page = path.read_text()
    assert files(page, "Reals called fake") == ["faces/0.9-01.png", "faces/0.7-02.png", "faces/0.55-00.png"]
    assert files(page, "Fakes called real") == ["faces/0.05-11.png", "faces/0.45-10.png"]
    assert "3 of 4 reals, in 3 groups." in page
    assert "&lt;b&gt;swap&lt;/b&gt;" in page
    assert "<b>swap" not in page
    assert page.count('src="data:image/jpeg;base64,') == 10  # five faces, each with its heat map
    assert EMPTY not in page
    assert "<script" not in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!data:|#|index\.html)', page)


def test_the_page_of_videos_tells_the_video_and_a_broken_crop_is_named(write_faces, make_run, drawn):
    cuts = Calibration(val=Held(reals=tuple([0.1] * 19 + [0.8]), fakes=tuple([0.3] * 20)))
    run = make_run("run", write_faces("home", (0.2,), (0.9,)), cuts)
    videos = write_faces("videos", (0.9, 0.3), (0.8,), video="v<1>.mp4")
    rows = read_manifest(videos)
    write_manifest(videos, rows)
    (videos.parent / rows[0].path).write_bytes(b"")
    assert evaluate.main([str(run.folder), "--manifest", str(videos), "--name", "o", "--errors"]) == 0
    page = run.evaluation("o").errors_page.read_text()
    assert "not readable" in page
    assert "<dd>v&lt;1&gt;.mp4-0</dd>" in page  # ready-made crops know no time
    assert "<dt>Video&#39;s score</dt><dd>0.600</dd>" in page
    assert "substantial (calibrated 0.900)" in page
    assert files(page, "Fakes called real") == []
    assert "0 of 1 fake, in 0 groups." in page


def test_a_face_of_a_place_has_a_time_and_the_only_one_of_a_video_no_second_score(
    write_faces, make_run, drawn
):
    run = make_run("run", write_faces("home", (0.2,), (0.9,)))
    videos = write_faces("videos", (0.9,), (), video="v.mp4")
    rows = [replace(row, time=61.5, box=Box(1, 9, 9, 1)) for row in read_manifest(videos)]
    write_manifest(videos, rows)
    assert evaluate.main([str(run.folder), "--manifest", str(videos), "--name", "o", "--errors"]) == 0
    page = run.evaluation("o").errors_page.read_text()
    assert "<dd>v.mp4-0, 1:01.5</dd>" in page
    assert "s score</dt>" not in page
    assert "It tells of pixels, and is no ethnicity." in page


def test_a_model_of_clips_errs_by_video_and_has_no_heat_maps(write_faces, make_run, drawn):
    run = make_run("run", write_faces("home", (0.2, 0.3), (0.9, 0.8), video="h.mp4"), frames=2)
    videos = write_faces("videos", (0.9, 0.7), (0.8, 0.9), video="v.mp4")
    command = [str(run.folder), "--manifest", str(videos), "--name", "o", "--errors", "--slices"]
    assert evaluate.main(command) == 0
    page = run.evaluation("o").errors_page.read_text()
    assert "There are no heat maps: the model takes clips" in page
    assert "<dt>Score</dt><dd>0.800</dd>" in page  # the mean of both faces
    assert "1 of 1 real, in 1 group." in page
    assert page.count('src="data:image/jpeg;base64,') == 1


def test_heat_maps_of_a_model_lie_on_the_page(write_faces, make_run, monkeypatch):
    model = build_model("meso4", image_size=32)
    assert default_method(model) == "occlusion"
    monkeypatch.setattr("dfdetect.runs.build.load_model", lambda run: model)
    run = make_run("run", write_faces("home", (0.2,), (0.9,)))
    abroad = write_faces("abroad", (0.9,), (0.8,))
    assert evaluate.main([str(run.folder), "--manifest", str(abroad), "--name", "o", "--errors"]) == 0
    page = run.evaluation("o").errors_page.read_text()
    assert "Heat map of faces/0.9-00.png" in page
    assert "a heat map (Occlusion)" in page
    logit = model.get_layer("logit")
    logit.set_weights([np.zeros_like(each) for each in logit.get_weights()])
    assert evaluate.main([str(run.folder), "--manifest", str(abroad), "--name", "p", "--errors"]) == 0
    # Without weights nothing raises the score of the one face on the page.
    assert run.evaluation("p").errors_page.read_text().count(EMPTY) == 1
