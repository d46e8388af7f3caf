"""Figures of a report: each is of the results that it shows."""

from dfdetect.report import pictures
from dfdetect.report.reading import read_experiment
from dfdetect.report.results import add_result

CNN = "custom_cnn, base"


def test_a_figure_of_former_results_is_neither_shown_nor_kept(declare, measured):
    experiment = read_experiment(declare())
    data = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
    names = []
    for accuracy in (0.75, 0.5):
        add_result(experiment.folder, measured(experiment, CNN, accuracy, data=data, roc=[0.0] + [1.0] * 100))
        (path,) = pictures.figure_files(experiment)
        assert not path.is_file()  # what `tables --check` then finds
        assert pictures.draw_figures(experiment) == [path]
        assert [*experiment.folder.glob("roc-*.png")] == [path]
        names.append(path.name)
        (retitled,) = pictures.figure_files(read_experiment(declare(declare.text.replace("CNN", "My CNN"))))
        assert retitled != path
        declare()
    assert names[0] != names[1]
