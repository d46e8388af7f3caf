"""dfdetect: tell real faces from deepfakes, on Keras 3."""

import os

# TensorFlow's C++ side greets every start with lines that no user can act on. Errors that matter
# arrive as Python exceptions, and commands name the device that they run on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

__version__ = "0.1.0"
