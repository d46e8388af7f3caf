"""Data sets: one file each, found by listing this folder, so that a new file is all it takes."""

from face_extraction.sources.registry import (
    Item,
    Listing,
    Option,
    Source,
    get_source,
    list_sources,
    register,
)

__all__ = ["Item", "Listing", "Option", "Source", "get_source", "list_sources", "register"]
