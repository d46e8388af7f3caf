"""Fakes of our own, made from real faces: kinds, pairs for training, and files."""
