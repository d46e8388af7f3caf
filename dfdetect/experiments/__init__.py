"""Experiments: grids of recipes declared as data, their results, and tables beside published values."""
