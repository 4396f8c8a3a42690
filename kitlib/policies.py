"""Policies put to the test: a namespace for each, the same Pod sent to several servers, and what they answer.

The fifteen fields of PodSecurityPolicy are `ROWS`. A folder holds for each of them the policy of 1.17 (psp.yaml),
today's (vap.yaml refuses, map.yaml writes), and two Pods (pods.yaml). A `Library` applies them to a cluster, each in a
namespace of its own, and asks; `Libraries` are those of several versions side by side; `grid` makes Pods in which all
fifteen fields are crossed.

    libraries = Libraries(kitlib.labs("security", "1.17-psp", "1.37"), "manifests/security")
    libraries.apply()
    claim("A privileged Pod is refused", each(libraries, lambda library: library.does("privileged")), source="…")
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from kitlib import admission, objects
from kitlib.admission import Answer, again, send, serves
from kitlib.claims import Check, equal
from kitlib.cluster import binaries, controlplane, namespaces, versions
from kitlib.connection import Connection
from kitlib.errors import KitlibError, WaitTimeout
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
RBAC = "rbac.authorization.k8s.io"
PART_OF = "app.kubernetes.io/part-of=kitlib-security"
POD_SECURITY = "pod-security.kubernetes.io"
"""What the labels of Pod Security Admission begin with: POD_SECURITY/enforce, /warn, /audit, /enforce-version."""
LEVEL = f"{POD_SECURITY}/enforce"
LIMIT = "lowest-user"
TURNS = "security.kitlib/turns"
KINDS = (
    "podsecuritypolicies.policy",
    "clusterroles.rbac.authorization.k8s.io",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "mutatingadmissionpolicies",
    "runtimeclasses.node.k8s.io",
)
THEN_ONLY = ("kinds", "order")
"""Folders with policies of 1.17 that are no row's; who may use them is bound in a namespace when it is made."""
AT_ONCE = 6
REPEATED = re.compile(
    r"^.*? is forbidden: |unable to validate against any pod security policy: "
    r"|ValidatingAdmissionPolicy '[^']*' with binding '[^']*' denied request: "
    r"|\[?\bspec\.\S+: Invalid value: |\]$"
)
"""What every message of admission says; which Pod and which namespace stands beside it."""


@dataclass(frozen=True)
class PodAnswer(Answer):
    """What a server says to a Pod; its verdict may also be "written": admitted, and a policy wrote into it.

    Parameters
    ----------
    wrote : dict
        What was written into it, by path; see `written`.
    """

    wrote: dict[str, Any] = field(default_factory=dict)

    @property
    def taken(self) -> str:
        """The PodSecurityPolicy that admitted it; "" if none did."""
        return str(self.stored.get("metadata", {}).get("annotations", {}).get("kubernetes.io/psp", ""))


def ask(
    connection: Connection, pod: dict[str, Any], namespace: str, user: str | None = USER, dry_run: bool = True
) -> PodAnswer:
    """Create a Pod, as a dry run unless told otherwise, and return what the server says.

    Parameters
    ----------
    connection : Connection
        A writable one, which may act as others.
    pod : dict
        Its manifest; or another object's, into which nothing is looked for.
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
    answer = admission.ask(connection, pod, namespace, user, dry_run)
    wrote = written(pod, answer.stored) if answer.admitted and pod["kind"] == "Pod" else {}
    return PodAnswer("written" if wrote else answer.verdict, answer.said, answer.warnings, answer.stored, wrote)


def answers(heard: Mapping[Any, Answer], *names: str) -> pd.DataFrame:
    """Lay answers out as a frame.

    Parameters
    ----------
    heard : mapping
        Whatever tells them apart to answer; a tuple fills several columns.
    *names : str
        What these columns are called; "Pod" if left out.

    Returns
    -------
    DataFrame
        These columns, then answer (the verdict), said, warning, wrote (into the Pod; JSON). A column that is empty
        throughout is left out.
    """
    rows = []
    for key, answer in heard.items():
        keys = key if isinstance(key, tuple) else (key,)
        wrote = getattr(answer, "wrote", None)
        rows.append(
            {
                **dict(zip(names or ("Pod",), keys, strict=True)),
                "answer": answer.verdict,
                "said": answer.said,
                "warning": "; ".join(answer.warnings),
                "wrote": json.dumps(wrote) if wrote else "",
            }
        )
    frame = pd.DataFrame(rows)
    return frame.drop(columns=[name for name in ("said", "warning", "wrote") if (frame[name] == "").all()])


def brief(frame: pd.DataFrame) -> pd.DataFrame:
    """Shorten what servers said to what differs, for a table that is read; the evidence of claims has all of it.

    Parameters
    ----------
    frame : DataFrame
        Of `answers` or `Library.table`.
    """
    columns = [name for name in ("said", "warning") if name in frame]
    return frame.assign(**{name: [REPEATED.sub("", text) for text in frame[name]] for name in columns})


def verdicts(heard: Mapping[Any, Answer], wanted: str | Sequence[str], *names: str) -> Check:
    """Check that the answers have these verdicts, in their order, or all of them this one.

    Parameters
    ----------
    heard, *names
        As of `answers`, which is the evidence.
    wanted : str or sequence of str
        One verdict for all, or one for each.
    """
    each = [wanted] * len(heard) if isinstance(wanted, str) else list(wanted)
    return equal([answer.verdict for answer in heard.values()], each, answers(heard, *names), "answers")


def pod(spec: dict[str, Any] | None = None, called: str = "web", **container: Any) -> dict[str, Any]:
    """Make a Pod of one container that asks for nothing.

    Parameters
    ----------
    spec : dict, optional
        Fields of the Pod's spec beside.
    called : str
        Its name.
    **container
        Fields of its container beside.
    """
    web = {"name": "web", "image": "web:1.0", **container}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": called},
        "spec": {**(spec or {}), "containers": [web]},
    }


def refused_plugin(name: str, kubernetes: str = "1.37") -> str:
    """Start an API server with an admission plugin that it doesn't know, and return what it says of it.

    Parameters
    ----------
    name : str
        The plugin's.
    kubernetes : str
        Which server.

    Raises
    ------
    subprocess.TimeoutExpired
        If it starts all the same.
    """
    server = binaries.ready(versions.release(kubernetes)).paths["kube-apiserver"]
    with tempfile.TemporaryDirectory() as folder:
        command = [str(server), f"--enable-admission-plugins={name}", f"--cert-dir={folder}"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stderr
    return said.replace("\\", "").partition("enable-admission-plugins plugin ")[2].partition(",")[0]


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
    lab : Lab, optional
        The notebook's, on that cluster: where nothing else is said, its namespace is asked.

    Attributes
    ----------
    past : bool
        Whether PodSecurityPolicy is served.
    spaces : dict
        (row, means) to the namespace in which just this policy applies. The means "enforce" does all that the row's
        policy does; "refuse" and "write" half of it, each alone; "baseline" and "restricted" are levels of Pod Security
        Admission, which all rows share.
    """

    def __init__(
        self, connection: Connection, folder: Path, rows: Sequence[str] = tuple(ROWS), lab: Any = None
    ) -> None:
        self.connection = connection
        self.folder = folder
        self.rows = list(rows)
        self.lab = lab
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

    def space(
        self,
        labels: dict[str, str] | None = None,
        may_use: Sequence[str] = (),
        account: str = "",
        name: str | None = None,
        **levels: str,
    ) -> str:
        """Make a namespace in which `USER` may edit; it goes when the library is closed.

        Parameters
        ----------
        labels : dict, optional
            The namespace's.
        may_use : sequence of str
            The PodSecurityPolicies that `USER` may use there, by the ClusterRoles psp-NAME; today there are none.
        account : str
            A ServiceAccount that is made there, and may use them in `USER`'s stead.
        name : str, optional
            The namespace's, where others know it by that.
        **levels
            Labels of Pod Security Admission: enforce="baseline", enforce_version="v1.28", warn="restricted".
        """
        name = namespaces.create(self.connection, "security", (labels or {}) | _levels(levels), name)
        self.spaces[(name, "")] = name
        user = {"apiGroup": RBAC, "kind": "User", "name": USER}
        self._bind(name, USER, "edit", user)
        self._may(name, USER, {"verb": "create", "resource": "pods"})
        who, subject = USER, user
        if account:  # without a token, or in 2020 a Pod would have to wait for it
            made = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}
            objects.apply(self.connection, {**made, "automountServiceAccountToken": False}, name)
            who = f"system:serviceaccount:{name}:{account}"
            subject = {"kind": "ServiceAccount", "name": account, "namespace": name}
        for policy in may_use if self.past else ():
            self._bind(name, f"psp-{policy}", f"psp-{policy}", subject)
            self._may(name, who, {"verb": "use", "group": "policy", "resource": "podsecuritypolicies", "name": policy})
        return name

    def _bind(self, namespace: str, name: str, role: str, subject: dict[str, str]) -> None:
        binding = {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [subject],
        }
        objects.apply(self.connection, binding, namespace)

    def _may(self, namespace: str, user: str, what: dict[str, str]) -> None:
        """Wait until authorization knows of a role, lest its refusal be taken for a policy's."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": {"namespace": namespace, **what}},
        }
        again(
            lambda: send(self.connection, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review),
            lambda answer: answer.stored.get("status", {}).get("allowed"),
            f"{user} may {what['verb']} {what['resource']} in {namespace}",
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
            for name in THEN_ONLY if self.past else ():  # the first of all: once a row's policy is known, so are they
                for path in sorted((self.folder / name).glob("*.yaml")):
                    objects.apply(self.connection, path, "default")
            for row in [*self.rows, ALL] if self.past else []:
                objects.apply(self.connection, self.folder / row / "psp.yaml", self.spaces[row, "enforce"])
            for level in () if self.past else ("baseline", "restricted"):
                space = self.space(enforce=level)
                self.spaces |= {(row, level): space for row in self.rows}
            for number, row in enumerate(self.rows, 1):
                bar.update(row, number)
                self._seen(row)
            if self.past:
                self.until(pod(), self.spaces[ALL, "enforce"], lambda answer: answer.admitted, "policy all is known")

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

    def ask(
        self, pod: dict[str, Any], space: str | None = None, user: str | None = USER, dry_run: bool = True
    ) -> PodAnswer:
        """Ask for a Pod; see `kitlib.policies.ask`.

        Parameters
        ----------
        pod : dict
        space : str or None
            A namespace, or a row: that in which the row's policy applies. Without one the administrator asks, in the
            lab's own.
        user : str or None
        dry_run : bool
        """
        where = self.spaces.get((space, "enforce"), space) if space else self.lab.namespace
        return ask(self.connection, pod, where, user if space else None, dry_run)

    def until(
        self,
        pod: dict[str, Any],
        space: str | None,
        so: Callable[[Answer], Any],
        what: str,
        user: str | None = USER,
        timeout: float = 30,
    ) -> None:
        """Ask for a Pod again until the answer is as it should be; see `kitlib.admission.again`.

        Parameters
        ----------
        pod : dict
        space : str or None
            As of `ask`.
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
        again(lambda: self.ask(pod, space, user), so, what, timeout)

    def ask_all(
        self, pods: Iterable[tuple[str, dict[str, Any]]], means: str = "enforce", what: str = "ask"
    ) -> list[PodAnswer]:
        """Ask for many Pods at once, each in the namespace of its row, and return the answers in order.

        Parameters
        ----------
        pods : iterable of tuple
            Row and Pod.
        means : str
            "enforce", "refuse", "write", "baseline" or "restricted".
        what : str
            Named by the progress.
        """
        listed = list(pods)
        heard: list[PodAnswer] = []

        def one(item: tuple[str, dict[str, Any]]) -> PodAnswer:
            return self.ask(item[1], self.spaces[item[0], means])

        with Progress(what, total=len(listed)) as bar, ThreadPoolExecutor(AT_ONCE) as pool:
            for answer in pool.map(one, listed):
                heard.append(answer)
                bar.update(f"{len(heard)} of {len(listed)} Pods", len(heard))
        return heard

    def does(self, row: str) -> Check:
        """Check that a row's policy refuses the one Pod, and admits the other, or writes into it if that is its way."""
        heard = {pod["metadata"]["name"]: self.ask(pod, self.spaces[row, "enforce"]) for pod in self.pods(row)}
        return verdicts(heard, ["refused", "written" if self.writes(row) else "admitted"])

    def table(self, means: str, label: str) -> pd.DataFrame:
        """Ask for each row's two Pods, and return the answers as `kitlib.plots.matrix` takes them.

        Parameters
        ----------
        means : str
            Where they are asked for, as of `ask_all`; rows that have no such namespace are left out.
        label : str
            What the means are called.

        Returns
        -------
        DataFrame
            row, means, unwanted and wanted (verdicts), said (why the first is refused), wrote (into the second; JSON).
        """
        rows = [row for row in self.rows if (row, means) in self.spaces]
        pairs = [self.pods(row) for row in rows]
        bad = self.ask_all(zip(rows, (first for first, _ in pairs), strict=True), means)
        good = self.ask_all(zip(rows, (second for _, second in pairs), strict=True), means)
        return pd.DataFrame(
            {
                "row": [ROWS[row] for row in rows],
                "means": label,
                "unwanted": [answer.verdict for answer in bad],
                "wanted": [answer.verdict for answer in good],
                "said": [answer.said for answer in bad],
                "wrote": [json.dumps(answer.wrote) if answer.wrote else "" for answer in good],
            }
        )

    def cross(self, pods: Mapping[str, dict[str, Any]]) -> pd.DataFrame:
        """Ask for Pods under each level of Pod Security Admission in each of its modes.

        Parameters
        ----------
        pods : mapping
            Name to Pod.

        Returns
        -------
        DataFrame
            mode, level, Pod (its name), and what came of it: admitted, refused, warned (admitted, with a warning), or
            audited (admitted, and counted by the API server as what the audit would note).
        """
        rows = []
        for mode in ("enforce", "warn", "audit"):
            for level in ("privileged", "baseline", "restricted"):
                space = self.space(_levels({mode: level}))
                rows += [(mode, level, name, self._came(each, space)) for name, each in pods.items()]
        return pd.DataFrame(rows, columns=["mode", "level", "Pod", "came"])

    def _came(self, pod: dict[str, Any], space: str) -> str:
        noted = self.audited()
        answer = self.ask(pod, space)
        if answer.warnings:
            return "warned"
        return "audited" if self.audited() > noted else answer.verdict

    def noted(self, space: str, pod: str, timeout: float = 10) -> dict[str, str]:
        """Return what the audit log notes of a Pod that was asked for, on a cluster that writes one (1.37-audit).

        Parameters
        ----------
        space : str
            The namespace.
        pod : str
            The Pod's name.
        timeout : float
            Seconds: the server may answer before it notes.

        Returns
        -------
        dict
            Annotation to text; of the last Pod of that name.

        Raises
        ------
        WaitTimeout
            If the Pod is not in the log.
        """
        path = controlplane.audit_log(self.lab.cluster.home)
        until = time.monotonic() + timeout
        with Progress("wait for the audit log"):
            while True:
                lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
                mine = [json.loads(line) for line in lines if f'"{space}"' in line and line.endswith("}")]
                if found := [entry for entry in mine if entry["objectRef"].get("name") == pod]:
                    return dict(found[-1].get("annotations", {}))
                if time.monotonic() > until:
                    raise WaitTimeout(
                        f"it does not name Pod {pod} of {space} within {duration(timeout)}",
                        step="read the audit log",
                        object=str(path),
                        next='open the lab with kubernetes="1.37-audit": only that one writes an audit log',
                    )
                time.sleep(0.02)

    def exempted(self, pod: dict[str, Any]) -> dict[str, PodAnswer]:
        """Ask for a Pod that baseline refuses, in each way of being exempt that the cluster is set up for (1.37-audit).

        Parameters
        ----------
        pod : dict

        Returns
        -------
        dict
            What is exempt (nobody, user, RuntimeClass, namespace) to answer.
        """
        exempt = controlplane.EXEMPT
        space = self.space(enforce="baseline")
        self._bind(space, exempt, "edit", {"apiGroup": RBAC, "kind": "User", "name": exempt})
        self._may(space, exempt, {"verb": "create", "resource": "pods"})
        label, _, value = PART_OF.partition("=")
        kind = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "handler": exempt}
        objects.apply(self.connection, {**kind, "metadata": {"name": exempt, "labels": {label: value}}}, "default")
        return {
            "nobody": self.ask(pod, space),
            "user": self.ask(pod, space, exempt),
            "RuntimeClass": self.ask({**pod, "spec": {**pod["spec"], "runtimeClassName": exempt}}, space),
            "namespace": self.ask(pod, self.space(enforce="baseline", name=exempt)),
        }

    def audited(self) -> float:
        """Return how many Pods the API server has found against a level that is audited."""
        return self.count("pod_security_evaluations_total", mode="audit", decision="deny")

    def limited(self, action: str, lowest: int | None = None) -> str:
        """Make a namespace for the policy of today/limits.yaml; return it when admission knows of all that it needs.

        Parameters
        ----------
        action : str
            How the policy is bound there: deny, warn or audit.
        lowest : int, optional
            The parameter, the lowest user; without it there is none.
        """
        space = self.space({f"security.kitlib/{LIMIT}": action})
        if lowest:
            (limit,) = objects.load(self.folder / "today" / "lowest.yaml")
            objects.apply(self.connection, {**limit, "data": {"lowest": str(lowest)}}, space)
        below = pod(called="below", securityContext={"runAsUser": 0})
        before, said = self.limits(action), f"users must be {lowest} or more"

        def known(answer: Answer) -> bool:
            if not lowest:
                return not answer.admitted
            if action == "audit":
                return self.limits(action) > before
            return said in answer.said or said in "".join(answer.warnings)

        self.until(below, space, known, f"{LIMIT}, {action}, {lowest}")
        return space

    def limits(self, action: str) -> float:
        """Return how many Pods the policy of today/limits.yaml found wanting where it is bound like this."""
        return self.count("apiserver_validating_admission_policy_check_total", policy=LIMIT, enforcement_action=action)

    def turns(self, names: str, again: str) -> str:
        """Have a mutating policy for each letter, each of which writes its own behind what is there, and ask for a Pod.

        Parameters
        ----------
        names : str
            The letters; the policies are made in the opposite order.
        again : str
            Those whose policy asks to be called again if the Pod is changed after it.

        Returns
        -------
        str
            The letters in the order in which they were written.
        """
        for name in reversed(names):
            text = (self.folder / "today" / "turns.yaml").read_text(encoding="utf-8")
            text = text.replace("turn-a", f"turn-{name}").replace("'a'", f"'{name}'")
            for item in yaml.safe_load_all(text if name in again else text.replace("IfNeeded", "Never")):
                objects.apply(self.connection, item, "default")
        space = self.space({TURNS: "watched"})
        whole = lambda answer: {*_turns(answer)} == {*names}  # noqa: E731
        return _turns(admission.again(lambda: self.ask(pod(), space), whole, "all of them have written"))

    def patch(self, path: str, fields: dict[str, Any], space: str, dry_run: bool = False) -> Answer:
        """Change something in a namespace, as the administrator, and return what the server says.

        Parameters
        ----------
        path : str
            "pods/web", "pods/web/ephemeralcontainers".
        fields : dict
            What changes, as a strategic merge.
        space : str
            The namespace, or a row, as of `ask`.
        dry_run : bool
            Whether nothing is stored.
        """
        whole = f"/api/v1/namespaces/{self.spaces.get((space, 'enforce'), space)}/{path}".rstrip("/")
        return send(self.connection, "PATCH", whole, fields, dry_run=dry_run)

    def label(self, space: str, dry_run: bool = False, **levels: str) -> Answer:
        """Set a namespace's labels of Pod Security Admission; as a dry run, only hear what the server says.

        Parameters
        ----------
        space : str
            The namespace.
        dry_run : bool
            Whether nothing is stored.
        **levels
            As of `space`.
        """
        return self.patch("", {"metadata": {"labels": _levels(levels)}}, space, dry_run)

    def count(self, metric: str, **labels: str) -> float:
        """Return a counter of the API server: the sum over all that have these labels."""
        text = self.connection.request("GET", "/metrics").decode()
        wanted = [f'{name}="{value}"' for name, value in labels.items()]
        lines = [line for line in text.splitlines() if line.startswith(metric + "{")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(label in line for label in wanted))

    def close(self) -> None:
        """Remove the policies and the namespaces, without waiting for their end."""
        remove(self.connection)
        for name in {*self.spaces.values()}:
            with suppress(KitlibError):
                namespaces.delete(self.connection, name, timeout=None)
        self.spaces.clear()


def _levels(levels: Mapping[str, str]) -> dict[str, str]:
    return {f"{POD_SECURITY}/{name.replace('_', '-')}": level for name, level in levels.items()}


def _turns(answer: Answer) -> str:
    return str(answer.stored.get("metadata", {}).get("annotations", {}).get(TURNS, ""))


class Libraries(dict[str, "Library | KitlibError"]):
    """The policies of a folder on clusters of several versions: version to library.

    Where this machine can't have a version, the error that says why stands in its place, as in `kitlib.labs`; so
    `kitlib.each` takes this as it takes labs. What an interrupted run has left on the clusters is removed.

    Parameters
    ----------
    labs : mapping
        As `kitlib.labs` returns it.
    folder : Path or str
        Where the rows' folders are.

    Attributes
    ----------
    present : dict
        Only what there is.
    """

    def __init__(self, labs: Mapping[str, Any], folder: Path | str) -> None:
        super().__init__()
        self.present: dict[str, Library] = {}
        for version, lab in labs.items():
            if isinstance(lab, KitlibError):
                self[version] = lab
                continue
            remove(lab.connection)
            self[version] = self.present[version] = Library(lab.connection, Path(folder), lab=lab)

    def apply(self) -> None:
        """Apply every policy on each cluster."""
        for library in self.present.values():
            library.apply()

    def close(self) -> None:
        """Remove all of it; then the labs end, the newest last."""
        for library in self.present.values():
            library.close()
        for library in self.present.values():
            if library.lab:
                library.lab.close()

    def table(self) -> pd.DataFrame:
        """Ask each for the rows' Pods, and lay out what they say, a line for each row.

        Returns
        -------
        DataFrame
            row; why each version refuses the first Pod; what each writes into the second (JSON; "" if nothing). Where
            an answer is not the one that the row's policy is for, the verdict stands there instead.
        """
        says, writes = pd.DataFrame({"row": list(ROWS.values())}), pd.DataFrame()
        for version, library in self.present.items():
            made = brief(library.table("enforce", version))
            said = [text.removeprefix(f"{row}: ") for row, text in zip(made["row"], made["said"], strict=True)]
            says[f"{version} refuses"] = pd.Series(said).where(made["unwanted"] == "refused", made["unwanted"])
            writes[f"{version} writes"] = made["wrote"].where(made["wanted"] != "refused", made["wanted"])
        return says.join(writes)

    def means(self, newest: str = "1.37", oldest: str = "1.17") -> pd.DataFrame:
        """Ask for the rows' Pods by every means there is: the oldest's PodSecurityPolicy, and what the newest has.

        Returns
        -------
        DataFrame
            As of `Library.table`; its means are PSP and the version, baseline, restricted, VAP alone, MAP alone,
            VAP + MAP. Where VAP is all there is of a row, it is both.
        """
        today = self.present[newest]
        whole = today.table("enforce", "VAP + MAP")
        vap = today.table("refuse", "VAP alone")
        only = whole[~whole["row"].isin(vap["row"])].assign(means="VAP alone")
        then = [self.present[oldest].table("enforce", f"PSP {oldest}")] if oldest in self.present else []
        levels = [today.table(level, level) for level in ("baseline", "restricted")]
        return _by_row(pd.concat([*then, *levels, vap, only, today.table("write", "MAP alone"), whole]))

    def compare(self, pods: Iterable[tuple[str, dict[str, Any]]]) -> pd.DataFrame:
        """Send the same Pods to every version.

        Parameters
        ----------
        pods : iterable of tuple
            Row and Pod, as `grid` makes them.

        Returns
        -------
        DataFrame
            Pod, policy (the row), each version's verdict (a column each), differs and written_differs (bool; the
            verdict does, or what was written into a Pod that all admit), why (where a reason is known).
        """
        listed = list(pods)
        heard = {version: library.ask_all(listed, what=f"ask {version}") for version, library in self.present.items()}
        rows = []
        for number, (row, pod) in enumerate(listed):
            made = {version: all_of_it[number] for version, all_of_it in heard.items()}
            said = [answer.verdict for answer in made.values()]
            wrote = [settings(answer.stored) for answer in made.values() if answer.admitted]
            rows.append(
                {
                    "Pod": pod["metadata"]["name"],
                    "policy": row,
                    **dict(zip(made, said, strict=True)),
                    "differs": len(set(said)) > 1,
                    "written_differs": len(wrote) == len(said) and any(other != wrote[0] for other in wrote),
                    "why": _why(row, pod),
                }
            )
        return pd.DataFrame(rows)


def _why(row: str, pod: dict[str, Any]) -> str:
    """Return the one reason for which 1.17 and 1.37 differ, where it applies."""
    empty = pod["spec"].get("securityContext", {}).get("supplementalGroups") == []
    return "supplementalGroups is an empty list" if empty and row in (ALL, "supplemental-groups") else ""


def _by_row(table: pd.DataFrame) -> pd.DataFrame:
    order = list(ROWS.values())
    return table.sort_values("row", key=lambda names: names.map(order.index), kind="stable", ignore_index=True)


def covered(table: pd.DataFrame, means: str) -> list[str]:
    """Return the rows in which a means refuses the one Pod and admits the other.

    Parameters
    ----------
    table : DataFrame
        Of `Libraries.means`.
    means : str
        Which.
    """
    mine = table[(table["means"] == means) & (table["unwanted"] == "refused") & (table["wanted"] != "refused")]
    return list(mine["row"])


def remove(connection: Connection) -> None:
    """Remove every policy of the library from a cluster, also what an interrupted run has left."""
    for kind in KINDS:
        if serves(connection, kind):
            connection.request("DELETE", connection.discover(kind).path(), {"labelSelector": PART_OF})


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
