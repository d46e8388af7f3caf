"""Faces that a generative adversarial network makes whole, and how good they are."""
