"""The policies of a folder on one cluster: applied, each in a namespace of its own; asked; removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from kitlib import objects
from kitlib.api.transport import Connection
from kitlib.claims import Check, equal
from kitlib.cluster import namespaces
from kitlib.errors import KitlibError
from kitlib.lessons.admission import Answer, again, send, serves
from kitlib.lessons.policies.dryrun import PodAnswer, answers, ask, pod
from kitlib.lessons.policies.removal import remove
from kitlib.lessons.policies.rows import ALL, POD_SECURITY, ROWS, USER
from kitlib.progress import Progress

RBAC = "rbac.authorization.k8s.io"
THEN_ONLY = ("kinds/", "order/")
"""Folders with policies of 1.17 that are no row's; who may use them is bound in a namespace when it is made."""
AT_ONCE = 6

T = TypeVar("T")


class PolicySuite:
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
        The notebook's, on that cluster: where nothing else is said, its namespace is asked, and its recording keeps
        what the policies' namespaces are called, so that a replay asks in them.

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

    def __enter__(self) -> PolicySuite:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def answer_of(self, ask: Callable[..., T], *args: Any) -> T:
        """Ask in a way of one's own, and return the answer; see `Lab.answer_of`. Without a lab it isn't kept."""
        found: T = self.lab.answer_of(ask, *args) if self.lab else ask(*args)
        return found

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
        """Make a namespace in which `USER` may edit; it goes when the suite is closed.

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
        name = self.answer_of(self._space, (labels or {}) | level_labels(levels), list(may_use), account, name)
        self.spaces[(name, "")] = name
        return name

    def _space(self, labels: dict[str, str], may_use: Sequence[str], account: str, name: str | None) -> str:
        name = namespaces.create(self.connection, "security", labels, name)
        self.spaces[(name, "")] = name
        user = {"apiGroup": RBAC, "kind": "User", "name": USER}
        self.bind(name, USER, "edit", user)
        self.may(name, USER, {"verb": "create", "resource": "pods"})
        who, subject = USER, user
        if account:  # without a token, or in 2020 a Pod would have to wait for it
            made = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}
            objects.apply(self.connection, {**made, "automountServiceAccountToken": False}, name)
            who = f"system:serviceaccount:{name}:{account}"
            subject = {"kind": "ServiceAccount", "name": account, "namespace": name}
        for policy in may_use if self.past else ():
            self.bind(name, f"psp-{policy}", f"psp-{policy}", subject)
            self.may(name, who, {"verb": "use", "group": "policy", "resource": "podsecuritypolicies", "name": policy})
        return name

    def bind(self, space: str, name: str, role: str, subject: dict[str, str]) -> None:
        """Bind a ClusterRole in a namespace.

        Parameters
        ----------
        space : str
            The namespace.
        name : str
            The RoleBinding's.
        role : str
            The ClusterRole's.
        subject : dict
            Whose it becomes, as a RoleBinding names it.
        """
        binding = {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [subject],
        }
        objects.apply(self.connection, binding, space)

    def may(self, space: str, user: str, what: dict[str, str]) -> None:
        """Wait until authorization knows that somebody may do something, lest its refusal be taken for a policy's.

        Parameters
        ----------
        space : str
            The namespace.
        user : str
        what : dict
            verb, resource and, where needed, group and name, as a SubjectAccessReview has them.
        """
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": {"namespace": space, **what}},
        }
        again(
            lambda: send(self.connection, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review),
            lambda answer: answer.stored.get("status", {}).get("allowed"),
            f"{user} may {what['verb']} {what['resource']} in {space}",
        )

    def apply(self) -> None:
        """Apply every policy, and return when admission knows of all of them."""
        folders = [*self.rows, ALL, *THEN_ONLY]
        paths = [path for name in folders for path in sorted((self.folder / name).glob("*.yaml"))]
        manifests = {path.relative_to(self.folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}
        self.spaces |= {(row, means): space for row, means, space in self.answer_of(self._apply, manifests)}

    def _apply(self, manifests: Mapping[str, str]) -> list[tuple[str, str, str]]:
        """Apply every policy; return the namespace of each row and means."""
        wanted: dict[tuple[str, str], dict[str, str]] = {}
        with Progress("apply policies", total=len(self.rows)) as bar:
            for row in [*self.rows, ALL]:
                if self.past:
                    wanted[row, "enforce"] = {}
                    continue
                over = self.rows if row == ALL else [row]
                wanted[row, "enforce"] = {f"security.kitlib/{each}": "enforce" for each in over}
                for name in (f"{row}/vap.yaml", f"{row}/map.yaml") if row != ALL else ():
                    if name in manifests:
                        objects.apply(self.connection, manifests[name], "default")
                if row != ALL and self.writes(row):
                    wanted[row, "refuse"] = {f"security.kitlib/{row}": "refuse"}
                    wanted[row, "write"] = {f"security.kitlib/{row}": "write"}
            with ThreadPoolExecutor(AT_ONCE) as pool:
                self.spaces |= dict(zip(wanted, pool.map(self.space, wanted.values()), strict=True))
            for name in manifests if self.past else ():  # the first of all: once a row's policy is known, so are they
                if name.startswith(THEN_ONLY):
                    objects.apply(self.connection, manifests[name], "default")
            for row in [*self.rows, ALL] if self.past else []:
                objects.apply(self.connection, manifests[f"{row}/psp.yaml"], self.spaces[row, "enforce"])
            for level in () if self.past else ("baseline", "restricted"):
                space = self.space(enforce=level)
                self.spaces |= {(row, level): space for row in self.rows}
            for number, row in enumerate(self.rows, 1):
                bar.update(row, number)
                self._seen(row)
            if self.past:
                self.until(pod(), self.spaces[ALL, "enforce"], lambda answer: answer.admitted, "policy all is known")
        return [(row, means, space) for (row, means), space in self.spaces.items()]

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
        responses: list[PodAnswer] = []

        def one(item: tuple[str, dict[str, Any]]) -> PodAnswer:
            return self.ask(item[1], self.spaces[item[0], means])

        with Progress(what, total=len(listed)) as bar, ThreadPoolExecutor(AT_ONCE) as pool:
            for answer in pool.map(one, listed):
                responses.append(answer)
                bar.update(f"{len(responses)} of {len(listed)} Pods", len(responses))
        return responses

    def does(self, row: str) -> Check:
        """Check that a row's policy refuses the one Pod, and admits the other, or writes into it if that is its way.

        That it is the policy which refuses is read from the server's message.
        """
        responses = {pod["metadata"]["name"]: self.ask(pod, self.spaces[row, "enforce"]) for pod in self.pods(row)}
        first, second = responses.values()
        by = "pod security policy" if self.past else f"ValidatingAdmissionPolicy '{row}' "
        wanted = ("refused", True, "written" if self.writes(row) else "admitted")
        return equal((first.verdict, by in first.said, second.verdict), wanted, answers(responses), "answers")

    def table(self, means: str, label: str) -> pd.DataFrame:
        """Ask for each row's two Pods, and return the answers as `kitlib.lessons.figures.matrix` takes them.

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
        return self.patch("", {"metadata": {"labels": level_labels(levels)}}, space, dry_run)

    def count(self, metric: str, **labels: str) -> float:
        """Return a counter of the API server: the sum over all that have these labels."""
        return self.answer_of(self._count, metric, labels)

    def _count(self, metric: str, labels: Mapping[str, str]) -> float:
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


def level_labels(levels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of Pod Security Admission: enforce_version="v1.28" is POD_SECURITY/enforce-version."""
    return {f"{POD_SECURITY}/{name.replace('_', '-')}": level for name, level in levels.items()}
