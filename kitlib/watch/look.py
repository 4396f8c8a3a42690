"""One look at a cluster: some kinds, listed once; what may not be read, or isn't served, is told."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from kitlib.api.transport import Connection
from kitlib.errors import ServerError, UsageError
from kitlib.recording import Recording, clock
from kitlib.watch import changes
from kitlib.watch.reflector import Reflector
from kitlib.watch.timeouts import Timeouts

AT_ONCE = 4
"""How many lists are asked for at the same time."""


def look(
    connection: Connection, kinds: Iterable[str], namespace: str | None = None, timeout: float = 30
) -> tuple[Recording, dict[str, str]]:
    """List some kinds once, and return what is there; a kind that is refused doesn't spoil the others.

    Parameters
    ----------
    connection : Connection
        Whose API server is asked; the right to list suffices.
    kinds : iterable of str
        Names as kubectl takes them.
    namespace : str, optional
        Only this one; all if None.
    timeout : float
        Seconds that a page of a list may take.

    Returns
    -------
    tuple
        A recording in memory, and for each kind, as it was named, why it couldn't be read.

    Raises
    ------
    ClusterError
        If the API server does not answer.
    """
    recording, refused = Recording(), dict[str, str]()
    listed: list[tuple[str, str, str]] = []
    stopping = threading.Event()

    def one(kind: str) -> None:
        try:
            resource = connection.discover(kind)
            reflector = Reflector(connection, resource, recording, namespace, Timeouts(), stopping, lambda: None)
            _, items, _ = reflector.pages(timeout)
        except (ServerError, UsageError) as error:
            refused[kind] = error.message
            return
        at = clock.now()
        with recording.changed:
            for change in map(changes.item, items):
                reflector.take_listed(change, at)
            listed.append((resource.plural, resource.kind, resource.group_version))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, kinds))
    now = clock.monotonic_ns()  # one look: what was listed first counts as known until the last list
    recording.info["listed"] = [(*each, now) for each in listed]
    return recording, refused


__all__ = ["look"]
