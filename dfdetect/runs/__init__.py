"""The run folder, and everything that is in it or decides it."""
