"""Data: from a manifest to batches, and the embedded sample set."""
