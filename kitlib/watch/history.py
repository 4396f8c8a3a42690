"""What is known of one kind: which versions of which objects have been recorded, and up to where."""

from __future__ import annotations

from collections import OrderedDict

from kitlib.recording import Meta, WatchEvent
from kitlib.watch.changes import Change

REMEMBERED = 10_000
"""So many deleted objects are remembered, to know a deletion that comes twice; so many unreadable ones are named."""


class History:
    """The versions of a kind's objects that have been recorded.

    Attributes
    ----------
    latest : dict of str to WatchEvent
        The last version of each object that exists, by its identity.
    version : int or None
        The resourceVersion up to which everything was recorded.
    """

    def __init__(self) -> None:
        self.latest: dict[str, WatchEvent] = {}
        self.version: int | None = None
        self._gone: OrderedDict[str, int] = OrderedDict()
        self._named: OrderedDict[bytes, None] = OrderedDict()

    def has(self, identity: str, version: int) -> bool:
        """Say whether this version of an object, or a later one, has been recorded."""
        row = self.latest.get(identity)
        return int(row.resourceVersion) >= version if row is not None else identity in self._gone

    def is_new(self, change: Change) -> bool:
        """Say whether a change hasn't been recorded yet; what can't be read is new once."""
        if change.type == "UNREADABLE":
            known = change.raw in self._named
            _remember(self._named, change.raw, None)
            return not known
        identity = change.meta.identity
        row = self.latest.get(identity)
        if row is None:
            return change.version > self._gone.get(identity, -1)
        known_version = int(row.resourceVersion)
        return change.version > known_version or (change.version == known_version and change.type == "DELETED")

    def note(self, row: WatchEvent) -> None:
        """Note a row that was recorded."""
        if row.type == "DELETED":
            self.latest.pop(row.uid, None)
            _remember(self._gone, row.uid, int(row.resourceVersion))
        else:
            self.latest[row.uid] = row

    def compared(self, listed: dict[str, Change]) -> list[tuple[str, bytes, Meta | None]]:
        """Return what a list shows to have changed: type, object and metadata of each row to be written.

        Parameters
        ----------
        listed : dict of str to Change
            The objects that exist, by their identity.
        """
        found: list[tuple[str, bytes, Meta | None]] = []
        for identity, change in listed.items():
            row = self.latest.get(identity)
            if row is None or row.resourceVersion != change.meta.resourceVersion:
                found.append(("ADDED" if row is None else "MODIFIED", change.raw, change.meta))
        gone = [identity for identity in self.latest if identity not in listed]
        return [*found, *(("DELETED", self.latest[identity].object, None) for identity in gone)]


def _remember(those: OrderedDict, key: object, value: object) -> None:
    those[key] = value
    if len(those) > REMEMBERED:
        those.popitem(last=False)


__all__ = ["History"]
