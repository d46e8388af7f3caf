"""Data sets, one file each. Listing this folder finds them, so a new one needs only its file."""

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
