"""Run declared grids of recipes and render their tables beside the published values."""
