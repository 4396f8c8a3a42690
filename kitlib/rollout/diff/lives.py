"""Every object of a recording, from its creation to its deletion, and whose it is: roles that runs have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from kitlib.recording import Recording
from kitlib.rollout.diff.settings import Settings, Words, settings
from kitlib.rollout.fields import items, mapping

DERIVED = {
    "Event",
    "Lease",
    "Endpoints",
    "EndpointSlice",
    "ControllerRevision",
    "Node",
    "Namespace",
    "PersistentVolume",
}
"""Kinds that nobody sets by hand; what they say is told of their owners, or not at all."""
MADE = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}
"""Objects that each namespace has by itself."""
HASH = "pod-template-hash"


@dataclass(eq=False)
class Version:
    """One observed version of an object.

    Parameters
    ----------
    at_ns : int
        Its receipt, monotonic clock.
    type, origin : str
        As of `WatchEvent`.
    object : dict
        The object, decoded.
    """

    at_ns: int
    type: str
    origin: str
    object: dict[str, Any]


@dataclass(eq=False)
class Life:
    """One object, from its creation to its deletion.

    Parameters
    ----------
    kind, namespace, name, uid : str
        Its metadata's.
    versions : list of Version
        In the order of their receipt.
    """

    kind: str
    namespace: str
    name: str
    uid: str
    versions: list[Version] = field(default_factory=list)

    @property
    def meta(self) -> dict[str, Any]:
        """Its first version's metadata."""
        return mapping(self.versions[0].object, "metadata")

    @property
    def labels(self) -> dict[str, Any]:
        """Its first version's labels."""
        return mapping(self.meta, "labels")

    @cached_property
    def owner(self) -> tuple[str, str, str]:
        """Kind, name and uid of the controller that owns it; empty if none does."""
        for each in items(self.meta, "ownerReferences"):
            if each.get("controller"):
                return str(each.get("kind", "")), str(each.get("name", "")), str(each.get("uid", ""))
        return "", "", ""

    @property
    def deleted_ns(self) -> int | None:
        """When its deletion, or the wish for it, was received."""
        for each in self.versions:
            if each.type == "DELETED" or mapping(each.object, "metadata").get("deletionTimestamp"):
                return each.at_ns
        return None

    @property
    def made(self) -> bool:
        """Whether its creation was seen."""
        return self.versions[0].type == "ADDED" and self.versions[0].origin == "watch"


class Lives:
    """The objects of a recording.

    Parameters
    ----------
    recording : Recording
        Which one.
    """

    def __init__(self, recording: Recording) -> None:
        self.of: dict[tuple[str, str], Life] = {}
        by_name: dict[tuple[str, str, str], list[Life]] = defaultdict(list)
        for row in recording.rows.of(*_kinds(recording)):
            if row.type not in ("ADDED", "MODIFIED", "DELETED") or row.origin == "log":
                continue
            try:
                obj = msgspec.json.decode(row.object)
            except (msgspec.DecodeError, UnicodeDecodeError):  # `left_out` names it
                continue
            if not isinstance(obj, dict) or not isinstance(obj.get("metadata"), dict):
                continue
            key = row.kind, row.uid
            life = self.of.get(key)
            if life is None:
                life = self.of[key] = Life(row.kind, row.namespace, row.name, row.uid)
                by_name[row.kind, row.namespace, row.name].append(life)
            life.versions.append(Version(row.monotonic_ns, row.type, row.origin, obj))
        self.namespace = _namespace(recording, self)
        self._times = {
            (life.kind, life.uid): number for lives in by_name.values() for number, life in enumerate(lives, 1)
        }
        self._by_name = by_name
        self._roles: dict[tuple[str, str], str] = {}
        self.words = Words(self.namespace, self._made_up())

    def __iter__(self) -> Iterator[Life]:
        return iter(self.of.values())

    def roots(self) -> Iterator[Life]:
        """Yield the objects that somebody made, and no controller."""
        for life in self:
            if not self.is_owned(life) and life.kind not in DERIVED and (life.kind, life.name) not in MADE:
                yield life

    def is_owned(self, life: Life) -> bool:
        """Say whether a controller made an object."""
        return bool(life.owner[0])

    def settings(self, life: Life) -> list[tuple[int, Settings]]:
        """Return what was set of an object, one after the other, each with the time at which it came."""
        found: list[tuple[int, Settings]] = []
        for at, now in self._settings(life):
            if not found or found[-1][1] != now:
                found.append((at, now))
        return found

    def first(self, life: Life) -> Settings:
        """Return what was set of an object at first; nothing if only its deletion was seen."""
        return next((now for _, now in self._settings(life)), {})

    def _settings(self, life: Life) -> Iterator[tuple[int, Settings]]:
        for each in life.versions:
            if each.type != "DELETED":
                yield each.at_ns, settings(each.object, self.words, self.is_owned(life))

    def role(self, life: Life) -> str:
        """Return what an object is in each run: the name of what owns it in the end, such as deployment/web."""
        key = life.kind, life.uid
        if key not in self._roles:
            self._roles[key] = "a loop of owners"
            self._roles[key] = self._role(life)
        return self._roles[key]

    def role_of(self, kind: str, uid: str) -> str:
        """Return the role of an object by its kind and uid; of its kind alone, if it isn't known."""
        return self.called(kind, "", "", uid)

    def called(self, kind: str, namespace: str, name: str, uid: str) -> str:
        """Return the role of an object that another one names; of its kind alone, if it isn't known."""
        life = self.of.get((kind, uid))
        if life is None and (found := self._by_name.get((kind, namespace, name))):
            life = found[-1]
        if life is not None:
            return self.role(life) if life.kind not in DERIVED else _plural(life.kind)
        return _plural(kind)

    def _role(self, life: Life) -> str:
        kind, name, uid = life.owner
        space = life.namespace if life.namespace not in ("", self.namespace) else ""
        if not kind:
            times = self._times[life.kind, life.uid]
            return _named(life.kind, space, self._stable(life), times)
        if (owner := self.of.get((kind, uid))) is not None:
            return self.role(owner)
        if kind == "Node":
            return _named(life.kind, space, life.name.removesuffix(f"-{name}"), 1)
        if kind == "ReplicaSet" and name.endswith(f"-{life.labels.get(HASH)}"):
            return _named("Deployment", space, name.removesuffix(f"-{life.labels[HASH]}"), 1)
        return _named(kind, space, name, 1)

    def _stable(self, life: Life) -> str:
        prefix = str(life.meta.get("generateName") or "")
        return f"{prefix}*" if prefix and life.name.startswith(prefix) else life.name

    def _made_up(self) -> dict[str, str]:
        """Return what stands for each generated name and each address."""
        found: dict[str, str] = {}
        for life in self:
            named = life.owner[0] in ("StatefulSet", "Node")  # by them, with no accident in it
            if not named and (life.meta.get("generateName") or life.owner[0] in ("Deployment", "CronJob")):
                found[life.name] = f"<{life.kind} of {self.role(life)}>"
            for address in _addresses(life):
                found[address] = "<address>"
        return found


def _kinds(recording: Recording) -> list[str]:
    rows = recording.rows
    found = {row.kind for row in rows.tail}
    for part in rows.parts:
        found.update(part.index().column("kind").unique().to_pylist())
    return sorted(found - {"", "Log", "Answer", "Event"})


def _namespace(recording: Recording, lives: Lives) -> str:
    """Return the recording's own namespace: as it says, or the only one that its objects are in."""
    if said := recording.info.get("namespace"):
        return str(said)
    there = {life.namespace for life in lives} - {""}
    return there.pop() if len(there) == 1 else ""


def _addresses(life: Life) -> Iterator[str]:
    for each in (life.versions[0], life.versions[-1]):
        spec, status = mapping(each.object, "spec"), mapping(each.object, "status")
        found: list[Any] = []
        if life.kind == "Pod":
            found = [status.get("podIP"), status.get("hostIP")]
        elif life.kind == "Service":
            found = [spec.get("clusterIP"), *(spec.get("clusterIPs") or ())]
        elif life.kind == "Node":
            found = [one.get("address") for one in items(status, "addresses") if one.get("type") == "InternalIP"]
        yield from (address for address in found if isinstance(address, str) and address not in ("", "None"))


def _named(kind: str, namespace: str, name: str, times: int) -> str:
    again = "" if times == 1 else f" (made for the {ordinal(times)} time)"
    return f"{kind.lower()}/{f'{namespace}/' if namespace else ''}{name}{again}"


def _plural(kind: str) -> str:
    return f"{kind or 'object'}s that nobody set" if kind in DERIVED else f"a {kind or 'object'} that was not recorded"


def ordinal(number: int) -> str:
    """Return 2nd for 2."""
    last = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{last}"


__all__ = ["DERIVED", "MADE", "Life", "Lives", "Version", "ordinal"]
