"""Text in Markdown."""

import re
from typing import Any

from dfdetect.render.text import show


def plain(text: str) -> str:
    """Text on one line that holds no HTML; names and brackets stay readable."""
    return re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape(value: Any) -> str:
    """A value from outside as Markdown that shows it unchanged, on one line."""
    text = re.sub(r"\s+", " ", show(value)).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|#~!>])", r"\\\1", text)


def code(value: Any) -> str:
    """A value from outside as code inside a line."""
    text = re.sub(r"\s+", " ", show(value)).replace("`", "'")
    return f"`{text}`"


def fence(text: str) -> str:
    """A block of code; its fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    bar = "`" * max(3, longest + 1)
    return f"{bar}text\n{text}\n{bar}"
