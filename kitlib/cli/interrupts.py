"""Ctrl-C before a command has begun."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def ended_at_once() -> Iterator[None]:
    """Let Ctrl-C end this process in the block as it ends a program that isn't Python's: without a traceback."""
    changed = False
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        with contextlib.suppress(ValueError):  # only the main thread may
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            changed = True
    try:
        yield
    finally:
        if changed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
