"""Exercises of the DaemonSet lesson."""

from kitlib import Frames, always, equal, eventually, never
from kitlib.claims import Check
from kitlib.frames import latest
from kitlib.lab import Exercise

SET = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - {{name: main, image: "web:1.0"}}
"""


def stage(name: str) -> str:
    """Return what makes a DaemonSet, and waits for it."""
    return f'lab.apply("""{SET.format(name=name)}""")\nlab.wait("daemonset/{name}", settled=True)'


def one_node_less(frames: Frames) -> dict[str, Check]:
    sets = frames.daemonsets.query("name == 'driver'")[["resourceVersion", "type", "desiredNumberScheduled"]]
    pods = frames.pods.query("`owner.name` == 'driver'")
    last, first = sets["desiredNumberScheduled"].iloc[-1], sets["desiredNumberScheduled"].iloc[0]
    left = latest(pods).query("ready and state != 'Terminating'")
    return {
        "The set wants a Pod on one node less than before": equal(int(last), int(first) - 1, sets, "nodes wanted"),
        "So many Pods are ready": equal(len(left), int(first) - 1, left[["name", "nodeName"]], "ready Pods"),
        "It is still the same set": never(sets, "type == 'DELETED'"),
    }


def no_gap(frames: Frames) -> dict[str, Check]:
    sets = frames.daemonsets.query("name == 'dns-cache'")
    pods = frames.pods.query("`owner.name` == 'dns-cache'")
    left = latest(pods)[["name", "image", "ready"]]
    unavailable = sets[["resourceVersion", "numberUnavailable"]]
    return {
        "All Pods have the image web:2.0, and are ready": always(left, "image == 'web:2.0' and ready", "it has"),
        "No node was without an available Pod for a moment": never(
            unavailable, "numberUnavailable > 0", "a node without"
        ),
    }


def one_first(frames: Frames) -> dict[str, Check]:
    pods = frames.pods.query("`owner.name` == 'monitor'")[["resourceVersion", "type", "name", "uid", "image"]]
    left = latest(pods)
    return {
        "One Pod has the image web:2.0": equal(int((left["image"] == "web:2.0").sum()), 1, left, "new Pods"),
        "The others still have web:1.0": equal(
            int((left["image"] == "web:1.0").sum()), pods["name"].nunique() - 2, left, "old Pods"
        ),
        "The set itself has the new image, so a new node would get it": eventually(
            frames.workloads.query("kind == 'DaemonSet' and name == 'monitor'")[["resourceVersion", "image"]],
            "image == 'web:2.0'",
        ),
    }


AFFINITY = """
node = lab.owned("pods", "driver")[0]["spec"]["nodeName"]
terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "NotIn", "values": [node]}]}]
required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
lab.patch("daemonset/driver", {"spec": {"template": {"spec": {"affinity": {"nodeAffinity": required}}}}})
lab.wait("daemonset/driver", settled=True)
"""

EXERCISES = [
    Exercise(
        name="one-node-less",
        task="The DaemonSet `driver` must not run on one of its nodes, whichever you choose. Don't touch the node.",
        before=stage("driver"),
        check=one_node_less,
        hints=(
            "The template says which nodes fit: by `nodeSelector`, or by an affinity.",
            "A node affinity may exclude: `operator: NotIn`. Each node has a label `kubernetes.io/hostname`.",
        ),
        solution=AFFINITY.strip(),
        wrong='name = lab.owned("pods", "driver")[0]["metadata"]["name"]\n'
        'lab.delete(f"pod/{name}")\nlab.wait(f"pod/{name}", deleted=True)\nlab.wait("daemonset/driver", settled=True)',
        told="The set wants a Pod on one node less than before",
    ),
    Exercise(
        name="no-gap",
        task="Update the DaemonSet `dns-cache` to the image `web:2.0`, so that no node is without it for a moment.",
        before=stage("dns-cache"),
        check=no_gap,
        hints=(
            "By default the old Pod goes before the new one is made.",
            "`maxSurge: 1` turns that round; then `maxUnavailable` has to be 0.",
        ),
        solution='lab.patch("daemonset/dns-cache", "spec: {updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}}")\n'
        'lab.set_image("daemonset/dns-cache", "web:2.0")\nlab.wait("daemonset/dns-cache", settled=True)',
        wrong='lab.set_image("daemonset/dns-cache", "web:2.0")\nlab.wait("daemonset/dns-cache", settled=True)',
        told="No node was without an available Pod for a moment",
    ),
    Exercise(
        name="one-first",
        task="Try the image `web:2.0` of the DaemonSet `monitor` on one node only. The set is to have it already.",
        before=stage("monitor"),
        check=one_first,
        hints=(
            "Which update strategy does nothing by itself?",
            "Change the strategy to `OnDelete` before the image; then a Pod that you delete comes back with it.",
        ),
        solution='lab.patch("daemonset/monitor", "spec: {updateStrategy: {type: OnDelete, rollingUpdate: null}}")\n'
        'lab.set_image("daemonset/monitor", "web:2.0")\n'
        'name = lab.owned("pods", "monitor")[0]["metadata"]["name"]\n'
        'count = len(lab.owned("pods", "monitor"))\n'
        'lab.delete(f"pod/{name}")\nlab.wait(f"pod/{name}", deleted=True)\nlab.wait_ready("app=monitor", count)',
        wrong='lab.set_image("daemonset/monitor", "web:2.0")\nlab.wait("daemonset/monitor", settled=True)',
        told="The others still have web:1.0",
    ),
]
