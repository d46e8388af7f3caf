"""Layers and parts that several families share."""
