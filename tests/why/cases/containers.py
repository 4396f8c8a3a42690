"""What only a kubelet with containers shows: images, configuration, crashes, probes, lost nodes."""

from __future__ import annotations

import random
from typing import Any

from tests.why.cases.case import (
    IMAGE,
    Case,
    both,
    case,
    condition,
    ended,
    event,
    template,
    there,
    waiting,
    word,
    workload,
)

KINDS = ("Deployment", "StatefulSet", "DaemonSet")
SERVE = {"args": ["serve"], "ports": [{"containerPort": 8080}]}


def made(
    rng: random.Random, way: int, container: dict[str, Any], sign: Any, spec: dict[str, Any] | None = None, **more: Any
) -> Case:
    kind, name = KINDS[way % 3], word(rng)
    item = workload(kind, name, template(name, spec, container), 1)
    return Case(f"{kind.lower()}/{name}", [*more.pop("before", []), item], sign, **more)


PULL = waiting("ImagePullBackOff", "ErrImagePull")


@case("image-missing", containers=True, ways=0)  # needs a registry that answers: see the list in docs
def image_missing(rng: random.Random, way: int, namespace: str) -> Case:
    return made(rng, way, {"image": f"registry.example.com/{word(rng)}:none", "imagePullPolicy": "Always"}, PULL)


@case("image-registry", containers=True)
def registry(rng: random.Random, way: int, namespace: str) -> Case:
    image = (f"localhost:1/{word(rng)}:1", f"registry.invalid/{word(rng)}:1", f"127.0.0.1:9/{word(rng)}:1")[way]
    return made(rng, way, {"image": image, "imagePullPolicy": "Always"}, both(PULL, event("Failed", "pull")))


@case("image-policy", containers=True)
def policy(rng: random.Random, way: int, namespace: str) -> Case:
    container = {"image": f"localhost/{word(rng)}-{way}:none", "imagePullPolicy": "Never"}
    return made(rng, way, container, waiting("ErrImageNeverPull"))


@case("image-name", containers=True)
def name(rng: random.Random, way: int, namespace: str) -> Case:
    image = (f"{word(rng).upper()}:1", f"localhost/{word(rng)}:one:two", f"localhost//{word(rng)}")[way]
    return made(rng, way, {"image": image}, waiting("InvalidImageName"))


def config(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


@case("configmap-missing", containers=True)
def configmap(rng: random.Random, way: int, namespace: str) -> Case:
    wanted = f"{word(rng)}-settings"
    if way == 2:
        volume = {"volumes": [{"name": "settings", "configMap": {"name": wanted}}]}
        return made(
            rng,
            way,
            {**SERVE, "volumeMounts": [{"name": "settings", "mountPath": "/settings"}]},
            event("FailedMount", "configmap"),
            volume,
        )
    source = (
        {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": wanted, "key": "a"}}}]},
        {"envFrom": [{"configMapRef": {"name": wanted}}]},
    )[way]
    return made(rng, way, {**SERVE, **source}, waiting("CreateContainerConfigError"))


@case("secret-missing", containers=True)
def secret(rng: random.Random, way: int, namespace: str) -> Case:
    wanted = f"{word(rng)}-login"
    if way == 2:
        volume = {"volumes": [{"name": "login", "secret": {"secretName": wanted}}]}
        return made(
            rng,
            way,
            {**SERVE, "volumeMounts": [{"name": "login", "mountPath": "/login"}]},
            event("FailedMount", "secret"),
            volume,
        )
    source = (
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": wanted, "key": "a"}}}]},
        {"envFrom": [{"secretRef": {"name": wanted}}]},
    )[way]
    return made(rng, way, {**SERVE, **source}, waiting("CreateContainerConfigError"))


@case("key-missing", containers=True)
def key(rng: random.Random, way: int, namespace: str) -> Case:
    before = [config("settings", there="1")]
    if way == 2:
        volume = {
            "volumes": [
                {"name": "settings", "configMap": {"name": "settings", "items": [{"key": "none", "path": "a"}]}}
            ]
        }
        mounted = {**SERVE, "volumeMounts": [{"name": "settings", "mountPath": "/settings"}]}
        return made(rng, way, mounted, event("FailedMount", "non-existent"), volume, before=before)
    kind = ("configMapKeyRef", "secretKeyRef")[way]
    if way == 1:
        before = [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "settings"}, "stringData": {"there": "1"}}
        ]
    source = {"env": [{"name": "A", "valueFrom": {kind: {"name": "settings", "key": word(rng)}}}]}
    return made(rng, way, {**SERVE, **source}, waiting("CreateContainerConfigError"), before=before)


@case("non-root", containers=True)
def non_root(rng: random.Random, way: int, namespace: str) -> Case:
    context = {"securityContext": {"runAsNonRoot": True}}
    on_pod = way == 1
    return made(
        rng,
        way,
        {**SERVE, **({} if on_pod else context)},
        waiting("CreateContainerConfigError"),
        context if on_pod else None,
    )


@case("start", containers=True)
def start(rng: random.Random, way: int, namespace: str) -> Case:
    command = (["/no/such/program"], [word(rng)], ["/etc"])[way]
    return made(rng, way, {"command": command}, waiting("RunContainerError", "CrashLoopBackOff"))


def working(code: int) -> dict[str, Any]:
    """Return a container that ends after a second with an exit code."""
    settings = {"PROBE_EXIT_AFTER": "1s", "PROBE_EXIT_CODE": str(code)}
    return {"args": ["job"], "env": [{"name": key, "value": value} for key, value in settings.items()]}


@case("exit-code", containers=True)
def exit_code(rng: random.Random, way: int, namespace: str) -> Case:
    return made(rng, way, working((1, rng.randint(3, 90), 127)[way]), ended())


@case("completed", containers=True)
def completed(rng: random.Random, way: int, namespace: str) -> Case:
    return made(rng, way, working(0), ended())


@case("init", containers=True)
def init(rng: random.Random, way: int, namespace: str) -> Case:
    first = {"name": word(rng), "image": IMAGE, "imagePullPolicy": "IfNotPresent", **working(way + 1)}
    return made(rng, way, SERVE, ended(), {"initContainers": [first]})


def probe(path: str, port: int = 8080, **more: Any) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": 1, "failureThreshold": 2, **more}


PROBES = (
    probe("/set"),  # takes a POST only: 405
    {"tcpSocket": {"port": 9}, "periodSeconds": 1},
    {"exec": {"command": ["/no/such"]}, "periodSeconds": 1},  # an error, not a failure: the kubelet doesn't kill for it
)
FAILS = {"exec": {"command": ["/probe", "check", "--file", "/no/such"]}, "periodSeconds": 1}


@case("readiness", containers=True)
def readiness(rng: random.Random, way: int, namespace: str) -> Case:
    return made(rng, way, {**SERVE, "readinessProbe": PROBES[way]}, event("Unhealthy", "Readiness probe"))


@case("liveness", containers=True)
def liveness(rng: random.Random, way: int, namespace: str) -> Case:
    checked = {**(*PROBES[:2], FAILS)[way], "failureThreshold": 1}
    sign = both(event("Killing", "liveness"), ended())
    return made(rng, way, {**SERVE, "livenessProbe": checked}, sign)


@case("startup", containers=True)
def startup(rng: random.Random, way: int, namespace: str) -> Case:
    checked = {**PROBES[way], "failureThreshold": 60}
    return made(rng, way, {**SERVE, "startupProbe": checked}, event("Unhealthy", "Startup probe"))


@case("readiness-gate", containers=True)
def gate(rng: random.Random, way: int, namespace: str) -> Case:
    sign = there(
        "pods",
        lambda pod: any(
            each["type"] == "ContainersReady" and each["status"] == "True"
            for each in pod["status"].get("conditions", ())
        ),
    )
    return made(rng, way, SERVE, sign, {"readinessGates": [{"conditionType": f"example.com/{word(rng)}"}]})


@case("oom", containers=True)
def oom(rng: random.Random, way: int, namespace: str) -> Case:
    """As the lesson about a Pod's life has it: it takes more memory every second, up to its limit."""
    limits = {"resources": {"limits": {"memory": f"{32 + 16 * way}Mi"}}}
    settings = {"PROBE_MEMORY": "256Mi", "PROBE_MEMORY_RATE": "64Mi"}
    taking = {"env": [{"name": key, "value": value} for key, value in settings.items()]}
    seen = there("pods", lambda pod: "OOMKilled" in str(pod.get("status")))
    return made(rng, way, {**taking, **limits}, seen)


@case("hook", containers=True)
def hook(rng: random.Random, way: int, namespace: str) -> Case:
    handlers = (
        {"exec": {"command": ["/no/such"]}},
        {"httpGet": {"path": "/", "port": 9}},
        {"exec": {"command": [word(rng)]}},
    )
    return made(rng, way, {**SERVE, "lifecycle": {"postStart": handlers[way]}}, event("FailedPostStartHook"))


@case("job-backoff", containers=True, name="job-exit")
def job(rng: random.Random, way: int, namespace: str) -> Case:
    called = word(rng)
    pod = template(called, {"restartPolicy": ("Never", "OnFailure", "Never")[way]}, working(way + 1))
    item = workload("Job", called, pod, backoffLimit=way)
    return Case(f"job/{called}", [item], condition("jobs", "Failed", "True"))
