"""What a connection has to say that is no error: once in a process, in a notebook as plain output."""

from __future__ import annotations

from kitlib.progress import in_notebook, message

_said: set[str] = set()


def say_once(words: str) -> None:
    """Say something unless it was said before: on standard error, in a notebook below the cell.

    A cell that writes to standard error fails a walk; what is said here is no fault.
    """
    if words in _said:
        return
    _said.add(words)
    if in_notebook():
        from IPython.display import display

        display({"text/plain": words}, raw=True)
    else:
        message(words)
