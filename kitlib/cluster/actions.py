"""Bringing up a cluster, one action after another: each has a name that progress shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from kitlib.errors import ClusterError, ServerError
from kitlib.progress import Progress

T = TypeVar("T")
Actions = Iterable[tuple[str, Callable[[T], None]]]


def carry_out(
    actions: Actions[T], creation: T, name: str, bar: Progress, reasons: Callable[[], list[str]] = list
) -> None:
    """Do one action after another.

    Parameters
    ----------
    actions : iterable of (str, callable)
        What progress shows, and what is done to `creation`.
    creation : object
        The cluster that comes up.
    name : str
        Of the cluster, for errors.
    bar : Progress
    reasons : callable
        What is known beside an action's own error when one fails.

    Raises
    ------
    ClusterError
        The first error; none of the rest is done.
    """
    for title, action in actions:
        bar.update(title)
        try:
            action(creation)
        except (ClusterError, ServerError) as error:
            raise ClusterError(
                "\n  ".join([error.message, *reasons()]),
                step="bring up the cluster",
                object=name,
                next="run `kitlib up` again; `kitlib doctor` tells about this machine",
            ) from error
