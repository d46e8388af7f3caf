"""The one exception that means "the input is wrong", and the wording of errors on one line."""

import difflib
import errno
import re
from collections.abc import Collection, Iterable


class InputError(Exception):
    """Wrong input: one line that names the thing, what is accepted, and the file.

    Commands print it without a traceback and exit with status 2.
    """


def one_line(error: BaseException, limit: int = 300) -> str:
    """An error's message on one line, cut to `limit` characters; the name of its type if it has none."""
    return (" ".join(str(error).split()) or type(error).__name__)[:limit]


# Control characters but tab and line end, and marks that turn the direction of writing.
_STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\r(?!\n)")

# How C libraries word it, in errors of their own kinds.
_NO_MEMORY = ("out of memory", "insufficient memory", "bad_alloc", "cannot allocate memory")


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that there was too little memory."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return any(words in str(error).lower() for words in _NO_MEMORY)


def unforeseen(error: Exception) -> str:
    """One line for an error of no expected kind: its type and message, or that memory ran out."""
    kind = "out of memory" if ran_out_of_memory(error) else type(error).__name__
    return f"{kind}: {one_line(error)}"


def harmless(text: str) -> str:
    """`text` with escapes in place of characters that steer a terminal or turn the direction of writing."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def check_range(what: str, given: float, low: float, high: float, unit: str = "") -> None:
    """Refuse a number outside its range.

    Args:
        what: the flag or setting.
        given: the number received.
        low: the least that is accepted.
        high: the most.
        unit: of all three, if they have one.

    Raises:
        InputError: the number lies outside, or is none (NaN).
    """
    if not low <= given <= high:
        raise InputError(f"{what} {given}; accepted: {low:,} to {high:,} {unit}".rstrip())


def unknown_name(kind: str, given: str, accepted: Iterable[str], where: str = "") -> InputError:
    """An `InputError` for a name that is not accepted, with the nearest accepted one.

    Args:
        kind: what the name stands for, such as "model" or "column".
        given: the name received.
        accepted: the valid names.
        where: the file that contains the name, if any.
    """
    names = sorted(accepted)
    near = difflib.get_close_matches(given, names, n=1)
    hint = f" (nearest: {near[0]})" if near else ""
    place = f"{where}: " if where else ""
    return InputError(f"{place}unknown {kind} {given!r}{hint}; accepted: {', '.join(names) or 'none'}")


def check_name(kind: str, given: str, accepted: Collection[str], where: str = "") -> None:
    """Refuse a name that is not accepted; the arguments are those of `unknown_name`.

    Raises:
        InputError: it is not accepted.
    """
    if given not in accepted:
        raise unknown_name(kind, given, accepted, where)
