"""What differs between two runs: one changed setting is found and named first, another run of the same is no difference."""

from __future__ import annotations

import pytest

from kitlib import rollout
from tests.rollout.again import another_run, changed, recording, rows_of

LESSONS = ("start", "pod", "hooks", "job", "cronjob", "deployment", "daemonset", "events", "dns", "static-pods")


def template(obj):
    return obj["spec"]["template"]["spec"]["containers"][0]


SETTINGS = {
    "replicas": ("start", "Deployment", "hello", lambda o: o["spec"].update(replicas=7), "spec.replicas", "7"),
    "image": (
        "start", "Deployment", "hello", lambda o: template(o).update(image="web:9"),
        "spec.template.spec.containers[web].image", "web:9",
    ),
    "maxSurge": (
        "deployment", "Deployment", "ten", lambda o: o["spec"]["strategy"]["rollingUpdate"].update(maxSurge=4),
        "spec.strategy.rollingUpdate.maxSurge", "4",
    ),
    "a label": (
        "start", "Deployment", "hello", lambda o: o["metadata"].setdefault("labels", {}).update(team="a"),
        "metadata.labels[team]", "a",
    ),
    "a probe": (
        "hooks", "ReplicaSet", "drained",
        lambda o: template(o)["readinessProbe"].update(periodSeconds=9),
        "spec.template.spec.containers[server].readinessProbe.periodSeconds", "9",
    ),
    "grace": (
        "hooks", "Pod", "stubborn", lambda o: o["spec"].update(terminationGracePeriodSeconds=99),
        "spec.terminationGracePeriodSeconds", "99",
    ),
    "backoffLimit": ("job", "Job", "one", lambda o: o["spec"].update(backoffLimit=0), "spec.backoffLimit", "0"),
    "schedule": (
        "cronjob", "CronJob", "allow", lambda o: o["spec"].update(schedule="*/5 * * * *"), "spec.schedule", "*/5 * * * *",
    ),
    "updateStrategy": (
        "daemonset", "DaemonSet", "agent", lambda o: o["spec"]["updateStrategy"].update(type="OnDelete"),
        "spec.updateStrategy.type", "OnDelete",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lesson", LESSONS)
def test_another_run_of_the_same_is_no_difference(lesson):
    found = rollout.diff(recording(lesson, rows_of(lesson)), another_run(lesson, rows_of(lesson)))
    assert not found.findings and not found.differs, found.table.to_string()
    assert sum(found.compared.values()) > 10


@pytest.mark.parametrize("what", SETTINGS)
def test_one_changed_setting_is_found_and_named_first(what):
    lesson, kind, name, change, field, value = SETTINGS[what]
    rows = rows_of(lesson)
    found = rollout.diff(recording(lesson, rows), another_run(lesson, changed(rows, kind, name, change)))
    first = found.findings[0]
    assert (first.what, first.object, first.field) == ("setting", f"{kind.lower()}/{name}", field)
    assert first.b == value and first.a != value
    assert [each for each in found.findings if each.what == "setting"] == [first]
