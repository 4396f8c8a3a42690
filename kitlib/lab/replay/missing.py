"""What stands for a value that a recording doesn't hold."""

from __future__ import annotations

from typing import Any

from kitlib.errors import NotKept


class Missing:
    """What a name stands for whose value isn't in the recording: whatever is wanted of it raises `NotKept`.

    Parameters
    ----------
    why : str
        What isn't there, and why.
    """

    def __init__(self, why: str) -> None:
        vars(self)["_why"] = why

    def __repr__(self) -> str:
        return f"<not in the recording: {vars(self)['_why']}>"

    def _ipython_display_(self) -> None:
        """Show nothing: it was told when it was found missing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)  # who shows or completes it asks for these
        raise NotKept(vars(self)["_why"])


def _raise(self: Missing, *args: Any, **options: Any) -> Any:
    raise NotKept(vars(self)["_why"])


_ALL = (
    "setattr getitem setitem delitem call iter next len bool contains str format hash index int float enter exit array "
    "eq ne lt le gt ge add radd sub rsub mul rmul truediv rtruediv floordiv mod rmod and rand or ror xor neg invert abs"
)
for _name in _ALL.split():
    setattr(Missing, f"__{_name}__", _raise)

__all__ = ["Missing"]
