"""The small training that tests of several commands run."""

from dfdetect.train import __main__ as train

SMALL = [
    *"--model custom_cnn --image-size 32 --batch-size 12 --epochs 2 --augment none".split(),
    # Cheap steps: AdamW's decay, even one of 0, and the schedule take as long as the gradients.
    *"--optimizer adam --schedule constant".split(),
]


def run(manifest, out, *more):
    """Train on a manifest; the exit status."""
    return train.main([*SMALL, "--manifest", str(manifest), "--out", str(out), *more])
