"""Stress a run: what its scores become when faces are disturbed, or forged against it."""
