"""A tiny declared experiment, run end to end."""

import pytest

DECLARED = """
title = "Tiny: two models and an ensemble"
figures = ["roc"]
headline = [{ model = "custom_cnn", regime = "base" }]

[source]
data = "drawn squares & more_of_them"

[recipe]
image_size = 32
batch_size = 8
epochs = 1
augment = "none"

[axes.model]
custom_cnn = { title = "CNN", recipe = { model = "custom_cnn" } }
meso4 = { title = "Meso-4", recipe = { model = "meso4" } }
absent = { title = "Absent", recipe = { model = "not_there" } }
both = { title = "Both", members = ["custom_cnn", "meso4"] }

[axes.regime]
base = { title = "Base" }
l2 = { title = "L2", recipe = { l2 = 1e-3 } }

[[where]]
at = { model = "both", regime = "l2" }
skip = true

[[where]]
at = { model = "meso4", regime = "l2" }
skip = true

[[where]]
at = { model = "absent", regime = "l2" }
skip = true

[profiles.folds]
about = "two folds"
recipe = { split = "group", folds = 2, fold = 1, val_share = 0.3 }

[[profiles.folds.where]]
at = { model = "both" }
recipe = { folds = 0, fold = 0, split = "manifest" }

[[tables]]
name = "grid"
title = "Accuracy"
kind = "grid"
metrics = ["accuracy"]
rows = ["model"]
columns = "regime"

[[tables]]
name = "list"
title = "All models"
kind = "list"
metrics = ["accuracy", "auc"]
rows = ["model", "regime"]
only = { regime = ["base"] }

[[tables]]
name = "folds"
title = "Folds"
kind = "folds"
metrics = ["accuracy"]
rows = ["model", "regime"]
only = { model = ["custom_cnn"], regime = ["base"] }

[[published]]
place = "a table"
at = { model = "custom_cnn", regime = "base" }
accuracy = "81.2%"

[[published.folds]]
accuracy = "0.80"
confusion = [["4", "1"], ["1", "4"]]

[[published.folds]]
accuracy = "0.82"
confusion = [["4", "1"], ["1", "4"]]
"""


@pytest.fixture
def declare(tmp_path):
    """Write an experiment below a folder "reports"; returns its folder."""

    def write(text=DECLARED, name="tiny"):
        folder = tmp_path / "reports" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "experiment.toml").write_text(text)
        return folder

    write.text = DECLARED
    return write
