"""Measurements to be run by hand; not part of the package."""
