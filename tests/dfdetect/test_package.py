"""The package's surface: public names, without the price of Keras."""

import subprocess
import sys

import pytest

import dfdetect


def test_public_names_are_there():
    for name in dfdetect.__all__:
        assert getattr(dfdetect, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Detektor'"):
        _ = dfdetect.Detektor


def test_importing_the_package_and_a_recipe_loads_no_keras():
    code = "import sys, dfdetect; dfdetect.Recipe(); dfdetect.list_models(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"keras", "tensorflow", "dlib", "cv2", "numpy"} & set(done.stdout.split())
