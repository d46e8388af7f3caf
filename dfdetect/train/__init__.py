"""Train a detector."""
