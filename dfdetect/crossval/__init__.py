"""Cross-validate a recipe."""
