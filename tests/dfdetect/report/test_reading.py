"""What a wrong declaration says."""

import pytest

from dfdetect.report.reading import read_experiment
from face_extraction.errors import InputError


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "grid"', 'kind = "gird"', "unknown kind of table 'gird' \\(nearest: grid\\)"),
        ('metrics = ["accuracy"]', 'metrics = ["acuracy"]', "unknown metric 'acuracy'"),
        ("image_size = 32", "imagesize = 32", "unknown recipe field 'imagesize'"),
        ("l2 = 1e-3", "l2 = -1.0", "custom_cnn, l2: recipe: l2 -1.0; accepted: at least 0"),
        ('["custom_cnn", "meso4"]', '["custom_cnn", "meso5"]', "unknown choice of model 'meso5'"),
        ('columns = "regime"', 'columns = "regimes"', "unknown axis 'regimes'"),
        ('figures = ["roc"]', 'pictures = ["roc"]', "unknown key 'pictures'"),
        (
            'figures = ["roc"]',
            'own_data = ["dfcd"]',
            "unknown data set in own_data 'dfcd' \\(nearest: dfdc\\)",
        ),
        ("[profiles.folds]", "[profiles.folds]\nrecipes = {}", "profile folds: unknown key 'recipes'"),
        ('rows = ["model"]', "rows = []", "table grid: several choices of model would share a place"),
        ('columns = "regime"', "", "table grid: a grid has columns, and one metric"),
        ('metrics = ["accuracy"]', "metrics = []", "table grid: no metrics"),
        ('metrics = ["accuracy"]', 'metrics = ["learning_rate"]', "a grid shows a measured metric"),
        (', regime = "base" }]', " }]", "{'model': 'custom_cnn'}: a cell has a choice of regime too"),
        ('accuracy = "81.2%"', 'accuracy = "about 81"', "toml: a table: 'about 81'; accepted: a number"),
        ('data = "drawn squares & more_of_them"', "data = 3", r"Expected `str`, got `int` - at `\$.source"),
        ('rows = ["model"]', 'rows = "model"', r"Expected `array`, got `str` - at `\$.tables\[0\].rows`"),
        ('metrics = ["accuracy"]', "metrics = [0.5]", r"at `\$.tables\[0\].metrics"),
        ('at = { model = "both", regime = "l2" }', 'at = "both"', r"got `str` - at `\$.where\[0\].at`"),
        ('title = "CNN"', "title = 3", r"Expected `str`, got `int`"),
        (
            '{ split = "group", folds = 2, fold = 1, val_share = 0.3 }',
            "inf",
            r"Expected `object`, got `float`",
        ),
    ],
)
def test_a_wrong_declaration_is_refused_by_name(declare, old, new, message):
    folder = declare(declare.text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_experiment(folder)
