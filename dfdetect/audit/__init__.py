"""Look for leakage between splits, and write a manifest without it."""
