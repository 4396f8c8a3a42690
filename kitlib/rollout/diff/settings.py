"""What of an object somebody has set: its fields, without what a cluster makes up anew each time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

Settings = dict[str, Any]
"""An object's fields: each one's path and its value."""

KEYS = ("name", "key", "type", "containerPort", "port", "mountPath", "ip", "path", "host", "topologyKey")
"""By which field an element of a list is known; where none is there, it is its place."""

TOLD_APART = ("apiVersion", "kind", "status")
"""Fields of an object of which nothing is compared: what it is, and what came of it."""
SERVERS_OWN = re.compile(
    r"^metadata\.(?!labels\b|annotations\b|finalizers\b)"
    r"|^spec\.(clusterIPs?|healthCheckNodePort|volumeName|claimRef|podCIDRs?|providerID|nodeName)\b"
    r"|^spec\.ports\[[^]]*\]\.nodePort$"
    r"|\bcaBundle$"
    r"|\[(pod-template-hash|controller-revision-hash|pod-template-generation|(batch\.kubernetes\.io/)?controller-uid"
    r"|(batch\.kubernetes\.io/)?job-name|batch\.kubernetes\.io/(job-completion-index|cronjob-scheduled-timestamp)"
    r"|statefulset\.kubernetes\.io/pod-name|apps\.kubernetes\.io/pod-index|deployment\.kubernetes\.io/[^]]*"
    r"|kubectl\.kubernetes\.io/last-applied-configuration|deprecated\.daemonset\.template\.generation"
    r"|control-plane\.alpha\.kubernetes\.io/leader|kubernetes\.io/config\.[^]]*|(pv|volume(\.beta)?)\.kubernetes\.io/[^]]*"
    r"|endpoints\.kubernetes\.io/last-change-trigger-time)\]$"
)
"""Paths that the server, a controller or the scheduler writes."""

FINALIZERS = {
    *("foregroundDeletion", "orphan", "kubernetes", "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"),
    *("batch.kubernetes.io/job-tracking", "service.kubernetes.io/load-balancer-cleanup"),
}
"""Finalizers that Kubernetes sets by itself."""

UID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
TOKEN = re.compile(r"\bkube-api-access-[a-z0-9]{5}\b")
CERTIFICATE = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
WORD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:]+|[A-Za-z0-9][\w.-]*")
"""Addresses, and what may be a name."""
OF_A_NODE = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
"""Where the DaemonSet controller writes which node a Pod is for."""


class Words:
    """What names that a cluster made up are called instead.

    Parameters
    ----------
    namespace : str
        The recording's own; empty if it has none.
    names : mapping
        Of each generated name and each address, what stands for it.
    """

    def __init__(self, namespace: str, names: Mapping[str, str]) -> None:
        self.namespace = namespace
        self.names = names
        self.plain = cache(self._plain)  # versions of an object, and its Pods, say mostly the same

    def _plain(self, text: str) -> str:
        """Return a text in which nothing is left that another run would have otherwise."""
        if self.namespace and self.namespace in text:
            text = text.replace(self.namespace, "<namespace>")
        if "-" in text:
            text = CERTIFICATE.sub(r"<\1>", text)
            text = TOKEN.sub("kube-api-access", TIME.sub("<time>", UID.sub("<uid>", text)))
        return WORD.sub(lambda found: self.names.get(found.group(), found.group()), text)


def settings(obj: Mapping[str, Any], words: Words, owned: bool = False) -> Settings:
    """Return what somebody has set of an object.

    Parameters
    ----------
    obj : mapping
        The object.
    words : Words
        What generated names are called.
    owned : bool
        Whether a controller made it; which node one of a DaemonSet is for is then left out.
    """
    found: Settings = {}
    pod = obj.get("kind") == "Pod"
    for path, value in _leaves({key: each for key, each in obj.items() if key not in TOLD_APART}, ""):
        if _servers(path) or (owned and (OF_A_NODE in path or path == "spec.hostname")):
            continue
        if pod and path.startswith("metadata.labels[topology.kubernetes.io/"):  # as its node has them
            continue
        if path.startswith("metadata.finalizers"):
            if value in FINALIZERS:
                continue
            path = f"metadata.finalizers[{value}]"
        if obj.get("kind") == "Secret" and path.startswith(("data.", "stringData.", "data[", "stringData[")):
            value = "<secret>"
        found[words.plain(path)] = words.plain(value) if isinstance(value, str) else value
    return found


@lru_cache(maxsize=100_000)
def _servers(path: str) -> bool:
    return SERVERS_OWN.search(path) is not None


@lru_cache(maxsize=10_000)
def _odd(key: str) -> bool:
    return re.fullmatch(r"[A-Za-z_]\w*", key) is None


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            if path == "metadata" and key not in ("labels", "annotations", "finalizers"):
                continue
            odd = path.endswith(MAPS) or path in DATA or _odd(key)
            yield from _leaves(each, f"{path}[{key}]" if odd else f"{path}.{key}".lstrip("."))
    elif isinstance(value, list) and value:
        known: dict[str, int] = {}
        for number, each in enumerate(value):
            name = next((str(each[key]) for key in KEYS if isinstance(each, dict) and key in each), str(number))
            known[name] = known.get(name, 0) + 1
            again = "" if known[name] == 1 else f"#{known[name]}"
            yield from _leaves(each, f"{path}[{name}{again}]")
    else:
        yield path, value


MAPS = (".labels", ".annotations", ".matchLabels", ".nodeSelector")
"""Ends of paths whose keys are anybody's words."""
DATA = ("data", "stringData", "binaryData")
"""Paths whose keys are so, too."""


def differing(one: Settings, other: Settings) -> dict[str, tuple[Any, Any]]:
    """Return the paths whose values differ, each with both; None where there is none.

    Where all of a list or a map is on one side only, its fields are told as one.
    """
    found = {
        path: (one.get(path), other.get(path))
        for path in dict.fromkeys([*one, *other])
        if one.get(path) != other.get(path)
    }
    return _joined(found, one, other)


def _joined(found: dict[str, tuple[Any, Any]], one: Settings, other: Settings) -> dict[str, tuple[Any, Any]]:
    """Tell fields that came or went together as one, by the longest path that only one side has."""
    made: dict[str, Any] = {}
    alone = Counter(_head(path, one if before is None else other) for path, (before, after) in found.items())
    for path, (before, after) in found.items():
        if before is not None and after is not None:
            made[path] = (before, after)
            continue
        lacking = one if before is None else other
        head = _head(path, lacking)
        if head == path or alone[head] == 1:
            made[path] = (before, after)
            continue
        whole = made.setdefault(head, ({}, None) if after is None else (None, {}))
        whole[0 if after is None else 1][path[len(head) :].lstrip(".")] = before if after is None else after
    return made


def _head(path: str, lacking: Settings) -> str:
    """Return the shortest beginning of a path of which one side has nothing."""
    cuts = [place for place, sign in enumerate(path) if sign in ".[" and place]
    for place in cuts[1:]:  # neither all of spec nor all of metadata
        head = path[:place]
        if not any(each.startswith(head) and each[len(head) : len(head) + 1] in ("", ".", "[") for each in lacking):
            return head
    return path


__all__ = ["FINALIZERS", "SERVERS_OWN", "Words", "differing", "settings"]
