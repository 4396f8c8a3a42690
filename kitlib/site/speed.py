"""What makes a build of the site short and changes no byte of it: processes side by side, templates compiled once."""

from __future__ import annotations

import multiprocessing
import re
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from jinja2 import Environment, FileSystemBytecodeCache

from kitlib.machine import paths, resources

Item = TypeVar("Item")
Made = TypeVar("Made")

UNSEARCHED = re.compile(r'<(section|details)\b[^>]* data-search-exclude="1">.*?</\1>', re.DOTALL)
"""What the search leaves out: its parser would read it, too, and ends it at the next such end tag as this does."""
MARKS = re.compile(r"\s?data-search-\w+=\"[^\"]+\"")
"""What is said to the search alone; it takes that out of a page once it has read it."""


def side_by_side(act: Callable[[Item], Made], items: Sequence[Item]) -> list[Made]:
    """Do something with each item, in as many processes as there are processors.

    A process is a copy of this one, so where copies aren't safe (other threads run, another system than Linux), all is
    done here, one after another.

    Parameters
    ----------
    act : callable
        A module's function; what it changes beside its result is lost.
    items : sequence

    Returns
    -------
    list
        What came of each, in their order.
    """
    workers = min(resources.processors(), len(items))
    if workers < 2 or threading.active_count() > 1 or not sys.platform.startswith("linux"):
        return [act(item) for item in items]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        return list(pool.map(act, items))


def compile_once(env: Environment) -> None:
    """Keep templates compiled in the cache, for the next build; each is known by its content."""
    folder = paths.cache() / "templates"
    folder.mkdir(mode=0o700, exist_ok=True)
    env.bytecode_cache = FileSystemBytecodeCache(str(folder))
