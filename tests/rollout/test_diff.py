"""What differs between two runs: one changed setting is found and named first; another run is no difference."""

from __future__ import annotations

import json

import msgspec
import pytest

from kitlib import rollout
from kitlib.errors import UsageError
from kitlib.rollout.diff import durations_differ, occurrences_differ
from tests.rollout.again import another_run, changed, recording, rows_of

LESSONS = ("start", "pod", "hooks", "job", "cronjob", "deployment", "daemonset", "events", "dns", "static-pods")


def template(obj):
    return obj["spec"]["template"]["spec"]["containers"][0]


SETTINGS = {
    "replicas": ("start", "Deployment", "hello", lambda o: o["spec"].update(replicas=7), "spec.replicas", "7"),
    "image": (
        "start", "Deployment", "hello", lambda o: template(o).update(image="web:9"),
        "spec.template.spec.containers[hello].image", "web:9",
    ),
    "maxSurge": (
        "start", "Deployment", "hello", lambda o: o["spec"]["strategy"]["rollingUpdate"].update(maxSurge=4),
        "spec.strategy.rollingUpdate.maxSurge", "4",
    ),
    "a label": (
        "start", "Deployment", "hello", lambda o: o["metadata"].setdefault("labels", {}).update(team="a"),
        "metadata.labels[team]", "a",
    ),
    "a probe": (
        "hooks", "ReplicaSet", "drained",
        lambda o: template(o)["readinessProbe"].update(periodSeconds=9),
        "spec.template.spec.containers[web].readinessProbe.periodSeconds", "9",
    ),
    "grace": (
        "hooks", "Pod", "stubborn", lambda o: o["spec"].update(terminationGracePeriodSeconds=99),
        "spec.terminationGracePeriodSeconds", "99",
    ),
    "backoffLimit": ("job", "Job", "one", lambda o: o["spec"].update(backoffLimit=0), "spec.backoffLimit", "0"),
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


def of_start(change=lambda rows: rows, **how):
    return rollout.diff(recording("start", rows_of("start")), another_run("start", change(rows_of("start")), **how))


def test_a_pod_that_was_not_made_is_found():
    gone = next(row.uid for row in rows_of("start") if row.kind == "Pod")
    found = of_start(lambda rows: [row for row in rows if row.uid != gone])
    assert [(each.what, each.object, each.field) for each in found.findings] == [
        ("count", "deployment/hello", "Pods made")
    ]


def warnings(count):
    """Return what adds warnings of a reason, each an Event of its own."""

    def change(rows):
        model = next(row for row in rows if row.kind == "Event")
        for number in range(count):
            obj = json.loads(model.object)
            uid = f"{model.uid[:-4]}{number:04x}"
            obj["metadata"].update(uid=uid, name=f"hello.{number}")
            obj.update(reason="Unhealthy", type="Warning")
            twin = msgspec.structs.replace(model, uid=uid, name=f"hello.{number}", object=json.dumps(obj).encode())
            place = rows.index(model)
            rows = [*rows[:place], twin, *rows[place:]]
        return rows

    return change


def test_many_events_of_a_reason_are_a_difference_and_few_may_be_noise():
    many, few = of_start(warnings(12)), of_start(warnings(2))
    assert [each.what for each in many.findings] == ["Event"] and "Unhealthy" in many.findings[0].field
    assert not few.findings and ["Unhealthy" in each.field for each in few.noise] == [True]


def test_a_promise_that_was_broken_is_found():
    def change(rows):
        name = [row.name for row in rows if row.kind == "ReplicaSet"][-1]
        last = max(row.seq for row in rows if row.kind == "ReplicaSet" and row.name == name)
        crowd = changed(
            [row for row in rows if row.seq == last], "ReplicaSet", name, lambda o: o["spec"].update(replicas=9)
        )
        return sorted([row for row in rows if row.seq != last] + crowd, key=lambda row: row.seq)

    found = of_start(change)
    assert [(each.what, each.a, each.b) for each in found.findings] == [("verdict", "kept", "broken")]


def test_kinds_that_one_side_does_not_follow_are_named_and_not_compared():
    def change(rows):
        return [row for row in rows if row.kind != "Event" and row.stream != "events" and row.name != "events"]

    found = of_start(change)
    assert not found.findings and "Event" in found.unseen and not [each for each in found.noise if each.what == "Event"]


def test_a_busy_machine_is_no_difference():
    found = of_start(pace=30)
    assert not found.findings


def test_several_recordings_tell_how_much_it_varies():
    def runs(*paces):
        return [another_run("start", rows_of("start"), seed, pace) for seed, pace in enumerate(paces)]

    assert not rollout.diff(runs(1, 3), runs(2, 4)).findings
    found = rollout.diff(runs(1, 1.05), runs(6, 6.1))
    assert found.spread and {each.what for each in found.findings} == {"duration"}


def scaled(replicas):
    return changed(rows_of("start"), "Deployment", "hello", lambda o: o["spec"].update(replicas=replicas))


def test_settings_that_vary_within_a_side_are_noise():
    def side(*replicas):
        return [another_run("start", scaled(each)) for each in replicas]

    assert not [each for each in rollout.diff(side(3, 4), side(5, 5)).findings if each.what == "setting"]
    assert [each.b for each in rollout.diff(side(3, 3), side(5, 5)).findings if each.what == "setting"] == ["5"]


def test_sides_without_a_common_object_are_refused():
    with pytest.raises(UsageError, match="no object in common"):
        rollout.diff(recording("start", rows_of("start")), recording("job", rows_of("job")))
    with pytest.raises(UsageError, match="has no recording"):
        rollout.diff([], [])


@pytest.mark.parametrize(
    ("one", "other", "pace", "differ"),
    [
        ([1], [11], 1, True),
        ([1], [9], 1, False),
        ([0.1], [4], 1, False),
        ([1], [11], 3, False),
        ([1, 2], [5, 6], 1, True),
        ([1, 3], [5, 6], 1, False),
        ([1], [9, 9.5], 1, True),
        ([3.9], [5.0, 5.1], 1, False),
        ([1, 1], [1.5, 1.5], 1, False),
    ],
)
def test_durations(one, other, pace, differ):
    assert durations_differ(one, other, pace) is durations_differ(other, one, 1 / pace) is differ


@pytest.mark.parametrize(
    ("one", "other", "differ"), [([0], [9], True), ([0], [8], False), ([0], [0], False), ([0, 9], [5, 20], False)]
)
def test_occurrences(one, other, differ):
    assert occurrences_differ(one, other) is occurrences_differ(other, one) is differ
