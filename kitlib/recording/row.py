"""One row of a recording, and what it takes out of an object to make one."""

from __future__ import annotations

import msgspec


class WatchEvent(msgspec.Struct, frozen=True, gc=False):
    """One row of a recording: one version of one object, or a mark that kitlib made.

    Parameters
    ----------
    received_at : int
        Wall clock at receipt, ns since 1970 (UTC).
    monotonic_ns : int
        Monotonic clock at receipt, ns; only differences mean something.
    apiVersion, kind, namespace, name, uid, resourceVersion : str
        The object's own; empty for marks.
    type : str
        ADDED, MODIFIED, DELETED as the server said; for marks STEP, or what `kitlib.recording.coverage` lists.
    origin : str
        `list`, `watch`, `relist`, `log` or, for marks, `kitlib`.
    stream : str
        Which watch it came by.
    object : bytes
        The object as the server sent it (JSON); for marks what they say.
    seq : int
        Order of receipt in the recording, from 0.
    late_ns : int
        It was written at most so many ns before its receipt, as far as can be told: 0 for what came as it happened,
        more for what came after a stall, a reconnect or a sleep of the machine.
    """

    received_at: int
    monotonic_ns: int
    apiVersion: str  # noqa: N815 - the API's own spelling
    kind: str
    namespace: str
    name: str
    uid: str
    resourceVersion: str  # noqa: N815
    type: str
    origin: str
    stream: str
    object: bytes
    seq: int = -1
    late_ns: int = 0


class Meta(msgspec.Struct, gc=False):
    """What a recorder must know of an object's metadata."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""  # noqa: N815
    annotations: dict[str, str | None] | None = None

    @property
    def identity(self) -> str:
        """The uid; where an object has none, as those of some aggregated APIs, namespace and name."""
        return self.uid or f"{self.namespace}/{self.name}"


class _Head(msgspec.Struct, gc=False):
    metadata: Meta


_head = msgspec.json.Decoder(_Head)


def head(raw: bytes | msgspec.Raw) -> Meta:
    """Return the metadata of an object, and leave all else undecoded.

    Raises
    ------
    msgspec.DecodeError
        If it isn't an object of Kubernetes.
    """
    return _head.decode(raw).metadata


__all__ = ["Meta", "WatchEvent", "head"]
