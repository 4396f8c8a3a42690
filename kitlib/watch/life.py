"""What a stream knows, and writes into the recording of its own life; see `kitlib.recording.coverage`."""

from __future__ import annotations

from collections.abc import Callable

from kitlib.api import Resource
from kitlib.recording import Meta, Recording, WatchEvent, clock
from kitlib.recording.coverage import MOMENT_NS
from kitlib.watch.changes import Change
from kitlib.watch.history import History

ALIVE_NS = 5_000_000_000
"""While something comes, a stream says so often that it has everything, ns."""


class Life:
    """One stream of a recording: what was recorded by it, up to where, and what is said of that.

    Parameters
    ----------
    resource : Resource
        The kind.
    recording : Recording
        Where rows go.
    namespace : str or None
        Only this one; all if None.
    on_change : callable
        Called, with the lock of the recording held, when what is known has changed.
    stream : str
        Its name in the recording.

    Attributes
    ----------
    history : History
        Which versions have been recorded.
    listed : bool
        Whether there has been a list.
    error : str
        Why it can't be recorded now (forbidden, not served); empty while it can.
    last_error : str
        What the last try met, if it failed.
    gaps : int
        How many gaps there were.
    """

    def __init__(
        self,
        resource: Resource,
        recording: Recording,
        namespace: str | None,
        on_change: Callable[[], None],
        stream: str,
    ) -> None:
        self.resource = resource
        self.recording = recording
        self.namespace = namespace
        self.stream = stream
        self.history = History()
        self.listed = False
        self.error = ""
        self.last_error = ""
        self.gaps = 0
        self._on_change = on_change
        self._known_ns = clock.monotonic_ns()  # when it was last known to have everything
        self._alive_ns = 0  # when it last said so in the recording
        self._down_ns: int | None = self._known_ns  # since when there is no watch
        self._shown_ns = 0  # when a list last showed everything that it has
        self._behind_ns: int | None = None  # up to when it has everything, where it isn't shown to have it to its end
        self._why_end = ""
        self._open = False  # a gap without an end is recorded
        self._why_open = ""

    @property
    def latest(self) -> dict[str, WatchEvent]:
        """The last version of each object that exists, by its identity."""
        return self.history.latest

    @property
    def version(self) -> int | None:
        """The resourceVersion up to which everything was recorded."""
        return self.history.version

    def begin(self) -> None:
        """Write into the recording what is followed here."""
        version = self.resource.group_version
        self._mark("STREAM", api_version=version, namespace=self.namespace, plural=self.resource.plural)
        self.recording.live[self.stream] = self.known_ns

    def known_ns(self) -> int:
        """Return up to when it has everything, as far as is known: now, while there is a watch, or was a moment ago."""
        now = clock.monotonic_ns()
        followed = self._down_ns is None or now - self._known_ns < MOMENT_NS
        return now if followed and not self._open else self._known_ns

    def has(self, identity: str, version: int) -> bool:
        """Say whether this version of an object, or a later one, has been recorded."""
        return self.history.has(identity, version)

    def lag(self) -> float:
        """Seconds since there was a watch; 0 while there is one."""
        down = self._down_ns
        return 0.0 if down is None else (clock.monotonic_ns() - down) / 1e9

    def is_whole(self) -> bool:
        """Say whether there has been a list, and nothing says that something is missing now."""
        return self.listed and not self._open

    def proven(self, at_ns: int) -> None:
        """Write that everything up to a moment is recorded, as a list has shown."""
        with self.recording.changed:
            if not self._open:
                self._known_ns = max(self._known_ns, at_ns)
                self._shown_ns = at_ns
                self._alive()

    def _end_early(self, known_ns: int | None, reason: str) -> None:
        """Note up to when it is sure to have everything, at its end; up to its last list where nothing tells."""
        self._behind_ns, self._why_end = max(self._shown_ns, known_ns or 0), reason

    def end(self, at_ns: int) -> None:
        """Write that it was followed up to a moment, or why it wasn't."""
        if not self.listed:
            return
        what: dict[str, object] = {}
        if self._behind_ns is not None:
            self._known_ns = min(self._known_ns, self._behind_ns, at_ns)
            what["reason"] = self._why_end
        if self._down_ns is not None and max(self._down_ns, self._known_ns) < at_ns and not self._open:
            self._gap(None, None, self.last_error or "the recording ended while there was no watch")
        self._mark("END", known_ns=self._known_ns, end_ns=at_ns, rv=str(self.history.version), asked=True, **what)

    def _met(self, error: str) -> None:
        with self.recording.changed:
            self.last_error = error
            self._on_change()

    def _cant(self, reason: str, code: int | None = None) -> None:
        """Note that the kind can't be recorded for now."""
        with self.recording.changed:
            if not self._open:
                self._mark("REFUSED", code=code, reason=reason)
                self._gap(None, None, f"{code}: {reason}" if code else reason)
            self.error = reason
            self._on_change()

    def take_listed(self, change: Change, at: tuple[int, int]) -> None:
        """Record an object that a list shows, of a kind of which nothing was recorded before."""
        if change.type == "UNREADABLE":
            self._left_out_of_list(change, at[1])
        else:
            self._add(change.raw, change.meta, "ADDED", "list", at)

    def _add(
        self, raw: bytes, meta: Meta | None, type: str, origin: str, at: tuple[int, int], late_ns: int = 0
    ) -> None:
        row = self.recording.add(
            raw,
            kind=self.resource.kind,
            api_version=self.resource.group_version,
            type=type,
            origin=origin,
            stream=self.stream,
            meta=meta,
            at=at,
            late_ns=late_ns,
        )
        self.history.note(row)

    def _reached(self, version: int, at_ns: int, known_ns: int | None = None, force: bool = False) -> None:
        """Note that everything up to a resourceVersion has been recorded.

        A list shows what there was at some time after it was asked for: it has everything up to then (`known_ns`).
        """
        if self._open:  # it went on where it was: nothing is missing after all
            self._gap(at_ns, version if self.history.version is None else self.history.version, "")
        self.history.version = version
        self._known_ns = at_ns if known_ns is None else known_ns
        self.last_error = ""
        if force or self._known_ns - self._alive_ns >= ALIVE_NS:
            self._alive()
        if self.error:
            self.error = ""
            self._on_change()

    def _alive(self) -> None:
        self._alive_ns = self._known_ns
        self._mark("ALIVE", known_ns=self._known_ns, rv=str(self.history.version))

    def _left_out(self, change: Change, at_ns: int, since_ns: int | None = None) -> None:
        """Name an object or a line that can't be read; by default it came after what is known.

        Each line of a watch is named: one that reads like one before (`null`) may be another change.
        """
        self._point(self._known_ns if since_ns is None else since_ns, at_ns, f"left out: {change.reason}")

    def _left_out_of_list(self, change: Change, at_ns: int, since_ns: int | None = None) -> None:
        """Name an object of a list that can't be read, once: as long as it stays as it is, nothing of it is lost."""
        if self.history.is_new(change):
            self._left_out(change, at_ns, since_ns)

    def _point(self, since_ns: int, at_ns: int, reason: str) -> None:
        """Record a gap that has passed, and doesn't move what is known."""
        self.gaps += 1
        self._mark("GAP", after_ns=since_ns, until_ns=at_ns, after_rv=None, until_rv=None, reason=reason)

    def _gap(self, until_ns: int | None, until_rv: int | None, reason: str) -> None:
        """Record that changes between two resourceVersions may be missing; without an end, that it goes on."""
        was_open, self._open = self._open, until_ns is None
        reason = self._why_open = reason or self._why_open
        version = self.history.version
        if self._open or not was_open:
            self.gaps += 1
        elif until_rv == version:
            self.gaps -= 1
        self._mark(
            "GAP",
            after_ns=self._known_ns,
            until_ns=until_ns,
            after_rv=None if version is None else str(version),
            until_rv=None if until_rv is None else str(until_rv),
            reason=reason,
        )

    def _mark(self, type: str, **what: object) -> None:
        kind = self.resource.kind
        self.recording.mark(type, kind, stream=self.stream, kind=kind, **what)


__all__ = ["Life"]
