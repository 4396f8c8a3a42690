"""What only today's cluster can be asked: levels crossed with modes, exemptions, parameters, several that write."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from kitlib import objects
from kitlib.cluster.embedded import controlplane
from kitlib.errors import WaitTimeout
from kitlib.lessons import admission
from kitlib.lessons.admission import Answer
from kitlib.lessons.policies.dryrun import PodAnswer, pod
from kitlib.lessons.policies.removal import PART_OF
from kitlib.lessons.policies.suite import RBAC, PolicySuite, level_labels
from kitlib.machine import versions
from kitlib.machine.programs import find
from kitlib.progress import Progress, duration

LIMIT = "lowest-user"
TURNS = "security.kitlib/turns"


def refused_plugin(name: str, kubernetes: str = versions.DEFAULT) -> str:
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
    server = find.ready(versions.release(kubernetes)).paths["kube-apiserver"]
    with tempfile.TemporaryDirectory() as folder:
        command = [str(server), f"--enable-admission-plugins={name}", f"--cert-dir={folder}"]
        said = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=60, check=False
        ).stderr
    return said.replace("\\", "").partition("enable-admission-plugins plugin ")[2].partition(",")[0]


def cross(suite: PolicySuite, pods: Mapping[str, dict[str, Any]]) -> pd.DataFrame:
    """Ask for Pods under each level of Pod Security Admission in each of its modes.

    Parameters
    ----------
    suite : PolicySuite
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
            space = suite.space(level_labels({mode: level}))
            rows += [(mode, level, name, _came(suite, each, space)) for name, each in pods.items()]
    return pd.DataFrame(rows, columns=["mode", "level", "Pod", "came"])


def _came(suite: PolicySuite, pod: dict[str, Any], space: str) -> str:
    noted = audited(suite)
    answer = suite.ask(pod, space)
    if answer.warnings:
        return "warned"
    return "audited" if audited(suite) > noted else answer.verdict


def noted(suite: PolicySuite, space: str, pod: str, timeout: float = 10) -> dict[str, str]:
    """Return what the audit log notes of a Pod that was asked for, on a cluster that writes one (1.37-audit).

    Parameters
    ----------
    suite : PolicySuite
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

    def annotations(space: str, pod: str) -> dict[str, str]:
        return _annotations(controlplane.audit_log(suite.lab.cluster.home), space, pod, timeout)

    return suite.answer_of(annotations, space, pod)


def _annotations(path: Path, space: str, pod: str, timeout: float) -> dict[str, str]:
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


def exempted(suite: PolicySuite, pod: dict[str, Any]) -> dict[str, PodAnswer]:
    """Ask for a Pod that baseline refuses, in each way of being exempt that the cluster is set up for (1.37-audit).

    Parameters
    ----------
    suite : PolicySuite
    pod : dict

    Returns
    -------
    dict
        What is exempt (nobody, user, RuntimeClass, namespace) to answer.
    """
    exempt = controlplane.EXEMPT
    space = suite.space(enforce="baseline")
    suite.bind(space, exempt, "edit", {"apiGroup": RBAC, "kind": "User", "name": exempt})
    suite.may(space, exempt, {"verb": "create", "resource": "pods"})
    label, _, value = PART_OF.partition("=")
    kind = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "handler": exempt}
    objects.apply(suite.connection, {**kind, "metadata": {"name": exempt, "labels": {label: value}}}, "default")
    return {
        "nobody": suite.ask(pod, space),
        "user": suite.ask(pod, space, exempt),
        "RuntimeClass": suite.ask({**pod, "spec": {**pod["spec"], "runtimeClassName": exempt}}, space),
        "namespace": suite.ask(pod, suite.space(enforce="baseline", name=exempt)),
    }


def audited(suite: PolicySuite) -> float:
    """Return how many Pods the API server has found against a level that is audited."""
    return suite.count("pod_security_evaluations_total", mode="audit", decision="deny")


def limited(suite: PolicySuite, action: str, lowest: int | None = None) -> str:
    """Make a namespace for the policy of today/limits.yaml; return it when admission knows of all that it needs.

    Parameters
    ----------
    suite : PolicySuite
    action : str
        How the policy is bound there: deny, warn or audit.
    lowest : int, optional
        The parameter, the lowest user; without it there is none.
    """
    space = suite.space({f"security.kitlib/{LIMIT}": action})
    if lowest:
        (limit,) = objects.load(suite.folder / "today" / "lowest.yaml")
        objects.apply(suite.connection, {**limit, "data": {"lowest": str(lowest)}}, space)
    below = pod(called="below", securityContext={"runAsUser": 0})
    before, said = limits(suite, action), f"users must be {lowest} or more"

    def known(answer: Answer) -> bool:
        if not lowest:
            return not answer.admitted
        if action == "audit":
            return limits(suite, action) > before
        return said in answer.said or said in "".join(answer.warnings)

    suite.until(below, space, known, f"{LIMIT}, {action}, {lowest}")
    return space


def limits(suite: PolicySuite, action: str) -> float:
    """Return how many Pods the policy of today/limits.yaml found wanting where it is bound like this."""
    return suite.count("apiserver_validating_admission_policy_check_total", policy=LIMIT, enforcement_action=action)


def turns(suite: PolicySuite, names: str, again: str) -> str:
    """Have a mutating policy for each letter, each of which writes its own behind what is there, and ask for a Pod.

    Parameters
    ----------
    suite : PolicySuite
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
        text = (suite.folder / "today" / "turns.yaml").read_text(encoding="utf-8")
        text = text.replace("turn-a", f"turn-{name}").replace("'a'", f"'{name}'")
        objects.apply(suite.connection, text if name in again else text.replace("IfNeeded", "Never"), "default")
    space = suite.space({TURNS: "watched"})
    whole = lambda answer: {*_turns(answer)} == {*names}  # noqa: E731
    return _turns(admission.again(lambda: suite.ask(pod(), space), whole, "all of them have written"))


def _turns(answer: Answer) -> str:
    return str(answer.stored.get("metadata", {}).get("annotations", {}).get(TURNS, ""))
