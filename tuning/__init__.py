"""Hyper-parameter search over recipes."""

from face_extraction.missing import explain_missing_packages

explain_missing_packages()
