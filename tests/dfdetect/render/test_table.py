"""Tables in Markdown and LaTeX: that text from outside stays text."""

import re

from dfdetect.metrics.estimates import Estimate
from dfdetect.render.table import Column, Table, Value, columns, csv_rows, latex, markdown, noted, text

EVIL = "<script>x</script> | a\nb"


def table(*rows, footnotes=(), header=("model", "Accuracy, published", "Accuracy")):
    return Table(
        columns(header[:1], header[1:]), rows, "All", label="list",
        notes=["A note."], general=["All alike."], footnotes=footnotes,
    )  # fmt: skip


def environments(found):
    """The names of environments in order, and whether they and all braces and groups are balanced."""
    assert found.count("{") - found.count("\\{") == found.count("}") - found.count("\\}")
    assert found.count("\\begingroup") == found.count("\\endgroup") == 1
    opened = re.findall(r"\\begin\{(\w+)\}", found)
    assert opened == re.findall(r"\\end\{(\w+)\}", found)
    for body in re.findall(r"\\begin\{longtable\}\{@\{\}([lr]+)@\{\}\}(.*?)\\end", found, re.DOTALL):
        sides, rows = body
        for row in re.findall(r"^(?!\\caption).* \\\\$", rows, re.MULTILINE):
            assert len(re.findall(r"(?<!\\)&", row)) == len(sides) - 1
    return opened


def test_a_table_goes_over_pages_and_keeps_its_size_if_it_fits():
    found = latex(table(("a", "1%", "–")), "Measured.", "tab:a")
    assert environments(found) == ["longtable"]
    assert found.startswith("% \\usepackage{booktabs, longtable}\n\\begingroup\n")
    assert "\n\\caption[{All}]{All. Measured.}\\label{tab:a} \\\\\n" in found
    assert "\\begin{longtable}{@{}lrr@{}}\n" in found
    assert found.endswith("\nA note.\\par\nAll alike.\\par\n\\endgroup\n")
    assert found.count("footnotesize") == 1  # the notes
    # The head stands on the first page and on each other.
    assert found.count("model & Accuracy, published & Accuracy \\\\") == 2


def test_a_wide_table_is_small_with_intervals_below_their_numbers():
    value = Value(Estimate(0.123, 0.1, 0.146), best=True, same=True, footnote=1)
    header = ("model", "Accuracy, published", "Accuracy", "Precision, class-weighted", "AUC")
    found = latex(table(("VGG-16", "1%", value, value, value), header=header, footnotes=["Failed"]), "", "a")
    assert environments(found) == ["longtable"]
    assert "\\begingroup\n\\setlength{\\LTcapwidth}{\\textwidth}\n\\footnotesize\n" in found
    assert "resizebox" not in found
    head = "model & Accuracy, & Accuracy & Precision, & AUC \\\\*\n & published &  & class-weighted &  \\\\\n"
    assert found.count(head) == 2
    number, interval = r"\textbf{0.123} $\approx$ (1)", "[0.100, 0.146]"
    first, second = (" & ".join([text] * 3) for text in (number, interval))
    assert f"\nVGG-16 & 1\\% & {first} \\\\*\n &  & {second} \\\\\n\\addlinespace\n" in found


def test_a_table_wider_still_is_divided_never_scaled():
    cells = ["VGG-16 with more", *[Value(Estimate(0.123, 0.1, 0.146))] * 9]
    header = ("model", *(f"Metric {number}" for number in range(9)))
    found = latex(table(cells, header=header), "Measured.", "tab:a")
    # 16 letters name a row. Four intervals of 14, each with the room of 2 before it, make 80, five 96.
    assert environments(found) == ["longtable"] * 3
    assert "resizebox" not in found
    assert found.count("\\label{tab:a}") == found.count("Measured.") == 1
    assert found.count("VGG-16 with more & 0.123") == 3
    assert "\\caption[{All (columns, part 3 of 3)}]{All (columns, part 3 of 3).} \\\\\n" in found
    for number in range(9):
        assert found.count(f"Metric {number}") == 2  # in the two heads of its part


def test_text_from_outside_is_no_html_in_markdown():
    found = markdown(table((EVIL, EVIL, Value(None, footnote=1)), footnotes=["Failed"]))
    assert "<script" not in found
    assert "| – (1) |" in found
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in found.splitlines()} == {4}


def test_notes_are_paragraphs_below_the_table_in_markdown():
    made = table(("a", "1%", "–"), footnotes=["Failed: <x>"])
    below = ["Said first.", "A note.", "(1) Failed: &lt;x&gt;"]
    assert noted(made, ["Said first."]) == "\n\n".join([markdown(made), *below])
    assert noted(made, general=True).endswith("\n\n(1) Failed: &lt;x&gt;\n\nAll alike.")


def test_text_from_outside_is_no_command_in_latex():
    found = latex(table(("[1] a\n\nb", "50% & $x_1$ #2 {~^}\\", "<|>")), "a\n\nb", "tab:a")
    row = found.partition("\\endfoot\n")[2].splitlines()[0]
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
