"""Exercises of the CronJob lesson."""

from kitlib import Frames, equal, eventually, never
from kitlib.claims import Check
from kitlib.lab import Exercise

STAGE = '''
lab.apply("""
apiVersion: batch/v1
kind: CronJob
metadata: {{name: {name}}}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate:
    spec:
      suspend: true
      template:
        spec:
          restartPolicy: Never
          containers: [{{name: work, image: "localhost/probe:local", args: [job]}}]
""")
'''
JOB = """
found = lab.get("cronjob/report")
owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "report", "uid": found["metadata"]["uid"], "controller": True}
about = {"name": "report-now", "annotations": {"cronjob.kubernetes.io/instantiate": "manual"}, "ownerReferences": [owner]}
"""
APPLY = 'lab.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": about, "spec": found["spec"]["jobTemplate"]["spec"]})'


def run_now(frames: Frames) -> dict[str, Check]:
    jobs = frames.jobs.query("name.str.startswith('report')")[
        ["resourceVersion", "name", "uid", "owner.name", "manual"]
    ]
    cronjobs = frames.cronjobs.query("name == 'report'")[["resourceVersion", "name", "schedule", "suspend"]]
    return {
        "There is one Job more": equal(jobs["uid"].nunique(), 1, jobs, "Jobs", frames=frames.jobs),
        "It belongs to the CronJob": eventually(jobs, "`owner.name` == 'report'"),
        "It is marked as made by hand": eventually(jobs, "manual"),
        "The schedule is what it was": never(cronjobs, "schedule != '0 0 1 1 *'"),
    }


def no_two(frames: Frames) -> dict[str, Check]:
    cronjobs = frames.cronjobs.query("name == 'sync'")[
        ["resourceVersion", "type", "name", "concurrencyPolicy", "suspend"]
    ]
    last = cronjobs.tail(1)
    return {
        "No two of its Jobs will be at work": never(last, "concurrencyPolicy == 'Allow'"),
        "The newer one goes on, not the older": eventually(last, "concurrencyPolicy == 'Replace'"),
        "It still runs": never(cronjobs, "suspend or type == 'DELETED'"),
    }


def hold(frames: Frames) -> dict[str, Check]:
    cronjobs = frames.cronjobs.query("name == 'backup'")[["resourceVersion", "type", "name", "schedule", "suspend"]]
    return {
        "The CronJob is there": never(cronjobs, "type == 'DELETED'"),
        "It makes no Jobs": eventually(cronjobs.tail(1), "suspend"),
        "Its schedule is not lost": never(cronjobs, "schedule != '0 0 1 1 *'"),
    }


EXERCISES = [
    Exercise(
        name="run-it-now",
        task="The CronJob `report` runs once a year. Run it now, so that the Job belongs to it and counts in its history.",
        before=STAGE.format(name="report"),
        check=run_now,
        hints=(
            "`kubectl create job --from=cronjob/report report-now` does it. What does that write?",
            "A Job with the CronJob's template, an owner reference to it, and the annotation "
            "`cronjob.kubernetes.io/instantiate: manual`.",
        ),
        solution=JOB.strip() + "\n" + APPLY,
        wrong=JOB.strip() + '\ndel about["ownerReferences"]\n' + APPLY,
        told="It belongs to the CronJob",
    ),
    Exercise(
        name="no-two",
        task="Two runs of `sync` must not be at work at once, and the newer one knows better. Change the CronJob so.",
        before=STAGE.format(name="sync"),
        check=no_two,
        hints=("`spec.concurrencyPolicy` has three values.", "One of them lets the older Job go on, one ends it."),
        solution='lab.patch("cronjob/sync", "spec: {concurrencyPolicy: Replace}")',
        wrong='lab.patch("cronjob/sync", "spec: {concurrencyPolicy: Forbid}")',
        told="The newer one goes on, not the older",
    ),
    Exercise(
        name="hold",
        task="Nothing of `backup` may begin until you say so; what the CronJob knows must not be lost.",
        before=STAGE.format(name="backup"),
        check=hold,
        hints=("A schedule that never comes would do, and lose the one that there is.", "`spec.suspend`."),
        solution='lab.patch("cronjob/backup", "spec: {suspend: true}")',
        wrong='lab.patch("cronjob/backup", "spec: {schedule: \'0 0 30 2 *\'}")',
        told="It makes no Jobs",
    ),
]
