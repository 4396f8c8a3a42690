"""Policies put to the test: a namespace for each, the same Pod sent to several servers, and what they answer.

The fifteen fields of PodSecurityPolicy are `ROWS`. A folder holds for each of them the policy of 1.17 (psp.yaml),
today's (vap.yaml refuses, map.yaml writes), and two Pods (pods.yaml). `Library` applies them to a cluster, each in a
namespace of its own, and asks; `grid` makes Pods in which all fifteen fields are crossed.

    with Library(connection, Path("manifests/security")) as library:
        for answer in library.ask([("privileged", pod)]):
            print(answer.verdict, answer.said)
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import urllib3
from kubernetes.client.exceptions import ApiException

from kitlib import objects
from kitlib.cluster import namespaces
from kitlib.connection import Connection
from kitlib.errors import ClusterError, KitlibError, ServerError, UsageError, WaitTimeout
from kitlib.progress import Progress, duration

ROWS = {
    "privileged": "privileged",
    "default-add-capabilities": "defaultAddCapabilities",
    "required-drop-capabilities": "requiredDropCapabilities",
    "allowed-capabilities": "allowedCapabilities",
    "volumes": "volumes",
    "host-network": "hostNetwork",
    "host-ports": "hostPorts",
    "host-pid": "hostPID",
    "host-ipc": "hostIPC",
    "allowed-host-paths": "allowedHostPaths",
    "se-linux": "seLinux",
    "run-as-user": "runAsUser",
    "supplemental-groups": "supplementalGroups",
    "fs-group": "fsGroup",
    "read-only-root-filesystem": "readOnlyRootFilesystem",
}
"""The fifteen rows of the note's table: a policy's folder, and the field of PodSecurityPolicy."""

ALL = "all"
"""The namespace in which all fifteen apply at once."""
USER = "alice"
"""Who asks: one who may edit in these namespaces and nothing else, since every policy is open to an administrator."""
PART_OF = "app.kubernetes.io/part-of=kitlib-security"
LEVEL = "pod-security.kubernetes.io/enforce"
KINDS = (
    "podsecuritypolicies.policy",
    "clusterroles.rbac.authorization.k8s.io",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "mutatingadmissionpolicies",
)
AT_ONCE = 6


@dataclass(frozen=True)
class Answer:
    """What a server says to a Pod.

    Parameters
    ----------
    verdict : str
        refused (by a policy), admitted (as it is), written (admitted, and a policy wrote into it), or invalid.
    said : str
        Why it was refused, in the server's words.
    warnings : tuple of str
        What the server warned of.
    stored : dict
        The Pod as it is, or would be, stored.
    """

    verdict: str
    said: str = ""
    warnings: tuple[str, ...] = ()
    stored: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def admitted(self) -> bool:
        """Whether the Pod was let in."""
        return self.verdict in ("admitted", "written")


def ask(
    connection: Connection, pod: dict[str, Any], namespace: str, user: str | None = USER, dry_run: bool = True
) -> Answer:
    """Create a Pod, as a dry run unless told otherwise, and return what the server says.

    Parameters
    ----------
    connection : Connection
        A writable one, which may act as others.
    pod : dict
        Its manifest.
    namespace : str
        Where.
    user : str or None
        As whom; None is whoever the connection is.
    dry_run : bool
        Whether nothing is stored.

    Raises
    ------
    ServerError
        If the server answers neither yes nor no.
    """
    path = f"/api/v1/namespaces/{namespace}/pods"
    headers = {"Impersonate-User": user} if user else {}
    return send(connection, "POST", path, pod, headers, dry_run=dry_run)


def send(
    connection: Connection,
    method: str,
    path: str,
    body: Any,
    headers: dict[str, str] | None = None,
    dry_run: bool = False,
) -> Answer:
    """Send a write, and return what the server says, its warnings included.

    Parameters
    ----------
    connection : Connection
        A writable one.
    method, path : str
        "PATCH", "/api/v1/namespaces/shop".
    body : dict
        The object, or (PATCH) the fields that change, as a strategic merge.
    headers : dict, optional
        Besides the usual ones.
    dry_run : bool
        Whether nothing is stored.

    Raises
    ------
    RefusedError, ServerError
        If this connection may not write; if the server answers neither yes nor no.
    """
    if not connection.writable:
        connection.request(method, path)  # says why not
    sent = {"Accept": "application/json", "User-Agent": "kitlib", **(headers or {})}
    sent["Content-Type"] = objects.STRATEGIC if method == "PATCH" else "application/json"
    url = f"{connection.server}{path}" + ("?dryRun=All" if dry_run else "")
    client = connection.api_client
    client.update_params_for_auth(sent, [], ["BearerToken"], path, method, body)
    try:
        response = client.call_api(method, url, sent, body, _request_timeout=60)
        data = json.loads(response.read())
    except (ApiException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise ClusterError(
            f"the API server does not answer: {error}",
            step=f"{method} {path}",
            object=connection.server,
            next="`kitlib status` shows what is running, `kitlib up` starts it again",
        ) from error
    warned = _warnings(response.getheaders())
    if response.status < 400:
        wrote = body.get("kind") == "Pod" and written(body, data)
        return Answer("written" if wrote else "admitted", "", warned, data)
    said = str(data.get("message") or f"HTTP {response.status}")
    verdict = {403: "refused", 422: "invalid", 400: "invalid"}.get(response.status)
    if verdict is None:
        raise ServerError(said, step=f"{method} {path}", status=data)
    return Answer(verdict, said, warned)


def _warnings(headers: Any) -> tuple[str, ...]:
    found = headers.getlist("Warning") if hasattr(headers, "getlist") else []
    return tuple(text.partition('"')[2].rpartition('"')[0].replace('\\"', '"') for text in found)


def again(asking: Callable[[], Answer], so: Callable[[Answer], bool], what: str, timeout: float = 30) -> Answer:
    """Ask again until the answer is as it should be: admission reads caches, and nothing tells how new they are.

    Parameters
    ----------
    asking : callable
        Asks once; best a dry run.
    so : callable
        Says whether an answer is the one.
    what : str
        The same in words, for the time-out's message.
    timeout : float
        Seconds.

    Raises
    ------
    WaitTimeout
        If it isn't so in time; the message has the last answer.
    """
    began = time.monotonic()
    with Progress(f"wait until {what}"):
        while not so(answer := asking()):
            if time.monotonic() - began > timeout:
                raise WaitTimeout(
                    f"not so within {duration(timeout)}; the server says {answer.verdict}: {answer.said or 'nothing'}",
                    step="wait for",
                    object=what,
                    next="look at the policy, its binding, and the namespace's labels",
                )
    return answer


def settings(pod: dict[str, Any]) -> dict[str, Any]:
    """Return what a Pod says in the fields that PodSecurityPolicy writes to, by path; sets are sorted."""
    spec = pod["spec"]
    found: dict[str, Any] = {}
    context = spec.get("securityContext") or {}
    for name in ("seLinuxOptions", "runAsUser", "fsGroup", "supplementalGroups"):
        if context.get(name) not in (None, []):
            found[name] = context[name]
    for lane in ("initContainers", "containers"):
        for item in spec.get(lane) or ():
            own = item.get("securityContext") or {}
            for name in ("seLinuxOptions", "runAsUser", "readOnlyRootFilesystem"):
                if own.get(name) is not None:
                    found[f"{item['name']}.{name}"] = own[name]
            for name in ("add", "drop"):
                if listed := (own.get("capabilities") or {}).get(name):
                    found[f"{item['name']}.capabilities.{name}"] = sorted(listed)
    return found


def written(sent: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """Return what a policy wrote into a Pod, by path."""
    before = settings(sent)
    return {path: value for path, value in settings(stored).items() if before.get(path) != value}


class Library:
    """The policies of a folder on one cluster: applied, asked, removed.

    On a cluster that serves PodSecurityPolicy those are applied, on any other today's.

    Parameters
    ----------
    connection : Connection
        A writable one.
    folder : Path
        Where the rows' folders are.
    rows : sequence of str
        Which of them.

    Attributes
    ----------
    past : bool
        Whether PodSecurityPolicy is served.
    spaces : dict
        (row, means) to the namespace in which just this policy applies. The means "enforce" does all that the row's
        policy does; "refuse" and "write" half of it, each alone.
    """

    def __init__(self, connection: Connection, folder: Path, rows: Sequence[str] = tuple(ROWS)) -> None:
        self.connection = connection
        self.folder = folder
        self.rows = list(rows)
        self.past = serves(connection, "PodSecurityPolicy")
        self.spaces: dict[tuple[str, str], str] = {}

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def pods(self, row: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the Pod that the row's policy should refuse, and the one that it should admit."""
        first, second = objects.load(self.folder / row / "pods.yaml")
        return first, second

    def writes(self, row: str) -> bool:
        """Say whether the row's policy writes into Pods."""
        return (self.folder / row / "map.yaml").exists()

    def space(self, labels: dict[str, str] | None = None) -> str:
        """Make a namespace in which `USER` may edit; it goes when the library is closed."""
        name = namespaces.create(self.connection, "security", labels)
        self.spaces[(name, "")] = name
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": USER},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}],
        }
        objects.apply(self.connection, binding, name)
        self._may_edit(name)
        return name

    def _may_edit(self, namespace: str) -> None:
        """Wait until authorization knows of the role, lest its refusal be taken for a policy's."""
        asked = {"namespace": namespace, "verb": "create", "resource": "pods"}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": USER, "resourceAttributes": asked},
        }
        again(
            lambda: send(self.connection, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review),
            lambda answer: answer.stored.get("status", {}).get("allowed"),
            f"{USER} may edit in {namespace}",
        )

    def apply(self) -> None:
        """Apply every policy, and return when admission knows of all of them."""
        wanted: dict[tuple[str, str], dict[str, str]] = {}
        with Progress("apply policies", total=len(self.rows)) as bar:
            for row in [*self.rows, ALL]:
                if self.past:
                    wanted[row, "enforce"] = {}
                    continue
                over = self.rows if row == ALL else [row]
                wanted[row, "enforce"] = {f"security.kitlib/{each}": "enforce" for each in over}
                for name in ("vap.yaml", "map.yaml") if row != ALL else ():
                    if (self.folder / row / name).exists():
                        objects.apply(self.connection, self.folder / row / name, "default")
                if row != ALL and self.writes(row):
                    wanted[row, "refuse"] = {f"security.kitlib/{row}": "refuse"}
                    wanted[row, "write"] = {f"security.kitlib/{row}": "write"}
            with ThreadPoolExecutor(AT_ONCE) as pool:
                self.spaces |= dict(zip(wanted, pool.map(self.space, wanted.values()), strict=True))
            for row in [*self.rows, ALL] if self.past else []:
                objects.apply(self.connection, self.folder / row / "psp.yaml", self.spaces[row, "enforce"])
            for number, row in enumerate(self.rows, 1):
                bar.update(row, number)
                self._seen(row)
            if self.past:
                pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "silent"}}
                pod["spec"] = {"containers": [{"name": "web", "image": "web:1.0"}]}
                self.until(pod, self.spaces[ALL, "enforce"], lambda answer: answer.admitted, "policy all is known")

    def _seen(self, row: str) -> None:
        bad, good = self.pods(row)
        wanted = "written" if self.writes(row) else "admitted"
        for means in ("enforce", "refuse", "write"):
            if (row, means) not in self.spaces:
                continue
            here = self.spaces[row, means]
            if self.past or (means != "refuse" and self.writes(row)):
                self.until(good, here, lambda answer: answer.verdict == wanted, f"{row}: {wanted}")
            if means != "write":
                self.until(bad, here, lambda answer: answer.verdict == "refused", f"{row}: refused")

    def until(
        self,
        pod: dict[str, Any],
        namespace: str,
        so: Callable[[Answer], bool],
        what: str,
        user: str | None = USER,
        timeout: float = 30,
    ) -> Answer:
        """Ask for a Pod again until the answer is as it should be; see `again`.

        Parameters
        ----------
        pod : dict
        namespace : str
        so : callable
            Says whether an answer is the one.
        what : str
            The same in words, for the time-out's message.
        user : str or None
            As whom it is asked.
        timeout : float
            Seconds.

        Raises
        ------
        WaitTimeout
            If it isn't so in time; the message has the last answer.
        """
        return again(lambda: ask(self.connection, pod, namespace, user), so, what, timeout)

    def ask(
        self, pods: Iterable[tuple[str, dict[str, Any]]], means: str = "enforce", what: str = "ask"
    ) -> list[Answer]:
        """Ask for many Pods at once, each in the namespace of its row, and return the answers in order.

        Parameters
        ----------
        pods : iterable of tuple
            Row and Pod.
        means : str
            "enforce", "refuse" or "write".
        what : str
            Named by the progress.
        """
        listed = list(pods)
        answers: list[Answer] = []

        def one(item: tuple[str, dict[str, Any]]) -> Answer:
            return ask(self.connection, item[1], self.spaces[item[0], means])

        with Progress(what, total=len(listed)) as bar, ThreadPoolExecutor(AT_ONCE) as pool:
            for answer in pool.map(one, listed):
                answers.append(answer)
                bar.update(f"{len(answers)} of {len(listed)} Pods", len(answers))
        return answers

    def table(self, means: str, label: str) -> pd.DataFrame:
        """Ask for each row's two Pods, and return the answers as `kitlib.plots.matrix` takes them.

        Parameters
        ----------
        means : str
            Where they are asked for: "enforce", "refuse" or "write"; rows that have no such namespace are left out.
        label : str
            What the means are called.

        Returns
        -------
        DataFrame
            row, means, unwanted and wanted (verdicts), said (why the first is refused), wrote (into the second).
        """
        rows = [row for row in self.rows if (row, means) in self.spaces]
        pairs = [self.pods(row) for row in rows]
        bad = self.ask(zip(rows, (first for first, _ in pairs), strict=True), means)
        good = self.ask(zip(rows, (second for _, second in pairs), strict=True), means)
        return pd.DataFrame(
            {
                "row": [ROWS[row] for row in rows],
                "means": label,
                "unwanted": [answer.verdict for answer in bad],
                "wanted": [answer.verdict for answer in good],
                "said": [answer.said.partition(" is forbidden: ")[2] for answer in bad],
                "wrote": [
                    json.dumps(written(pod, answer.stored)) if answer.verdict == "written" else ""
                    for (_, pod), answer in zip(pairs, good, strict=True)
                ],
            }
        )

    def close(self) -> None:
        """Remove the policies and the namespaces, without waiting for their end."""
        remove(self.connection)
        for name in {*self.spaces.values()}:
            with suppress(KitlibError):
                namespaces.delete(self.connection, name, timeout=None)
        self.spaces.clear()


def remove(connection: Connection) -> None:
    """Remove every policy of the library from a cluster, also what an interrupted run has left."""
    for kind in KINDS:
        if serves(connection, kind):
            connection.request("DELETE", connection.discover(kind).path(), {"labelSelector": PART_OF})


def serves(connection: Connection, kind: str) -> bool:
    """Say whether a server knows a kind."""
    try:
        connection.discover(kind)
    except UsageError:
        return False
    return True


# The grid.

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
