"""Templates: nothing from outside acts, nothing is missing silently, and all of them are installed."""

import configparser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from dfdetect.render.table import Column, Table, Value
from dfdetect.render.templating import TEMPLATES, render

ROOT = Path(__file__).resolve().parents[3]


def test_a_name_that_a_template_lacks_is_an_error():
    with pytest.raises(UndefinedError, match="recipe"):
        render("crossval.md.j2")


def test_no_template_lets_text_pass_unescaped():
    for path in TEMPLATES.glob("*.html.j2"):
        text = path.read_text(encoding="utf-8")
        assert "safe" not in text
        assert "autoescape" not in text


def test_a_part_of_a_page_escapes_titles_cells_and_headings():
    evil = '<b onclick="x">&'
    rows = [(evil, evil), ("", Value(None))]
    made = Table([Column(evil), Column(evil, ">")], rows, evil, headings={1: evil})
    page = render(
        "report.html.j2",
        experiment={"title": evil, "source": {evil: f"{evil}`{evil}`"}},
        general=[evil],
        parts=[],
        contradictions=made,
    )
    assert "<b " not in page
    assert page.count("&lt;b onclick=&#34;x&#34;&gt;&amp;") == 12


def test_a_name_that_is_not_utf8_is_shown_with_a_question_mark():
    page = render(
        "report.html.j2",
        experiment={"title": "bad\udcff.png", "source": {}},
        general=[],
        parts=[],
        contradictions=Table([], []),
    )
    assert "<h1>bad?.png</h1>" in page


def test_every_template_is_installed():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = setup["options.package_data"]["dfdetect.render"].split()
    installed = {path for pattern in patterns for path in TEMPLATES.parent.glob(pattern)}
    assert installed == set(TEMPLATES.iterdir())
