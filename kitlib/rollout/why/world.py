"""`World`: what was there at one moment, who belongs to whom, and what of it wasn't seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from kitlib.frames.objects import own
from kitlib.recording import Recording, WatchEvent
from kitlib.recording.coverage import Interval
from kitlib.rollout.kinds import KINDS
from kitlib.rollout.why.objects import Event, Object, regarded

_DOTTED = {"Ingress": "networking.k8s.io", "StorageClass": "storage.k8s.io"}
CLUSTER = ("Node", "Namespace", "PersistentVolume", "StorageClass")
"""Those of them that live in no namespace."""
MIRROR = "kubernetes.io/config.hash"
"""The annotation of a static Pod's mirror that holds the uid by which the kubelet's Events name it."""
NOT_RECORDED = "it was not recorded"
"""Why nothing is known of a kind that no stream brought."""


@dataclass(eq=False)
class World:
    """What was there at one moment.

    Parameters
    ----------
    objects : iterable of Object
        All that was there.
    unseen : mapping
        Of each kind of which not all is known: why.
    now : datetime
        The moment.
    """

    objects: Iterable[Object]
    unseen: Mapping[str, str]
    now: datetime
    _of: dict[str, dict[tuple[str, str], Object]] = field(init=False, repr=False)
    _read: dict[str, list[Event]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._of = defaultdict(dict)
        for each in self.objects:
            self._of[each.kind][each.namespace, each.name] = each
        self.objects = ()

    @classmethod
    def of(
        cls,
        recording: Recording,
        at_ns: int | None = None,
        namespace: str | None = None,
        refused: Mapping[str, str] | None = None,
    ) -> World:
        """Return what a recording knows of a moment.

        Parameters
        ----------
        recording : Recording
            Where rows come from.
        at_ns : int, optional
            The moment, monotonic clock, ns; its end if None.
        namespace : str, optional
            Only what lies in it, and what lies in none.
        refused : mapping, optional
            For kinds that could not be read: why.
        """
        return cls.at(recording.rows, recording.coverage(), at_ns, namespace, refused)

    @classmethod
    def at(
        cls,
        rows: Iterable[WatchEvent],
        coverage: Sequence[Interval],
        at_ns: int | None = None,
        namespace: str | None = None,
        refused: Mapping[str, str] | None = None,
    ) -> World:
        """Return what some rows, in the order of their receipt, know of a moment; see `of`.

        Parameters
        ----------
        rows : iterable of WatchEvent
            All up to that moment, at least.
        coverage : sequence of Interval
            What is known of the streams that brought them.
        at_ns, namespace, refused
            As of `of`.
        """
        newest: dict[tuple[str, str], WatchEvent] = {}
        now, clock = 0, 0
        for row in rows:
            if at_ns is not None and row.monotonic_ns > at_ns:
                break
            now, clock = row.received_at, row.monotonic_ns
            if not row.uid or (row.kind in KINDS and not _ours(row)):
                continue
            if namespace is not None and row.namespace not in ("", namespace):
                continue
            newest[row.kind, row.uid] = row
        end = max((each.end_ns for each in coverage), default=clock)
        moment = min(clock, end) if at_ns is None else at_ns
        there = (row for row in newest.values() if row.type != "DELETED")
        unseen = {**_unseen(coverage, moment, namespace), **(refused or {})}
        stamp = datetime.fromtimestamp((now + max(moment - clock, 0)) / 1e9, UTC)
        return cls([_object(row) for row in there], unseen, stamp)

    def all(self, kind: str, namespace: str | None = None) -> list[Object]:
        """Return the objects of a kind, by their names."""
        found = (each for each in self._of[kind].values() if namespace is None or each.namespace == namespace)
        return sorted(found, key=lambda each: (each.namespace, each.name))

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """Return one object; None if it isn't there, or isn't known."""
        return self._of[kind].get((namespace, name))

    def why_unseen(self, kind: str) -> str:
        """Say why not all of a kind is known; empty if it is."""
        return self.unseen.get(kind, "")

    def sees(self, *kinds: str) -> bool:
        """Say whether all of some kinds is known."""
        return not any(self.why_unseen(kind) for kind in kinds)

    def owned(self, owner: Object, kind: str) -> list[Object]:
        """Return the objects of a kind whose controller is this one."""
        return self._owned.get((kind, owner.uid), [])

    def owner(self, owned: Object) -> Object | None:
        """Return an object's controller, if it is known."""
        for each in owned.owners[:1]:
            found = self.get(str(each.get("kind")), owned.namespace, str(each.get("name")))
            return found if found is not None and found.uid == each.get("uid") else None
        return None

    def events(self, about: Object, *reasons: str) -> list[Event]:
        """Return the Events about an object, of some reasons or all, the newest last."""
        mine = self._events_of(about.uid)
        if mirrored := about.text("metadata", "annotations", MIRROR):
            mine = mine + self._events_of(mirrored)
        return sorted((each for each in mine if not reasons or each.reason in reasons), key=lambda each: each.last)

    def _events_of(self, uid: str) -> list[Event]:
        if uid not in self._read:
            self._read[uid] = [Event.of(each) for each in self._events.get(uid, ())]
        return self._read[uid]

    @cached_property
    def _owned(self) -> dict[tuple[str, str], list[Object]]:
        found: dict[tuple[str, str], list[Object]] = defaultdict(list)
        for kind in ("Pod", "ReplicaSet", "Job"):
            for each in self.all(kind):
                for owner in each.owners[:1]:
                    found[kind, str(owner.get("uid"))].append(each)
        return found

    @cached_property
    def _events(self) -> dict[str, list[Object]]:
        """By the uid of what they are about; an Event is read whole only if it is asked for."""
        found: dict[str, list[Object]] = defaultdict(list)
        for each in self._of["Event"].values():
            found[regarded(each.raw)].append(each)
        return found


def _ours(row: WatchEvent) -> bool:
    """Say whether a row is of Kubernetes' own kind, and not of another group's kind of the same name."""
    return own(row) or row.apiVersion.partition("/")[0] == _DOTTED.get(row.kind)


def _object(row: WatchEvent) -> Object:
    what = row.kind, row.apiVersion, row.namespace, row.name, row.uid, row.resourceVersion
    return Object(*what, row.object)


def _unseen(coverage: Iterable[Interval], moment: int, namespace: str | None) -> dict[str, str]:
    """Say of each kind why not all of it is known at a moment, if it isn't."""
    unseen = dict.fromkeys(KINDS, NOT_RECORDED)
    covered: set[str] = set()
    for each in coverage:
        if not each.begin_ns <= moment <= each.end_ns:
            continue
        if each.namespace and each.namespace != namespace and each.kind not in CLUSTER:
            continue
        for kind in KINDS if each.kind == "*" else (each.kind,):
            if each.covered and not (each.namespace and namespace is None):
                covered.add(kind)
            elif not each.covered and kind in unseen:
                unseen[kind] = each.reason or "a gap of the recording"
    return {kind: why for kind, why in unseen.items() if kind not in covered}


def moments(recording: Recording, kind: str, namespace: str | None, name: str) -> tuple[list[str], int | None]:
    """Return in which namespaces a recording has an object of that name, and until when it was there, undeleted.

    Parameters
    ----------
    recording : Recording
        Where rows come from.
    kind, name : str
        Which object.
    namespace : str or None
        Where; anywhere if None.

    Returns
    -------
    tuple
        The namespaces, sorted; and the last moment (monotonic clock, ns) before it was deleted, or its deletion was
        wished for; None if it is there at the end.
    """
    spaces: set[str] = set()
    last: int | None = None
    begun: int | None = None
    for row in recording.rows.of(kind):
        if row.name != name or not _ours(row) or namespace not in (None, row.namespace):
            continue
        spaces.add(row.namespace)
        if row.type == "DELETED":
            last, begun = begun if begun is not None else row.monotonic_ns - 1, None
        elif b'"deletionTimestamp"' in row.object and _object(row).deleting:
            begun = row.monotonic_ns - 1 if begun is None else begun
        else:
            last, begun = None, None
    return sorted(spaces), last


__all__ = ["CLUSTER", "KINDS", "NOT_RECORDED", "World", "moments"]
