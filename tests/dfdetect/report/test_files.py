"""The files of a report: what failed is told, and text from outside stays text."""

import re
from types import SimpleNamespace

from dfdetect.render.table import Table, Value, columns
from dfdetect.report import pictures
from dfdetect.report.declared import FACES, ROC
from dfdetect.report.files import page
from dfdetect.report.reading import read_experiment
from dfdetect.report.sections import Section

EVIL = "<script>x</script> | a\nb"


def section(*tables, results=None):
    return Section("full", "0123456789", "Measured.", "dfdc", tables, results or {})


def test_what_failed_is_a_list_and_people_keep_their_colours(declare):
    experiment = read_experiment(declare(declare.text.replace('["roc"]', '["roc", "faces"]')))
    shown = section(results={"cnn, base": SimpleNamespace(status="failed", reason=EVIL)})
    pictures.faces_file(experiment, "full", []).touch()
    html, text = (page(f"report.{kind}.j2", experiment, [shown]) for kind in ("html", "md"))
    assert "<li>cnn, base: &lt;script&gt;x&lt;/script&gt; | a\nb</li>" in html
    assert "\n- cnn, base: &lt;script&gt;x&lt;/script&gt; | a b\n" in text
    assert re.findall(r'<figure class="([^"]+)">', html) == ["figure wide photo"]
    assert all("own threshold" in each for each in (html, text))


def test_notes_from_outside_are_no_html_in_any_form(declare):
    notes = {"footnotes": [f"Failed: {EVIL}"], "general": [EVIL]}
    made = Table(columns(["model"], ["Accuracy"]), [(EVIL, Value(None, footnote=1))], EVIL, **notes)
    html, text = (
        page(f"report.{kind}.j2", read_experiment(declare()), [section(made)]) for kind in ("html", "md")
    )
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 4
    assert "\n(1) Failed: &lt;script&gt;x&lt;/script&gt; | a b\n" in text
    assert "\n- &lt;script&gt;x&lt;/script&gt; | a b\n" in text


def test_another_drawing_of_the_same_numbers_has_another_name(declare, monkeypatch):
    experiment = read_experiment(declare())
    done = SimpleNamespace(
        status="done", at={"model": "custom_cnn", "regime": "base"}, roc=[0.0, 1.0], runs=["a"], digest="d",
        estimate=lambda *_: "0.5", n=lambda _: 40,
    )  # fmt: skip
    shown = section(results={"cnn, base": done})
    before = pictures.roc_file(experiment, shown), pictures.faces_file(experiment, "full", [done])
    for kind in (ROC, FACES):
        monkeypatch.setitem(pictures.VERSIONS, kind, 99)
    after = pictures.roc_file(experiment, shown), pictures.faces_file(experiment, "full", [done])
    assert not set(before) & set(after)
