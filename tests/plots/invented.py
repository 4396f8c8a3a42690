"""An invented cluster: recordings with the shape of real ones, made without a cluster, for the tests of figures.

Nothing here is measured. Times, names and the controller's behaviour are made up; only the objects' fields are
Kubernetes' own. Real recordings are in tests/data.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any

from kitlib.recording import Recording
from tests.plots.received import Received


class Cluster:
    """A Deployment controller, a scheduler and kubelets, all invented, that write a Recording.

    Parameters
    ----------
    replicas : int
        spec.replicas of the Deployment.
    surge, unavailable : int or str
        maxSurge and maxUnavailable as written.
    strategy : str
        RollingUpdate or Recreate.
    name : str
        Of the Deployment.
    seed : int
        Of the jitter.
    """

    def __init__(
        self,
        replicas: int = 6,
        surge: int | str = 2,
        unavailable: int | str = 1,
        strategy: str = "RollingUpdate",
        name: str = "web",
        seed: int = 1,
    ) -> None:
        self.random = random.Random(seed)
        self.replicas, self.surge, self.unavailable, self.strategy = replicas, surge, unavailable, strategy
        self.name = name
        self._received = Received()
        self.queue: list[tuple[float, int, Callable[[], None]]] = []
        self.ticket = 0
        self.generation = 0
        self.revision = 0
        self.template = ""
        self.sets: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, dict[str, Any]] = {}
        self.never_ready: set[str] = set()
        self.unschedulable: set[str] = set()
        self.slow = 1.0
        self.wrong = 0

    @property
    def recording(self) -> Recording:
        """What a recorder has received."""
        return self._received.recording

    # what a test says

    def run(self, seconds: float) -> Cluster:
        """Let time pass."""
        until = self._received.now + seconds
        while self.queue and self.queue[0][0] <= until:
            self._received.now, _, what = heapq.heappop(self.queue)
            what()
        self._received.now = until
        return self

    def apply(self, template: str) -> Cluster:
        """Write the Deployment with this template."""
        first = not self.template
        self.template = template
        self.generation += 1
        self._deployment("ADDED" if first else "MODIFIED")
        self._later(0.03, self._new_set)
        return self

    def scale(self, replicas: int) -> Cluster:
        """Write spec.replicas."""
        self.replicas = replicas
        self.generation += 1
        self._deployment()
        self._later(0.03, self._reconcile)
        return self

    def step(self, name: str, edge: str = "begin") -> Cluster:
        """Mark a step's edge."""
        self._received.mark("STEP", name, {"edge": edge, "id": name})
        return self

    def gap(self, seconds: float, kind: str = "Pod") -> Cluster:
        """Receive nothing for a while; at its end list again what there is."""
        self._received.deafen(kind)
        self.run(seconds)
        self._received.list_again(kind)
        return self

    # what the invented controllers do

    def _bounds(self) -> tuple[int, int]:
        if self.strategy == "Recreate":
            return self.replicas, 0
        surge, unavailable = self.surge, self.unavailable
        up = -(-self.replicas * int(surge[:-1]) // 100) if isinstance(surge, str) else surge
        down = self.replicas * int(unavailable[:-1]) // 100 if isinstance(unavailable, str) else unavailable
        return self.replicas + up + self.wrong, self.replicas - down - self.wrong

    def _new_set(self) -> None:
        self.revision += 1
        digest = f"{abs(hash_of(self.template)):x}"[:9]
        one = self.sets.get(self.template)
        if one is None:
            one = {"name": f"{self.name}-{digest}", "template": self.template, "uid": f"rs-{digest}", "spec": 0}
            self.sets[self.template] = one
            one["revision"] = self.revision
            self._set(one, "ADDED")
        one["revision"] = self.revision
        self._set(one)
        self._reconcile()

    def _of(self, one: dict[str, Any]) -> list[dict[str, Any]]:
        return [pod for pod in self.pods.values() if pod["set"] is one and not pod["deleted"]]

    def _reconcile(self) -> None:
        new = self.sets.get(self.template)
        if new is None:
            return
        upper, lower = self._bounds()
        old = [one for one in self.sets.values() if one is not new]
        alive = sum(len(self._of(one)) for one in self.sets.values())
        if self.strategy == "Recreate":
            for one in old:
                self._down(one, len(self._of(one)))
            if not any(pod["set"] is not new for pod in self.pods.values()):
                self._up(new, self.replicas - len(self._of(new)))
        else:
            self._up(new, min(self.replicas - len(self._of(new)), upper - alive))
            have = len(self._of(new))
            self._down(new, have - self.replicas)
            for one in old:
                available = sum(pod["ready"] for pod in self.pods.values() if not pod["deleted"])
                sick = [pod for pod in self._of(one) if not pod["ready"]]
                spare = available - lower
                self._down(one, min(len(self._of(one)), len(sick) + max(spare, 0)))
        self._deployment()

    def _up(self, one: dict[str, Any], count: int) -> None:
        if count <= 0:
            return
        one["spec"] += count
        self._received.event(
            "Deployment", self.name, "ScalingReplicaSet", f"Scaled up replica set {one['name']} to {one['spec']}"
        )
        self._set(one)
        for _ in range(count):
            suffix = "".join(self.random.choices("bcdfghjklmnpqrstvwxz2456789", k=5))
            pod = {
                "name": f"{one['name']}-{suffix}",
                "uid": f"{one['uid']}-{suffix}",
                "set": one,
                "node": "",
                "phase": "Pending",
                "ready": False,
                "deleted": False,
                "why": None,
            }
            self.pods[pod["uid"]] = pod
            self._received.now += 0.004
            self._pod(pod, "ADDED")
            self._received.event("ReplicaSet", one["name"], "SuccessfulCreate", f"Created pod: {pod['name']}")
            self._later(self.random.uniform(0.02, 0.08), lambda pod=pod: self._schedule(pod))

    def _down(self, one: dict[str, Any], count: int) -> None:
        if count <= 0:
            return
        one["spec"] -= count
        text = f"Scaled down replica set {one['name']} to {one['spec']}"
        self._received.event("Deployment", self.name, "ScalingReplicaSet", text)
        self._set(one)
        for pod in sorted(self._of(one), key=lambda pod: pod["ready"])[:count]:
            pod["deleted"] = True
            pod["ready"] = False
            self._received.now += 0.004
            self._pod(pod)
            self._received.event("ReplicaSet", one["name"], "SuccessfulDelete", f"Deleted pod: {pod['name']}")
            self._later(self.random.uniform(0.3, 1.0) * self.slow, lambda pod=pod: self._gone(pod))

    def _schedule(self, pod: dict[str, Any]) -> None:
        if pod["deleted"]:
            return
        if pod["set"]["template"] in self.unschedulable:
            pod["why"] = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available"
            self._received.event("Pod", pod["name"], "FailedScheduling", pod["why"], "Warning")
        else:
            pod["node"] = f"node-{self.random.randrange(3)}"
            text = f"Successfully assigned demo/{pod['name']} to {pod['node']}"
            self._received.event("Pod", pod["name"], "Scheduled", text)
            self._later(self.random.uniform(0.2, 0.5) * self.slow, lambda: self._start(pod))
        self._pod(pod)

    def _start(self, pod: dict[str, Any]) -> None:
        if pod["deleted"]:
            return
        pod["phase"] = "Running"
        self._pod(pod)
        self._received.event("Pod", pod["name"], "Started", "Started container web")
        if pod["set"]["template"] not in self.never_ready:
            self._later(self.random.uniform(0.4, 1.2) * self.slow, lambda: self._ready(pod))

    def _ready(self, pod: dict[str, Any]) -> None:
        if pod["deleted"]:
            return
        pod["ready"] = True
        self._pod(pod)
        self._later(0.01, self._reconcile)

    def _gone(self, pod: dict[str, Any]) -> None:
        del self.pods[pod["uid"]]
        self._pod(pod, "DELETED")
        self._later(0.01, self._reconcile)

    # what the recorder is sent

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        self.ticket += 1
        heapq.heappush(self.queue, (self._received.now + seconds, self.ticket, what))

    def _counts(self, pods: list[dict[str, Any]]) -> dict[str, int]:
        ready = sum(pod["ready"] for pod in pods)
        return {"replicas": len(pods), "readyReplicas": ready, "availableReplicas": ready}

    def _deployment(self, type_: str = "MODIFIED", origin: str = "watch") -> None:
        alive = [pod for pod in self.pods.values() if not pod["deleted"]]
        new = self.sets.get(self.template)
        rolling = {"rollingUpdate": {"maxSurge": self.surge, "maxUnavailable": self.unavailable}}
        self._received.object(
            "Deployment",
            "apps/v1",
            type_,
            origin,
            {
                "name": self.name,
                "uid": "d-1",
                "generation": self.generation,
                "annotations": {"deployment.kubernetes.io/revision": str(self.revision)},
            },
            spec={
                "replicas": self.replicas,
                "strategy": {"type": self.strategy, **(rolling if self.strategy == "RollingUpdate" else {})},
                "template": {"spec": {"containers": [{"image": f"registry.example/web:{self.template}"}]}},
            },
            status={
                "observedGeneration": self.generation if new and new["revision"] == self.revision else 0,
                "updatedReplicas": len(self._of(new)) if new else 0,
                **self._counts(alive),
            },
        )

    def _set(self, one: dict[str, Any], type_: str = "MODIFIED", origin: str = "watch") -> None:
        owner = {"kind": "Deployment", "name": self.name, "uid": "d-1", "controller": True}
        digest = one["name"].rsplit("-", 1)[1]
        self._received.object(
            "ReplicaSet",
            "apps/v1",
            type_,
            origin,
            {
                "name": one["name"],
                "uid": one["uid"],
                "labels": {"pod-template-hash": digest},
                "annotations": {"deployment.kubernetes.io/revision": str(one["revision"])},
                "ownerReferences": [owner],
            },
            spec={
                "replicas": one["spec"],
                "template": {"spec": {"containers": [{"image": f"registry.example/web:{one['template']}"}]}},
            },
            status=self._counts(self._of(one)),
        )

    def _pod(self, pod: dict[str, Any], type_: str = "MODIFIED", origin: str = "watch") -> None:
        one = pod["set"]
        meta: dict[str, Any] = {
            "name": pod["name"],
            "uid": pod["uid"],
            "labels": {"pod-template-hash": one["name"].rsplit("-", 1)[1]},
            "ownerReferences": [{"kind": "ReplicaSet", "name": one["name"], "uid": one["uid"], "controller": True}],
        }
        if pod["deleted"]:
            meta["deletionTimestamp"] = self._received.stamp()
        conditions = [{"type": "Ready", "status": str(pod["ready"])}]
        if pod["why"]:
            conditions.append(
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": pod["why"]}
            )
        self._received.object(
            "Pod",
            "v1",
            type_,
            origin,
            meta,
            spec={
                "containers": [{"image": f"registry.example/web:{one['template']}"}],
                **({"nodeName": pod["node"]} if pod["node"] else {}),
            },
            status={"phase": pod["phase"], "conditions": conditions},
        )


def hash_of(text: str) -> int:
    """Return a number that is the same in every run."""
    return sum((index + 7) ** 5 * ord(char) ** 3 for index, char in enumerate(text + "seven")) % (16**9) + 16**8


def cut(cluster: Cluster, lead: float = 1.5) -> Any:
    """Return the frames from shortly before its first step on."""
    from kitlib.frames import Frames

    steps = [row.monotonic_ns for row in cluster.recording.rows if row.type == "STEP"]
    return Frames(cluster.recording, begin_ns=steps[0] - round(lead * 1e9))
