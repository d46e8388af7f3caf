"""Words of printed lines."""


def plural(count: int, noun: str) -> str:
    """A count with its noun, such as "1 face" and "2,000 faces"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
