"""Compare runs on the same faces."""
