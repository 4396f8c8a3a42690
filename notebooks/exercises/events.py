"""The Events notebook's exercises."""

from __future__ import annotations

from kitlib import equal, eventually, never
from kitlib.claims import Check
from kitlib.frames import Frames
from kitlib.lab import Exercise

REPLICASET = """
apiVersion: apps/v1
kind: ReplicaSet
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      {more}
      containers: [{{name: web, image: "localhost/probe:local"}}]
"""
NOBODY = "schedulerName: nobody"
STUCK = REPLICASET.format(name="stuck", replicas=1, more="serviceAccountName: builder")
BEFORE = f'''
lab.apply("""{STUCK}""")
told = lambda event: event["reason"] == "FailedCreate" and event["involvedObject"]["name"] == "stuck"
lab.until(lambda: any(map(told, lab.recorder.latest("events"))), "it is told that it can't make its Pod")
'''
MANY = [REPLICASET.format(name=f"many-{letter}", replicas=8, more=NOBODY) for letter in "ab"]
SIXTEEN = REPLICASET.format(name="many-in-one", replicas=16, more=NOBODY)
MADE = """
made = lambda event: event["reason"] == "SuccessfulCreate" and "many-" in event["involvedObject"]["name"]
count = lambda: sum(event["count"] for event in lab.recorder.latest("events") if made(event))
lab.until(lambda: count() == 16, "sixteen Pods are told of")
"""
NOTE = """
pod = lab.get("pod/billing")
about = {{"apiVersion": "v1", "kind": "Pod", "name": "billing", "namespace": lab.namespace{uid}}}
lab.apply({{
    "apiVersion": "v1", "kind": "Event", "metadata": {{"name": "billing.checked"}}, "involvedObject": about,
    "type": "Normal", "reason": "Checked", "message": "Looked through on Monday", "source": {{"component": "me"}},
}})
"""
BILLING = """
apiVersion: v1
kind: Pod
metadata: {name: billing}
spec:
  schedulerName: nobody
  containers: [{name: web, image: "localhost/probe:local"}]
"""


def stuck(frames: Frames) -> dict[str, Check]:
    pods = frames.pods.query("`owner.name` == 'stuck'")[["resourceVersion", "type", "name", "state"]]
    sets = frames.workloads.query("name == 'stuck'")[["resourceVersion", "type", "name", "uid"]]
    told = frames.events.query("`involvedObject.name` == 'stuck'")[["resourceVersion", "reason", "message"]]
    return {
        "Its Pod is made": eventually(pods, "type == 'ADDED'"),
        "It is told of, too": eventually(told, "reason == 'SuccessfulCreate'"),
        "It is still the same ReplicaSet": never(sets, "type == 'DELETED'"),
    }


def each_of_them(frames: Frames) -> dict[str, Check]:
    events = frames.events.query("`involvedObject.name`.str.startswith('many-') and reason == 'SuccessfulCreate'")
    events = events[["resourceVersion", "name", "uid", "message", "count"]]
    pods = frames.pods.query("`owner.name`.str.startswith('many-')")[["resourceVersion", "name", "uid"]]
    named = events[events["message"].str.startswith("Created pod: ")]["message"].str.split().str[-1]
    return {
        "Sixteen Pods are made": equal(pods["uid"].nunique(), 16, pods, "Pods"),
        "Each has an Event of its own": equal(named.isin(pods["name"]).sum(), 16, events, "Pods with their own"),
        "None is told of in common with others": never(events, "message.str.contains('combined')"),
    }


def note(frames: Frames) -> dict[str, Check]:
    pods = frames.pods.query("name == 'billing'")[["resourceVersion", "name", "uid"]]
    events = frames.events.query("reason == 'Checked'")
    events = events[
        ["resourceVersion", "name", "message", "involvedObject.kind", "involvedObject.name", "involvedObject.uid"]
    ]
    mine = events["involvedObject.uid"].isin(pods["uid"])
    return {
        "There is an Event with the reason Checked": eventually(events, "name != ''"),
        "It is about the Pod billing": eventually(
            events, "`involvedObject.kind` == 'Pod' and `involvedObject.name` == 'billing'"
        ),
        "It is about this very Pod, whatever comes after it": equal(
            bool(len(mine)) and bool(mine.all()), True, events, "its uid is this Pod's", frames=[events, pods]
        ),
    }


EXERCISES = [
    Exercise(
        name="find-out-why",
        task="The ReplicaSet `stuck` makes no Pod, and there is no Pod to look at. Find out why, and mend it.",
        before=BEFORE,
        check=stuck,
        hints=(
            "What a controller can't do it says of its own object: `%kubectl events --for replicaset/stuck`.",
            "Its Pods are to run as a ServiceAccount that there isn't. It tries again by itself, later and later.",
        ),
        solution='lab.apply("{apiVersion: v1, kind: ServiceAccount, metadata: {name: builder}}")\n'
        'lab.until(lambda: lab.owned("pods", "stuck"), "its Pod is made")\n'
        'told = lambda event: event["reason"] == "SuccessfulCreate" and event["involvedObject"]["name"] == "stuck"\n'
        'lab.until(lambda: any(map(told, lab.recorder.latest("events"))), "it is told")',
        wrong='lab.delete("replicaset/stuck")\nlab.wait("replicaset/stuck", deleted=True)',
        told="It is still the same ReplicaSet",
    ),
    Exercise(
        name="each-of-them",
        task="Have ReplicaSets make sixteen Pods, so that each of them is told of by an Event of its own. The ReplicaSets' "
        "names are to begin with `many-`; for their Pods `schedulerName: nobody` will do.",
        check=each_of_them,
        hints=(
            "From which similar Event on does a controller write one for all? What makes Events similar?",
            "Similar are those about the same object. Nobody says that one ReplicaSet must make all sixteen.",
        ),
        solution="".join(f'lab.apply("""{each}""")\n' for each in MANY) + MADE,
        wrong=f'lab.apply("""{SIXTEEN}""")\n' + MADE,
        told="Each has an Event of its own",
    ),
    Exercise(
        name="leave-a-note",
        task="Leave an Event with the reason `Checked` about the Pod `billing`, so that nobody takes it for one about a "
        "later Pod of that name.",
        before=f'lab.apply("""{BILLING}""")',
        check=note,
        hints=(
            "What tells an object from its successor of the same name?",
            "`involvedObject` has a `uid`; it needs a `namespace`, too, the Event's own.",
        ),
        solution=NOTE.format(uid=', "uid": pod["metadata"]["uid"]'),
        wrong=NOTE.format(uid=""),
        told="It is about this very Pod, whatever comes after it",
    ),
]
