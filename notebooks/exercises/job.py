"""Exercises of the Job lesson."""

from kitlib import Frames, equal, eventually, never
from kitlib.claims import Check
from kitlib.frames import latest
from kitlib.lab import Exercise

SEVERAL = """
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}}}
spec:
  completions: {completions}
  parallelism: 1
  template:
    metadata: {{annotations: {{kitlib/run-for: 3s, kitlib/ready-delay: 0s, kitlib/create-delay: 0s}}}}
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers:
        - {{name: work, image: "localhost/probe:local", args: [job], env: [{{name: PROBE_EXIT_AFTER, value: 3s}}]}}
"""
BEFORE = '''
lab.apply("""{manifest}""")
lab.wait("job/{name}", until=lambda job: job["status"].get("active") == 1, what="active")
'''


def stage(name: str, completions: int) -> str:
    """Return what makes a Job that works through some Pods, three seconds each, one at a time."""
    return BEFORE.format(name=name, manifest=SEVERAL.format(name=name, completions=completions))


def three(frames: Frames) -> dict[str, Check]:
    jobs = frames.jobs.query("name == 'batch'")[["resourceVersion", "type", "name", "uid", "active", "finished"]]
    return {
        "Three Pods are active at some time": eventually(jobs, "active == 3"),
        "Never more than three are": never(jobs, "active > 3"),
        "It is still the same Job": never(jobs, "type == 'DELETED'") & equal(jobs["uid"].nunique(), 1, jobs, "Jobs"),
    }


def pause(frames: Frames) -> dict[str, Check]:
    jobs = frames.jobs.query("name == 'archive'")[["resourceVersion", "type", "name", "active", "suspend", "finished"]]
    pods = latest(frames.pods).query("`owner.name` == 'archive' and state not in ['Succeeded', 'Failed']")
    last = jobs.tail(1)
    return {
        "The Job is there": never(jobs, "type == 'DELETED'"),
        "None of its Pods is at work any more": equal(len(pods), 0, last, "Pods at work", frames=frames.pods)
        & equal(last["active"].tolist(), [0], last, "active"),
        "It is neither Complete nor Failed: it can go on": never(jobs, "finished != ''"),
    }


def tidy(frames: Frames) -> dict[str, Check]:
    jobs = frames.jobs.query("name == 'report'")[
        ["resourceVersion", "type", "name", "ttlSecondsAfterFinished", "finished"]
    ]
    pods = frames.pods.query("`owner.name` == 'report'").drop_duplicates("uid", keep="last")
    return {
        "The Job has finished its work": eventually(jobs, "finished == 'Complete'"),
        "Then it went": eventually(jobs, "type == 'DELETED'"),
        "By itself: because its time to live was over": eventually(jobs, "ttlSecondsAfterFinished >= 0"),
        "None of its Pods is left": never(pods[["name", "state"]], "state != 'Gone'"),
    }


EXERCISES = [
    Exercise(
        name="three-at-a-time",
        task="The Job `batch` works through six Pods, one at a time. Have three at work at once, without making it anew.",
        before=stage("batch", 6),
        check=three,
        hints=(
            "Which field says how many may be active at the same time?",
            "A Job's `spec.parallelism` may be changed while it works.",
        ),
        solution='lab.patch("job/batch", "spec: {parallelism: 3}")\n'
        'lab.wait("job/batch", until=lambda job: job["status"].get("active") == 3, what="three at work")',
        wrong='lab.patch("job/batch", "spec: {parallelism: 5}")\n'
        'lab.wait("job/batch", until=lambda job: job["status"].get("active", 0) > 3, what="more than three at work")',
        told="Never more than three are",
    ),
    Exercise(
        name="pause",
        task="The Job `archive` is in the way right now. Stop its Pods, so that it can go on with its work tomorrow.",
        before=stage("archive", 6),
        check=pause,
        hints=(
            "Deleting it loses what it has counted. With `parallelism: 0` it makes no more Pods; what is the word for all of it?",
            "Suspend it: `spec.suspend`.",
        ),
        solution='lab.patch("job/archive", "spec: {suspend: true}")\n'
        'lab.wait("job/archive", condition="Suspended")\n'
        'lab.wait("job/archive", until=lambda job: not job["status"].get("terminating"), what="its Pods have ended")',
        wrong='lab.delete("job/archive", propagation="Background")\nlab.wait("job/archive", deleted=True)',
        told="The Job is there",
    ),
    Exercise(
        name="tidy-up",
        task="The Job `report` is at work. See to it that it disappears by itself, with its Pods, within seconds of its end.",
        before=stage("report", 1),
        check=tidy,
        hints=(
            "There is a controller for it; it looks at a field of the Job, and at how long it has been finished.",
            "`spec.ttlSecondsAfterFinished` may be set at any time. It deletes in the foreground: Pods first.",
        ),
        solution='lab.patch("job/report", "spec: {ttlSecondsAfterFinished: 1}")\nlab.wait("job/report", deleted=True)',
        wrong='lab.wait("job/report", condition="Complete")\nlab.delete("job/report", propagation="Orphan")\n'
        'lab.wait("job/report", deleted=True)',
        told="None of its Pods is left",
    ),
]
