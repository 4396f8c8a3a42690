"""Exercises of the lesson `why`."""

from kitlib import Frames, equal, never
from kitlib.claims import Check
from kitlib.lab import Exercise

BROKEN = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: localhost/probe:local
          {what}
"""
BEFORE = '''
lab.apply("""{manifest}""")
lab.wait("deployment/{name}", until=lambda it: it["status"].get("observedGeneration"), what="seen by its controller")
'''


def stage(name: str, what: str) -> str:
    """Return what makes a Deployment of two Pods that something holds up."""
    return BEFORE.format(name=name, manifest=BROKEN.format(name=name, what=what))


def repaired(frames: Frames, name: str) -> dict[str, Check]:
    """Return what must be so of each of them."""
    told = ["resourceVersion", "type", "name", "uid", "generation", "spec.replicas", "availableReplicas"]
    rows = frames.workloads.query("kind == 'Deployment'")
    rows = rows[rows["name"] == name][told]
    last = rows.tail(1)
    return {
        "Two Pods are available": equal(last["availableReplicas"].tolist(), [2], last, "available"),
        "Two were wanted all the time": never(rows, "`spec.replicas` != 2"),
        "It is still the same Deployment": never(rows, "type == 'DELETED'")
        & equal(rows["uid"].nunique(), 1, rows, "Deployments"),
    }


def room(frames: Frames) -> dict[str, Check]:
    return repaired(frames, "large")


def door(frames: Frames) -> dict[str, Check]:
    return repaired(frames, "closed")


def words(frames: Frames) -> dict[str, Check]:
    rows = frames.workloads.query("kind == 'Deployment' and name == 'silent'")
    untouched = never(rows[["resourceVersion", "name", "generation"]], "generation > 1")
    return {**repaired(frames, "silent"), "The Deployment itself was left as it is": untouched}


EXERCISES = [
    Exercise(
        name="no-room",
        task="Nothing of the Deployment `large` runs. Find out why, and have its two Pods available.",
        before=stage("large", 'resources: {requests: {memory: "90Ti"}}'),
        check=room,
        hints=(
            "What does the scheduler say? `%kubectl describe pod -l app=large` ends with its Events.",
            "No node has so much memory. A request is in the Pod's template: a new revision may ask for less.",
        ),
        solution='lab.patch("deployment/large", {"spec": {"template": {"spec": {"containers": '
        '[{"name": "web", "resources": {"requests": {"memory": "16Mi"}}}]}}}})\n'
        'lab.wait("deployment/large", rolled_out=True)',
        wrong='lab.patch("deployment/large", "spec: {replicas: 0}")\nlab.wait("deployment/large", settled=True)',
        told="Two were wanted all the time",
        containers=True,
    ),
    Exercise(
        name="closed-door",
        task="The Pods of `closed` run, and nobody is let in. Find out why, and have both available.",
        before=stage("closed", "readinessProbe: {httpGet: {path: /readiness, port: 9090}, periodSeconds: 1}"),
        check=door,
        hints=(
            "The probe's own words are in an Event: `%kubectl get events`.",
            "The program listens on port 8080.",
        ),
        solution='lab.patch("deployment/closed", {"spec": {"template": {"spec": {"containers": '
        '[{"name": "web", "readinessProbe": {"httpGet": {"path": "/readiness", "port": 8080}}}]}}}})\n'
        'lab.wait("deployment/closed", rolled_out=True)',
        wrong='lab.delete("deployment/closed", propagation="Background")\nlab.wait("deployment/closed", deleted=True)',
        told="It is still the same Deployment",
        containers=True,
    ),
    Exercise(
        name="missing-words",
        task="The containers of `silent` aren't even made. Mend that without a change of the Deployment.",
        before=stage("silent", "envFrom: [{configMapRef: {name: words}}]"),
        check=words,
        hints=(
            "What does the container wait for? `%kubectl describe pod -l app=silent` says it.",
            "It asks for a ConfigMap that there isn't. The kubelet looks again by itself.",
        ),
        solution='lab.apply("""\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: words}\ndata: {HELLO: world}\n""")\n'
        'lab.wait("deployment/silent", settled=True)',
        wrong='lab.patch("deployment/silent", {"spec": {"template": {"spec": {"containers": '
        '[{"name": "web", "envFrom": [{"configMapRef": {"name": "words", "optional": True}}]}]}}}})\n'
        'lab.wait("deployment/silent", rolled_out=True)',
        told="The Deployment itself was left as it is",
        containers=True,
    ),
]
