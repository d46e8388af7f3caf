"""What the flags of the tasks accept."""

from face_extraction.errors import InputError


def check_range(flag: str, given: float, low: float, high: float) -> None:
    """Refuse a value outside its range.

    Raises:
        InputError: it is outside; the line names the flag.
    """
    if not low <= given <= high:
        raise InputError(f"{flag} {given}; accepted: {low} to {high}")
