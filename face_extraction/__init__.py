"""Face extraction: photos and videos in, a manifest of labelled face crops out."""
