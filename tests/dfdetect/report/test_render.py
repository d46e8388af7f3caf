"""Tables as files: what is said of numbers in each, and that text from outside stays text."""

import csv
import io
import re
from types import SimpleNamespace

from dfdetect.metrics.estimates import Estimate
from dfdetect.report import pictures, sections, writing
from dfdetect.report.declared import FACES, ROC, read_experiment
from dfdetect.report.render import csv_text, latex, markdown
from dfdetect.report.sections import Section
from dfdetect.report.tables import Table, Value

EVIL = "<script>x</script> | a\nb"


def table(*rows, footnotes=(), header=("model", "Accuracy, published", "Accuracy")):
    return Table("list", "All", 1, header, rows, ["A note."], ["All alike."], footnotes)


def section(*tables, results=None):
    return Section("full", "0123456789", "Measured.", "dfdc", tables, results or {})


def test_numbers_in_csv_are_shares_beside_what_is_printed():
    rows = [
        ("a", "95.78%", Value(Estimate(0.9, 0.8, 0.95), n=40)),
        ("b", "0.9578", Value(None)),
        ("c", "10,000", "[[1, 2], [3, 4]]"),
        ("d", "3-4", "–"),
    ]
    found = list(csv.DictReader(io.StringIO(csv_text([section(table(*rows))]))))
    assert [(row["value"], row["text"]) for row in found] == [
        ("0.9578", "95.78%"),
        ("0.9", "0.900 [0.800, 0.950]"),
        ("0.9578", "0.9578"),
        ("", ""),
        ("10000.0", "10,000"),
        ("", "[[1, 2], [3, 4]]"),
        ("", "3-4"),
        ("", ""),
    ]
    assert not any(None in row.values() or None in row for row in found)


def test_a_wide_table_is_scaled_in_latex_and_names_its_packages():
    narrow, wide = table(("a", "1%", "–")), table(("a", "1%", "–"), header=("model", "P" * 60, "Accuracy"))
    assert latex(narrow, "", "a").startswith("% \\usepackage{booktabs}\n")
    assert "resizebox" not in latex(narrow, "", "a")
    assert "\n\\caption[{All}]{All. Measured.}\n\\label{tab:a}\n" in latex(narrow, "Measured.", "tab:a")
    assert latex(narrow, "", "a").endswith("\nA note.\\par\nAll alike.\\par\n\\end{table}\n")
    assert latex(wide, "", "a").startswith("% \\usepackage{booktabs, graphicx}\n")
    box = re.search(
        r"\\resizebox\{\\textwidth\}\{!\}\{%\n\\begin\{tabular\}.*\\end\{tabular\}\}\n",
        latex(wide, "", "a"),
        re.DOTALL,
    )
    assert box


def test_text_from_outside_is_no_html_in_markdown():
    text = markdown(table((EVIL, EVIL, Value(None, footnote=1)), footnotes=[f"Failed: {EVIL}"]))
    assert "<script" not in text
    assert text.splitlines()[-1] == "(1) Failed: &lt;script&gt;x&lt;/script&gt; | a b"
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")} == {4}


def test_what_failed_is_a_list_and_people_keep_their_colours(declare):
    experiment = read_experiment(declare(declare.text.replace('["roc"]', '["roc", "faces"]')))
    shown = section(results={"cnn, base": SimpleNamespace(status="failed", reason=EVIL)})
    pictures.faces_file(experiment, "full", []).touch()
    page, text = writing._html(experiment, [shown]), writing._markdown(experiment, [shown])
    assert "<li>cnn, base: &lt;script&gt;x&lt;/script&gt; | a\nb</li>" in page
    assert "\n- cnn, base: &lt;script&gt;x&lt;/script&gt; | a b\n" in text
    assert re.findall(r'<figure class="([^"]+)">', page) == ["figure wide photo"]
    assert all("own threshold" in each for each in (page, text))


def test_a_caption_says_how_much_and_what_trained(declare):
    experiment = read_experiment(declare())

    def result(devices, backend, version, members=(), **recipe):
        return SimpleNamespace(
            data={"sample_set": False, "sources": ["dfdc"]},
            manifest="0123456789",
            environment={"devices": devices, "backend": backend, "packages": {backend: version}},
            members=members,
            recipe={"image_size": 64, "epochs": 3, "batch_size": 8, "precision": "float32", **recipe},
        )

    done = [
        result(["CPU"], "tensorflow", "2.21.0"),
        result(["NVIDIA H200", "NVIDIA H200"], "jax", "0.11.2", epochs=4),
        result(["CPU"], "tensorflow", "2.21.0"),
        result(["CPU"], "tensorflow", "2.22.0", members=["a, base"]),  # combined there, not trained
    ]
    caption = sections._caption(experiment, "full", done)
    assert "as declared for the report (64 pixels, batches of 8, float32)." in caption
    assert caption.endswith(" Trained on CPU with TensorFlow 2.21.0; 2 NVIDIA H200 with JAX 0.11.2.")
    unknown = SimpleNamespace(**{**vars(done[0]), "environment": {}})
    assert "Trained" not in sections._caption(experiment, "full", [unknown])


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
