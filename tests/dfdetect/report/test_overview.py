"""The pages over all reports, and the README's summary."""

from dataclasses import replace

from dfdetect.report import overview
from dfdetect.report.reading import read_experiment
from dfdetect.report.results import add_result, declared
from dfdetect.report.sections import sections

CNN, BOTH = "custom_cnn, base", "both, base"

AT = {"model": "custom_cnn", "regime": "base"}


def test_the_readme_leaves_out_sizes_that_only_show_that_cells_run(declare, measured):
    """The headline's cell is measured at both sizes: at "full", and at "folds", which is smoke in one."""
    for smoke, expected in (("false", "folds"), ("true", None)):
        text = declare.text.replace("[profiles.folds]\n", f"[profiles.folds]\nsmoke = {smoke}\n")
        experiment = read_experiment(declare(text))
        cell = experiment.cells("folds")[0]
        data = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
        result = replace(measured(experiment, CNN, data=data), profile="folds", recipe=declared(cell))
        found = overview._newest(experiment, [result], AT)
        assert (found.profile if found else None) == expected
        (section,) = sections(experiment, [result], ())
        assert ("It only shows that the cells run." in section.caption) == (expected is None)
        add_result(experiment.folder, result)
        assert ("| folds |" in overview.overview([experiment])) == (expected is not None)


def test_the_page_over_ones_own_report_has_no_empty_part(declare):
    text, _, _ = declare.text.partition("[[published]]")
    page = overview.overview([read_experiment(declare(text))])
    assert page.startswith("# 1 report, and")
    assert "No cell has a result yet." in page
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## All models over all reports"
    ]


PART = {"origin": "x.h5 (1 of 2 parameters)", "local": True, "partial": True}


def test_the_pages_over_all_reports_tell_it_too(declare, measured):
    text = declare.text.replace("[recipe]", '[recipe]\nsplit = "random"', 1)
    experiment = read_experiment(declare(text))
    data = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
    add_result(experiment.folder, measured(experiment, CNN, weights=PART, data=data))
    assert "| dfdc, split at random, weights of a part |" in overview.overview([experiment])
    summary = overview.summary([experiment])
    assert "| dfdc, split at random, weights of a part (size full) |" in summary
    assert "--partial-weights --weights custom_cnn=FILE`" in summary


def test_the_summary_names_the_files_and_the_members_that_a_number_needs(declare, measured):
    text = declare.text.replace(
        'regime = "base" }]', 'regime = "base" }, { model = "both", regime = "base" }]'
    )
    experiment = read_experiment(declare(text))
    data = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
    local = {"origin": "y.h5 (1 of 2 parameters)", "sha256": "00", "partial": True}
    add_result(experiment.folder, measured(experiment, CNN, weights=local, data=data))
    (cell,) = (cell for cell in experiment.cells() if cell.name == BOTH)
    members = [declared(member) for member in cell.members]
    add_result(experiment.folder, measured(experiment, BOTH, data=data, members=members))
    single, both = overview.summary([experiment]).splitlines()[-2:]
    start = "--only regime=base --partial-weights --weights custom_cnn=FILE`"
    assert f"`{experiment.folder.as_posix()} --only model=custom_cnn {start}" in single
    names = "--only model=custom_cnn --only model=meso4 --only model=both"
    assert f"`{experiment.folder.as_posix()} {names} {start}" in both
    # A file of all weights is a copy of those that are downloaded.
    whole = {**local, "origin": "y.h5 (2 of 2 parameters)", "partial": False}
    add_result(experiment.folder, measured(experiment, CNN, weights=whole, data=data))
    assert "FILE" not in overview.summary([experiment])


def test_headlines_of_one_model_are_shown_at_one_size(declare, measured):
    """The larger size has one of the two alone: a difference of sizes would look like theirs."""
    regimes = ", ".join(f'{{ model = "custom_cnn", regime = "{name}" }}' for name in ("base", "l2"))
    text = declare.text.replace('[{ model = "custom_cnn", regime = "base" }]', f"[{regimes}]")
    experiment = read_experiment(declare(text))
    data = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
    add_result(experiment.folder, measured(experiment, CNN, data=data))
    assert [line.count("size full") for line in overview.summary([experiment]).splitlines()[-2:]] == [1, 0]
    small = {cell.name: cell for cell in experiment.cells("folds")}
    for name in (CNN, "custom_cnn, l2"):
        cell = {"profile": "folds", "recipe": declared(small[name]), "at": small[name].at}
        add_result(experiment.folder, replace(measured(experiment, CNN, folds=2, data=data), **cell))
    assert [line.count("size folds") for line in overview.summary([experiment]).splitlines()[-2:]] == [1, 1]
