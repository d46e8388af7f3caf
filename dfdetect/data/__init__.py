"""Data: from a manifest to batches."""
