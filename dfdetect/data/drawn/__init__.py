"""Drawn people and face swaps between them: what the embedded sample set is made of."""
