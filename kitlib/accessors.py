"""What a room adds to a class of a room below it, as pandas' accessors do: the class below imports nothing above it.

`Recording.frames` is the one there is. `kitlib` registers it by name, so that `from kitlib.recording import Recording`
is enough, and frames are loaded when they are asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_homes: dict[str, str] = {}


def register_accessor(name: str, home: str) -> None:
    """Say what makes an accessor's value.

    Parameters
    ----------
    name : str
        The accessor: "Recording.frames".
    home : str
        "module:name" of what is called with the object; the module is loaded at the first use.
    """
    _homes[name] = home


class Accessor:
    """An attribute that a room above makes: called with the object each time it is asked for.

    Parameters
    ----------
    name : str
        As it was registered.
    doc : str
        What it gives.
    """

    def __init__(self, name: str, doc: str) -> None:
        self._name = name
        self.__doc__ = doc

    def __get__(self, item: object, owner: type | None = None) -> Any:
        """Return what was registered, made of the object; on the class the accessor itself."""
        if item is None:
            return self
        module, _, name = _homes[self._name].partition(":")
        return getattr(import_module(module), name)(item)


__all__ = ["Accessor", "register_accessor"]
