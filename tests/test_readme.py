"""What the README and docs/ say of models, data sets and commands is so."""

import argparse
import functools
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dfdetect.cli import add_recipe_flags, recipe_from_flags
from dfdetect.models.blocks import blocks
from dfdetect.models.build import build_model
from dfdetect.models.names import PUBLISHED
from dfdetect.models.registry import family, list_models
from dfdetect.recipe import Recipe
from face_extraction.sources import list_sources

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "reports" / "README.md"]
README = PAGES[0].read_text(encoding="utf-8")
TASKS = (
    "face_extraction",
    "dfdetect.fakes",
    "dfdetect.report",
)  # whose first argument says which flags there are
DEEPER = (["check"], ["download"], ["gan"])  # first arguments after which a second one says it


@pytest.mark.usefixtures("unfilled")
def test_the_table_of_models_is_complete_and_right():
    rows = {
        name: (int(size), parameters, int(count), pretrained)
        for name, size, parameters, count, pretrained in re.findall(
            r"^\| `(\w+)` \| (\d+) \| ([\d.]+) M \| (\d+) \| (\S+) \|", README, re.MULTILINE
        )
    }
    assert sorted(rows) == list_models()
    for name, row in rows.items():
        kind, model = family(name), build_model(name)
        millions = f"{model.count_params() / 1e6:.2f}"
        pretrained = PUBLISHED.get(kind.pretrained, "–")
        assert row == (kind.image_size, millions, len(blocks(model, kind)), pretrained), name


def test_the_table_of_data_sets_is_complete_and_right():
    section = README.partition("## Data sets")[2].partition("\n## ")[0]
    rows = {
        name: (re.findall(r"`--([\w-]+)`", options), bool(licence.strip()), where)
        for name, options, licence, where in re.findall(
            r"^\| `([\w-]+)` \|[^|]+\|([^|]+)\|([^|]+)\| (.+) \|$", section, re.MULTILINE
        )
    }
    assert list(rows) == [source.name for source in list_sources()]
    for source in list_sources():
        page = f"[page]({source.page})" if source.page else "–"
        where = f"`download`, {page}" if source.kaggle else page
        assert rows[source.name] == ([option.name for option in source.options], True, where)


def test_the_flags_of_every_regime_are_accepted():
    table = (ROOT / "docs" / "regimes.md").read_text(encoding="utf-8")
    commands = re.findall(r"`(--[^`]+)`", "\n".join(row for row in table.splitlines() if row.startswith("|")))
    assert len(commands) > 15
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_recipe_flags(parser)
    for command in commands:
        fold = ["--fold", "1"] if "--folds" in command else []
        recipe_from_flags(parser.parse_args([*command.split(), *fold]), Recipe())


def commands():
    """Each command of a block of code, without its comment."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            lines = block.replace("\\\n", " ").splitlines()
            yield from (shlex.split(line, comments=True) for line in lines if line.startswith("python -m "))


@functools.cache
def described(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", *arguments, "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(re.findall(r"--[\w-]+", done.stdout))


def test_commands_of_the_pages_exist_and_have_the_flags_that_they_show():
    shown = list(commands())
    assert len(shown) > 30
    for _, _, module, *arguments in shown:
        task = arguments[: 2 if arguments[:1] in DEEPER else 1] if module in TASKS else []
        flags = {argument for argument in arguments if argument.startswith("--")}
        assert flags <= described(module, *task), (module, arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_file(), target
        if not anchor:
            continue
        titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert anchor in anchors, target
