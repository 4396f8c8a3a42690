"""What the server or a container answered to a lesson whose recording doesn't hold it: as it was, and otherwise.

Recordings keep answers since 2026-11-30. What stands in one is changed by `tests.lessons.answeredits`; of a lesson that
was recorded anew only the other answers count here, where no such change turns a claim.

A claim that stands on such an answer (`equal(…, direct=True)`) is tested with both: with the first it gets the verdict
that it expects, with the second another one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from kitlib.errors import ClusterError

Answers = dict[str, Any]
"""By what is asked: "lab.ask", or the name of a function that the lesson itself defines."""


def job(so: bool) -> Answers:
    """What is refused."""
    supported = '"Never", "OnFailure"' if so else '"Never"'
    said = (
        f'Job.batch "always" is invalid: spec.template.spec.restartPolicy: Unsupported value: "Always": '
        f"supported values: {supported}"
    )
    return {"lab.refused": lambda write, file: said}


def cronjob(so: bool) -> Answers:
    """What is refused, which versions of the API are served, and what kubectl makes."""
    fields = {"mars": "spec.timeZone", "inline": "[spec.schedule" if so else "spec.other"}

    def refused(write: Callable[..., Any], file: str) -> str:
        field = next(field for name, field in fields.items() if name in file)
        return f'CronJob.batch "x" is invalid: {field}: Invalid value'

    def get(path: str) -> dict[str, Any]:
        if (path.rpartition("/")[2] == "v1") != so:
            raise ClusterError("the server could not find the requested resource", step="get")
        return {"resources": [{"name": "cronjobs"}]}

    about = {"metadata": {"uid": ""}, "spec": {"jobTemplate": {"spec": {}}}}
    return {
        "lab.get": lambda ref: {**about, "apiVersion": "batch/v1" if so else "batch/v2alpha1"},
        "lab.refused": refused,
        "lab.connection": SimpleNamespace(get=get),
        "lab.cluster": SimpleNamespace(provider="kind", runs_containers=True),
        "by_run": lambda lab: "pod/hello" if so else "cronjob.batch/hello",
    }


def ingress(so: bool) -> Answers:
    """Whose ports answer on which nodes, what is refused, and who answers from outside."""
    path = "spec.rules[0].http.paths[0]"
    broken = f"spec.rules[0].host: Invalid value, {path}.path: Invalid value" + (f", {path}.backend: Required" * so)
    ports = f"provided port is not in the valid range. The range of valid ports is {30000 if so else 1}-32767"
    node = {"status": {"addresses": [{"address": "10.0.0.1"}]}}
    return {
        "lab.connection": SimpleNamespace(get=lambda path: {"items": [node] * (3 if so else 2)}),
        "lab.refused": lambda word, file: broken if "broken" in file else ports,
        "knock": lambda node, port: "shop-1" if so else "refused",
        "by_host": lambda: "cart" if so else "shop",
    }


def traefik(so: bool) -> Answers:
    """What is refused, what manifests on the disk say, and what turns took of the processor."""
    fields = {"weight": "http.paths[0].backend.service.weight", "header": "headers"}

    def refused(write: Callable[..., Any], file: str) -> str:
        name = file.rpartition("/")[2].removesuffix(".yaml")
        return f".spec.rules[0].{fields[name]}: field not declared in schema" if so else "forbidden"

    def counted(way: str, job: str) -> dict[str, Any]:
        values = {"route": 3 if job == "rewrite" or not so else 1}.get(way, 2)
        return {"way": way, "job": job, "objects": 1, "lines": 1, "values": values}

    def cell(way: str, job: str, worked: bool) -> str:
        if so and not worked:
            return "✗"
        borrowed = so and (way == "ingress" or (way == "gateway" and job == "password"))
        return "✓ with Traefik's Middleware" if borrowed else "✓"

    return {
        "lab.refused": refused,
        "counted": counted,
        "cell": cell,
        "taken": lambda turn: {"traefik": 90.0 if so else 1.0, "nginx": 1.0 if so else 90.0},
    }


def cluster_api(so: bool) -> Answers:
    """A health check by two versions of the API, what is refused, and what clusters say of their parts."""
    checks = {"nodeStartupTimeoutSeconds": 600 if so else 300, "unhealthyNodeConditions": []}
    trigger = {"unhealthyLessThanOrEqualTo": "40%"}
    check = {"metadata": {"uid": "a"}, "spec": {"checks": checks, "remediation": {"triggerIf": trigger}}}
    older = {"metadata": {"uid": "a"}, "spec": {"maxUnhealthy": "40%" if so else "100%"}}
    found = [{"standard": "containers (CRI)", "implementation": "kwok-v0.8.0", "read from": "Node"}]
    own = {"cluster": "embedded-1.37", "simulated": True, "found": found}
    return {
        "lab.get": lambda ref: check,
        "lab.refused": lambda *said: "must be at least 30s" if so else "must be at least 1s",
        "lab.connection": SimpleNamespace(get=lambda path: older),
        "own_cluster": lambda: {**own, "nodeInfo": ["osImage"] if so else ["networkPlugin"]},
        "served_kinds": lambda: ["CSIDriver", "CSINode", "CSIStorageCapacity", "Pod"] if so else ["Pod"],
    }


def kube_vip(so: bool) -> Answers:
    """What nodes, Services and the API server tell: as it was recorded, or otherwise."""
    if so:
        return {}
    early = {"wall_ns": 1, "event": "address", "what": "added", "address": "10.0.0.9", "interface": "eth0"}
    trial = {"wall_ns": 2, "event": "trial", "file": "", "tries": 1}

    def told(of: str, command: list[str]) -> str:
        text = " ".join(command)
        answers = {
            "stat": "/vip.yaml 3.0\n/etcd.yaml 2.0\n/kube-apiserver.yaml 1.0",
            "grep": f"    server: https://{'10.9.0.2' if of == 'control-plane' else '10.9.9.9'}:6443",
            "getent": "10.9.9.8 api.kitlib",
            "ps": "haproxy",
            "ls": "super-admin.conf",
            "date": "0",
        }
        if "/var/log/pods" in text:
            said = {"as-admin": "allowed", "as-super-admin": "forbidden"}
            which = next((each for each in said if f"_{each}-" in text), "")
            return json.dumps(trial | {"said": said[which]} if which else early)
        if command[0] == "ip":
            everywhere = "inet 10.9.0.2/16 brd 10.9.255.255\n inet 10.9.255.200/32 scope\n inet 10.9.255.202/32 scope"
            return "" if command[-1] == "lo" else f"link/ether 02:00:00:00:00:09 brd ff\n {everywhere}"
        return "200" if "curl" in text else answers.get(command[0], "0")

    def node(name: str) -> SimpleNamespace:
        quiet = dict.fromkeys(("write", "remove", "wait"), lambda *words: "")
        return SimpleNamespace(name=f"kitlib-1.37-ha-{name}", run=partial(told, name), read=lambda path: "", **quiet)

    served = {"loadBalancer": {"ingress": [{"ip": "10.9.9.7"}]}}
    return {
        "lab.node": node,
        "lab.get": lambda ref: {"status": served, "spec": {"containers": []}},
        "lab.connection": SimpleNamespace(get=lambda path: {"metadata": {"creationTimestamp": "2090-01-01T00:00:00Z"}}),
    }


ANSWERS: dict[str, Callable[[bool], Answers]] = {
    "cluster-api": cluster_api,
    "cronjob": cronjob,
    "ingress": ingress,
    "job": job,
    "kube-vip": kube_vip,
    "traefik": traefik,
}
"""By lesson, as far as any needs them: what was answered, or (False) something else."""

__all__ = ["ANSWERS", "Answers"]
