"""Things found by name, one file each in a folder: data sets, models, kinds of leak, kinds of fake."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Generic, TypeVar

from face_extraction.errors import check_name

T = TypeVar("T")
F = TypeVar("F")


class Registry(Generic[T]):
    """Named things. Each file of the package adds its own when imported; a new file needs nothing else.

    The files are imported when a name is first needed, so importing the registry costs nothing.

    Args:
        what: what the things are, in words, for errors.
        package: the dotted name of the package whose files add them.
    """

    def __init__(self, what: str, package: str) -> None:
        self._what = what
        self._package = package
        self._things: dict[str, T] = {}
        self._loaded = False

    def add(self, name: str, thing: T) -> None:
        """Add `thing` as `name`.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._things:
            raise ValueError(f"each {self._what} needs a name of its own. Received: {name!r} a second time")
        self._things[name] = thing

    def decorator(self, name: str, made: Callable[[F], T]) -> Callable[[F], F]:
        """A decorator that adds what `made` makes of a function as `name`; the function stays as it is.

        Raises:
            ValueError: the name is taken, told when it decorates.
        """

        def decorate(function: F) -> F:
            self.add(name, made(function))
            return function

        return decorate

    def names(self) -> list[str]:
        """All names, sorted."""
        self._load()
        return sorted(self._things)

    def all(self) -> list[T]:
        """All things, in the order of their names."""
        return [self._things[name] for name in self.names()]

    def get(self, name: str) -> T:
        """The thing called `name`.

        Raises:
            InputError: there is none; the line names the nearest.
        """
        self._load()
        check_name(self._what, name, self._things)
        return self._things[name]

    def _load(self) -> None:
        if not self._loaded:
            for module in pkgutil.iter_modules(importlib.import_module(self._package).__path__):
                importlib.import_module(f"{self._package}.{module.name}")
            self._loaded = True
