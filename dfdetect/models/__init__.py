"""Models: one file a family, registered by name, all under one contract (see `registry`)."""

from dfdetect.models.registry import Backbone, Family, build_model, family, list_models, register

__all__ = ["Backbone", "Family", "build_model", "family", "list_models", "register"]
