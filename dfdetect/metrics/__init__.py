"""Metrics: predictions in, numbers with 95 % intervals out. NumPy and scikit-learn alone."""
