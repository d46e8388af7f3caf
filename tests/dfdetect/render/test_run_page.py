"""The page and the model card of a run: what they say, and that nothing from outside acts in them."""

import dataclasses
import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.estimates import LEVELS, Metrics, compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.render.figures.drawing import Figure
from dfdetect.render.markdown import plain
from dfdetect.render.model_card import render_model_card
from dfdetect.render.run_content import Part, RunContent
from dfdetect.render.run_page import LISTED, render_page, write_page
from dfdetect.render.table import Table, columns, markdown
from dfdetect.render.templating import TEMPLATES
from dfdetect.render.text import show
from face_extraction.manifest import FaceSample

EVIL = "<script>alert(1)</script>\"'&`|*_[x](y)"
STYLE = (TEMPLATES / "style.css").read_text(encoding="utf-8")
VOID = {"meta", "link", "img", "rect"}


class Outline(HTMLParser):
    """Tags with their attributes and the text outside of styles; fails on tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def predictions(seed: int, groups: int = 30, label: int | None = None) -> Predictions:
    rng = np.random.default_rng(seed)
    samples, scores = [], []
    for index in range(4 * groups):
        truth = index // 4 % 2 if label is None else label
        samples.append(
            FaceSample(str(index), truth, "test", str(index // 4), video=f"v{index // 2}", source="s")
        )
        scores.append(float(np.clip(rng.normal(0.4 + 0.2 * truth, 0.2), 0, 1)))
    return Predictions(samples, np.array(scores))


def measure(seed: int, **options: Any) -> dict[str, Metrics]:
    scored = predictions(seed, **options)
    return {level: compute_metrics(scored, threshold=0.47, level=level, resamples=100) for level in LEVELS}


@pytest.fixture
def report() -> RunContent:
    return RunContent(
        title="xception-1",
        model="xception",
        recipe={"model": "xception", "learning_rate": 3e-4, "manifest": "", "monitor": "val_auc"},
        environment={
            "command": "python -m dfdetect.train --model xception",
            "versions": {"keras": "3.15.0", "numpy": "2.4.6"},
            "parameters": 20863529,
        },
        metrics={"val": measure(1), "test": measure(2)},
        threshold=0.47,
        notices=["Drawn people only."],
        history=[
            {"epoch": 1.0, "loss": 0.7, "val_auc": 0.8, "learning_rate": 3e-5},
            {"epoch": 2.0, "loss": 0.5, "val_auc": 0.7, "learning_rate": 0.0},
        ],
        figures=[Figure("figures/a b.png", "ROC", "A curve."), Figure("figures/c.png", "Cases", "Faces.")],
        unscored=[("a.png", "unreadable", "cut short"), ("b.png", "unreadable", "")],
        data_table="split  real\ntrain    10",
    )


def change(report: RunContent, **changes: Any) -> RunContent:
    return dataclasses.replace(report, **changes)


def test_both_files_are_written(tmp_path: Path, report: RunContent) -> None:
    write_page(tmp_path, report)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["MODEL_CARD.md", "index.html"]
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == render_page(report)


def test_the_page_shows_every_number_with_its_interval(report: RunContent) -> None:
    text = Outline(render_page(report)).text
    for levels in report.metrics.values():
        for metrics in levels.values():
            for estimate in metrics.estimates.values():
                assert str(estimate) in text
            ideal = metrics.ideal_ece
            assert ideal is not None
            assert f"{ideal.mean:.3f}, at most {ideal.high:.3f}" in text
    auc = report.metrics["test"]["video"].estimates["auc"]
    tile = f"Test AUC, by video {auc.value:.3f} 95 % interval {auc.low:.3f} to {auc.high:.3f}"
    assert tile in text
    assert "60 videos: 30 real, 30 fake, 30 groups" in text


def test_accuracy_stands_beside_that_of_always_saying_the_more_frequent_class(report: RunContent) -> None:
    odd = change(report, metrics={"test": measure(2, groups=31)})  # 16 groups of reals, 15 of fakes
    text = Outline(render_page(odd)).text
    assert "62 videos: 32 real, 30 fake, 31 groups; always saying real gives 0.516" in text


def test_the_page_shows_how_far_heat_maps_can_be_trusted(report: RunContent) -> None:
    table = Table(columns(["map"], ["IoU"]), [["Grad-CAM", "0.412"]], "Altered", notes=[f"So read {EVIL}"])
    shown = Part(["They are measured."], [table], [Figure("explain/curves.png", "Curves", "Of scores.")])
    outline = Outline(render_page(change(report, explanation=shown)))
    for said in ("What the scores rest on", "They are measured.", "Grad-CAM0.412", f"So read {EVIL}"):
        assert said in outline.text
    assert "explain/curves.png" in [attrs.get("src") for tag, attrs in outline.tags if tag == "img"]
    assert "What the scores rest on" not in Outline(render_page(report)).text


@pytest.mark.parametrize(
    "said",
    [
        "Drawn people only.",
        "2 samples could not be scored",
        "threshold was chosen on the validation split",
        "Chosen by the validation split: the epoch to keep and the threshold.",
        "python -m dfdetect.train --model xception",
        "keras 3.15.0, numpy 2.4.6",
        "20,863,529",
        "train 10",
        "0.0003",
    ],
)
def test_page_and_card_say_what_matters(report: RunContent, said: str) -> None:
    assert said in Outline(render_page(report)).text
    assert said in re.sub(r"\s+", " ", html.unescape(render_model_card(report)).replace("\\", ""))


def test_the_page_needs_nothing_from_outside(report: RunContent) -> None:
    page = render_page(report)
    tags = Outline(page).tags
    links = [attrs.get(name) or "" for _, attrs in tags for name in ("src", "href") if name in attrs]
    assert "figures/a%20b.png" in links
    assert all(re.match(r"(#|figures/|MODEL_CARD\.md$|data:,$)", link) for link in links)
    assert not {"script", "iframe", "object", "form"} & {tag for tag, _ in tags}
    assert "url(" not in page
    assert "@import" not in page


def test_the_page_can_be_read_without_seeing_it(report: RunContent) -> None:
    tags = Outline(render_page(report)).tags
    assert all(attrs.get("alt") for tag, attrs in tags if tag == "img")
    assert all(attrs.get("scope") for tag, attrs in tags if tag == "th")
    assert ("html", {"lang": "en"}) in tags
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    anchors = [
        (attrs["href"] or "")[1:] for tag, attrs in tags if tag == "a" and attrs["href"] != "MODEL_CARD.md"
    ]
    assert set(anchors) <= set(ids)


def test_text_from_outside_stays_text(report: RunContent) -> None:
    evil = change(
        report,
        title=EVIL,
        model=EVIL,
        recipe={EVIL: EVIL},
        environment={"command": EVIL, EVIL: {EVIL: [EVIL]}},
        notices=[EVIL],
        figures=[Figure(f'f/"{EVIL}.png', EVIL, EVIL)],
        unscored=[(EVIL, EVIL, EVIL)],
        data_table=EVIL,
        threshold_origin=EVIL,
    )
    outline = Outline(render_page(evil))
    assert "script" not in {tag for tag, _ in outline.tags}
    assert not any(name.startswith("on") for _, attrs in outline.tags for name in attrs)
    assert outline.text.count(EVIL) >= 10
    prose = re.sub(r"(`{3,})text\n.*?\n\1", "", render_model_card(evil), flags=re.DOTALL)
    assert "<script" not in re.sub(r"`[^`]*`", "", prose)


def test_a_name_that_is_not_utf8_can_be_written(tmp_path: Path, report: RunContent) -> None:
    write_page(tmp_path, change(report, unscored=[("bad\udcff.png", "unreadable", "")]))
    assert "bad?.png" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_the_card_keeps_its_tables_and_fences_whole(report: RunContent) -> None:
    card = render_model_card(change(report, environment={"command": "a ```` b", "x|y": "1\n2|3"}))
    assert "`````text\na ```` b\n`````" in card
    for block in re.findall(r"(?:^\|.*\n)+", card, flags=re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}
        assert len(widths) == 1
    titles = re.findall(r"^## (.+)$", card, flags=re.MULTILINE)
    assert titles[:4] == ["Model details", "Intended use", "Factors", "Metrics"]
    assert titles[-1] == "How to reproduce"


def test_what_is_not_defined_is_a_dash_and_is_explained(report: RunContent) -> None:
    one = change(report, metrics={"test": measure(3, label=1)})
    text = Outline(render_page(one)).text
    assert "Test AUC, by video – 95 % interval not estimable" in text
    assert "only one class" in text
    assert "nan" not in text.lower()
    assert "nan" not in render_model_card(one).lower()


def test_remarks_follow_from_the_data(report: RunContent) -> None:
    few = change(report, metrics={"val": measure(1, groups=4)}, unscored=[])
    remarks = " ".join(few.remarks())
    assert "There is no test split" in remarks
    assert "The val split has 4 groups" in remarks
    assert "All splits together have 4 groups" in " ".join(
        change(few, metrics={"all": few.metrics["val"]}).remarks()
    )
    mixed = Predictions([*predictions(1).samples, FaceSample("u", -1, "test", "u")], np.full(121, 0.5))
    metrics = {"face": compute_metrics(mixed, threshold=0.5, resamples=0)}
    told = change(report, metrics={"test": metrics}, unscored=[]).remarks()
    assert told == ["Not counted: 1 test face of unknown label."]
    assert change(report, unscored=[]).remarks() == []


def test_a_split_of_another_name_is_shown_under_it(report: RunContent) -> None:
    other = change(report, metrics={"all": measure(1)}, unscored=[])
    assert "All AUC, by video" in Outline(render_page(other)).text
    assert other.remarks() == []


def test_no_claim_is_made_that_does_not_hold(report: RunContent) -> None:
    plain = change(report, history=[], threshold_origin="given on the command line")
    text = Outline(render_page(plain)).text
    assert "threshold was given on the command line" in text
    assert "validation split, where" not in text
    assert "Chosen by the validation split" not in text
    assert "History" not in text


def test_stills_have_no_video_columns(report: RunContent) -> None:
    stills = Predictions(
        [FaceSample(str(index), index % 2, "test", str(index)) for index in range(40)],
        np.random.default_rng(0).random(40),
    )
    levels = {level: compute_metrics(stills, threshold=0.5, level=level, resamples=10) for level in LEVELS}
    still = change(report, metrics={"test": levels})
    assert [(split, level) for split, level, _ in still.columns()] == [("test", "face")]
    assert "by video –" not in Outline(render_page(still)).text


def test_an_empty_report_is_still_a_page(tmp_path: Path) -> None:
    write_page(
        tmp_path,
        RunContent(title="t", model="m", recipe={}, environment={}, metrics={}, threshold=0.5),
    )
    text = Outline((tmp_path / "index.html").read_text(encoding="utf-8")).text
    assert "No split was measured." in text
    assert "every sample has a score" in text


def test_a_very_long_list_is_cut_and_says_so(report: RunContent) -> None:
    rows = [(f"{index}.png", "no face" if index % 2 else "unreadable", "") for index in range(LISTED + 5)]
    text = Outline(render_page(change(report, unscored=rows))).text
    assert "1,005 samples could not be scored: 503 unreadable, 502 no face." in text
    assert "The run folder's list has 5 more samples." in text
    assert f"{LISTED - 1}.png" in text
    assert f"{LISTED}.png" not in text


def test_the_kept_epoch_is_marked(report: RunContent) -> None:
    marked = re.findall(r'<tr class="best"><th scope="row">(.+?)</th>(.+)</tr>', render_page(report))
    assert marked == [
        ("1", "".join(f'<td class="right">{text}</td>' for text in ("0.7000", "0.8000", "3.00e-05")))
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [("", "–"), (None, "–"), ({}, "–"), (True, "yes"), (3e-4, "0.0003"), (299, "299"), (20000, "20,000"),
     (float("nan"), "–"), ({"a": 1, "b": [2, False]}, "a 1, b 2, no")],
)  # fmt: skip
def test_values_are_shown_for_people(value: Any, text: str) -> None:
    assert show(value) == text


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize(
    ("front", "back"),
    [("ink", "ground"), ("ink", "card"), ("ink", "wash"), ("soft", "ground"), ("soft", "card"),
     ("soft", "wash"), ("blue", "ground"), ("warn-ink", "warn")],
)  # fmt: skip
def test_text_has_the_contrast_that_wcag_asks_for(theme: int, front: str, back: str) -> None:
    colours = [re.findall(rf"--{name}: #([0-9a-f]{{6}})", STYLE)[theme] for name in (front, back)]

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(luminance(colour) for colour in colours)
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_only_a_rows_first_heading_stays_while_a_table_is_scrolled() -> None:
    """Several of them would lie on each other."""
    sticky = re.findall(r"([^{}]+)\{[^{}]*position: sticky", re.sub(r"/\*.*?\*/", "", STYLE))
    assert [selector.strip() for selector in sticky] == ["tr > th:first-child"]
    narrow = STYLE.partition("@media (max-width: 760px)")[2].partition("@media print")[0]
    assert re.search(r"\.numbers tbody th:first-child \{[^}]*white-space: normal", narrow)


def test_paper_shows_whole_tables() -> None:
    paper = STYLE.partition("@media print")[2]
    assert re.search(r"\.table \{[^}]*overflow: visible", paper)
    assert "position: static" in paper
    assert "size: landscape" in paper


def test_each_part_of_the_metrics_heads_a_group_of_rows(report: RunContent) -> None:
    page = render_page(report)
    heads = re.findall(r'<tbody>\s*<tr><th class="part" scope="(\w+)"', page)
    assert heads == ["rowgroup"] * page.count('class="part"') == ["rowgroup"] * 3


def test_text_in_markdown_is_one_line_without_html() -> None:
    assert plain("a <b>\n&lt; [1, 2] x_y") == "a &lt;b&gt; &amp;lt; [1, 2] x_y"
    assert markdown(Table(columns("ab"), [("1\n2", "|")])).splitlines()[2:] == ["| 1 2 | \\| |"]


def test_the_page_tells_the_bounds_that_chose_the_cuts(report: RunContent) -> None:
    usual, other = Calibration(), Calibration(false_alarms=0.02, missed=0.125)
    words = "of reals like these at most {} % are called substantial, of fakes at most {} % little"

    alike = Outline(render_page(change(report, calibrations={"face": usual, "video": usual}))).text
    assert f"the two cuts: {words.format(5, 10)}. " in alike

    unlike = Outline(render_page(change(report, calibrations={"face": usual, "video": other}))).text
    assert f"the two cuts: by face, {words.format(5, 10)}; by video, {words.format(2, 12.5)}. " in unlike
