"""The embedded sample set: drawn people and face swaps between them."""
