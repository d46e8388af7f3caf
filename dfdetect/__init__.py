"""dfdetect: tell real faces from deepfakes, on Keras 3."""

__version__ = "0.1.0"
