"""The run folder: what it holds, and what decides it."""
