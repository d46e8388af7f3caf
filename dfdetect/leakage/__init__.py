"""The leakage audit: what rows of different splits have in common, and a manifest without it."""

from dfdetect.leakage.auditing import Audit, audit
from dfdetect.leakage.links import Crossing, Links
from dfdetect.leakage.registry import Kind, NotLooked, get_kind, list_kinds
from dfdetect.leakage.rows import Rows

__all__ = ["Audit", "Crossing", "Kind", "Links", "NotLooked", "Rows", "audit", "get_kind", "list_kinds"]
