"""Face extraction: photos and videos in, a manifest of labelled face crops out."""

from face_extraction.missing import explain_missing_packages

explain_missing_packages()
