"""Tables in Markdown and LaTeX: that text from outside stays text."""

import re

from dfdetect.metrics.estimates import Estimate
from dfdetect.render.table import Column, Table, Value, columns, csv_rows, latex, markdown, text

EVIL = "<script>x</script> | a\nb"


def table(*rows, footnotes=(), header=("model", "Accuracy, published", "Accuracy")):
    return Table(
        columns(header[:1], header[1:]), rows, "All", label="list",
        notes=["A note."], general=["All alike."], footnotes=footnotes,
    )  # fmt: skip


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
    found = markdown(table((EVIL, EVIL, Value(None, footnote=1)), footnotes=["Failed"]))
    assert "<script" not in found
    assert "| – (1) |" in found
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in found.splitlines()} == {4}


def test_text_from_outside_is_no_command_in_latex():
    found = latex(table(("[1] a\n\nb", "50% & $x_1$ #2 {~^}\\", "<|>")), "a\n\nb", "tab:a")
    row = found.partition("\\midrule\n")[2].splitlines()[0]
    assert row == (
        r"{}[1] a b & 50\% \& \$x\_1\$ \#2 \{\textasciitilde{}\textasciicircum{}\}\textbackslash{} & "
        r"\textless{}\textbar{}\textgreater{} \\"
    )
    assert "\n\n" not in found


def test_one_table_gives_every_form():
    cells = [("a", Value(Estimate(0.9, 0.8, 0.95), best=True, footnote=1)), ("b", Value(None, same=True))]
    made = Table([Column("model"), Column("AUC", ">")], cells, headings={1: "Others"})
    lines = [("model", "AUC"), ("a", "0.900 [0.800, 0.950] (1)"), ("Others", ""), ("b", "– ≈")]
    assert text(made).splitlines() == [f"{name:<6}  {value:>24}".rstrip() for name, value in lines]
    assert markdown(made).splitlines() == [
        "| model | AUC |",
        "|---|---:|",
        "| a | **0.900** [0.800, 0.950] (1) |",
        "| **Others** |  |",
        "| b | – ≈ |",
    ]
    assert csv_rows(made) == [["a", "0.900 [0.800, 0.950] (1)"], ["Others", ""], ["b", "– ≈"]]
