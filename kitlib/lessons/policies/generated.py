"""Pods in which all fifteen fields are crossed, made from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from kitlib.lessons.policies.rows import ALL, ROWS

_LEVELS: list[Any] = [
    None,
    {},
    {"level": "s0:c1,c2"},
    {"level": "s0:c2,c1"},
    {"level": "s0:c1"},
    {"level": "s0"},
    {"level": "s1:c1,c2"},
    {"level": "s0:c1,c2", "type": "spc_t"},
    {"level": "s0:c1,c2", "user": "system_u"},
    {"level": "s0:c1,c2", "role": "system_r"},
    {"type": "container_t"},
]
_FLAG = [None, False, True]
_ADD: list[Any] = [
    None,
    [],
    ["NET_BIND_SERVICE"],
    ["AUDIT_WRITE"],
    ["AUDIT_WRITE", "NET_BIND_SERVICE"],
    ["KILL"],
    ["SYS_TIME"],
    ["NET_BIND_SERVICE", "SYS_TIME"],
    ["CAP_NET_BIND_SERVICE"],
    ["net_bind_service"],
    ["ALL"],
]
_DROP: list[Any] = [None, [], ["KILL"], ["ALL"], ["AUDIT_WRITE"], ["KILL", "AUDIT_WRITE"], ["CHOWN"]]
_VOLUMES: list[Any] = [
    {},
    {"emptyDir": {}},
    {"emptyDir": {"medium": "Memory"}},
    {"configMap": {"name": "settings"}},
    {"secret": {"secretName": "key"}},
    {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    {"projected": {"sources": [{"configMap": {"name": "settings"}}]}},
    {"persistentVolumeClaim": {"claimName": "data"}},
    {"nfs": {"server": "nfs.example", "path": "/data"}},
    {"iscsi": {"targetPortal": "192.0.2.1", "iqn": "iqn.2001-04.com.example:disk", "lun": 0}},
    {"csi": {"driver": "csi.example"}},
    {"flexVolume": {"driver": "example/flex"}},
]
_PATHS = ["/var/log", "/var/log/", "/var/log/nginx", "/var/logs", "/var", "/", "/etc", "/var/log//", "/VAR/LOG"]
_PORTS = [None, 0, 1, 80, 7999, 8000, 8080, 8081, 65535]
_USERS = [None, 0, 1, 999, 1000, 1500, 2000, 2001, 2147483647]
_GROUPS: list[Any] = [None, [], [0], [2999], [3000], [3500, 4000], [4001], [3000, 4001]]
_FS = [None, 0, 4999, 5000, 6000, 6001]
_QUIET = 0.93
"""How likely each field says something harmless where all policies apply; else hardly any Pod would pass."""


class _Maker:
    """Makes one Pod: each field takes a harmless value, or any of its edge values."""

    def __init__(self, dice: random.Random, row: str) -> None:
        self.dice = dice
        self.row = row

    def pick(self, fields: str, values: Sequence[Any], harmless: Sequence[Any]) -> Any:
        """Choose a value; the field of the Pod's own row, and every field under a policy for one row, takes any."""
        free = self.row != ALL and (self.row in fields.split() or self.dice.random() < 0.5)
        if self.row == ALL:
            free = self.dice.random() > _QUIET
        return deepcopy(self.dice.choice(values if free else harmless))

    def container(self, name: str, volumes: list[dict[str, Any]]) -> dict[str, Any]:
        """Make a container."""
        caps = {
            "add": self.pick(
                "default-add-capabilities required-drop-capabilities allowed-capabilities",
                _ADD,
                [None, [], ["NET_BIND_SERVICE"]],
            ),
            "drop": self.pick("default-add-capabilities required-drop-capabilities", _DROP, _DROP),
        }
        context = {
            "privileged": self.pick("privileged", _FLAG, [None, False]),
            "runAsUser": self.pick("run-as-user", _USERS, [None, 1000, 2000]),
            "readOnlyRootFilesystem": self.pick("read-only-root-filesystem", _FLAG, [None, True]),
            "seLinuxOptions": self.pick("se-linux", _LEVELS, [*_LEVELS[2:4], None]),
            "capabilities": _said(caps) if any(value is not None for value in caps.values()) else None,
        }
        made: dict[str, Any] = {"name": name, "image": "web:1.0"}
        if self.dice.random() < 0.9:
            made["securityContext"] = _said(context)
        port = self.pick("host-ports", _PORTS, [None, 0, 8000, 8080])
        if port is not None:
            made["ports"] = [{"containerPort": port or 80, "hostPort": port, "protocol": "TCP"}]
        mounts = [
            {"name": volume["name"], "mountPath": f"/{volume['name']}", "readOnly": read}
            for volume in volumes
            if "hostPath" in volume
            and (read := self.pick("allowed-host-paths", [True, False], [True])) is not None
            and self.dice.random() < 0.8
        ]
        return {**made, "volumeMounts": mounts} if mounts else made

    def pod(self, name: str) -> dict[str, Any]:
        """Make the Pod."""
        volumes = []
        if self.dice.random() < 0.6:
            volumes.append({"name": "data", **self.pick("volumes", _VOLUMES, _VOLUMES[:8])})
        if self.dice.random() < 0.6:
            path = self.pick("allowed-host-paths", _PATHS, _PATHS[:3])
            volumes.append({"name": "host", "hostPath": {"path": path}})
        context = {
            "runAsUser": self.pick("run-as-user", _USERS, [None, 1500]),
            "seLinuxOptions": self.pick("se-linux", _LEVELS, [None, *_LEVELS[2:4]]),
            "supplementalGroups": self.pick("supplemental-groups", _GROUPS, [None, [3000], [3500, 4000]]),
            "fsGroup": self.pick("fs-group", _FS, [None, 5000, 6000]),
        }
        host = {
            "hostNetwork": self.pick("host-network", _FLAG, [None, False]),
            "hostPID": self.pick("host-pid", _FLAG, [None, False]),
            "hostIPC": self.pick("host-ipc", _FLAG, [None, False]),
        }
        count = self.dice.choice([1, 1, 2])
        spec: dict[str, Any] = {
            **_said(host),
            "volumes": volumes,
            "containers": [self.container(f"web-{number}", volumes) for number in range(count)],
        }
        if self.dice.random() < 0.3:
            spec["initContainers"] = [self.container("first", volumes)]
        if self.dice.random() < 0.9:
            spec["securityContext"] = _said(context)
        _distinct_ports(spec)
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _distinct_ports(spec: dict[str, Any]) -> None:
    """Drop a port that a container before has on the host: no server takes it twice."""
    taken: set[int] = set()
    for item in spec["containers"]:
        for port in item.pop("ports", ()):
            on_host = port["containerPort"] if spec.get("hostNetwork") else port["hostPort"]
            if on_host not in taken:
                item["ports"] = [port]
                taken |= {on_host} - {0}


def grid(count: int, seed: int = 17) -> Iterator[tuple[str, dict[str, Any]]]:
    """Make Pods in which the fifteen fields are crossed, edge values included; the same for the same seed.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        Of the random choices.

    Yields
    ------
    tuple of str and dict
        The row under whose policy the Pod is to be made, or `ALL`, and the Pod. Half of them are for `ALL`: there most
        fields are harmless, or nearly none would be admitted. Under a row's own policy the others say anything.
    """
    dice = random.Random(seed)
    rows = list(ROWS)
    for number in range(count):
        row = ALL if number % 2 else rows[number // 2 % len(rows)]
        yield row, _Maker(dice, row).pod(f"pod-{number}")
