"""Metrics: from predictions to numbers with 95 % intervals. Needs only NumPy, SciPy and scikit-learn."""
