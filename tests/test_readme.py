"""What the README says of models, data sets and commands is so."""

import argparse
import re
from pathlib import Path

from dfdetect.models import build_model, family, list_models
from dfdetect.models.blocks import blocks
from dfdetect.models.registry import PUBLISHED
from dfdetect.recipe import Recipe, add_flags, from_flags
from face_extraction.sources import list_sources

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


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
    table = README.partition("## Regimes of the reports")[2].partition("\n## ")[0]
    commands = re.findall(r"`(--[^`]+)`", "\n".join(row for row in table.splitlines() if row.startswith("|")))
    assert len(commands) > 15
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_flags(parser)
    for command in commands:
        fold = ["--fold", "1"] if "--folds" in command else []
        from_flags(parser.parse_args([*command.split(), *fold]), Recipe())
