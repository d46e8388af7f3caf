"""Measure a run, on its own data or on others."""
