"""The lesson `why`: each of its broken Deployments is broken in the one way that the lesson says."""

from __future__ import annotations

from pathlib import Path

from kitlib import objects
from tests.conftest import CHECKOUT
from tests.lessons.manifests import by_name

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "why"
LINES = {
    "No Pod runs: paused, refused, or without a node": [
        "A paused Deployment makes no ReplicaSet, and nothing is wrong with it: it waits to be resumed",
        "Pods that ask for a ServiceAccount that there isn't are refused: the ReplicaSet is there, and no Pod",
        "Pods that ask for more CPU than any node has are made, and get no node",
    ],
    "A Pod doesn't start: image, ConfigMap, key": [
        "With imagePullPolicy Never an image that the node doesn't have isn't fetched, and the container isn't made",
        "A container whose ConfigMap there isn't isn't made",
        "A ConfigMap that lacks the key that is asked for is as good as none, and it is told as something else",
        "All three are Pending for that: the phase doesn't tell them apart, the reason of the waiting container does",
    ],
    "A container doesn't stay: exit code, memory, liveness probe": [
        "A program that ends is started again, whatever its exit code; what is wrong is the program's to say",
        "A container that takes more memory than its limit is killed",
        "A container whose liveness probe fails is killed by the kubelet, though its program would go on",
    ],
    "A Pod runs and isn't ready": ["A Pod that runs and isn't ready is not available: the roll-out waits for it"],
    "What can't be told without Events": [
        "Without Events it can't be told for certain what a probe has said: the cause is likely",
        "What the scheduler and the kubelet say stands in the Pod, too: there it can be told without Events",
    ],
    "A repair": [
        "The kubelet looks again by itself: the same Pod goes on once its ConfigMap is there",
        "Once it is what it should be, nothing is said to hold it up",
    ],
}
WRONG: dict[str, str] = {}
"""Sentences that aren't true, and stand there as such: none."""


def deployments() -> dict[str, dict]:
    return {name: item for name, item in by_name(MANIFESTS).items() if item["kind"] == "Deployment"}


def test_there_are_ten_and_their_names_tell_nothing() -> None:
    names = [name.partition("/")[2] for name in deployments()]
    assert len(names) == 10 and len({name[0] for name in names}) == 10
    assert all("app" in item["spec"]["selector"]["matchLabels"] for item in deployments().values())


def test_only_one_thing_is_missing_where_something_is() -> None:
    there = {path.name: [item["metadata"]["name"] for item in objects.load(path)] for path in _files()}
    assert "settings" not in there["not-started.yaml"] and there["settings.yaml"] == ["settings"]
    defaults = by_name(MANIFESTS)["ConfigMap/defaults"]
    wanted = deployments()["Deployment/fox"]["spec"]["template"]["spec"]["containers"][0]["env"][0]["valueFrom"]
    assert wanted["configMapKeyRef"]["name"] == "defaults" and wanted["configMapKeyRef"]["key"] not in defaults["data"]


def _files() -> list[Path]:
    return sorted(MANIFESTS.glob("*.yaml"))
